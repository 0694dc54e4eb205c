"""Each measured answer against a computation of its own, on the modules themselves."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch

from vislib.commands.lecture_models import LectureModels
from vislib.lecture import measuring, numbers, reading
from vislib.lecture.measuring import SEED
from vislib.lecture.steps import MEASURES
from vislib.models import loading
from vislib.pictures import gallery
from vislib.schema import DecodedImage, MixScopeError
from vislib.tables import papers
from vislib.texts import languages

PICTURE = "red_panda"
STEPS = {
    step.ask.answer: step for step in reading.read(reading.FOLDER / "seminar").steps if step.ask
}


@pytest.fixture(scope="module")
def models() -> LectureModels:
    return LectureModels(PICTURE)


def input_of(
    models: LectureModels, key: str, module: Callable[[torch.nn.Module], torch.nn.Module]
) -> Callable[[DecodedImage], torch.Tensor]:
    """picture -> what a part of a model is given."""
    model = models.model(key)

    def given(picture: DecodedImage) -> torch.Tensor:
        kept: list[torch.Tensor] = []
        part = module(model.module)
        handle = part.register_forward_pre_hook(lambda _m, inputs: kept.append(inputs[0].detach()))
        with torch.no_grad():
            model.module(loading.prepare(model, picture).tensor)
        handle.remove()
        return kept[0].double()

    return given


def patterns(attention: torch.nn.Module, given: torch.Tensor) -> np.ndarray:
    """softmax(q k^T / sqrt(d)) of timm's qkv layer: axes (batch, head, query, key)."""
    heads = attention.num_heads
    weight, bias = attention.qkv.weight.double(), attention.qkv.bias.double()
    qkv = given @ weight.T + bias
    batch, count, width = qkv.shape
    q, k, _ = qkv.reshape(batch, count, 3, heads, width // 3 // heads).permute(2, 0, 3, 1, 4)
    scores = q @ k.transpose(-1, -2) / (width // 3 // heads) ** 0.5
    return scores.softmax(dim=-1).detach().numpy()


def mlp_map(models: LectureModels, picture: DecodedImage, block: int, token: int) -> np.ndarray:
    """What a token reads in a block of the Mixer, by autograd: percent, 256 tokens."""
    part = models.model("mixer_mini").module.blocks[block].mlp_tokens
    given = input_of(models, "mixer_mini", lambda m: m.blocks[block].mlp_tokens)(picture).float()
    given.requires_grad_(True)  # axes (1, channel, token)
    out = part(given)[0, :, token].sum()  # channels do not mix here
    (slopes,) = torch.autograd.grad(out, given)
    size = slopes[0].double().square().mean(dim=0).sqrt().numpy()
    return 100 * size / size.sum()


def answers_to_shuffled(models: LectureModels, key: str) -> tuple[str, str]:
    """The model's first answers to the picture and to the shuffled one, the shuffle by loops."""
    model = models.model(key)
    whole = loading.prepare(model, models.picture).tensor
    mixed = torch.empty_like(whole)
    order = np.random.default_rng(SEED).permutation(64)
    for place, came in enumerate(order):
        (to_row, to_column), (row, column) = divmod(place, 8), divmod(int(came), 8)
        for i in range(8):
            for j in range(8):
                mixed[0, :, 8 * to_row + i, 8 * to_column + j] = whole[
                    0, :, 8 * row + i, 8 * column + j
                ]
    with torch.no_grad():
        before, after = (int(model.module(x)[0].argmax()) for x in (whole, mixed))
    return model.labels[before], model.labels[after]


def test_the_seminar_asks_for_everything_that_can_be_measured() -> None:
    assert STEPS.keys() == MEASURES.keys()
    assert measuring._MEASURES.keys() == MEASURES.keys()


def test_who_survives_the_shuffle(models: LectureModels) -> None:
    step = STEPS["survives_shuffle"]
    assert step.ask
    both = {key: answers_to_shuffled(models, key) for key in step.ask.options}
    kept = tuple(key for key, (before, after) in both.items() if before == after)
    found = measuring.measured(step, models)
    assert found.models == kept
    assert kept != step.ask.options  # negative control: a shuffle that does nothing keeps all
    for before, after in both.values():
        assert f"“{before}”" in str(found.said)
        assert f"“{after}”" in str(found.said)


@pytest.mark.parametrize("picture", ["red_panda", "citrus", "pig"])
def test_who_is_right(models: LectureModels, picture: str) -> None:
    step, source = STEPS["right"], LectureModels(picture)
    source._models = models._models
    right = []
    assert step.ask
    for key in step.ask.options:
        model = models.model(key)
        with torch.no_grad():
            best = int(model.module(loading.prepare(model, source.picture).tensor)[0].argmax())
        if model.wordnet[best] == gallery.GALLERY[picture].wordnet:
            right.append(key)
    assert measuring.measured(step, source).models == tuple(right)


def test_nobody_is_right_about_what_nobody_knows(models: LectureModels) -> None:
    source = LectureModels("two_dots")
    source._models = models._models
    with pytest.raises(MixScopeError, match="Nobody has said"):
        measuring.measured(STEPS["right"], source)


def test_who_is_most_accurate(models: LectureModels) -> None:
    step = STEPS["most_accurate"]
    assert step.ask
    cards = {
        key: json.loads((numbers.CARDS / f"{key}.json").read_text(encoding="utf-8"))["val_top1"]
        for key in step.ask.options
    }
    found = measuring.measured(step, models)
    assert found.models == (max(cards, key=lambda key: cards[key]),)
    for key, share in cards.items():
        assert found.values[key] == pytest.approx(100 * share)


def test_whose_map_moves_most(models: LectureModels) -> None:
    step = STEPS["moves_most"]
    assert step.ask
    other = gallery.load(step.ask.second)
    one, two = (mlp_map(models, p, 3, 8 * 16 + 8) for p in (models.picture, other))
    mixer = np.abs(one - two).sum() / 2
    given = input_of(models, "davit_mini", lambda m: m.stages[0].blocks[2][0].attn)
    attention = models.model("davit_mini").module.stages[0].blocks[2][0].attn
    maps = []
    for picture in (models.picture, other):
        window = patterns(attention, given(picture))[2 * 4 + 2, :, 0]  # its upper left place
        size = np.sqrt((window**2).mean(axis=0))
        maps.append(100 * size / size.sum())
    davit = np.abs(maps[0] - maps[1]).sum() / 2
    found = measuring.measured(step, models)
    assert found.values["convmixer_mini"] == 0
    assert found.values["mixer_mini"] == pytest.approx(mixer, rel=1e-3)
    assert found.values["davit_mini"] == pytest.approx(davit, rel=1e-3)
    assert found.models == ("davit_mini" if davit > mixer else "mixer_mini",)


def test_where_a_place_reads_most(models: LectureModels) -> None:
    step = STEPS["reads_most"]
    attention = models.model("vit_mini").module.blocks[2].attn
    given = input_of(models, "vit_mini", lambda m: m.blocks[2].attn)(models.picture)
    row, column = cell_of(models.picture, step.view.place)
    rows = patterns(attention, given)[0, :, 1 + 16 * row + column]
    size = np.sqrt((rows**2).mean(axis=0))
    share = (100 * size / size.sum())[1:].reshape(16, 16)
    own = share[row, column]
    share[row, column] = 0
    best = np.unravel_index(share.argmax(), share.shape)
    found = measuring.measured(step, models)
    assert found.place is not None
    assert cell_of(models.picture, found.place) == best
    assert f"row {best[0] + 1}, column {best[1] + 1}" in str(found.said)
    assert f"{share.max():.1f} %" in str(found.said)
    assert f"{own:.1f} %" in str(found.said)
    assert found.area is not None
    left, top, width, height = found.area
    assert left < found.place[0] < left + width
    assert top < found.place[1] < top + height


def cell_of(picture: DecodedImage, place: tuple[int, int] | None) -> tuple[int, int]:
    """The cell of a 16 x 16 grid over the picture's middle square: with crop 1."""
    assert place
    side = min(picture.width, picture.height)
    x = place[0] / 1000 * picture.width - (picture.width - side) / 2
    y = place[1] / 1000 * picture.height - (picture.height - side) / 2
    return int(16 * y / side), int(16 * x / side)


def test_how_much_a_place_reads_of_itself(models: LectureModels) -> None:
    wanted = mlp_map(models, models.picture, 0, 8 * 16 + 8)[8 * 16 + 8]
    found = measuring.measured(STEPS["own_share"], models)
    assert found.number == pytest.approx(wanted, rel=1e-3)
    neighbour = mlp_map(models, models.picture, 0, 8 * 16 + 7)[8 * 16 + 8]
    assert found.number != pytest.approx(neighbour, rel=1e-3)  # negative control


def test_how_far_a_block_reads(models: LectureModels) -> None:
    step = STEPS["reads_far"]
    convolution = models.model("convmixer_mini").module.blocks[0][0].fn[0]
    zero = torch.zeros(1, 256, 16, 16)
    with torch.no_grad():
        flat = convolution(zero)[0, :, 8, 8]
        away = 0
        for row in range(16):
            for column in range(16):
                lit = zero.clone()
                lit[0, :, row, column] = 1
                if not torch.equal(convolution(lit)[0, :, 8, 8], flat):
                    away = max(away, abs(row - 8), abs(column - 8))
    found = measuring.measured(step, models)
    assert found.number == away == 2
    assert f"{away} patches away" in str(found.said)


def test_how_many_patches_a_place_reads(models: LectureModels) -> None:
    found = measuring.measured(STEPS["reads_count"], models)
    attention = models.model("davit_mini").module.stages[0].blocks[0][0].attn
    given = input_of(models, "davit_mini", lambda m: m.stages[0].blocks[0][0].attn)(models.picture)
    seen = patterns(attention, given)
    assert seen.shape[0] * seen.shape[-1] == 256  # all windows together are the picture
    assert found.number == (seen[0, :, 0] > 0).any(axis=0).sum() == 16
    assert "16 patches of 256" in str(found.said)


def test_which_head_looks_there(models: LectureModels) -> None:
    step = STEPS["head"]
    attention = models.model("davit_mini").module.stages[2].blocks[0][0].attn
    given = input_of(models, "davit_mini", lambda m: m.stages[2].blocks[0][0].attn)(models.picture)
    shares = 100 * patterns(attention, given)[0, :, 0, 2 * 4 + 2]
    found = measuring.measured(step, models)
    assert found.number == shares.argmax() + 1
    for head, share in enumerate(shares, start=1):
        assert f"head {head} {share:.1f} %" in str(found.said)


def test_a_fact_is_the_tables(models: LectureModels) -> None:
    with (papers.FOLDER / "mlp_mixer_table3.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["model"] == "Mixer-L/16"]
    row = next(row for row in rows if row["pretraining"] == "Pre-trained on JFT-300M")
    found = measuring.measured(STEPS["fact"], models)
    assert found.number == float(row["imagenet_top1_percent"])
    assert "2105.01601" in str(found.said)


def test_an_answer_lies_in_the_limits_and_is_said_in_every_language(models: LectureModels) -> None:
    for step in STEPS.values():
        found = measuring.measured(step, models)
        assert step.ask
        if step.ask.limits:
            assert found.number is not None
            assert step.ask.limits[0] <= found.number <= step.ask.limits[1], step.key
        told = {language: found.said.text(language) for language in languages()}
        if step.ask.answer != "fact":  # a number and its source are the same in each
            assert len(set(told.values())) == len(told)
        assert all("{" not in text and "lecture." not in text for text in told.values()), told


def test_a_place_outside_of_the_crop_is_named(models: LectureModels) -> None:
    step = STEPS["own_share"]
    away = replace(step, view=replace(step.view, place=(0, 0)))
    wide = models.picture.width != models.picture.height
    assert wide
    with pytest.raises(MixScopeError, match="lies outside"):
        measuring.measured(away, models)


def test_a_step_that_asks_nothing_has_no_answer(models: LectureModels) -> None:
    quiet = replace(STEPS["head"], ask=None)
    with pytest.raises(MixScopeError, match="asks nothing"):
        measuring.measured(quiet, models)
