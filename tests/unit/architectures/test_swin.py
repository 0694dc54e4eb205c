"""Swin: shifted windows at their places, patterns with bias and mask, edges kept apart."""

from __future__ import annotations

import copy
import dataclasses
import threading

import numpy as np
import pytest
import torch
from timm.models.swin_transformer import SwinTransformer
from torch import Tensor, nn

from tests.unit import tiny
from vislib.analysis.patches import token_table
from vislib.analysis.reading_at import reading_at
from vislib.analysis.windows import partition, stitch_windows, window_piece
from vislib.architectures import adapters
from vislib.architectures.shared.attention import split_qkv
from vislib.architectures.swin import position_bias, window_pattern
from vislib.models.loading import LoadedModel
from vislib.observe.capture import run_with_cache
from vislib.schema import ActivationCache, CaptureError, MixingSite

FULL = "swin_tiny_patch4_window7_224.ms_in1k"


@pytest.fixture(scope="module", params=["swin", FULL])
def any_swin(request: pytest.FixtureRequest) -> LoadedModel:
    """The tiny Swin (padded grids) and the full-size one, with seeded weights."""
    if request.param == "swin":
        return tiny.tiny_model("swin")
    model = tiny.untrained(request.param)
    module = copy.deepcopy(model.module)
    tiny.draw_weights(module, seed=0)
    return dataclasses.replace(model, module=module, lock=threading.RLock())


def block_of(model: LoadedModel, site: MixingSite) -> nn.Module:
    return model.module.layers[site.stage].blocks[site.block]  # type: ignore[index, union-attr]


def tensor(cache: ActivationCache, name: str) -> Tensor:
    return torch.from_numpy(cache[name].values.copy())


def join_heads(mixed: Tensor) -> Tensor:
    """(window, head, token, channel of the head) -> (window, token, channel)."""
    return mixed.transpose(-3, -2).flatten(-2)


def run_with_hooks(model: LoadedModel, paths: list[str]) -> dict[str, tuple[Tensor, Tensor]]:
    """Path -> first input and output of each module in a run of its own."""
    seen: dict[str, tuple[Tensor, Tensor]] = {}
    inputs, _ = tiny.shared_run(model)
    handles = [
        model.module.get_submodule(path).register_forward_hook(
            lambda _m, args, out, path=path: seen.update({path: (args[0].clone(), out.clone())})
        )
        for path in paths
    ]
    try:
        with torch.inference_mode():
            model.module(inputs.tensor)
    finally:
        for handle in handles:
            handle.remove()
    return seen


def path_of(site: MixingSite) -> str:
    return f"layers.{site.stage}.blocks.{site.block}"


