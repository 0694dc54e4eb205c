"""Capture changes nothing: bitwise logits, no residue, complete, one visitor at a time."""

from __future__ import annotations

import contextlib
import dataclasses
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from tests.unit import tiny
from vislib.models.loading import LoadedModel
from vislib.observe import capture
from vislib.observe.capture import run_with_cache
from vislib.schema import CaptureError, HookPoint

MAP = ("channel", "row", "column")


def plain_logits(model: LoadedModel, tensor: Tensor) -> np.ndarray:
    with torch.inference_mode():
        return model.module(tensor)[0].numpy().copy()


def state_of(module: nn.Module) -> dict[str, Any]:
    """All that a visitor could leave behind on a shared model."""
    parts = dict(module.named_modules())
    hooks = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
    return {
        "hooks": {name: sum(len(getattr(p, h)) for h in hooks) for name, p in parts.items()},
        "training": {name: part.training for name, part in parts.items()},
        "fused": {n: p.fused_attn for n, p in parts.items() if hasattr(p, "fused_attn")},
        "gradients": {n: p.requires_grad for n, p in module.named_parameters()},
        "values": {n: value.clone() for n, value in module.state_dict().items()},
    }


def assert_same_state(before: dict[str, Any], after: dict[str, Any]) -> None:
    assert set(before["hooks"].values()) == {0}
    for kind in ("hooks", "training", "fused", "gradients"):
        assert before[kind] == after[kind], kind
    assert before["values"].keys() == after["values"].keys()
    for name, value in before["values"].items():
        assert torch.equal(value, after["values"][name]), name


@contextlib.contextmanager
def unchanged(module: nn.Module) -> Iterator[None]:
    before = state_of(module)
    yield
    assert_same_state(before, state_of(module))


def point(module: str, *, name: str = "seen", axes: tuple[str, ...] = MAP) -> HookPoint:
    return HookPoint(name=name, module=module, side="out", axes=axes, role="tokens")


