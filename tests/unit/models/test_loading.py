"""Models are loaded as they are shown: unfused, seeded, seen through their own transform."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import timm
import torch
from PIL import Image

from tests.unit import tiny
from vislib import registry
from vislib.models import loading
from vislib.models.loading import LoadedModel
from vislib.observe.capture import run_with_cache
from vislib.registry import MODEL_REGISTRY
from vislib.schema import ModelError, WeightsError
from vislib.weights import files

BUNDLED = [key for key, row in MODEL_REGISTRY.items() if row.weights == "bundled"]
PUBLISHED = [key for key, row in MODEL_REGISTRY.items() if row.weights == "timm"]
SIZES = ((120, 90), (90, 133), (64, 64), (40, 31), (255, 200), (224, 17), (233, 233))
"""Width and height of test pictures, in source pixels; some are smaller than the model's input."""


@pytest.fixture(scope="module", params=list(MODEL_REGISTRY))
def registered(request: pytest.FixtureRequest) -> LoadedModel:
    """Each row of the registry, built without its weights being drawn one by one."""
    row = MODEL_REGISTRY[request.param]
    with torch.device("meta"):  # shapes and configuration; the weights are not looked at here
        module = loading.build(row)
    size = loading.input_config(module).size
    anchor = torch.nn.Linear(1, 1)  # prepare() asks a parameter for its dtype
    loaded = tiny.wrap(anchor, row.family, size=size, spec=row)
    return dataclasses.replace(loaded, config=loading.input_config(module))


# The registry


def test_every_row_can_be_built_and_has_an_adapter() -> None:
    assert BUNDLED
    assert PUBLISHED
    for key, row in MODEL_REGISTRY.items():
        assert row.key == key
        with torch.device("meta"):
            module = loading.build(row)
        adapter = loading.adapters()[row.family]
        assert adapter.accepts(module)
        assert adapter.sites(module, loading.input_config(module).size)


def test_an_unknown_model_names_those_that_exist() -> None:
    with pytest.raises(ModelError, match=r"no model 'vgg_mini'.*mixer_mini.*davit_tiny"):
        loading.load("vgg_mini", untrained=True)


def test_the_configuration_is_the_published_one() -> None:
    for key in PUBLISHED:
        cfg = timm.get_pretrained_cfg(key)
        with torch.device("meta"):
            config = loading.input_config(loading.build(MODEL_REGISTRY[key]))
        assert (3, config.size, config.size) == tuple(cfg.input_size)
        assert (config.mean, config.std) == (tuple(cfg.mean), tuple(cfg.std))
        assert (config.crop, config.interpolation) == (cfg.crop_pct, cfg.interpolation)
    crops = {timm.get_pretrained_cfg(key).crop_pct for key in PUBLISHED}
    assert len(crops) > 1  # models crop differently, which is why none of this is typed again


# Preparation


@pytest.mark.walk(3)
def test_preprocessing_is_the_model_s_own_transform(registered: LoadedModel) -> None:
    with torch.device("meta"):
        module = loading.build(registered.spec)
    own = timm.data.create_transform(
        **timm.data.resolve_data_config(model=module), is_training=False
    )
    for number, (width, height) in enumerate(SIZES):
        picture = tiny.picture(width, height, seed=number)
        inputs = loading.prepare(registered, picture)
        expected = own(Image.fromarray(picture.pixels))[None]
        assert inputs.tensor.shape == (1, 3, registered.config.size, registered.config.size)
        assert torch.equal(inputs.tensor, expected)
        assert inputs.image_sha256 == picture.sha256
        # Negative control: another crop is another input.
        closer = dataclasses.replace(registered.config, crop=registered.config.crop * 0.8)
        other = loading.prepare(dataclasses.replace(registered, config=closer), picture)
        assert not torch.equal(other.tensor, expected)


