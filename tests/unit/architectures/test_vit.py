"""ViT: attention comes out of its pattern, the class token stays out of the map, places follow."""

from __future__ import annotations

import copy
import dataclasses
import threading

import numpy as np
import pytest
import torch
from timm.layers import Attention
from timm.models.vision_transformer import VisionTransformer
from torch import Tensor, nn

from tests.unit import tiny
from vislib.analysis.reading_at import reading_at
from vislib.architectures import adapters
from vislib.models.loading import LoadedModel
from vislib.observe.capture import run_with_cache
from vislib.schema import ActivationCache, CaptureError

FULL = "deit_small_patch16_224.fb_in1k"


@pytest.fixture(scope="module", params=["vit", FULL])
def any_vit(request: pytest.FixtureRequest) -> LoadedModel:
    """The tiny ViT (registers, normed q and k) and a full-size DeiT, with seeded weights."""
    if request.param == "vit":
        return tiny.tiny_model("vit")
    model = tiny.untrained(request.param)
    module = copy.deepcopy(model.module)
    tiny.draw_weights(module, seed=0)
    return dataclasses.replace(model, module=module, lock=threading.RLock())


def tensor(cache: ActivationCache, name: str) -> Tensor:
    return torch.from_numpy(cache[name].values.copy())


def join_heads(mixed: Tensor) -> Tensor:
    """(head, token, channel of the head) -> (token, channel)."""
    return mixed.transpose(-3, -2).flatten(-2)


def hooked(model: LoadedModel, path: str) -> list[Tensor]:
    """A module's input and output in a run of its own."""
    seen: list[Tensor] = []
    inputs, _ = tiny.shared_run(model)
    handle = model.module.get_submodule(path).register_forward_hook(
        lambda _m, args, out: seen.extend((args[0].clone(), out.clone()))
    )
    try:
        with torch.inference_mode():
            model.module(inputs.tensor)
    finally:
        handle.remove()
    return seen


def test_names_are_exactly_these() -> None:
    model = tiny.tiny_model("vit")
    cache = run_with_cache(model, tiny.noise(model))
    blocks = [f"stage0.block{j}" for j in range(3)]
    expected = ["stem.linear", "stem.out"]
    expected += [f"{b}.{s}" for b in blocks for s in ("attention.mixed", "attention.out", "out")]
    expected += [f"{b}.attention.{s}" for b in blocks for s in ("pattern", "values")]
    assert list(cache) == expected
    # 5 x 5 patches, behind a class token and two registers in the pattern alone.
    assert cache["stage0.block0.attention.pattern"].values.shape == (3, 28, 28)
    assert cache["stage0.block0.attention.mixed"].values.shape == (25, 24)
    assert cache["stem.out"].values.shape == (25, 24)
    assert {s.prefix for s in model.sites} == {3}
    assert model.sites[0].operators == ("global_attention", "channel_mixing")
    assert (model.grid.rows, model.grid.position, model.grid.overlaps) == (5, "learned", False)


def test_the_pattern_is_the_softmax_that_ran(any_vit: LoadedModel) -> None:
    """A second route: the input of each attention's own dropout is its pattern, bitwise."""
    _, cache = tiny.shared_run(any_vit)
    for site in any_vit.sites[:: len(any_vit.sites) - 1]:
        seen = hooked(any_vit, f"blocks.{site.block}.attn.attn_drop")[0]
        pattern = cache[f"{site.group}.attention.pattern"].values
        np.testing.assert_array_equal(seen[0].numpy(), pattern)
        # Negative control: the heads in another order are other tables.
        assert not np.array_equal(seen[0].flip(0).numpy(), pattern)


def test_attention_comes_out_of_its_pattern(any_vit: LoadedModel) -> None:
    """pattern @ values is the real input of proj, bitwise; each wrong rebuild is not."""
    _, cache = tiny.shared_run(any_vit)
    for site in any_vit.sites:
        name, prefix = f"{site.group}.attention", site.prefix
        seen = cache[f"{name}.mixed"].values
        pattern, values = tensor(cache, f"{name}.pattern"), tensor(cache, f"{name}.values")
        mixed = join_heads(pattern @ values)[prefix:].numpy()
        np.testing.assert_array_equal(mixed, seen)
        wrong = (
            pattern.transpose(-2, -1) @ values,  # read the other way round
            pattern.flip(0) @ values,  # heads swapped
            pattern.log().mul(2.0).softmax(-1) @ values,  # twice the scale
        )
        for other in wrong:
            assert tiny.relative_error(join_heads(other)[prefix:].numpy(), seen) > 1e-2
        # The class token's row is not a patch's row.
        assert not np.array_equal(join_heads(pattern @ values)[: seen.shape[0]].numpy(), seen)