class Small(nn.Module):
    """A convolution, an activation in place, a part that never runs and one that runs twice."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 4, 3, padding=1)
        self.act = nn.ReLU(inplace=True)
        self.unused = nn.Conv2d(4, 4, 1)
        self.twice = nn.Conv2d(4, 4, 1)
        self.head = nn.Linear(4, tiny.CLASSES)

    def forward(self, images: Tensor) -> Tensor:
        mixed = self.twice(self.twice(self.act(self.first(images))))
        return self.head(mixed.mean((2, 3)))


def small(*points: HookPoint, module: nn.Module | None = None, **changes: Any) -> LoadedModel:
    inner = Small() if module is None else module
    tiny.draw_weights(inner, seed=3)
    inner = inner.eval().requires_grad_(False)
    return tiny.wrap(inner, "convmixer", size=8, adapter=tiny.Points(points), **changes)


# Observer


def test_capture_leaves_the_logits_bitwise_unchanged(any_loaded: LoadedModel) -> None:
    with unchanged(any_loaded.module):
        inputs, cache = tiny.shared_run(any_loaded)
    expected = plain_logits(any_loaded, inputs.tensor)
    np.testing.assert_array_equal(cache.logits, expected)
    assert cache.logits.dtype == np.float32
    # Logits that say nothing would prove nothing: they vary over classes and over pictures.
    assert float(expected.std()) > 1e-2
    other = plain_logits(any_loaded, tiny.noise(any_loaded, seed=1).tensor)
    assert tiny.relative_error(other, expected) > 1e-3


def test_a_hook_that_interferes_is_noticed() -> None:
    """Negative control: the comparison of logits does see a hook that changes something."""
    model = tiny.tiny_model("mixer")
    inputs = tiny.noise(model)
    expected = plain_logits(model, inputs.tensor)
    handle = model.module.blocks[0].register_forward_hook(lambda _m, _i, out: out.add_(1e-3))
    try:
        changed = plain_logits(model, inputs.tensor)
    finally:
        handle.remove()
    assert not np.array_equal(changed, expected)


def test_a_float64_model_is_captured_in_float64(tiny_loaded: LoadedModel) -> None:
    double = tiny.tiny_model(tiny_loaded.spec.family, dtype=torch.float64)
    cache = run_with_cache(double, tiny.noise(double))
    assert {array.values.dtype for array in cache.values()} == {np.dtype(np.float64)}
    single = run_with_cache(tiny_loaded, tiny.noise(tiny_loaded))
    assert {array.values.dtype for array in single.values()} == {np.dtype(np.float32)}
    assert tiny.relative_error(single.logits, cache.logits) < 1e-4


# Completeness


def test_every_group_returns_what_it_asked_for(tiny_loaded: LoadedModel) -> None:
    adapter, module = tiny_loaded.adapter, tiny_loaded.module
    groups = ["logits", "stem", "tokens", *(site.group for site in tiny_loaded.sites), None]
    together: set[str] = set()
    for group in groups:
        points = adapter.hook_points(module, group)
        cache = run_with_cache(tiny_loaded, tiny.noise(tiny_loaded), group)
        kept = {p.name for p in points if p.keep}
        assert len({p.name for p in points}) == len(points)
        assert kept <= set(cache)
        for name in set(cache) - kept:  # what is not hooked is rebuilt from what is
            assert cache[name].provenance == "recomputed"
            assert any(name.rsplit(".", 1)[0] == p.name.rsplit(".", 1)[0] for p in points)
        if group == "logits":
            assert len(cache) == 0
        together |= set(cache)
    assert together == set(cache)  # None, which came last, is everything


def test_an_unknown_group_names_those_that_exist(tiny_loaded: LoadedModel) -> None:
    with unchanged(tiny_loaded.module), pytest.raises(CaptureError) as caught:
        run_with_cache(tiny_loaded, tiny.noise(tiny_loaded), "stage9.block9")
    for word in ("'stage9.block9'", "logits", "stem", "tokens", tiny_loaded.sites[-1].group):
        assert word in str(caught.value)


def test_groups_carry_the_same_numbers(tiny_loaded: LoadedModel) -> None:
    inputs = tiny.noise(tiny_loaded)
    everything = run_with_cache(tiny_loaded, inputs)
    for site in tiny_loaded.sites:
        for name, array in run_with_cache(tiny_loaded, inputs, site.group).items():
            np.testing.assert_array_equal(array.values, everything[name].values)


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("blocks.7", ["'blocks.7'", "no such module"]),
        ("unused", ["exactly once", "{'seen': 0}"]),
        ("twice", ["exactly once", "{'seen': 2}"]),
    ],
)
def test_a_hook_point_that_does_not_fire_once_is_refused(path: str, words: list[str]) -> None:
    model = small(point("first", name="fine"), point(path))
    with unchanged(model.module), pytest.raises(CaptureError) as caught:
        run_with_cache(model, tiny.noise(model))
    assert all(word in str(caught.value) for word in words)
    sound = small(point("first", name="fine"), module=model.module)
    assert list(run_with_cache(sound, tiny.noise(sound))) == ["fine"]


def test_wrong_axes_are_refused() -> None:
    model = small(point("first", axes=("token", "channel")))
    with unchanged(model.module), pytest.raises(CaptureError, match=r"seen came with 3 axes"):
        run_with_cache(model, tiny.noise(model))


def test_two_pictures_at_once_are_refused(tiny_loaded: LoadedModel) -> None:
    with pytest.raises(CaptureError, match="2 pictures"):
        run_with_cache(tiny_loaded, tiny.noise(tiny_loaded, batch=2))


# No residue after a failure


def test_nothing_is_left_after_an_exception_inside_a_module(any_loaded: LoadedModel) -> None:
    site = any_loaded.sites[0]
    points = any_loaded.adapter.hook_points(any_loaded.module, site.group)
    last = any_loaded.module.get_submodule(points[-2].module)
    inputs, expected = tiny.shared_run(any_loaded)

    def broken(*_: Any, **__: Any) -> Tensor:
        raise RuntimeError("broken on purpose")

    with unchanged(any_loaded.module):
        last.forward = broken  # type: ignore[method-assign]
        try:
            with pytest.raises(RuntimeError, match="broken on purpose"):
                run_with_cache(any_loaded, inputs, site.group)
        finally:
            del last.forward
    again = run_with_cache(any_loaded, inputs, "logits")  # the locks were let go, too
    np.testing.assert_array_equal(again.logits, expected.logits)


def test_nothing_is_left_after_a_missing_module() -> None:
    model = tiny.tiny_model("davit")
    points = (*model.adapter.hook_points(model.module, None), point("stages.9"))
    with unchanged(model.module), pytest.raises(CaptureError, match=r"stages\.9"):
        run_with_cache(
            dataclasses.replace(model, adapter=tiny.Points(points)),  # type: ignore[arg-type]
            tiny.noise(model),
        )


def test_a_hook_left_behind_is_noticed() -> None:
    """Negative control of the check for residue: a hook, a flag and a weight are each seen."""
    for meddle in (
        lambda m: m.first.register_forward_hook(lambda *_: None),
        lambda m: m.train(),
        lambda m: m.first.weight.mul_(1.001),
        lambda m: m.requires_grad_(True),
    ):
        model = small()
        with pytest.raises(AssertionError), unchanged(model.module):
            meddle(model.module)


# Aliasing


def test_an_activation_in_place_does_not_change_what_was_captured() -> None:
    model = small(point("first"))
    inputs = tiny.noise(model)
    aliased: list[Tensor] = []
    handle = model.module.first.register_forward_hook(lambda _m, _i, out: aliased.append(out))
    seen = run_with_cache(model, inputs)["seen"].values
    handle.remove()
    with torch.inference_mode():
        expected = model.module.first(inputs.tensor)[0].numpy()
    np.testing.assert_array_equal(seen, expected)
    assert seen.min() < -0.1
    # Negative control: a reference without a clone has lost its negatives.
    assert float(aliased[0].min()) == 0.0


def test_convmixer_with_relu_in_place_keeps_its_negatives() -> None:
    model = tiny.tiny_model("convmixer")
    cache = run_with_cache(model, tiny.noise(model))
    for site in model.sites:
        depthwise = model.module.blocks[site.block][0].fn[0]
        incoming = torch.from_numpy(cache[f"{site.group}.depthwise.in"].values.copy())[None]
        with torch.inference_mode():
            expected = depthwise(incoming)[0].numpy()
        seen = cache[f"{site.group}.depthwise.out"].values
        np.testing.assert_array_equal(seen, expected)
        assert seen.min() < -0.1
        assert not np.array_equal(seen, np.maximum(seen, 0.0))
    assert cache["stem.linear"].values.min() < -0.1


def test_everything_that_comes_back_refuses_writes(any_loaded: LoadedModel) -> None:
    _, cache = tiny.shared_run(any_loaded)
    for values in (cache.logits, *(array.values for array in cache.values())):
        assert values.flags.c_contiguous
        with pytest.raises(ValueError, match="read-only"):
            values[...] = 0.0
    parameters = any_loaded.weights(any_loaded.sites[-1].group)
    assert parameters
    for array in parameters.values():
        with pytest.raises(ValueError, match="read-only"):
            array.values[...] = 0.0


def test_weights_are_copies_of_the_parameters() -> None:
    model = tiny.tiny_model("mixer")
    shown = model.weights("stage0.block0")["stage0.block0.token_mixing.fc1"]
    before = shown.values.copy()
    with torch.no_grad():
        model.module.blocks[0].mlp_tokens.fc1.weight.zero_()
    np.testing.assert_array_equal(shown.values, before)
    assert before.any()


def test_what_a_hook_saw_is_copied_once(monkeypatch: pytest.MonkeyPatch) -> None:
    model = tiny.tiny_model("mixer")  # some of it comes in another order than it is shown in
    inputs, group = tiny.noise(model), model.sites[0].group
    copied: list[torch.Size] = []
    clone = Tensor.clone

    def counted(value: Tensor, **how: Any) -> Tensor:
        copied.append(value.shape)
        return clone(value, **how)

    monkeypatch.setattr(Tensor, "clone", counted)
    cache = run_with_cache(model, inputs, group)
    assert len(copied) == len(cache) + 1  # and the logits
    assert not any(array.values.flags.owndata for array in cache.values())
    pointers = {array.values.ctypes.data for array in cache.values()}
    assert len(pointers) == len(cache)


def test_hook_points_are_made_once(tiny_loaded: LoadedModel) -> None:
    group = tiny_loaded.sites[0].group
    one, two = (tiny_loaded.adapter.hook_points(tiny_loaded.module, group) for _ in range(2))
    assert all(a is b for a, b in zip(one, two, strict=True))
    assert len(one) > 0


# Many visitors


def test_eight_threads_on_different_pictures_equal_serial_runs(tiny_loaded: LoadedModel) -> None:
    pictures = [tiny.noise(tiny_loaded, seed=seed) for seed in range(8)]
    serial = [run_with_cache(tiny_loaded, inputs) for inputs in pictures]
    start = threading.Barrier(8)

    def visit(number: int) -> list[Any]:
        start.wait(timeout=20)
        return [run_with_cache(tiny_loaded, pictures[number]) for _ in range(2)]

    with unchanged(tiny_loaded.module), ThreadPoolExecutor(8) as pool:
        found = list(pool.map(visit, range(8)))
    for expected, runs in zip(serial, found, strict=True):
        for cache in runs:
            np.testing.assert_array_equal(cache.logits, expected.logits)
            assert cache.image_sha256 == expected.image_sha256
            assert list(cache) == list(expected)
            for name, array in cache.items():
                np.testing.assert_array_equal(array.values, expected[name].values)
    assert not np.array_equal(serial[0].logits, serial[1].logits)


class Meeting(Small):
    """Holds a forward pass until a second one is inside too, so that a race cannot be missed."""

    def __init__(self) -> None:
        super().__init__()
        self.enter, self.leave = threading.Barrier(2), threading.Barrier(2)
        self.met = False

    def forward(self, images: Tensor) -> Tensor:
        self._wait(self.enter)
        mixed = self.first(images)
        self._wait(self.leave)
        return self.head(mixed.mean((2, 3)))

    def _wait(self, barrier: threading.Barrier) -> None:
        try:
            barrier.wait(timeout=0.3)
            self.met = True
        except threading.BrokenBarrierError:
            pass  # nobody came: the lock did its work


class NoLock:
    """A lock that keeps nobody out."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, *_: object) -> None:
        return None