def test_preprocessing_written_out(registered: LoadedModel) -> None:
    """The same without timm or torchvision: resize the short side, cut the middle, normalise."""
    config, picture = registered.config, tiny.picture(133, 90, seed=3)
    short = int(config.size / config.crop)
    wide = int(short * 133 / 90)
    between = Image.Resampling[config.interpolation.upper()]
    resized = np.asarray(Image.fromarray(picture.pixels).resize((wide, short), between))
    top, left = round((short - config.size) / 2), round((wide - config.size) / 2)
    cut = resized[top : top + config.size, left : left + config.size] / 255.0
    expected = ((cut - np.array(config.mean)) / np.array(config.std)).transpose(2, 0, 1)
    tensor = loading.prepare(registered, picture).tensor[0].numpy()
    assert tiny.relative_error(tensor, expected) < 1e-6
    assert tiny.relative_error(tensor, expected[::-1]) > 1e-2
    assert tiny.relative_error(tensor, expected[:, :, ::-1]) > 1e-2


def test_the_view_box_is_where_the_input_comes_from(registered: LoadedModel) -> None:
    """Red tells the source column and green the row: each model pixel says where it was read."""
    config = registered.config
    for width, height in SIZES:
        rows, columns = np.mgrid[0:height, 0:width]
        pixels = np.stack([columns, rows, 0 * rows], axis=-1).astype(np.uint8)
        inputs = loading.prepare(registered, tiny.decoded(pixels))
        seen = inputs.tensor[0].numpy().transpose(1, 2, 0) * config.std + np.array(config.mean)
        box, steps = inputs.view_box, (np.arange(config.size) + 0.5) / config.size
        wanted_x = box.left + steps * box.width - 0.5
        wanted_y = box.top + steps * box.height - 0.5
        # The resampling bends a ramp near the picture's edge, by under two source pixels.
        inside = slice(*np.searchsorted(wanted_x, [2.0, width - 3.0]))
        below = slice(*np.searchsorted(wanted_y, [2.0, height - 3.0]))
        got_x, got_y = 255.0 * seen[..., 0], 255.0 * seen[..., 1]
        assert np.abs(got_x[:, inside] - wanted_x[inside]).max() < 1.01
        assert np.abs(got_y[below] - wanted_y[below][:, None]).max() < 1.01
        corners = [got_x[0, 0], got_y[0, 0], got_x[-1, -1], got_y[-1, -1]]
        expected = [wanted_x[0], wanted_y[0], wanted_x[-1], wanted_y[-1]]
        assert np.abs(np.subtract(corners, expected)).max() < 2.0
        if max(width, height) > 1.2 * min(width, height):
            # Negative control: the whole picture is not what a square model sees.
            whole = (steps * max(width, height)) - 0.5
            got = got_x[0] if width > height else got_y[:, 0]
            assert np.abs(got - whole).max() > 3.0


@pytest.mark.parametrize("key", ["mixer_mini", "convmixer_mini", *tiny.FULL_SIZE[:2]])
def test_one_bright_patch_lights_exactly_its_cell(key: str) -> None:
    """From the picture to stem.linear: that cell in all channels, and no other one in any."""
    model = tiny.untrained(key)
    # A picture that the transform does not resize: its short side is the resized side.
    side = int(model.config.size / model.config.crop)
    dark = np.zeros((side, side, 3), dtype=np.uint8)
    before = stem(model, dark)
    cells = [(2, 5)] if key in PUBLISHED else [(2, 5), (0, 0), (model.grid.rows - 1, 1)]
    for cell in cells:
        bright = dark.copy()
        box = loading.prepare(model, tiny.decoded(bright)).view_box
        assert (box.width, box.height) == (model.config.size, model.config.size)
        top = round(box.top) + cell[0] * model.grid.stride
        left = round(box.left) + cell[1] * model.grid.stride
        bright[top : top + model.grid.patch, left : left + model.grid.patch] = 255
        changed = stem(model, bright) != before
        assert changed[:, cell[0], cell[1]].mean() > 0.99
        changed[:, cell[0], cell[1]] = False
        assert not changed.any()
        # Negative control: one source pixel further, and a second cell lights up.
        if key in BUNDLED:
            assert len(lit(stem(model, np.roll(bright, 1, axis=1)) != before)) == 2


def test_one_bright_patch_lights_several_cells_where_patches_overlap() -> None:
    model = tiny.untrained("davit_mini")
    dark = np.zeros((64, 64, 3), dtype=np.uint8)
    bright = dark.copy()
    bright[20:24, 32:36] = 255
    cells = lit(stem(model, bright) != stem(model, dark))
    assert cells == {(5, 8), (5, 9), (6, 8), (6, 9)}
    assert model.grid.overlaps


