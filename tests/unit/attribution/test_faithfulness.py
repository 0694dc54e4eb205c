"""Insertion and deletion: exact ends, and a planted picture where one square matters."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from tests.unit import tiny
from tests.unit.attribution.test_methods import CLASS, OnePatch, Stopped, found, untouched
from vislib.analysis import faithfulness as judging
from vislib.attribution import faithfulness, methods
from vislib.models.loading import LoadedModel, ModelInput
from vislib.observe.capture import run_with_cache
from vislib.schema import ShapeError

CELLS, STEPS = 8, 16


def curve(
    model: LoadedModel, inputs: ModelInput, order: np.ndarray, kind: Any, **more: Any
) -> np.ndarray:
    """A curve with the blurred picture as the stand-in."""
    size = model.config.size
    masks = judging.masks(order, cells=CELLS, steps=STEPS, shape=(size, size))
    baseline = methods.stand_in(inputs.tensor, "blur")
    ends = methods.end_logits(model, inputs, baseline)
    choices: dict[str, Any] = {"target": CLASS, "kind": kind, "ends": ends}
    return faithfulness.curve(model, inputs, baseline, masks, **(choices | more))


@pytest.mark.parametrize("family", tiny.FAMILIES)
def test_the_ends_are_the_models_probabilities(family: str) -> None:
    model = tiny.tiny_model(family)
    inputs, order = tiny.noise(model), judging.random_order(CELLS, 0)
    blurred = tiny.as_input(model, methods.stand_in(inputs.tensor, "blur"))
    whole = run_with_cache(model, inputs, "logits").probabilities()[CLASS]
    nothing = run_with_cache(model, blurred, "logits").probabilities()[CLASS]
    insertion, deletion = (curve(model, inputs, order, kind) for kind in ("insertion", "deletion"))
    assert (insertion[0], insertion[-1]) == (nothing, whole)
    assert (deletion[0], deletion[-1]) == (whole, nothing)
    assert whole != nothing
    assert insertion[STEPS // 2] not in (whole, nothing)
    untouched(model, inputs)


def test_a_step_between_is_a_run_of_the_mixed_picture() -> None:
    model = tiny.tiny_model("mixer", dtype=torch.float64)
    inputs, order = tiny.noise(model), judging.random_order(CELLS, 1)
    baseline = methods.stand_in(inputs.tensor, "blur")
    mask = judging.masks(order, cells=CELLS, steps=STEPS, shape=(30, 30))[5]
    mixed = torch.where(torch.as_tensor(mask), inputs.tensor, baseline)
    wanted = run_with_cache(model, tiny.as_input(model, mixed), "logits").probabilities()[CLASS]
    assert curve(model, inputs, order, "insertion")[5] == pytest.approx(wanted, rel=1e-9)
    assert curve(model, inputs, order, "deletion")[5] != pytest.approx(wanted, rel=1e-3)


def test_one_square_that_matters_is_worth_all_the_area() -> None:
    model = tiny.wrap(OnePatch(8, 20), "mixer", size=32)  # cell (2, 5) of 8 x 8
    pixels = torch.zeros(1, 3, 32, 32)
    pixels[..., 8:12, 20:24] = 1.0
    inputs = tiny.as_input(model, pixels)
    order = judging.order_of(found(model, "integrated_gradients", inputs).values, CELLS)
    assert order[0] == 2 * CELLS + 5
    at_once = curve(model, inputs, order, "insertion")
    assert np.array_equal(at_once[1:], np.full(STEPS, at_once[-1]))
    assert at_once[-1] > at_once[0] + 0.05
    gone = curve(model, inputs, order, "deletion")
    assert np.array_equal(gone[1:], np.full(STEPS, gone[-1]))
    backwards = order[::-1]
    assert judging.area(curve(model, inputs, backwards, "insertion")) < judging.area(at_once)
    random = [judging.random_order(CELLS, seed) for seed in range(30)]
    areas = np.array([judging.area(curve(model, inputs, o, "insertion")) for o in random])
    half = (at_once[0] + at_once[-1]) / 2  # on average the square comes half way
    assert abs(areas.mean() - half) < 0.2 * (at_once[-1] - at_once[0])
    assert areas.max() <= judging.area(at_once)


def test_stopping_and_what_does_not_fit() -> None:
    model = tiny.tiny_model("vit")
    inputs, order = tiny.noise(model), judging.random_order(CELLS, 0)
    steps: list[tuple[int, int]] = []
    curve(model, inputs, order, "insertion", report=lambda *step: steps.append(step))
    assert steps[-1] == (STEPS + 1, STEPS + 1)

    def stop(_done: int, _total: int) -> None:
        raise Stopped

    with pytest.raises(Stopped):
        curve(model, inputs, order, "insertion", report=stop)
    untouched(model, inputs)
    with pytest.raises(ShapeError, match="0 to 6 exist"):
        curve(model, inputs, order, "insertion", target=-1)
    wrong = [np.ones((3, 3), bool)]
    ends = np.zeros((2, tiny.CLASSES))
    asked: dict[str, Any] = {"target": 0, "kind": "deletion", "ends": ends}
    with pytest.raises(ShapeError, match="Masks of"):
        faithfulness.curve(model, inputs, inputs.tensor, wrong, **asked)


def test_the_ends_are_not_run_again() -> None:
    model = tiny.tiny_model("vit")
    inputs, order = tiny.noise(model), judging.random_order(CELLS, 0)
    baseline = methods.stand_in(inputs.tensor, "blur")
    ends = methods.end_logits(model, inputs, baseline)
    sizes: list[int] = []
    handle = model.module.register_forward_pre_hook(lambda _m, given: sizes.append(len(given[0])))
    try:
        curve(model, inputs, order, "deletion", ends=ends)
    finally:
        handle.remove()
    # ``curve`` above runs both ends for itself, then the steps between them.
    assert sum(sizes) == 2 + STEPS - 1
