"""Surgery and permutation: exact where they say so, and never on the shared model."""

from __future__ import annotations

import dataclasses
import threading
from typing import Any

import numpy as np
import pytest
import torch

from tests.unit import tiny
from tests.unit.observe import stress
from vislib.models import copying
from vislib.models.loading import LoadedModel
from vislib.observe import intervention
from vislib.observe.capture import run_with_cache
from vislib.schema import CaptureError, Cut, HookPoint, ModelError, ShapeError


def logits(model: LoadedModel, tensor: torch.Tensor) -> np.ndarray:
    """The logits of one picture."""
    return run_with_cache(model, tiny.as_input(model, tensor), "logits").logits


def cut_of(model: LoadedModel, kind: str, role: str = "", group: str = "") -> Cut:
    """The last cut of a kind (and role, and block) that the model offers."""
    return next(
        cut
        for cut in reversed(model.cuts)
        if cut.kind == kind and role in ("", cut.role) and group in ("", cut.group)
    )


@pytest.fixture(params=tiny.FAMILIES)
def model(request: pytest.FixtureRequest) -> LoadedModel:
    """A fresh tiny model of each family that offers cuts."""
    found = tiny.tiny_model(request.param)
    if not found.cuts:
        pytest.skip(f"{request.param} offers no cuts")
    return found


# The shared model


