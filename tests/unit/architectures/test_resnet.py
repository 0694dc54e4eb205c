"""ResNet and BiT: a dense kernel written out as loops gives what the hook saw, also with stride."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest
import timm
import torch
from timm.layers import GroupNormAct, StdConv2d
from timm.models.resnet import BasicBlock, Bottleneck, ResNet
from timm.models.resnetv2 import ResNetV2
from torch import nn

from tests.unit import tiny
from vislib import registry
from vislib.analysis.reading_at import reading_at
from vislib.architectures import adapters, resnet
from vislib.models import loading
from vislib.models.loading import LoadedModel
from vislib.observe.capture import run_with_cache
from vislib.schema import ActivationCache, CaptureError, MixingSite

SITES = ("convolution.in", "convolution.out", "out")
KINDS = ("resnet", "basic", "bit")


def built(kind: str, *, dtype: torch.dtype = torch.float32, **changes: Any) -> LoadedModel:
    """The tiny ResNet of bottleneck blocks, one of basic blocks, or a tiny BiT."""
    if kind == "resnet" and not changes:
        return tiny.tiny_model("resnet", dtype=dtype)
    common: dict[str, Any] = {"num_classes": tiny.CLASSES, **changes}
    with torch.random.fork_rng(devices=[]):
        if kind == "bit":
            module: nn.Module = ResNetV2(
                layers=[1, 2],
                channels=(32, 64),
                stem_chs=16,
                norm_layer=partial(GroupNormAct, num_groups=4),
                **{"stem_type": "fixed", "conv_layer": partial(StdConv2d, eps=1e-8), **common},
            )
        else:
            block = Bottleneck if kind == "resnet" else BasicBlock
            module = ResNet(block=block, layers=(1, 2, 1, 1), channels=(5, 6, 7, 8), **common)
    tiny.draw_weights(module, seed=0)
    module = module.eval().requires_grad_(False).to(dtype)
    return tiny.wrap(module, "resnet", size=50)


def run(model: LoadedModel) -> ActivationCache:
    return run_with_cache(model, tiny.noise(model))


def strided(model: LoadedModel) -> MixingSite:
    """The first block whose shown convolution halves the grid; a basic block's never does."""
    return next((site for site in model.sites if site.step > 1), model.sites[2])


def by_loops(incoming: np.ndarray, kernel: np.ndarray, row: int, column: int, step: int) -> float:
    """One output of one channel: nothing but loops, in float64; beyond the grid there are zeros.

    incoming has the axes (channel_in, row, column), kernel (channel_in, ky, kx).
    """
    channels, rows, columns = incoming.shape
    total = 0.0
    for channel in range(channels):
        for ky in range(3):
            for kx in range(3):
                y, x = step * row + ky - 1, step * column + kx - 1
                if 0 <= y < rows and 0 <= x < columns:
                    total += float(kernel[channel, ky, kx]) * float(incoming[channel, y, x])
    return total


