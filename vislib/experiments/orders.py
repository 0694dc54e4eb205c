"""Fixed orders of a picture's pixels: one permutation for all pictures of a run.

MLP-Mixer's paper (arXiv 2105.01601, figure 4) trains on pictures whose patches, and the pixels in
them, are shuffled by one fixed permutation, and on pictures whose pixels are all shuffled.
"""

from __future__ import annotations

import numpy as np

from vislib.experiments.catalogue import ORDERS, ExperimentError


def places(order: str, *, size: int, patch: int, seed: int) -> tuple[int, ...]:
    """Where the pixel at each place comes from, row by row; empty for "original".

    Args:
        order: From ``ORDERS``. "patches" moves whole patches and shuffles the pixels in each,
            all patches alike; "pixels" moves every pixel anywhere.
        size: Side of the pictures, in pixels.
        patch: Side of a patch, in pixels.
        seed: Of the permutations.

    Returns:
        A permutation of the places 0 to size * size - 1, as ``augment.rearrange`` takes it.

    Raises:
        ExperimentError: No such order, or the patches do not fill the picture.
    """
    draw = np.random.default_rng(seed)
    if order == "original":
        return ()
    if order == "pixels":
        return tuple(draw.permutation(size * size).tolist())
    if order != "patches":
        raise ExperimentError("error.experiment.order", name=order, known=list(ORDERS))
    if size % patch:
        raise ExperimentError("error.experiment.patch", patch=patch, size=size)
    side = size // patch
    moved, within = draw.permutation(side * side), draw.permutation(patch * patch)
    # Axes (row of patches, column of patches, row within, column within)
    there = np.arange(size * size).reshape(side, patch, side, patch).transpose(0, 2, 1, 3)
    shuffled = there.reshape(side * side, patch * patch)[moved][:, within]
    back = shuffled.reshape(side, side, patch, patch).transpose(0, 2, 1, 3)
    return tuple(back.reshape(-1).tolist())