def test_what_differs_from_exact_arithmetic_is_rounding() -> None:
    """In float64 the same check shrinks by about 1e8: what is left in float32 is noise."""
    errors = []
    for dtype in (torch.float32, torch.float64):
        model = tiny.tiny_model("vit", dtype=dtype)
        cache = run_with_cache(model, tiny.noise(model))
        name = f"{model.sites[-1].group}.attention"
        pattern, values = (cache[f"{name}.{n}"].values.astype(float) for n in ("pattern", "values"))
        mixed = np.einsum("hqk,hkc->qhc", pattern, values).reshape(28, 24)[3:]
        errors.append(tiny.relative_error(mixed, cache[f"{name}.mixed"].values.astype(float)))
    single, double = errors
    assert single < 1e-6
    assert double < 1e-14
    assert double < 1e-6 * single


def test_patterns_are_probabilities(any_vit: LoadedModel) -> None:
    _, cache = tiny.shared_run(any_vit)
    names = [name for name in cache if name.endswith(".pattern")]
    assert len(names) == len(any_vit.sites)
    for name in names:
        values = cache[name].values
        assert values.min() >= 0.0
        assert np.abs(values.sum(axis=-1, dtype=np.float64) - 1.0).max() < 1e-6
        # Negative control: columns do not sum to 1, so the last axis is the one that is read.
        assert np.abs(values.sum(axis=-2, dtype=np.float64) - 1.0).max() > 1e-2


def test_tokens_come_without_the_prefix(any_vit: LoadedModel) -> None:
    """stem.out and out are the block's own tensors from the first patch on."""
    _, cache = tiny.shared_run(any_vit)
    site = any_vit.sites[0]
    came, went = hooked(any_vit, "blocks.0")
    for name, whole in (("stem.out", came), (f"{site.group}.out", went)):
        np.testing.assert_array_equal(whole[0, site.prefix :].numpy(), cache[name].values)
        assert not np.array_equal(whole[0, : site.rows * site.columns].numpy(), cache[name].values)
    # The stem's sum: filters on a patch, and that patch's own position embedding.
    linear = cache["stem.linear"].values.reshape(site.channels, -1).T
    position = any_vit.weights("stem")["stem.position"].values
    np.testing.assert_array_equal(linear + position, cache["stem.out"].values)
    assert not np.allclose(linear + position[::-1], cache["stem.out"].values, atol=1e-3)


def test_a_place_s_reading_is_its_row_and_the_class_token_s_share(any_vit: LoadedModel) -> None:
    _, cache = tiny.shared_run(any_vit)
    site = any_vit.sites[-1]
    row, column = site.rows - 1, 1
    found = reading_at(site, cache.arrays, row=row, column=column)
    query = site.prefix + row * site.columns + column
    pattern = cache[f"{site.group}.attention.pattern"].values[:, query].astype(np.float64)
    size = np.sqrt((pattern**2).mean(axis=0))
    shares = 100.0 * size / size.sum()
    np.testing.assert_allclose(found.share.ravel(), shares[site.prefix :], rtol=1e-9)
    assert found.outside == pytest.approx(shares[: site.prefix].sum())
    assert found.outside > 0.0
    # Negative control: without the prefix the site does not fit the pattern.
    from vislib.schema import ShapeError

    with pytest.raises(ShapeError, match="query has"):
        reading_at(dataclasses.replace(site, prefix=0), cache.arrays, row=row, column=column)


def shuffled(model: LoadedModel, order: np.ndarray, patch: int, *, follow: bool) -> np.ndarray:
    """Logits with the picture's patches shuffled, position embeddings with them or not."""
    module = copy.deepcopy(model.module)
    (axis,) = model.adapter.token_axes(model.module)  # type: ignore[attr-defined]
    if follow:
        with torch.no_grad():
            embedding = module.get_parameter(axis.parameter)
            embedding[:, axis.prefix :] = embedding[:, axis.prefix :][:, order]
    inputs = tiny.noise(model).tensor
    side = inputs.shape[-1] // patch
    cut = inputs.reshape(1, 3, side, patch, side, patch).permute(0, 2, 4, 1, 3, 5)
    cut = cut.reshape(1, side * side, 3, patch, patch)[:, order]
    back = cut.reshape(1, side, side, 3, patch, patch).permute(0, 3, 1, 4, 2, 5)
    with torch.inference_mode():
        logits: np.ndarray = module(back.reshape(inputs.shape))[0].numpy()
    return logits