def stem(model: LoadedModel, pixels: np.ndarray) -> np.ndarray:
    """stem.linear of a picture, axes (channel, row, column)."""
    inputs = loading.prepare(model, tiny.decoded(pixels))
    return run_with_cache(model, inputs, "stem")["stem.linear"].values


def lit(changed: np.ndarray) -> set[tuple[int, int]]:
    """Cells of the grid at which any channel changed."""
    return {(int(r), int(c)) for r, c in np.argwhere(changed.any(axis=0))}


def test_the_stem_is_its_filters_over_a_patch() -> None:
    """stem.linear at a cell = the shown filters times the cell's pixels, in float64."""
    for key in ("mixer_mini", "convmixer_mini", "davit_mini"):
        model = tiny.untrained(key)
        inputs = tiny.noise(model)
        linear = run_with_cache(model, inputs, "stem")["stem.linear"].values
        shown = model.weights("stem")
        filters, bias = (shown[f"stem.{n}"].values.astype(np.float64) for n in ("filters", "bias"))
        grid = model.grid
        for r, c in ((1, 3), (grid.rows - 2, 2)):
            top, left = grid.offset + r * grid.stride, grid.offset + c * grid.stride
            cell = inputs.tensor[0, :, top : top + grid.patch, left : left + grid.patch].numpy()
            by_hand = np.einsum("nrij,rij->n", filters, cell) + bias
            assert tiny.relative_error(linear[:, r, c], by_hand) < 1e-5
            flipped = np.einsum("nrij,rij->n", filters, cell[:, ::-1]) + bias
            assert tiny.relative_error(linear[:, r, c], flipped) > 1e-2


# Loading


@pytest.mark.parametrize("key", BUNDLED)
def test_the_same_seed_gives_the_same_untrained_weights(key: str) -> None:
    torch.manual_seed(11)
    before = torch.random.get_rng_state()
    first = loading.load(key, untrained=True)
    assert torch.equal(torch.random.get_rng_state(), before)
    torch.manual_seed(99)
    second = loading.load(key, untrained=True)
    other = loading.load(key, untrained=True, seed=1)
    states = [model.module.state_dict() for model in (first, second, other)]
    assert all(torch.equal(value, states[1][name]) for name, value in states[0].items())
    assert not all(torch.equal(value, states[2][name]) for name, value in states[0].items())
    assert first.untrained


@pytest.mark.parametrize("key", [*BUNDLED, *tiny.FULL_SIZE])
def test_untrained_logits_say_something(key: str) -> None:
    """timm starts some heads at zero; a map of a model whose logits are all 0 proves nothing."""
    model = tiny.untrained(key)
    logits = run_with_cache(model, tiny.noise(model), "logits").logits
    assert float(logits.std()) > 1e-3
    assert len(np.unique(logits)) > 0.9 * len(logits)
    # Batch norms without statistics would let the picture fade from block to block: of ConvMixer's
    # logits 1e-4 would be left after 8 blocks, and 1e-7 after 32.
    other = run_with_cache(model, tiny.noise(model, seed=1), "logits").logits
    assert float(np.abs(other - logits).max()) > 1e-3 * float(logits.std())
    assert not any(part.training for part in model.module.modules())
    assert not any(parameter.requires_grad for parameter in model.module.parameters())
    assert not any(getattr(part, "fused_attn", False) for part in model.module.modules())
    assert len(model.labels) == len(logits)


def test_batch_norms_of_an_untrained_model_take_their_statistics_from_noise() -> None:
    model = loading.load("convmixer_mini@untrained")
    norms = [part for part in model.module.modules() if isinstance(part, torch.nn.BatchNorm2d)]
    assert norms
    assert all(norm.momentum == 0.1 for norm in norms)
    seen: list[torch.Tensor] = []
    norms[0].register_forward_hook(lambda module, inputs, output: seen.append(output))
    run_with_cache(model, tiny.noise(model), "logits")
    assert 0.2 < float(seen[0].std()) < 5.0  # a norm that does not normalise would give 1e-2
    assert not torch.equal(norms[0].running_var, torch.ones_like(norms[0].running_var))


