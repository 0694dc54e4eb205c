"""DaViT: both attentions come out of their patterns, in timm's order, in the right windows."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from tests.unit import tiny
from vislib.analysis.windows import partition, stitch_windows
from vislib.architectures import adapters
from vislib.architectures.davit import channel_pattern, split_qkv, window_pattern
from vislib.models.loading import LoadedModel
from vislib.observe.capture import run_with_cache
from vislib.schema import ActivationCache, CaptureError, ShapeError

HOOKED = ("window.mixed", "channel.mixed", "out")
REBUILT = (
    "window.pattern",
    "window.values",
    "channel.pattern",
    "channel.scores",
    "channel.queries",
    "channel.keys",
    "channel.values",
)


def tensor(cache: ActivationCache, name: str) -> Tensor:
    return torch.from_numpy(cache[name].values.copy())


def join_parts(mixed: Tensor) -> Tensor:
    """(..., part, token, channel of the part) -> (..., token, channel)."""
    return mixed.transpose(-3, -2).flatten(-2)


def window_mixed(cache: ActivationCache, group: str) -> Tensor:
    """Pattern @ values of every window and head, axes (window, token, channel)."""
    pattern, values = (tensor(cache, f"{group}.window.{n}") for n in ("pattern", "values"))
    return join_parts(pattern @ values)


def channel_mixed(cache: ActivationCache, group: str) -> Tensor:
    """Pattern applied to q (timm's operand), axes (token, channel)."""
    pattern, queries = (tensor(cache, f"{group}.channel.{n}") for n in ("pattern", "queries"))
    return join_parts((pattern @ queries.transpose(-2, -1)).transpose(-2, -1))


def attention(model: LoadedModel, site: object, index: int) -> nn.Module:
    """The module of a block's window (0) or channel (1) attention."""
    block = model.module.stages[site.stage].blocks[site.block]  # type: ignore[attr-defined]
    return list(block.children())[index].attn


def test_names_are_exactly_these() -> None:
    model = tiny.tiny_model("davit")
    blocks = ("stage0.block0", "stage1.block0", "stage1.block1")
    expected = ["stem.linear", "stem.out"]
    expected += [f"{block}.{site}" for block in blocks for site in HOOKED]
    expected += [f"{block}.{site}" for block in blocks for site in REBUILT]
    cache = run_with_cache(model, tiny.noise(model))
    assert list(cache) == expected
    # 7 x 7 tokens padded to 9 x 9 are 9 windows of 3 x 3; 4 x 4 padded to 6 x 6 are 4.
    assert cache["stage0.block0.window.pattern"].values.shape == (9, 2, 9, 9)
    assert cache["stage1.block1.window.pattern"].values.shape == (4, 4, 9, 9)
    assert cache["stage0.block0.window.mixed"].values.shape == (9, 9, 16)
    assert cache["stage1.block0.channel.pattern"].values.shape == (4, 8, 8)
    assert cache["stage1.block0.channel.mixed"].values.shape == (16, 32)
    kept = {array.provenance for name, array in cache.items() if name.endswith(HOOKED)}
    assert kept == {"activation"}
    assert {cache[f"{b}.{s}"].provenance for b in blocks for s in REBUILT} == {"recomputed"}
    assert model.sites[0].operators == ("window_attention", "channel_attention")


def test_window_patterns_are_the_softmax_that_ran(any_davit: LoadedModel) -> None:
    """A second route: the output of each attention's own softmax module, bitwise."""
    inputs, cache = tiny.shared_run(any_davit)
    softmaxes = [attention(any_davit, site, 0).softmax for site in any_davit.sites]
    seen: list[bool] = []
    handles = [
        module.register_forward_hook(
            lambda _m, _i, out, name=f"{site.group}.window.pattern": seen.append(
                np.array_equal(out.numpy(), cache[name].values)
            )
        )
        for module, site in zip(softmaxes, any_davit.sites, strict=True)
    ]
    try:
        with torch.inference_mode():
            any_davit.module(inputs.tensor)
    finally:
        for handle in handles:
            handle.remove()
    assert seen == [True] * len(any_davit.sites)


def test_patterns_are_probabilities(any_davit: LoadedModel) -> None:
    _, cache = tiny.shared_run(any_davit)
    names = [name for name in cache if name.endswith(".pattern")]
    assert len(names) == 2 * len(any_davit.sites)
    for name in names:
        values = cache[name].values
        assert values.min() >= 0.0
        assert np.abs(values.sum(axis=-1, dtype=np.float64) - 1.0).max() < 1e-6
        # Negative control: columns do not sum to 1, so the last axis is the one that is read.
        assert np.abs(values.sum(axis=-2, dtype=np.float64) - 1.0).max() > 1e-2
        assert (cache[name].unit, cache[name].signed) == ("probability", False)


def test_window_attention_comes_out_of_its_pattern(any_davit: LoadedModel) -> None:
    """pattern @ values is the real input of proj, bitwise."""
    _, cache = tiny.shared_run(any_davit)
    for site in any_davit.sites:
        seen = cache[f"{site.group}.window.mixed"].values
        rebuilt = window_mixed(cache, site.group).numpy()
        np.testing.assert_array_equal(rebuilt, seen)
        # Negative control: the pattern read the other way round.
        pattern, values = (tensor(cache, f"{site.group}.window.{n}") for n in ("pattern", "values"))
        wrong = join_parts(pattern.transpose(-2, -1) @ values).numpy()
        assert tiny.relative_error(wrong, seen) > 1e-2


def test_channel_attention_comes_out_of_its_pattern(any_davit: LoadedModel) -> None:
    """The pattern applied to q is the real input of proj, bitwise."""
    _, cache = tiny.shared_run(any_davit)
    for site in any_davit.sites:
        seen = cache[f"{site.group}.channel.mixed"].values
        np.testing.assert_array_equal(channel_mixed(cache, site.group).numpy(), seen)


def test_operand_order_matters(any_davit: LoadedModel) -> None:
    """The textbook's softmax(scale * q^T k) applied to v is another output, and so is each half."""
    _, cache = tiny.shared_run(any_davit)
    for site in any_davit.sites:
        q, k, v = (
            tensor(cache, f"{site.group}.channel.{n}") for n in ("queries", "keys", "values")
        )
        seen = cache[f"{site.group}.channel.mixed"].values
        scale = q.shape[-1] ** -0.5

        def mixed(a: Tensor, b: Tensor, target: Tensor, scale: float = scale) -> np.ndarray:
            table = ((a * scale).transpose(-2, -1) @ b).softmax(-1)
            return join_parts((table @ target.transpose(-2, -1)).transpose(-2, -1)).numpy()

        assert tiny.relative_error(mixed(k, v, q), seen) < 1e-5
        for wrong in (mixed(q, k, v), mixed(v, k, q), mixed(k, v, v), mixed(k, q, v)):
            assert tiny.relative_error(wrong, seen) > 5e-2


def test_a_score_is_the_sum_over_places_of_what_two_channels_say(any_davit: LoadedModel) -> None:
    """scores[i, j] = scale * sum over p of k_i[p] * v_j[p], and the pattern is its softmax."""
    _, cache = tiny.shared_run(any_davit)
    for site in any_davit.sites:
        name = f"{site.group}.channel"
        scores = tensor(cache, f"{name}.scores")
        np.testing.assert_array_equal(scores.softmax(-1).numpy(), cache[f"{name}.pattern"].values)
        keys, values = (cache[f"{name}.{n}"].values.astype(np.float64) for n in ("keys", "values"))
        by_hand = np.einsum("gpi,gpj->gij", keys, values) / np.sqrt(keys.shape[-1])
        assert tiny.relative_error(scores.numpy(), by_hand) < 1e-5
        assert tiny.relative_error(scores.numpy(), by_hand.swapaxes(1, 2)) > 1e-2


def numpy_errors(dtype: torch.dtype) -> list[float]:
    """Both attentions of the last tiny block in float64 numpy from the captured operands."""
    model = tiny.tiny_model("davit", dtype=dtype)
    cache = run_with_cache(model, tiny.noise(model))
    group = model.sites[-1].group

    def wide(name: str) -> np.ndarray:
        return cache[f"{group}.{name}"].values.astype(np.float64)

    window = np.einsum("whqk,whkc->wqhc", wide("window.pattern"), wide("window.values"))
    channel = np.einsum("gij,gpj->pgi", wide("channel.pattern"), wide("channel.queries"))
    return [
        tiny.relative_error(wide(name), rebuilt.reshape(*wide(name).shape))
        for name, rebuilt in (("window.mixed", window), ("channel.mixed", channel))
    ]


def test_what_differs_from_exact_arithmetic_is_rounding() -> None:
    """In float64 the same check shrinks by about 1e8: what is left in float32 is noise."""
    for single, double in zip(*map(numpy_errors, (torch.float32, torch.float64)), strict=True):
        assert single < 1e-6
        assert double < 1e-14
        assert double < 1e-6 * single


@pytest.fixture(scope="module")
def spatial_parts(any_davit: LoadedModel) -> list[dict[str, np.ndarray]]:
    """Of the first block of each stage: normed grid, attention's windows in and out, sum after."""
    inputs, _ = tiny.shared_run(any_davit)
    found: list[dict[str, np.ndarray]] = []
    handles = []
    for stage in any_davit.module.stages:
        spatial = next(iter(stage.blocks[0].children()))
        parts: dict[str, np.ndarray] = {}
        found.append(parts)

        def keep(name: str, parts: dict[str, np.ndarray] = parts) -> object:
            return lambda _m, args, out: parts.update(
                {f"{name}.in": args[0].numpy().copy(), f"{name}.out": out.numpy().copy()}
            )

        for name in ("norm1", "attn", "cpe2"):
            handles.append(getattr(spatial, name).register_forward_hook(keep(name)))
    try:
        with torch.inference_mode():
            any_davit.module(inputs.tensor)
    finally:
        for handle in handles:
            handle.remove()
    return found


def test_windows_are_where_the_page_says(
    any_davit: LoadedModel, spatial_parts: list[dict[str, np.ndarray]]
) -> None:
    """Cut as the model cuts, padding included; stitched back as the model stitches, bitwise."""
    firsts = [site for site in any_davit.sites if site.block == 0]
    for site, parts in zip(firsts, spatial_parts, strict=True):
        shape = (site.rows, site.columns, site.channels)
        grid = parts["norm1.out"].reshape(shape)
        cut = partition(grid, site.window)
        np.testing.assert_array_equal(cut, parts["attn.in"])
        back = stitch_windows(cut, site.rows, site.columns, site.window)
        np.testing.assert_array_equal(back, grid)
        # What the block adds to its input is the attention's output, each window at its place.
        mixed = stitch_windows(parts["attn.out"], site.rows, site.columns, site.window)
        added = parts["norm1.in"].reshape(shape) + mixed
        after = parts["cpe2.in"][0].transpose(1, 2, 0)
        np.testing.assert_array_equal(added, after)
        # Negative control: windows in column-major order are not the model's.
        if len(cut) > 1:
            turned = partition(grid.swapaxes(0, 1), site.window)
            assert not np.array_equal(turned, parts["attn.in"])


def test_captured_windows_are_those_of_the_module(
    any_davit: LoadedModel, spatial_parts: list[dict[str, np.ndarray]]
) -> None:
    """proj(mixed) is the attention's output: the captured window axis is the model's own."""
    _, cache = tiny.shared_run(any_davit)
    for index, parts in enumerate(spatial_parts):
        site = next(s for s in any_davit.sites if (s.stage, s.block) == (index, 0))
        mixed = tensor(cache, f"{site.group}.window.mixed")
        with torch.inference_mode():
            out = attention(any_davit, site, 0).proj(mixed).numpy()
        np.testing.assert_array_equal(out, parts["attn.out"])
        assert not np.array_equal(out[:, ::-1], parts["attn.out"])
        pattern = cache[f"{site.group}.window.pattern"].shape
        assert pattern["query"] == pattern["key"] == site.window**2
        assert pattern["head"] == site.heads
        assert pattern["window"] == (-(-site.rows // site.window)) ** 2


def test_fused_attention_is_off_everywhere(any_davit: LoadedModel) -> None:
    flags = [m.fused_attn for m in any_davit.module.modules() if hasattr(m, "fused_attn")]
    assert len(flags) == len(any_davit.sites)
    assert not any(flags)


def test_token_order_moves_windows_and_not_channels() -> None:
    """Permuted tokens leave the channel pattern as it was and turn the window pattern about."""
    generator = torch.Generator().manual_seed(5)
    qkv = torch.randn(1, 9, 3 * 8, generator=generator)
    order = torch.randperm(9, generator=generator)
    channels = [channel_pattern(t, groups=2, scale=0.5) for t in (qkv, qkv[:, order])]
    assert float((channels[0] - channels[1]).abs().max()) < 1e-5
    windows = [window_pattern(t, heads=2, scale=0.5) for t in (qkv, qkv[:, order])]
    assert float((windows[0] - windows[1]).abs().max()) > 0.1
    np.testing.assert_allclose(windows[0][..., order, :][..., order], windows[1], atol=1e-6)


def test_split_refuses_a_width_that_does_not_fit() -> None:
    with pytest.raises(ShapeError, match="24 features"):
        split_qkv(torch.zeros(1, 4, 24), 5)
    q, k, v = split_qkv(torch.arange(24.0).reshape(1, 1, 24), 2)
    assert [int(t[0, 1, 0, 0]) for t in (q, k, v)] == [4, 12, 20]


def test_grid_counts_as_the_stem_does() -> None:
    model = tiny.tiny_model("davit")
    for size in (40, 41, 43, 44):
        with torch.inference_mode():
            seen = model.module.stem(torch.zeros(1, 3, size, size)).shape
        grid = model.adapter.grid(model.module, size)
        assert (grid.rows, grid.columns) == tuple(seen[2:])
    assert (grid.patch, grid.stride, grid.offset, grid.overlaps) == (7, 4, -3, True)
    assert model.adapter.grid(model.module, 44).rows == 11


def test_weights_of_a_group_that_is_not_there_are_refused(any_davit: LoadedModel) -> None:
    assert set(any_davit.weights("stem")) == {"stem.filters", "stem.bias"}
    for group in ("stage9.block0", "nonsense"):
        with pytest.raises(CaptureError, match=group):
            any_davit.weights(group)


def test_only_davits_with_the_paper_s_channel_attention_are_accepted() -> None:
    adapter = adapters()["davit"]
    for family in tiny.FAMILIES:
        assert adapter.accepts(tiny.tiny_model(family).module) == (family == "davit")
    from timm.models.davit import DaVit

    second = DaVit(
        depths=(1,), embed_dims=(8,), num_heads=(2,), window_size=3, channel_attn_v2=True
    )
    assert not adapter.accepts(second)