@pytest.mark.parametrize(("dtype", "noise"), [(torch.float32, 1e-4), (torch.float64, 1e-12)])
def test_permuting_the_position_embedding_with_the_patches_is_exact(
    dtype: torch.dtype, noise: float
) -> None:
    model = tiny.tiny_model("vit", dtype=dtype)
    order = np.random.default_rng(3).permutation(25)
    with torch.inference_mode():
        plain = model.module(tiny.noise(model).tensor)[0].numpy()
    assert tiny.relative_error(shuffled(model, order, 6, follow=True), plain) < noise
    assert tiny.relative_error(shuffled(model, order, 6, follow=False), plain) > 1e-2


def test_weights_are_the_module_s(any_vit: LoadedModel) -> None:
    stem, module = any_vit.weights("stem"), any_vit.module
    site = any_vit.sites[-1]
    assert set(stem) == {"stem.filters", "stem.bias", "stem.position"}
    position = module.pos_embed.detach()[0].numpy()
    np.testing.assert_array_equal(stem["stem.position"].values, position[site.prefix :])
    assert not np.array_equal(stem["stem.position"].values, position[: -site.prefix])
    (qkv,) = any_vit.weights(site.group).values()
    np.testing.assert_array_equal(qkv.values, module.blocks[site.block].attn.qkv.weight.numpy())
    for group in ("stage0.block99", "nonsense"):
        with pytest.raises(CaptureError, match=group):
            any_vit.weights(group)


def test_position_embeddings_of_the_grid_alone_are_all_kept() -> None:
    """deit-3 and others give the class token no position: nothing may be cut off then."""
    module = VisionTransformer(
        img_size=12, patch_size=6, embed_dim=8, depth=1, num_heads=2, no_embed_class=True
    )
    adapter = adapters()["vit"]
    assert adapter.accepts(module)
    assert adapter.weights(module, "stem")["stem.position"].shape == {"token": 4, "channel": 8}


def test_switching_off_does_what_it_says() -> None:
    """A head's zeros take its values out of proj; a part's zeros make it add nothing."""
    model = tiny.tiny_model("vit")
    _, cache = tiny.shared_run(model)
    cuts = [c for c in model.adapter.cuts(model.module) if c.group == "stage0.block1"]  # type: ignore[attr-defined]
    assert [(c.kind, c.role) for c in cuts] == [
        ("head", "global_attention"),
        ("operator", "global_attention"),
        ("operator", "channel_mixing"),
        ("block", "tokens"),
    ]
    ((path, axis, width),) = cuts[0].zeros
    assert (cuts[0].count, axis, width) == (3, 1, 8)
    weight = model.module.get_parameter(path).clone()
    weight[:, 2 * width :] = 0.0
    mixed = tensor(cache, "stage0.block1.attention.mixed")
    without = mixed.clone()
    without[:, 16:] = 0.0
    full = model.module.get_parameter(path)
    torch.testing.assert_close(mixed @ weight.T, without @ full.T)
    assert not torch.allclose(mixed @ full.T, without @ full.T, atol=1e-3)
    for cut in cuts:
        assert all(model.module.get_parameter(p) is not None for p, _, _ in cut.zeros)


def variant(**changes: object) -> nn.Module:
    """A small ViT with something changed."""
    plain = {"img_size": 12, "patch_size": 6, "embed_dim": 8, "depth": 1, "num_heads": 2}
    return VisionTransformer(**(plain | changes))  # type: ignore[arg-type]


class OtherAttention(Attention):
    """Attention whose forward pass could be anything."""


def test_what_the_rebuild_would_get_wrong_is_refused() -> None:
    adapter = adapters()["vit"]
    for family in tiny.FAMILIES:
        assert adapter.accepts(tiny.tiny_model(family).module) == (family == "vit")
    assert adapter.accepts(variant())
    assert adapter.accepts(variant(qk_norm=True))
    for changes in (
        {"dynamic_img_size": True},
        {"scale_attn_norm": True},
        {"attn_layer": "diff"},
        {"attn_layer": OtherAttention},
        {"depth": 0},
    ):
        assert not adapter.accepts(variant(**changes)), changes
    gated = variant()
    gated.blocks[0].attn.gate = nn.Linear(8, 8)  # type: ignore[index, union-attr]
    assert not adapter.accepts(gated)
    from timm.models.deit import VisionTransformerDistilled

    assert not adapter.accepts(VisionTransformerDistilled(embed_dim=8, depth=1, num_heads=2))