def test_a_variant_says_so_in_key_and_title() -> None:
    row = registry.spec("mixer_mini@untrained")
    assert (row.key, row.title) == ("mixer_mini@untrained", "Mixer mini (untrained)")
    assert registry.spec("mixer_mini@epoch12").title == "Mixer mini (after epoch 12)"
    assert registry.after_epoch(registry.untrained("mixer_mini"), 3) == "mixer_mini@epoch3"
    assert registry.epoch_of("mixer_mini@epoch3") == 3
    assert registry.epoch_of("mixer_mini@untrained") is None
    assert registry.is_untrained("mixer_mini@untrained")
    assert not registry.is_untrained("mixer_mini")
    for wrong in ("mixer_mini@epoch", "mixer_mini@epoch-1", "mixer_mini@raw", "nosuch@untrained"):
        with pytest.raises(ModelError, match="There is no"):
            registry.spec(wrong)
    loaded = loading.load("mixer_mini@untrained")
    same = loading.load("mixer_mini", untrained=True)
    assert loaded.untrained
    assert loaded.spec.variant == "untrained"
    for name, value in same.module.state_dict().items():
        assert torch.equal(value, loaded.module.state_dict()[name])


@pytest.mark.parametrize("key", tiny.FULL_SIZE)
def test_labels_are_imagenet_s_names(key: str) -> None:
    labels = tiny.untrained(key).labels
    assert labels[0].startswith("tench")
    assert labels[281].startswith("tabby")
    assert len(labels) == 1000


def test_a_device_that_is_not_there_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIXSCOPE_DEVICE", "abacus")
    with pytest.raises(ModelError, match=r"'abacus'; this machine has .*cpu"):
        loading.load("mixer_mini", untrained=True)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setenv("MIXSCOPE_DEVICE", "cuda:0")
    with pytest.raises(ModelError, match="'cuda:0'"):
        loading.choose_device()
    monkeypatch.setenv("MIXSCOPE_DEVICE", " CPU ")
    assert loading.choose_device() == torch.device("cpu")


@pytest.mark.parametrize("key", BUNDLED)
def test_missing_bundled_weights_say_how_to_get_them(
    key: str, tmp_path: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "FOLDER", tmp_path)
    with pytest.raises(WeightsError, match=rf"{key}.*python -m vislib train"):
        loading.load(key)


# Counting


def test_parameters_are_near_the_papers() -> None:
    checked = 0
    for key in PUBLISHED:
        row = MODEL_REGISTRY[key]
        if row.paper_parameters is None:
            continue
        with torch.device("meta"):
            module = loading.build(row)
        millions = sum(p.numel() for p in module.parameters()) / 1e6
        assert abs(millions / row.paper_parameters - 1.0) < 0.03, key  # papers round: 25 for 25.6
        checked += 1
    assert checked >= 3


def test_multiply_adds_of_davit_tiny_are_the_paper_s() -> None:
    model = tiny.untrained("davit_tiny.msft_in1k")
    counted = loading.multiply_adds(model) / 1e9
    paper = MODEL_REGISTRY["davit_tiny.msft_in1k"].paper_multiply_adds
    assert paper == 4.5
    assert abs(counted / paper - 1.0) < 0.02
    assert abs(2 * counted / paper - 1.0) > 0.5  # torch's own count is twice as large
    assert model.parameters == sum(p.numel() for p in model.module.parameters())


def test_multiply_adds_counted_by_hand() -> None:
    """MLP-Mixer: 25 tokens, 16 channels, 24 and 32 hidden units, 7 classes, two blocks."""
    stem = 25 * (3 * 6 * 6) * 16
    block = 16 * 2 * (25 * 24) + 25 * 2 * (16 * 32)
    assert loading.multiply_adds(tiny.tiny_model("mixer")) == stem + 2 * block + 16 * 7
    stem = 25 * (3 * 6 * 6) * 12
    block = 25 * 12 * (3 * 3) + 25 * 12 * 12
    assert loading.multiply_adds(tiny.tiny_model("convmixer")) == stem + 3 * block + 12 * 7