def test_every_cut_changes_the_answer_and_leaves_the_model_alone(model: LoadedModel) -> None:
    inputs = tiny.noise(model)
    before = run_with_cache(model, inputs, "logits").logits
    state = {name: value.clone() for name, value in model.module.state_dict().items()}
    for cut in model.cuts:
        moved = []
        for index in {0, cut.count // 2, cut.count - 1}:  # a kernel before a ReLU can be silent
            changed = intervention.switch_off(model, cut, index)
            after = run_with_cache(changed, inputs, "logits").logits
            moved.append(np.abs(after - before).max())
        assert 1e-6 < max(moved) < np.inf, cut
    assert np.array_equal(run_with_cache(model, inputs, "logits").logits, before)
    for name, value in model.module.state_dict().items():
        assert torch.equal(value, state[name]), name


def test_a_copy_shares_its_parameters_until_they_change(model: LoadedModel) -> None:
    copy = intervention.private(model)
    own = dict(model.module.named_parameters())
    assert all(value is own[name] for name, value in copy.module.named_parameters())
    assert copy.module is not model.module
    assert copy.lock is not model.lock
    cut = cut_of(model, "operator")
    changed = dict(intervention.switch_off(model, cut).module.named_parameters())
    written = {path for path, _, _ in cut.zeros}
    assert {name for name, value in changed.items() if value is not own[name]} == written


def test_another_visitor_sees_the_intact_model(model: LoadedModel) -> None:
    pictures = [tiny.noise(model, seed=seed) for seed in range(4)]
    expected = [run_with_cache(model, picture, "logits").logits for picture in pictures]
    wrong: list[int] = []

    def look(index: int) -> None:
        for _ in range(6):
            found = run_with_cache(model, pictures[index], "logits").logits
            if not np.array_equal(found, expected[index]):
                wrong.append(index)

    def operate(cut: Cut) -> None:
        for _ in range(3):
            run_with_cache(intervention.switch_off(model, cut), pictures[0], "logits")

    threads = [threading.Thread(target=look, args=(index,)) for index in range(4)]
    threads += [threading.Thread(target=operate, args=(cut,)) for cut in model.cuts[:4]]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


@pytest.mark.parametrize("family", tiny.FAMILIES)
def test_all_hooks_copies_and_early_answers_side_by_side(family: str) -> None:
    model = tiny.tiny_model(family)
    jobs = stress.works(model, tiny.noise(model))
    done, raised, differs = stress.side_by_side(jobs, threads=6, goes_on=lambda count: count < 25)
    assert set(done) == set(jobs)
    assert raised == []
    assert differs == []


def test_a_copy_taken_without_the_lock_is_refused(model: LoadedModel) -> None:
    path = model.adapter.hook_points(model.module, None)[0].module
    handle = model.module.get_submodule(path).register_forward_hook(lambda *_: None)
    with pytest.raises(CaptureError, match=r"Hold the model's lock while it is copied"):
        copying.shared_copy(model.module)
    handle.remove()
    copying.shared_copy(model.module)


def test_no_copy_is_taken_while_the_model_is_in_use(model: LoadedModel) -> None:
    block, other = cut_of(model, "block"), intervention.private(model)
    for copies in (
        lambda: intervention.private(model),
        lambda: intervention.exchange_block(other, model, block),
    ):
        copied = threading.Thread(target=copies)
        with model.lock:
            copied.start()
            copied.join(timeout=0.2)
            assert copied.is_alive()
        copied.join(timeout=30)
        assert not copied.is_alive()


def test_a_copy_of_a_changed_model_is_changed(model: LoadedModel) -> None:
    inputs, cut = tiny.noise(model), cut_of(model, "block")
    changed = intervention.switch_off(model, cut)
    again = intervention.private(changed)
    one, two = (run_with_cache(m, inputs, "logits").logits for m in (changed, again))
    assert np.array_equal(one, two)


# What a cut does


def test_a_hidden_unit_is_left_out_of_the_sum() -> None:
    model = tiny.tiny_model("mixer")
    inputs = tiny.noise(model)
    group, unit = "stage0.block0", 5
    changed = intervention.switch_off(model, cut_of(model, "unit", group=group), unit)
    whole = run_with_cache(model, inputs, group)
    cut = run_with_cache(changed, inputs, group)
    fc2 = model.weights(group)[f"{group}.token_mixing.fc2"].values
    hidden = torch.nn.functional.gelu(
        torch.tensor(whole[f"{group}.token_mixing.hidden"].values)
    ).numpy()
    name = f"{group}.token_mixing.out"
    missing = whole[name].values - cut[name].values  # axes (channel, token)
    assert tiny.relative_error(missing, np.outer(hidden[:, unit], fc2[:, unit])) < 1e-4
    other = np.outer(hidden[:, unit + 1], fc2[:, unit + 1])
    assert tiny.relative_error(missing, other) > 0.1


def test_a_head_and_a_channel_group_are_left_out_of_the_sum() -> None:
    model = tiny.tiny_model("davit")
    for kind, site in (("head", "window"), ("channel_group", "channel")):
        group = "stage1.block0"
        cut = cut_of(model, kind, group=group)
        path, axis, width = cut.zeros[0]
        changed = intervention.switch_off(model, cut, 1)
        whole, part = model.module.get_parameter(path), changed.module.get_parameter(path)
        assert axis == 1
        assert width * cut.count == whole.shape[1]
        assert torch.count_nonzero(part[:, width : 2 * width]) == 0
        assert torch.equal(part[:, :width], whole[:, :width])
        assert torch.equal(part[:, 2 * width :], whole[:, 2 * width :])
        inputs = tiny.noise(model)
        name = f"{group}.{site}.pattern"  # the pattern is computed before the cut
        before, after = (run_with_cache(m, inputs, group)[name] for m in (model, changed))
        assert np.array_equal(before.values, after.values)


def test_a_kernel_of_zeros_writes_zeros() -> None:
    model = tiny.tiny_model("convmixer")
    group = "stage0.block1"
    changed = intervention.switch_off(model, cut_of(model, "kernel", group=group), 3)
    out = run_with_cache(changed, tiny.noise(model), group)[f"{group}.depthwise.out"].values
    assert np.count_nonzero(out[3]) == 0
    assert np.count_nonzero(out[4]) > 0


def test_a_block_that_is_off_hands_its_input_on(model: LoadedModel) -> None:
    blocks = [cut for cut in model.cuts if cut.kind == "block"]
    cut = blocks[-1]
    if not cut.passed:
        pytest.skip("this block is switched off by zeros")
    changed = intervention.switch_off(model, cut)
    axes = run_with_cache(model, tiny.noise(model), cut.group)[f"{cut.group}.out"].axes
    points = tuple(
        HookPoint(name=side, module=cut.passed, side=side, axes=axes, role="tokens")
        for side in ("in", "out")
    )
    for one, same in ((changed, True), (model, False)):
        seen: Any = dataclasses.replace(one, adapter=tiny.Points(points))
        run = run_with_cache(seen, tiny.noise(model))
        assert np.array_equal(run["in"].values, run["out"].values) == same


def test_an_operator_that_is_off_adds_nothing() -> None:
    model = tiny.tiny_model("mixer")
    group = "stage0.block1"
    changed = intervention.switch_off(model, cut_of(model, "operator", "token_mixing", group))
    out = run_with_cache(changed, tiny.noise(model), group)[f"{group}.token_mixing.out"]
    assert np.count_nonzero(out.values) == 0


def test_a_part_that_is_not_there_is_named() -> None:
    model = tiny.tiny_model("mixer")
    cut = cut_of(model, "unit")
    with pytest.raises(ShapeError, match=f"has {cut.count} of unit; number {cut.count} came"):
        intervention.switch_off(model, cut, cut.count)


def test_cropping_keeps_the_middle() -> None:
    model = tiny.tiny_model("convmixer")
    changed = intervention.crop_kernels(model, 1)
    kernel = "stage0.block0.depthwise.kernel"
    whole = model.weights("stage0.block0")[kernel].values
    kept = changed.weights("stage0.block0")[kernel].values
    assert np.array_equal(kept[:, 1, 1], whole[:, 1, 1])
    assert np.count_nonzero(kept) == np.count_nonzero(whole[:, 1, 1])
    with pytest.raises(ModelError, match="no depthwise kernel larger than 3"):
        intervention.crop_kernels(model, 3)
    with pytest.raises(ShapeError, match="odd"):
        intervention.crop_kernels(model, 2)


def test_an_exchanged_block_is_the_other_models() -> None:
    one, two = tiny.tiny_model("mixer", seed=0), tiny.tiny_model("mixer", seed=1)
    cut = next(cut for cut in one.cuts if cut.kind == "block")
    changed = intervention.exchange_block(one, two, cut)
    name = "blocks.0.mlp_tokens.fc1.weight"
    assert torch.equal(changed.module.get_parameter(name), two.module.get_parameter(name))
    other = "blocks.1.mlp_tokens.fc1.weight"
    assert torch.equal(changed.module.get_parameter(other), one.module.get_parameter(other))
    with pytest.raises(ModelError, match="cannot be exchanged"):
        intervention.exchange_block(one, two, cut_of(one, "unit"))


def test_the_ranking_measures_each_block_alone(model: LoadedModel) -> None:
    inputs = tiny.noise(model)
    cuts = [cut for cut in model.cuts if cut.kind == "block"]
    steps: list[tuple[int, int]] = []
    changes = intervention.without_each(model, inputs, cuts, lambda *step: steps.append(step))
    assert steps == [(done + 1, len(cuts)) for done in range(len(cuts))]
    last = run_with_cache(intervention.switch_off(model, cuts[-1]), inputs, "logits").logits
    before = run_with_cache(model, inputs, "logits").logits
    assert changes[-1] == intervention.answer_change(before, last)
    assert all(0 < change.moved <= 1 for change in changes)


# Proofs by permutation

SHUFFLED = [f for f in tiny.FAMILIES if tiny.tiny_model(f).token_axes]


@pytest.mark.parametrize("family", SHUFFLED)
def test_weights_follow_a_shuffle_exactly(family: str) -> None:
    errors = {}
    for dtype in (torch.float32, torch.float64):
        model = tiny.tiny_model(family, dtype=dtype)
        grid = model.grid
        order = np.random.default_rng(3).permutation(grid.rows * grid.columns)
        tensor = tiny.noise(model).tensor
        shuffled = intervention.shuffle_patches(tensor, order, grid.patch)
        followed = intervention.permute_tokens(model, model.token_axes, order)
        before = logits(model, tensor)
        change = intervention.answer_change(before, logits(followed, shuffled))
        errors[dtype] = change.relative
        assert intervention.answer_change(before, logits(model, shuffled)).relative > 0.01
        partly = model.token_axes[1:]  # the mean over tokens hides the last block's order
        if partly:
            half = intervention.permute_tokens(model, partly, order)
            assert intervention.answer_change(before, logits(half, shuffled)).relative > 1e-3
    assert errors[torch.float32] < 1e-5
    assert errors[torch.float64] < 1e-13


def test_mixer_and_vit_can_follow_and_the_others_cannot() -> None:
    can = {family: bool(tiny.tiny_model(family).token_axes) for family in tiny.FAMILIES}
    assert can["mixer"]
    assert not can["convmixer"]
    assert not can["davit"]
    with pytest.raises(ModelError, match="neighbours"):
        intervention.permute_tokens(tiny.tiny_model("convmixer"), (), [0])


def test_channel_attention_does_not_see_the_order_of_its_tokens() -> None:
    errors = {}
    for dtype in (torch.float32, torch.float64):
        model = tiny.tiny_model("davit", dtype=dtype)
        inputs, group = tiny.noise(model), "stage0.block0"
        before = run_with_cache(model, inputs, group)
        for site in ("channel", "window"):
            changed = intervention.shuffle_attention_input(model, f"{group}.{site}.qkv", seed=1)
            name = f"{group}.{site}.pattern"
            after = run_with_cache(changed, inputs, group)[name].values
            errors[site, dtype] = float(np.abs(after - before[name].values).max())
    assert errors["channel", torch.float32] < 1e-5
    assert errors["channel", torch.float64] < 1e-13
    assert errors["window", torch.float64] > 0.01
    with pytest.raises(ModelError, match="no attention"):
        intervention.shuffle_attention_input(tiny.tiny_model("mixer"), "stage0.block0.window.qkv")


def test_patches_are_put_where_the_order_says() -> None:
    pixels = torch.arange(36.0).reshape(1, 1, 6, 6)
    shuffled = intervention.shuffle_patches(pixels, [3, 0, 1, 2], 3)
    assert torch.equal(shuffled[..., :3, :3], pixels[..., 3:, 3:])
    assert torch.equal(shuffled[..., 3:, 3:], pixels[..., 3:, :3])
    assert torch.equal(intervention.shuffle_patches(pixels, range(4), 3), pixels)
    with pytest.raises(ShapeError, match="no permutation"):
        intervention.shuffle_patches(pixels, [0, 0, 1, 2], 3)
    with pytest.raises(ShapeError, match="cannot take"):
        intervention.shuffle_patches(pixels, range(9), 3)


def test_a_change_is_measured_against_the_scale_of_the_logits() -> None:
    change = intervention.answer_change(np.array([0.0, 4.0]), np.array([0.0, 2.0]))
    assert change.largest == 2.0
    assert change.scale == 2.0
    assert change.relative == 1.0
    expected = 1 / (1 + np.exp(-4)) - 1 / (1 + np.exp(-2))
    assert change.moved == pytest.approx(expected)
    assert change.best == pytest.approx(-expected)
    with pytest.raises(ShapeError):
        intervention.answer_change(np.zeros(3), np.zeros(4))
