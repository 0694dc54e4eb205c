"""ConvMixer: a depthwise kernel written out as loops gives what the hook saw."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from tests.unit import tiny
from vislib.architectures import adapters
from vislib.models.loading import LoadedModel
from vislib.observe.capture import run_with_cache
from vislib.schema import ActivationCache, CaptureError

SITES = ("depthwise.in", "depthwise.out", "channel_mixing.in", "channel_mixing.out", "out")


def captured_group(model: LoadedModel) -> str:
    """The block that ``tiny.shared_run`` keeps of the full-size model; the last of the tiny one."""
    return "stage0.block3" if len(model.sites) > 8 else model.sites[-1].group


def depthwise_by_loops(incoming: np.ndarray, kernel: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """out[c, y, x] = bias[c] + sum over ky, kx of kernel[c, ky, kx] * in[c, y+ky-half, x+kx-half].

    Beyond the grid there are zeros. float64.
    """
    channels, rows, columns = incoming.shape
    side = kernel.shape[-1]
    half = side // 2
    padded = np.zeros((channels, rows + 2 * half, columns + 2 * half))
    padded[:, half : half + rows, half : half + columns] = incoming
    out = np.repeat(bias.astype(np.float64), rows * columns).reshape(channels, rows, columns)
    for ky in range(side):
        for kx in range(side):
            weight = kernel[:, ky, kx].astype(np.float64)[:, None, None]
            out += weight * padded[:, ky : ky + rows, kx : kx + columns]
    return out


def depthwise_error(model: LoadedModel, cache: ActivationCache, *, flip: bool = False) -> float:
    group = captured_group(model)
    shown = model.weights(group)
    kernel = shown[f"{group}.depthwise.kernel"].values
    rebuilt = depthwise_by_loops(
        cache[f"{group}.depthwise.in"].values,
        kernel[:, ::-1, ::-1] if flip else kernel,
        shown[f"{group}.depthwise.bias"].values,
    )
    return tiny.relative_error(cache[f"{group}.depthwise.out"].values, rebuilt)


def test_names_are_exactly_these() -> None:
    model = tiny.tiny_model("convmixer")
    expected = ["stem.linear", "stem.out"]
    expected += [f"stage0.block{j}.{site}" for j in range(3) for site in SITES]
    cache = run_with_cache(model, tiny.noise(model))
    assert list(cache) == expected
    assert {tuple(a.shape.items()) for a in cache.values()} == {
        (("channel", 12), ("row", 5), ("column", 5))
    }
    assert model.sites[0].kernel == 3
    assert model.sites[0].mixing == "fixed"


def test_a_depthwise_kernel_written_out_gives_the_hooked_output(any_convmixer: LoadedModel) -> None:
    _, cache = tiny.shared_run(any_convmixer)
    assert depthwise_error(any_convmixer, cache) < 2e-6
    # Negative control: mathematics' own convolution turns the kernel round; torch does not.
    assert depthwise_error(any_convmixer, cache, flip=True) > 1e-2


def test_one_output_by_plain_loops() -> None:
    """The same at single places with nothing but loops: a corner, an edge, the middle."""
    model = tiny.tiny_model("convmixer")
    cache = run_with_cache(model, tiny.noise(model))
    shown = model.weights("stage0.block0")
    kernel = shown["stage0.block0.depthwise.kernel"].values
    bias = shown["stage0.block0.depthwise.bias"].values
    incoming = cache["stage0.block0.depthwise.in"].values
    seen = cache["stage0.block0.depthwise.out"].values
    for channel, row, column in ((0, 0, 0), (7, 4, 2), (11, 2, 3)):
        total = float(bias[channel])
        for ky in range(3):
            for kx in range(3):
                y, x = row + ky - 1, column + kx - 1
                if 0 <= y < 5 and 0 <= x < 5:
                    total += float(kernel[channel, ky, kx]) * float(incoming[channel, y, x])
        assert abs(total - seen[channel, row, column]) < 2e-6 * float(np.abs(seen).max())
        assert abs(total - seen[channel, column, row]) > 1e-3 or row == column


def test_the_tolerance_is_rounding() -> None:
    """In float64 the same check shrinks by about 1e8: what is left in float32 is noise."""
    errors = []
    for dtype in (torch.float32, torch.float64):
        model = tiny.tiny_model("convmixer", dtype=dtype)
        errors.append(depthwise_error(model, run_with_cache(model, tiny.noise(model))))
    assert errors[1] < 1e-14
    assert errors[1] < 1e-6 * errors[0]


def test_a_block_is_rebuilt_from_what_is_shown(any_convmixer: LoadedModel) -> None:
    """channel_mixing.in is the residual sum, its out the 1x1 product, and out the last norm."""
    _, cache = tiny.shared_run(any_convmixer)
    group = captured_group(any_convmixer)
    block = any_convmixer.module.blocks[int(group.removeprefix("stage0.block"))]
    arrays = {site: cache[f"{group}.{site}"].values.astype(np.float64) for site in SITES}
    shown = any_convmixer.weights(group)

    def normed(values: np.ndarray, norm: torch.nn.BatchNorm2d) -> np.ndarray:
        mean, variance, weight, bias = (
            t.double().numpy()[:, None, None]
            for t in (norm.running_mean, norm.running_var, norm.weight, norm.bias)
        )
        return (np.maximum(values, 0) - mean) / np.sqrt(variance + norm.eps) * weight + bias

    added = arrays["depthwise.in"] + normed(arrays["depthwise.out"], block[0].fn[2])
    assert tiny.relative_error(arrays["channel_mixing.in"], added) < 2e-6
    matrix = shown[f"{group}.channel_mixing.weight"].values[:, :, 0, 0].astype(np.float64)
    bias = shown[f"{group}.channel_mixing.bias"].values[:, None, None]
    product = np.tensordot(matrix, arrays["channel_mixing.in"], axes=1) + bias
    assert tiny.relative_error(arrays["channel_mixing.out"], product) < 5e-6
    assert tiny.relative_error(arrays["out"], normed(arrays["channel_mixing.out"], block[3])) < 2e-6
    # Negative controls: no residual, the matrix the other way round, the other norm.
    assert tiny.relative_error(arrays["channel_mixing.in"], added - arrays["depthwise.in"]) > 1e-2
    transposed = np.tensordot(matrix.T, arrays["channel_mixing.in"], axes=1) + bias
    assert tiny.relative_error(arrays["channel_mixing.out"], transposed) > 1e-2
    other = normed(arrays["channel_mixing.out"], block[0].fn[2])
    assert tiny.relative_error(arrays["out"], other) > 1e-2


def test_the_activation_is_the_module_s_own(any_convmixer: LoadedModel) -> None:
    kinds = {type(block[2]) for block in any_convmixer.module.blocks}
    assert kinds == {torch.nn.ReLU}


def test_the_grid_leaves_out_a_rest_of_the_input() -> None:
    """Where the patch does not divide the input, grid() counts as the convolution does."""
    model = tiny.tiny_model("convmixer")
    for size in (30, 31, 35, 36):
        with torch.inference_mode():
            seen = model.module.stem[0](torch.zeros(1, 3, size, size)).shape
        grid = model.adapter.grid(model.module, size)
        assert (grid.rows, grid.columns) == tuple(seen[2:])
        assert (grid.patch, grid.stride, grid.offset, grid.overlaps) == (6, 6, 0, False)
    assert model.adapter.grid(model.module, 36).rows == 6


def test_weights_of_a_group_that_is_not_there_are_refused(any_convmixer: LoadedModel) -> None:
    assert set(any_convmixer.weights("stem")) == {"stem.filters", "stem.bias"}
    with pytest.raises(CaptureError):
        any_convmixer.weights("stage0.block99")


def test_only_convmixers_are_accepted() -> None:
    adapter = adapters()["convmixer"]
    for family in tiny.FAMILIES:
        assert adapter.accepts(tiny.tiny_model(family).module) == (family == "convmixer")