def two_visitors(model: LoadedModel) -> list[np.ndarray | CaptureError]:
    """Two threads with two pictures; what each one saw, or the error that it got."""

    def visit(seed: int) -> np.ndarray | CaptureError:
        try:
            return run_with_cache(model, tiny.noise(model, seed=seed))["seen"].values
        except CaptureError as error:
            return error

    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(visit, range(2)))


def test_the_lock_keeps_two_visitors_apart() -> None:
    model = small(point("first"), module=Meeting())
    found = two_visitors(model)
    assert not model.module.met
    for seed, seen in enumerate(found):
        with torch.inference_mode():
            expected = model.module.first(tiny.noise(model, seed=seed).tensor)[0].numpy()
        np.testing.assert_array_equal(seen, expected)


def test_without_the_lock_two_visitors_mix() -> None:
    """Negative control: hooks fire for the other visitor's picture, and capture refuses it."""
    model = small(point("first"), module=Meeting(), lock=NoLock())
    found = two_visitors(model)
    assert model.module.met
    assert all(isinstance(seen, CaptureError) and "2}" in str(seen) for seen in found)


def test_at_most_two_models_run_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    inside, most, guard = 0, 0, threading.Lock()

    class Slow(Small):
        def forward(self, images: Tensor) -> Tensor:
            nonlocal inside, most
            with guard:
                inside += 1
                most = max(most, inside)
            threading.Event().wait(0.05)
            with guard:
                inside -= 1
            return super().forward(images)

    def visit(_: int) -> None:
        model = small(module=Slow())
        run_with_cache(model, tiny.noise(model))

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(visit, range(6)))
    assert most == capture.FORWARDS_AT_ONCE == 2
    monkeypatch.setattr(capture, "_running", threading.Semaphore(6))
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(visit, range(6)))
    assert most > 2


