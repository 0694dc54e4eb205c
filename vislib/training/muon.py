"""Muon: matrices take steps whose singular values are all about as large.

Keller Jordan et al., 2024 (kellerjordan.github.io/posts/muon); the step size is matched to AdamW's
as in arXiv 2502.16982, so that both can share one. ``torch.optim.Muon`` takes matrices alone and
one after the other, which on a GPU is many hundred tiny products a step; here kernels are read as
matrices, and many go together. A test compares the two.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

MOMENTUM = 0.95
COEFFICIENTS = (3.4445, -4.7750, 2.0315)
"""Of the polynomial that is applied to all singular values, five times."""
ITERATIONS = 5
SMALLEST = 1e-7
"""Least norm that is divided by."""
LIKE_ADAMW = 0.2
"""Root mean square of AdamW's typical step, in step sizes."""


class Muon(torch.optim.Optimizer):
    """Nesterov momentum, made orthogonal; weight decay as AdamW's.

    Args:
        matrices: Weights of two and more axes; the first axis is the output, the others together
            the input.
        lr: Step size, on AdamW's scale.
        weight_decay: Share of a weight that it loses in a step, in step sizes.
    """

    def __init__(self, matrices: Iterable[Tensor], *, lr: float, weight_decay: float) -> None:
        super().__init__(matrices, {"lr": lr, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """One step of all matrices that have a gradient.

        Raises:
            ValueError: A closure came; there is no line search here.
        """
        if closure is not None:
            raise ValueError("Muon takes no closure.")
        for group in self.param_groups:
            self._step(group)

    def _step(self, group: dict[str, Any]) -> None:
        """One step of a group."""
        gradients: list[Tensor] = [p.grad for p in group["params"] if p.grad is not None]
        matrices: list[Tensor] = [p for p in group["params"] if p.grad is not None]
        if not matrices:
            return
        for matrix in matrices:
            if not self.state[matrix]:
                self.state[matrix]["momentum"] = torch.zeros_like(matrix)
        momenta = [self.state[matrix]["momentum"] for matrix in matrices]
        torch._foreach_lerp_(momenta, gradients, 1 - MOMENTUM)
        ahead = torch._foreach_lerp(gradients, momenta, MOMENTUM)
        torch._foreach_mul_(matrices, 1 - group["lr"] * group["weight_decay"])
        flat = steps([move.flatten(1) for move in ahead])
        moves = [step.view(matrix.shape) for step, matrix in zip(flat, matrices, strict=True)]
        torch._foreach_add_(matrices, moves, alpha=-group["lr"])


def steps(gradients: Sequence[Tensor]) -> list[Tensor]:
    """What is subtracted from matrices, for a step size of 1.

    A GPU takes all at once, filled up to the largest with zeros: it waits for the many small
    products of one after the other. A processor takes those of equal shape at once.

    Args:
        gradients: One a matrix, axes (row, column), of any sizes.

    Returns:
        The same shapes and types.
    """
    wide = [g.mT if g.shape[0] > g.shape[1] else g for g in gradients]
    together: defaultdict[torch.Size | None, list[int]] = defaultdict(list)
    for place, matrix in enumerate(wide):
        together[_goes_with(matrix)].append(place)
    made = list(wide)
    for places in together.values():
        for place, step in zip(places, _alike([wide[place] for place in places]), strict=True):
            made[place] = step
    return [
        (m.mT if g.shape[0] > g.shape[1] else m).contiguous()
        for m, g in zip(made, gradients, strict=True)
    ]


def _goes_with(matrix: Tensor) -> torch.Size | None:
    """Which matrices it is taken together with."""
    return None if matrix.is_cuda else matrix.shape


def _alike(matrices: Sequence[Tensor]) -> list[Tensor]:
    """The same of matrices with no more rows than columns, all at once."""
    rows, columns = (max(m.shape[axis] for m in matrices) for axis in (0, 1))
    # Rows and columns of zeros change no singular value, and stay what they are.
    padded = matrices[0].new_zeros(len(matrices), rows, columns)
    spaces = [padded[i, : m.shape[0], : m.shape[1]] for i, m in enumerate(matrices)]
    torch._foreach_copy_(spaces, list(matrices))
    sizes = torch.tensor([LIKE_ADAMW * m.shape[1] ** 0.5 for m in matrices], dtype=padded.dtype)
    sizes = sizes.to(padded.device, non_blocking=True)
    made = orthogonal(padded).to(padded.dtype) * sizes[:, None, None]
    return [made[i, : m.shape[0], : m.shape[1]] for i, m in enumerate(matrices)]


def orthogonal(matrices: Tensor) -> Tensor:
    """Matrices with about the same singular vectors, and singular values of about 0.7 to 1.2.

    Newton-Schulz iteration in bfloat16. A row of zeros stays zero.

    Args:
        matrices: Axes (matrix, row, column), no more rows than columns.

    Returns:
        bfloat16, the same axes.
    """
    a, b, c = COEFFICIENTS
    wide = matrices.bfloat16()
    wide = wide / wide.norm(dim=(1, 2), keepdim=True).clamp(min=SMALLEST)
    for _ in range(ITERATIONS):
        squares = wide @ wide.mT
        polynomial = torch.baddbmm(squares, squares, squares, beta=b, alpha=c)
        wide = torch.baddbmm(wide, polynomial, wide, beta=a)
    return wide


def matrices_of(model: nn.Module) -> list[Tensor]:
    """The weights that Muon is made for: products and convolutions over all channels.

    Not those: depthwise kernels, which are many small filters and no matrix; embeddings; what reads
    colours, and what writes classes.

    Args:
        model: As timm builds it.
    """
    head = model.get_classifier()  # type: ignore[operator]
    return [
        part.weight
        for part in model.modules()
        if part is not head
        and (
            isinstance(part, nn.Linear)
            or (isinstance(part, nn.Conv2d) and part.groups == 1 and part.in_channels > 3)
        )
    ]