def errors(model: LoadedModel, site: MixingSite) -> tuple[float, float, float]:
    """Largest error over a corner, an edge and the middle; in and out swapped; kernel turned."""
    cache, name = run(model), f"{site.group}.convolution"
    incoming = cache[f"{name}.in"].values.astype(np.float64)
    seen = cache[f"{name}.out"].values
    kernel = model.weights(site.group)[f"{name}.kernel"].values
    assert kernel.shape == (len(seen), len(incoming), 3, 3)
    size = seen.shape[1]
    found = []
    for shown in (kernel, kernel.transpose(1, 0, 2, 3), kernel[:, :, ::-1, ::-1]):
        wrong = []
        for channel, row, column in ((0, 0, 0), (3, size - 1, 1), (4, size // 2, size // 2)):
            total = by_loops(incoming, shown[channel], row, column, site.step)
            wrong.append(abs(total - float(seen[channel, row, column])))
        found.append(max(wrong) / float(np.abs(seen).max()))
    return found[0], found[1], found[2]


def test_names_are_exactly_these() -> None:
    model = built("resnet")
    groups = [site.group for site in model.sites]
    assert groups == [f"stage{i}.block{j}" for i, j in ((0, 0), (1, 0), (1, 1), (2, 0), (3, 0))]
    expected = ["stem.linear", "stem.out", *(f"{g}.{site}" for g in groups for site in SITES)]
    assert list(run(model)) == expected
    names = {name.removeprefix("stage1.block0.") for name in model.weights("stage1.block0")}
    assert names == {"convolution.kernel", "channel_mixing.reduce", "channel_mixing.expand"}
    assert model.sites[0].operators == ("convolution", "channel_mixing")
    basic = built("basic")
    names = {name.removeprefix("stage1.block0.") for name in basic.weights("stage1.block0")}
    assert names == {"convolution.kernel", "convolution.first_kernel"}
    assert basic.sites[0].operators == ("convolution",)
    with pytest.raises(CaptureError, match=r"stage1\.block9"):
        model.weights("stage1.block9")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("step", [1, 2])
def test_a_kernel_written_out_gives_the_hooked_output(kind: str, step: int) -> None:
    model = built(kind)
    site = model.sites[0] if step == 1 else strided(model)
    assert site.step == (1 if kind == "basic" else step)
    right, swapped, turned = errors(model, site)
    assert right < 2e-6
    # Negative controls: channel_in and channel_out changed over; mathematics' own convolution.
    assert swapped > 1e-2
    assert turned > 1e-2


@pytest.mark.parametrize("kind", ["resnet", "bit"])
def test_the_tolerance_is_rounding(kind: str) -> None:
    """In float64 the same check shrinks by about 1e8: what is left in float32 is noise."""
    found = []
    for dtype in (torch.float32, torch.float64):
        model = built(kind, dtype=dtype)
        found.append(errors(model, strided(model))[0])
    assert found[1] < 1e-14
    assert found[1] < 1e-6 * found[0]


def test_bit_uses_standardised_weights_and_they_are_what_is_shown() -> None:
    model = built("bit")
    group = strided(model).group
    shown = model.weights(group)[f"{group}.convolution.kernel"]
    assert shown.provenance == "recomputed"
    assert "standardised" in shown.source
    flat = shown.values.reshape(len(shown.values), -1).astype(np.float64)
    assert np.abs(flat.mean(axis=1)).max() < 1e-6
    assert np.abs(flat.std(axis=1) - 1).max() < 1e-5
    parameter = model.module.stages[1].blocks[0].conv2.weight.numpy()
    raw = parameter.reshape(len(parameter), -1).astype(np.float64)
    scaled = (raw - raw.mean(1, keepdims=True)) / np.sqrt(raw.var(1, keepdims=True) + 1e-8)
    assert np.abs(scaled - flat).max() < 1e-5
    # Negative control: the parameter itself is another kernel, and does not give the output.
    assert tiny.relative_error(parameter, shown.values) > 1e-2
    plain = built("resnet").weights("stage1.block0")["stage1.block0.convolution.kernel"]
    assert plain.provenance == "parameter"


@pytest.mark.parametrize("kind", KINDS)
def test_the_stem_is_its_filters_over_its_pixels(kind: str) -> None:
    """stem.linear at a place = the filters as used times its pixels, zeros beyond the edge."""
    model, grid = built(kind), built(kind).grid
    images = tiny.noise(model).tensor[0].numpy().astype(np.float64)
    pixels = np.pad(images, ((0, 0), (9, 9), (9, 9)))
    linear = run(model)["stem.linear"].values
    filters = model.weights("stem")["stem.filters"].values.astype(np.float64)
    assert "stem.bias" not in model.weights("stem")
    assert (grid.patch, grid.stride, grid.offset, grid.overlaps) == (7, 2, -3, True)
    for row, column in ((0, 3), (11, 5), (grid.rows - 1, grid.columns - 1)):
        top, left = (9 + grid.offset + index * grid.stride for index in (row, column))
        cut = pixels[:, top : top + 7, left : left + 7]
        by_hand = np.einsum("nrij,rij->n", filters, cut)
        assert tiny.relative_error(linear[:, row, column], by_hand) < 1e-5
        # Negative control: a pixel further down.
        cut = pixels[:, top + 1 : top + 8, left : left + 7]
        beside = np.einsum("nrij,rij->n", filters, cut)
        assert tiny.relative_error(linear[:, row, column], beside) > 1e-2


@pytest.mark.parametrize("kind", ["resnet", "bit"])
def test_pooling_lies_as_the_sites_say(kind: str) -> None:
    """stem.out at (r, c) is the largest of the 3 x 3 places around (2r, 2c).

    BiT pads with zeros before it pools: at the edge nothing below 0 comes out. ResNet's pooling
    comes after the norm and its ReLU.
    """
    model = built(kind)
    cache = run(model)
    before = torch.from_numpy(cache["stem.linear"].values.copy())[None]
    if kind == "resnet":
        with torch.inference_mode():
            before = model.module.act1(model.module.bn1(before))
    values, out = before[0].numpy(), cache["stem.out"].values
    assert out.shape[1:] == (model.sites[0].rows, model.sites[0].columns)
    fill = 0.0 if kind == "bit" else -np.inf
    padded = np.pad(values, ((0, 0), (1, 1), (1, 1)), constant_values=fill)
    rows, columns = out.shape[1:]
    windows = [
        padded[:, ky : ky + 2 * rows - 1 : 2, kx : kx + 2 * columns - 1 : 2]
        for ky in range(3)
        for kx in range(3)
    ]
    np.testing.assert_array_equal(out, np.max(windows, axis=0))
    # Negative controls: a window that begins at 2r, as without padding; the other kind of padding.
    assert not np.array_equal(out[:, 1:-1, 1:-1], values[:, 2:-2:2, 2:-2:2])
    if kind == "bit":
        assert out[:, 0].min() == 0.0
        assert out[:, 1:, 1:].min() < 0.0


@pytest.mark.parametrize(
    ("key", "sides"),
    [
        ("resnet_mini", {(16, 1), (16, 2), (8, 1), (8, 2), (4, 1), (4, 2), (2, 1)}),
        ("resnet50.tv_in1k", {(56, 1), (56, 2), (28, 1), (28, 2), (14, 1), (14, 2), (7, 1)}),
        (
            "resnetv2_50x1_bit.goog_in21k_ft_in1k",
            {(112, 1), (112, 2), (56, 1), (56, 2), (28, 1), (28, 2), (14, 1)},
        ),
    ],
)
def test_grids_and_strides_are_those_of_the_model(key: str, sides: set[tuple[int, int]]) -> None:
    """Shapes alone, without a number computed: the model is built and run on the meta device."""
    with torch.device("meta"):
        module = loading.build(registry.in_set(loading.spec(key), 1)).eval()
        size = loading.input_config(module).size
        images = torch.zeros(1, 3, size, size)
    adapter = adapters()["resnet"]
    assert adapter.accepts(module)
    shapes: dict[str, tuple[int, ...]] = {}
    for point in adapter.hook_points(module, None):

        def record(_m: nn.Module, got: Any, out: Any, point: Any = point) -> None:
            shapes[point.name] = tuple((got[0] if point.side == "in" else out).shape[1:])

        module.get_submodule(point.module).register_forward_hook(record)
    with torch.inference_mode():
        module(images)
    grid = adapter.grid(module, size)
    assert shapes["stem.linear"][1:] == (grid.rows, grid.columns) == (size // 2, size // 2)
    for site in adapter.sites(module, size):
        assert shapes[f"{site.group}.convolution.in"][1:] == (site.rows, site.columns)
        written = (site.rows // site.step, site.columns // site.step)
        assert shapes[f"{site.group}.convolution.out"][1:] == written
        assert shapes[f"{site.group}.out"] == (site.channels, *written)
        assert site.rows * site.stride == size
    assert {(site.rows, site.step) for site in adapter.sites(module, size)} == sides


def test_a_place_reads_what_its_convolution_reads() -> None:
    """reading_at, through the site's own step: the pixels of the input that change the output."""
    model = built("resnet")
    site = strided(model)
    found = reading_at(site, model.weights(site.group), row=5, column=8)
    assert found.note == "convolution"
    assert site.step == 2
    rows, columns = np.nonzero(found.share)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (3, 5, 7, 9)


def test_only_plain_resnets_are_accepted() -> None:
    adapter = adapters()["resnet"]
    for kind in KINDS:
        assert adapter.accepts(built(kind).module)
    for family in tiny.FAMILIES:
        assert adapter.accepts(tiny.tiny_model(family).module) == (family == "resnet")
    refused: list[nn.Module] = [
        built("resnet", output_stride=8).module,  # dilated
        built("resnet", stem_type="deep", stem_width=8).module,
        built("resnet", replace_stem_pool=True).module,
        built("resnet", aa_layer=nn.AvgPool2d).module,
        built("resnet", cardinality=1, block_args={"attn_layer": "se"}).module,
        built("bit", stem_type="same").module,
        built("bit", stem_type="deep").module,
    ]
    with torch.device("meta"):
        refused.append(timm.create_model("resnext50_32x4d"))
    assert [adapter.accepts(module) for module in refused] == [False] * len(refused)


def test_the_kernel_in_use_is_the_forward_pass_s_own() -> None:
    """Bitwise: the same operation on the same numbers."""
    convolution = StdConv2d(4, 6, 3, padding=1, eps=1e-8)
    images = torch.randn(1, 4, 5, 5, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        kernel = resnet.kernel_in_use(convolution)
        again = torch.nn.functional.conv2d(images, kernel, None, 1, 1)
        assert torch.equal(convolution(images), again)
        plain = torch.nn.functional.conv2d(images, convolution.weight, None, 1, 1)
        assert not torch.equal(convolution(images), plain)