def test_names_shapes_and_shifts_are_the_module_s(any_swin: LoadedModel) -> None:
    _, cache = tiny.shared_run(any_swin)
    expected = ["stem.linear", "stem.out"]
    expected += [f"{s.group}.{n}" for s in any_swin.sites for n in ("window.mixed", "out")]
    expected += [f"{s.group}.window.{n}" for s in any_swin.sites for n in ("pattern", "values")]
    assert list(cache) == expected
    for site in any_swin.sites:
        shape = cache[f"{site.group}.window.pattern"].shape
        assert shape["query"] == shape["key"] == site.window**2
        assert (shape["head"], shape["window"]) == (site.heads, (-(-site.rows // site.window)) ** 2)
        assert cache[f"{site.group}.out"].axes == ("row", "column", "channel")
    shifts = [(s.window, s.shift) for s in any_swin.sites]
    if any_swin.spec.key == FULL:
        assert [s.rows for s in any_swin.sites] == [56] * 2 + [28] * 2 + [14] * 6 + [7] * 2
        # The last stage is one window: nothing is shifted there.
        assert shifts == [(7, 0), (7, 3)] * 5 + [(7, 0), (7, 0)]
    else:
        assert shifts == [(3, 0), (3, 1)] * 2


def test_a_map_no_larger_than_the_window_shrinks_it() -> None:
    module = SwinTransformer(
        img_size=20, patch_size=4, embed_dim=8, depths=(2, 2), num_heads=(2, 2), window_size=4
    )
    sites = adapters()["swin"].sites(module, 20)
    assert [(s.rows, s.window, s.shift) for s in sites] == [
        (5, 4, 0),
        (5, 4, 2),
        (3, 3, 0),
        (3, 3, 0),
    ]


def test_patterns_are_the_softmax_that_ran(any_swin: LoadedModel) -> None:
    """A second route: the output of each attention's own softmax module, bitwise."""
    _, cache = tiny.shared_run(any_swin)
    seen = run_with_hooks(any_swin, [f"{path_of(s)}.attn.softmax" for s in any_swin.sites])
    for site in any_swin.sites:
        pattern = cache[f"{site.group}.window.pattern"].values
        np.testing.assert_array_equal(seen[f"{path_of(site)}.attn.softmax"][1].numpy(), pattern)
        assert np.abs(pattern.sum(axis=-1, dtype=np.float64) - 1.0).max() < 1e-6
        assert np.abs(pattern.sum(axis=-2, dtype=np.float64) - 1.0).max() > 1e-2


def test_bias_mask_scale_and_order_each_matter(any_swin: LoadedModel) -> None:
    """Negative control: leaving one ingredient out, or changing it, gives another pattern."""
    _, cache = tiny.shared_run(any_swin)
    site = any_swin.sites[1]
    assert site.shift
    attention = block_of(any_swin, site).attn
    name = f"{path_of(site)}.attn.qkv"
    qkv = run_with_hooks(any_swin, [name])[name][1]
    mask = block_of(any_swin, site).attn_mask
    right = {"heads": site.heads, "scale": attention.scale, "bias": position_bias(attention)}
    seen = cache[f"{site.group}.window.pattern"].values
    np.testing.assert_array_equal(window_pattern(qkv, mask=mask, **right).numpy(), seen)
    q, k, v = qkv.chunk(3, dim=-1)
    wrong = [
        window_pattern(qkv, mask=None, **right),
        window_pattern(qkv, mask=mask.flip(0), **right),
        window_pattern(qkv, mask=mask, **(right | {"scale": 2 * attention.scale})),
        window_pattern(qkv, mask=mask, **(right | {"bias": right["bias"].transpose(1, 2)})),
        window_pattern(qkv, mask=mask, **(right | {"bias": right["bias"].flip(0)})),
        window_pattern(torch.cat([k, q, v], dim=-1), mask=mask, **right),
    ]
    for other in wrong:
        assert float(np.abs(other.numpy() - seen).max()) > 1e-2


def test_attention_comes_out_of_its_pattern(any_swin: LoadedModel) -> None:
    """pattern @ values is the real input of proj, bitwise."""
    _, cache = tiny.shared_run(any_swin)
    for site in any_swin.sites:
        seen = cache[f"{site.group}.window.mixed"].values
        pattern, values = (tensor(cache, f"{site.group}.window.{n}") for n in ("pattern", "values"))
        np.testing.assert_array_equal(join_heads(pattern @ values).numpy(), seen)
        for wrong in (pattern.transpose(-2, -1) @ values, pattern.flip(1) @ values):
            assert tiny.relative_error(join_heads(wrong).numpy(), seen) > 1e-2


def test_windows_stitched_and_rolled_back_are_what_the_block_adds(any_swin: LoadedModel) -> None:
    """From pattern and values to the grid: the block's state after attention, bitwise."""
    _, cache = tiny.shared_run(any_swin)
    paths = [path_of(s) for s in any_swin.sites]
    seen = run_with_hooks(any_swin, [*paths, *(f"{path}.norm2" for path in paths)])
    for site, path in zip(any_swin.sites, paths, strict=True):
        pattern, values = (tensor(cache, f"{site.group}.window.{n}") for n in ("pattern", "values"))
        with torch.inference_mode():
            out = block_of(any_swin, site).attn.proj(join_heads(pattern @ values)).numpy()
        before = seen[path][0][0].numpy()
        after = seen[f"{path}.norm2"][0][0].numpy().reshape(before.shape)
        where = (site.rows, site.columns, site.window)
        np.testing.assert_array_equal(before + stitch_windows(out, *where, site.shift), after)
        if site.shift:  # negative control: without the roll, or rolled the other way
            for shift in (0, -site.shift):
                wrong = before + stitch_windows(out, *where, shift)
                assert tiny.relative_error(wrong, after) > 1e-2


def stitched_error(dtype: torch.dtype) -> float:
    """The same in float64 numpy from pattern, values and proj, of the last tiny block."""
    model = tiny.tiny_model("swin", dtype=dtype)
    cache = run_with_cache(model, tiny.noise(model))
    site = model.sites[-1]
    attention = block_of(model, site).attn

    def wide(name: str) -> np.ndarray:
        return cache[f"{site.group}.window.{name}"].values.astype(np.float64)

    mixed = np.einsum("whqk,whkc->wqhc", wide("pattern"), wide("values"))
    weight, bias = (p.double().numpy() for p in (attention.proj.weight, attention.proj.bias))
    out = mixed.reshape(*mixed.shape[:2], -1) @ weight.T + bias
    with torch.inference_mode():
        real = attention.proj(tensor(cache, f"{site.group}.window.mixed")).double().numpy()
    where = (site.rows, site.columns, site.window, site.shift)
    return tiny.relative_error(stitch_windows(out, *where), stitch_windows(real, *where))


def test_what_differs_from_exact_arithmetic_is_rounding() -> None:
    single, double = stitched_error(torch.float32), stitched_error(torch.float64)
    assert single < 1e-5
    assert double < 1e-13
    assert double < 1e-6 * single


def test_windows_are_cut_as_the_model_cuts(any_swin: LoadedModel) -> None:
    """Rolled, padded and cut like the module's input: bitwise, also where padding is needed."""
    paths = [path_of(s) for s in any_swin.sites]
    seen = run_with_hooks(
        any_swin, [f"{path}.{part}" for path in paths for part in ("norm1", "attn")]
    )
    for site, path in zip(any_swin.sites, paths, strict=True):
        grid = seen[f"{path}.norm1"][1][0].numpy()
        cut = seen[f"{path}.attn"][0].numpy()
        np.testing.assert_array_equal(partition(grid, site.window, site.shift), cut)
        if site.shift:
            assert not np.array_equal(partition(grid, site.window), cut)


def test_every_cell_reads_the_row_that_the_model_applies(any_swin: LoadedModel) -> None:
    """reading_at, cell by cell, against the model's own cut, pattern and way back on one-hots."""
    _, cache = tiny.shared_run(any_swin)
    for site in any_swin.sites[:2]:
        cells = site.rows * site.columns
        if cells > 100:  # of the large grid: a band of keys is enough
            keys = np.arange(0, cells, 97)
        else:
            keys = np.arange(cells)
        marks = np.zeros((cells, len(keys)), dtype=np.float64)
        marks[keys, np.arange(len(keys))] = 1.0
        marks = marks.reshape(site.rows, site.columns, -1)
        pattern = cache[f"{site.group}.window.pattern"].values.astype(np.float64).mean(axis=1)
        read = stitch_windows(
            pattern @ partition(marks, site.window, site.shift),
            site.rows,
            site.columns,
            site.window,
            site.shift,
        )
        for row, column in {(0, 0), (site.rows - 1, 2), (2, site.columns - 1), (4, 5), (3, 3)}:
            found = reading_at(site, cache.arrays, row=row, column=column)
            np.testing.assert_allclose(found.raw.ravel()[keys], read[row, column], atol=1e-9)
            if site.shift:
                plain = dataclasses.replace(site, shift=0)
                other = reading_at(plain, cache.arrays, row=row, column=column)
                assert not np.allclose(other.raw, found.raw, atol=1e-4)


def test_a_shifted_window_does_not_read_the_opposite_edge() -> None:
    """At an edge only the window's own piece is read; without the mask the other edge would be."""
    model = tiny.untrained(FULL)
    run = run_with_cache(model, tiny.noise(model), "stage0.block1")
    site = model.sites[1]
    where = {"rows": 56, "columns": 56, "window": 7, "shift": 3}
    for row, column in ((0, 0), (55, 55), (0, 30), (30, 55), (20, 20)):
        found = reading_at(site, run.arrays, row=row, column=column)
        top, left, down, across = window_piece(row, column, **where)
        inside = np.zeros((56, 56), dtype=bool)
        inside[top : top + down, left : left + across] = True
        assert inside[row, column]
        assert found.share[~inside].max() < 1e-30
        assert found.share[inside].sum() == pytest.approx(100.0)
        assert found.outside == 0.0
    # Negative control: the same scores without the mask reach across the picture.
    attention = block_of(model, site).attn
    qkv = run_with_hooks(model, ["layers.0.blocks.1.attn.qkv"])["layers.0.blocks.1.attn.qkv"][1]
    open_pattern = window_pattern(
        qkv, heads=3, scale=attention.scale, bias=position_bias(attention), mask=None
    )
    name = f"{site.group}.window.pattern"
    arrays = {name: dataclasses.replace(run[name], values=open_pattern.numpy())}
    assert reading_at(site, arrays, row=0, column=0).share[40:, 40:].sum() > 1.0


def test_position_bias_is_the_module_s_and_a_map_of_distances(any_swin: LoadedModel) -> None:
    for site in any_swin.sites[:2]:
        attention = block_of(any_swin, site).attn
        found = any_swin.weights(site.group)
        pairs = found[f"{site.group}.window.position_bias"]
        expected = attention._get_rel_pos_bias()[0].numpy()
        np.testing.assert_array_equal(pairs.values, expected)
        assert not np.array_equal(pairs.values, expected.swapaxes(1, 2))
        around = found[f"{site.group}.window.position_table"]
        side, middle = site.window, site.window - 1
        assert around.shape == {"head": site.heads, "ky": 2 * side - 1, "kx": 2 * side - 1}
        # A key one row below and two columns to the right of its query.
        query, key = 0 * side + 0, 1 * side + 2
        bias = pairs.values[1, query, key]
        assert bias == around.values[1, middle + 1, middle + 2]
        assert bias != around.values[1, middle - 1, middle - 2]
        assert (pairs.unit, pairs.signed, pairs.provenance) == ("score", True, "parameter")


def test_tokens_of_maps_with_channels_last_fit_the_token_table() -> None:
    model = tiny.tiny_model("swin")
    _, cache = tiny.shared_run(model)
    tokens = token_table(cache["stage1.block1.out"], 4, 4)
    np.testing.assert_array_equal(tokens.values[4 * 2 + 3], cache["stage1.block1.out"].values[2, 3])
    assert not np.array_equal(tokens.values[4 * 3 + 2], tokens.values[4 * 2 + 3])


def test_weights_and_cuts_of_the_groups() -> None:
    model = tiny.tiny_model("swin")
    assert set(model.weights("stem")) == {"stem.filters", "stem.bias"}
    for group in ("stage9.block0", "nonsense"):
        with pytest.raises(CaptureError, match=group):
            model.weights(group)
    cuts = model.adapter.cuts(model.module)  # type: ignore[attr-defined]
    assert [c.kind for c in cuts] == ["head", "operator", "operator", "block"] * 4
    assert cuts[0].zeros == (("layers.0.blocks.0.attn.proj.weight", 1, 8),)
    assert all(model.module.get_parameter(p) is not None for c in cuts for p, _, _ in c.zeros)
    assert model.adapter.token_axes(model.module) == ()  # type: ignore[attr-defined]


def test_what_the_rebuild_would_get_wrong_is_refused() -> None:
    adapter = adapters()["swin"]
    for family in tiny.FAMILIES:
        assert adapter.accepts(tiny.tiny_model(family).module) == (family == "swin")
    plain = {"img_size": 32, "patch_size": 4, "embed_dim": 8, "depths": (2,), "num_heads": (2,)}
    assert adapter.accepts(SwinTransformer(**plain, window_size=4))
    assert not adapter.accepts(SwinTransformer(**plain, window_size=(2, 4)))
    assert not adapter.accepts(SwinTransformer(**plain, window_size=4, dynamic_img_size=True))


def test_split_keeps_windows_apart() -> None:
    q, k, v = split_qkv(torch.arange(48.0).reshape(2, 1, 24), 2)
    assert [int(t[1, 1, 0, 0]) for t in (q, k, v)] == [28, 36, 44]