# Geometry


def test_sites_and_grid_agree_with_what_is_captured(any_loaded: LoadedModel) -> None:
    grid = any_loaded.grid
    _, cache = tiny.shared_run(any_loaded)
    assert cache["stem.linear"].values.shape[1:] == (grid.rows, grid.columns)
    assert grid.input_size == any_loaded.config.size
    counted: dict[int, int] = {}
    for site in any_loaded.sites:
        array = cache[f"{site.group}.out"]
        if "token" in array.axes:
            assert array.shape == {"token": site.rows * site.columns, "channel": site.channels}
        else:
            step = site.step  # the site's grid is the one that is read
            side = {"row": -(-site.rows // step), "column": -(-site.columns // step)}
            assert array.shape == {"channel": site.channels, **side}
        assert site.rows == site.columns == -(-any_loaded.config.size // site.stride)
        counted[site.stage] = counted.get(site.stage, -1) + 1
        assert site.block == counted[site.stage]


def test_the_facts_of_a_run_come_with_it(tiny_loaded: LoadedModel) -> None:
    inputs = tiny.noise(tiny_loaded)
    cache = run_with_cache(tiny_loaded, inputs, "logits")
    assert cache.model_key == tiny_loaded.spec.key
    assert cache.image_sha256 == inputs.image_sha256
    assert cache.view_box == inputs.view_box
    assert cache.labels == tiny_loaded.labels
    assert cache.untrained
    assert 0.0 < cache.seconds < 60.0
    assert abs(sum(share for _, share in cache.top(99)) - 1.0) < 1e-12


@pytest.mark.parametrize("family", tiny.FAMILIES)
def test_numbers_that_are_none_are_refused(family: str) -> None:
    model = tiny.tiny_model(family)
    inputs = tiny.noise(model)
    inputs.tensor[0, 0, 3, 3] = float("nan")
    with pytest.raises(CaptureError, match="nan or infinite"):
        run_with_cache(model, inputs, None)
