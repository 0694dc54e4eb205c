"""What the page Estimates asks for: a method's map, and curves in an order of the cells."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from vislib.attribution import faithfulness, methods
from vislib.schema import LabelledArray, freeze

Report = Callable[[int, int], None]


def ends_of(place: Any, inputs: Any, *, stand_in: str) -> np.ndarray:
    """The logits of the picture and of its stand-in; see ``methods.end_logits``.

    Args:
        place: The loaded model.
        inputs: The prepared picture.
        stand_in: What stands where the picture is taken away: "blur" or "mean".
    """
    baseline = methods.stand_in(inputs.tensor, stand_in)  # type: ignore[arg-type]
    return freeze(methods.end_logits(place, inputs, baseline))


def map_of(
    place: Any, inputs: Any, method: str, *, target: int, stand_in: str, report: Report
) -> LabelledArray:
    """A method's map.

    Args:
        place: The loaded model; a private copy where others use it too.
        inputs: The prepared picture.
        method: Such as "grad_cam".
        target: The class, from 0.
        stand_in: What stands where the picture is taken away: "blur" or "mean".
        report: Called with the steps that are done, and all of them.
    """
    baseline = methods.stand_in(inputs.tensor, stand_in)  # type: ignore[arg-type]
    return methods.attribute(
        place,
        inputs,
        method,  # type: ignore[arg-type]
        target=target,
        baseline=baseline,
        site=methods.cam_site(place, place.sites) if method == "grad_cam" else None,
        report=report,
    )


def curves_of(
    place: Any,
    inputs: Any,
    masks: Sequence[np.ndarray],
    *,
    target: int,
    stand_in: str,
    ends: np.ndarray,
    report: Report,
) -> tuple[np.ndarray, np.ndarray]:
    """The class's probability while cells come in, and while they go.

    Args:
        place: The loaded model; a private copy where others use it too.
        inputs: The prepared picture.
        masks: Which pixels have been touched after each step; bool, axes (row, column).
        target: The class, from 0.
        stand_in: What stands where the picture is taken away: "blur" or "mean".
        ends: From ``ends_of``.
        report: Called with the steps that are done, and all of them.

    Returns:
        Insertion and deletion, float64, axes (step,).
    """
    baseline = methods.stand_in(inputs.tensor, stand_in)  # type: ignore[arg-type]

    def draw(kind: Any, before: int) -> np.ndarray:
        found = faithfulness.curve(
            place,
            inputs,
            baseline,
            masks,
            target=target,
            kind=kind,
            ends=ends,
            report=lambda done, total: report(before + done, 2 * total),
        )
        found.flags.writeable = False
        return found

    return draw("insertion", 0), draw("deletion", len(masks))
