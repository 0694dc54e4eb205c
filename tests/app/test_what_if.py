"""The page What if: its numbers and maps are the library's; the shared models stay intact."""

from __future__ import annotations

import threading
from dataclasses import replace

import numpy as np
import pytest

from tests.app.conftest import Ask, Bring, OnStage, Open
from views.frame import numbers, server
from views.frame.files import csv_bytes
from views.what_if import words as page_words
from views.what_if.ranking import table_rows
from views.what_if.runs import Ranked
from vislib.analysis import patches, shuffling
from vislib.analysis.fields import reading_field
from vislib.analysis.reading_at import reading_at
from vislib.analysis.receptive import share_moved
from vislib.figures import patches as pictures
from vislib.models import loading
from vislib.models.loading import LoadedModel, ModelInput
from vislib.observe import capture, intervention, surgery
from vislib.pictures import gallery, geometry
from vislib.schema import Change, ModelError

PAGE = "what_if"
POINT = {"picture": "cat", "x": "430", "y": "520"}
MINIS = ["mixer_mini", "convmixer_mini", "davit_mini"]


@pytest.fixture
def mixer(minis: tuple[str, ...]) -> LoadedModel:
    """A model of its own, not the page's."""
    return loading.load("mixer_mini")


def shuffled_input(model: LoadedModel, squares: int, seed: int) -> ModelInput:
    """The cat's shuffled squares as the model gets them."""
    inputs = loading.prepare(model, gallery.load("cat"))
    order = shuffling.seeded_order(squares**2, seed)
    side = model.config.size // squares
    return replace(inputs, tensor=intervention.shuffle_patches(inputs.tensor, order, side))


def logits(model: LoadedModel, inputs: ModelInput) -> np.ndarray:
    """What the model answers."""
    return capture.run_with_cache(model, inputs, "logits").logits


# Shuffle


def verdicts(stage: OnStage) -> list[str]:
    """What stands below the shuffled pictures."""
    return [entry.word for entry in stage.entries()]


def test_the_shuffled_picture_and_the_loss_are_the_librarys(
    open_page: Open, ask: Ask, mixer: LoadedModel, stage: OnStage
) -> None:
    at = open_page(PAGE, models=MINIS, **POINT)
    assert not ask(at).errors
    inputs = shuffled_input(mixer, 8, 1)
    config = mixer.config
    colour = patches.as_bytes(loading.input_pixels(inputs), config.mean, config.std)
    assert stage.entries()[0].image == pictures.grid_png(colour, mixer.grid, None, side=384)
    whole = loading.prepare(mixer, gallery.load("cat"))
    change = intervention.answer_change(logits(mixer, whole), logits(mixer, inputs))
    assert change.relative > 0.01
    assert verdicts(stage)[0] == f"Not the same answer: {numbers.number(change.relative)}"
    assert not any("exact up to rounding" in words for words in verdicts(stage))
    at.session_state["shuffled"] = "numbers"
    seen = ask(at.run())
    assert f'verdict-number">{numbers.number(change.relative)}<' in seen.text
    assert f"<td>{numbers.percent(change.moved)}<" in seen.text
    assert "exact up to rounding" not in seen.text


def test_weights_that_follow_give_the_same_answer(
    open_page: Open, ask: Ask, stage: OnStage
) -> None:
    at = open_page(PAGE, models=MINIS, **POINT)
    before, pictures_before = ask(at), [entry.image for entry in stage.entries()]
    assert sum("Not the same answer" in words for words in verdicts(stage)) == 3
    at.toggle(key="follow").set_value(True).run()
    after = ask(at)
    exact = ["exact up to rounding" in words for words in verdicts(stage)]
    assert exact == [True, False, False]  # Mixer's alone of these three
    assert sum("Not the same answer" in words for words in verdicts(stage)) == 2
    assert after.text.count("Shuffled, weights follow") == 1
    assert "Shuffled, weights follow" not in before.text
    assert after.text.count("Here nothing can follow") == 2
    why = "The columns of fc1, the rows of fc2"  # stands beside the answer that stays
    assert why in after.text
    assert why not in before.text
    assert [entry.image for entry in stage.entries()] == pictures_before


def test_squares_and_seed_change_the_picture_and_nothing_else(
    open_page: Open, ask: Ask, stage: OnStage
) -> None:
    at = open_page(PAGE, models=["mixer_mini"], **POINT)
    seen = [stage.entries()[0].image]
    at.number_input(key="seed").set_value(2).run()
    seen.append(stage.entries()[0].image)
    at.selectbox(key="squares").set_value("4").run()
    seen.append(stage.entries()[0].image)
    assert not ask(at).errors
    assert len(set(seen)) == 3
    assert len(stage.entries()) == 1


def test_a_position_embedding_follows_and_a_resnet_cannot(
    open_page: Open, ask: Ask, bring: Bring, stage: OnStage
) -> None:
    keys = ["mixer_mini", "vit_mini", "resnet_mini"]
    bring(*keys)
    seen = ask(open_page(PAGE, models=keys, follow="true", **POINT))
    assert not seen.errors
    exact = ["exact up to rounding" in words for words in verdicts(stage)]
    assert exact == [True, True, False]
    assert sum("Not the same answer" in words for words in verdicts(stage)) == 1


@pytest.mark.parametrize("block", ["1.1", "3.1"])
def test_channel_attention_stays_and_window_attention_does_not(
    open_page: Open, ask: Ask, minis: tuple[str, ...], block: str
) -> None:
    """A link that names the block opens the tab: such links are older than the tabs."""
    seen = ask(open_page(PAGE, models=["davit_mini"], proof_block=block, **POINT))
    model, picture = loading.load("davit_mini"), gallery.load("cat")
    stage, number = (int(part) - 1 for part in block.split("."))
    group = f"stage{stage}.block{number}"
    inputs = loading.prepare(model, picture)
    before = capture.run_with_cache(model, inputs, group)
    moved = {}
    for kind in ("channel", "window"):
        changed = intervention.shuffle_attention_input(model, f"{group}.{kind}.qkv", seed=1)
        after = capture.run_with_cache(changed, inputs, group)[f"{group}.{kind}.pattern"]
        moved[kind] = float(np.abs(after.values - before[f"{group}.{kind}.pattern"].values).max())
        assert f'verdict-number">{numbers.number(moved[kind])}<' in seen.text
    assert moved["channel"] < numbers.EXACT < 0.01 < moved["window"]
    assert "It stays" in seen.text
    assert "It does not stay" in seen.text


# Surgery


def test_the_answer_and_the_maps_are_those_of_the_changed_model(
    open_page: Open, ask: Ask, mixer: LoadedModel, stage: OnStage
) -> None:
    address = {"cut_model": "mixer_mini", "cut_block": "1.2", "cut": "crop.1", "part": "7"}
    address |= {"cut": "unit.token_mixing", PAGE: "surgery"}
    at = open_page(PAGE, models=MINIS, **address, **POINT)
    seen = ask(at)
    picture, site = gallery.load("cat"), mixer.sites[1]
    cut = next(c for c in mixer.cuts if c.group == site.group and c.kind == "unit")
    changed = intervention.switch_off(mixer, cut, 6)
    inputs = loading.prepare(mixer, picture)
    change = intervention.answer_change(logits(mixer, inputs), logits(changed, inputs))
    assert f'verdict-number">{numbers.percent(change.moved)}<' in seen.text
    assert "not retrained" in seen.text
    box = geometry.view_box(picture.width, picture.height, size=64, crop=mixer.config.crop)
    cell = geometry.cell_at(
        box,
        picture=(picture.width, picture.height),
        x=430,
        y=520,
        rows=site.rows,
        columns=site.columns,
    )
    assert cell is not None
    titles = [tile.label for tile in stage.rows[0].tiles]
    assert titles == ["Before", "After", "Last: before", "Last: after"]
    shares, wanted = [], []
    for block in (site, mixer.sites[-1]):
        for model in (mixer, changed):
            arrays = {
                **model.weights(block.group),
                **capture.run_with_cache(model, inputs, block.group),
            }
            wanted.append(reading_field(block, arrays).values)
            shares.append(reading_at(block, arrays, row=cell[0], column=cell[1]).share)
    shown = [entry.field for entry in stage.entries()]
    for one, values in zip(shown, wanted, strict=True):
        assert one is not None
        np.testing.assert_array_equal(one.values, values)
    assert not np.array_equal(wanted[0], wanted[1])
    assert not np.array_equal(wanted[2], wanted[3])
    at.session_state["operated"] = "numbers"
    told = ask(at.run()).text
    for before, after in (shares[:2], shares[2:]):
        assert f"<td>{share_moved(before, after):.1f}\u00a0%<" in told
        assert f"<td>{before.max():.1f}\u00a0%<" in told
    at.session_state["operated"] = "answers"
    at.number_input(key="x").set_value(600).run()
    moved = ask(at)
    assert f'verdict-number">{numbers.percent(change.moved)}<' in moved.text
    for one, other in zip(shown, stage.entries(), strict=True):
        assert one is other.field  # the place moves in the browser: the fields are the same


@pytest.mark.parametrize("key", MINIS)
def test_every_change_that_is_offered_can_be_shown(
    open_page: Open, ask: Ask, minis: tuple[str, ...], key: str
) -> None:
    at = open_page(PAGE, models=[key], what_if="surgery", **POINT)
    options = at.selectbox(key="cut").options
    answers = set()
    for option in options:
        at.selectbox(key="cut").select(option).run()
        seen = ask(at)
        assert not seen.errors, option
        before, after = seen.text.split('class="answers"')[1:3]
        assert "was 1<" not in before
        answers.add(after)
    assert len(options) >= 5
    assert len(answers) == len(options)


@pytest.mark.parametrize(
    ("key", "cut"),
    [
        ("swin_tiny_patch4_window7_224.ms_in1k", "head.window_attention"),
        ("resnet50.tv_in1k", "kernel.convolution"),
        ("resmlp_24_224.fb_in1k", "untrained"),
    ],
)
def test_published_models_can_be_operated_on(
    open_page: Open, ask: Ask, bring: Bring, key: str, cut: str, stage: OnStage
) -> None:
    bring(key)
    address = {"what_if": "surgery", "cut_model": key, "cut": cut, "part": "2", **POINT}
    at = open_page(PAGE, models=[key, "mixer_mini"], **address)
    seen = ask(at)
    assert not seen.errors
    assert at.session_state["cut"] == cut
    assert not any("does not have" in words for words in seen.infos)
    assert 'verdict-number">0<' not in seen.text
    assert all(entry.field is not None for entry in stage.entries())
    assert len(stage.entries()) >= 4


def test_what_is_switched_off_reads_nothing(open_page: Open, ask: Ask, stage: OnStage) -> None:
    address = {"what_if": "surgery", "cut_model": "davit_mini", "cut_block": "2.1"}
    nothing = "other positions are not read here any more"
    for cut, count in (("all.window_attention", 2), ("block", 1), ("all.channel_attention", 0)):
        seen = ask(open_page(PAGE, models=MINIS, cut=cut, **address, **POINT))
        assert not seen.errors
        messages = [entry.message for entry in stage.entries()]
        assert sum(nothing in words for words in messages) == count


def test_a_link_that_asks_for_too_much_gets_the_nearest_and_is_told(
    open_page: Open, ask: Ask
) -> None:
    address = {"what_if": "surgery", "cut_model": "davit_mini", "cut_block": "3.1", **POINT}
    told = "this model or block does not have"
    at = open_page(PAGE, models=MINIS, cut="head.window_attention", part="99", **address)
    last = next(site for site in loading.load("davit_mini").sites if site.stage == 2)
    assert at.number_input(key="part").value == last.heads
    assert sum(told in words for words in ask(at).infos) == 1
    at.number_input(key="part").set_value(3).run()
    assert not any(told in words for words in ask(at).infos)
    at = open_page(PAGE, models=MINIS, cut="unit.token_mixing", **address)
    assert at.session_state["cut"] == "head.window_attention"
    assert any(told in words for words in ask(at).infos)
    at = open_page(PAGE, models=MINIS, cut="head.window_attention", **address)
    assert not any(told in words for words in ask(at).infos)


def test_a_place_outside_the_crop_is_said(open_page: Open, ask: Ask) -> None:
    address = {"picture": "cat", "x": "0", "y": "500", "what_if": "surgery", "operated": "numbers"}
    seen = ask(open_page(PAGE, models=MINIS, **address))
    assert any("outside" in words for words in seen.infos)
    assert not seen.errors


def test_another_visitor_sees_the_intact_model(open_page: Open, ask: Ask) -> None:
    """The page's own path: its shared models, while it operates on copies of them."""
    # A picture of its own: what another test has asked for would not be run again.
    address = {"what_if": "surgery", "cut_model": "mixer_mini", "picture": "rocket"}
    at = open_page(PAGE, models=MINIS, **address)
    shared, picture = server.shelf().get("mixer_mini"), gallery.load("rocket")
    inputs = loading.prepare(shared, picture)
    intact = logits(shared, inputs)
    wrong: list[int] = []
    done = threading.Event()

    def look() -> None:
        while not done.is_set():
            if not np.array_equal(logits(shared, inputs), intact):
                wrong.append(1)

    visitor = threading.Thread(target=look)
    visitor.start()
    try:
        for option in at.selectbox(key="cut").options:
            at.selectbox(key="cut").select(option).run()
            assert not ask(at).errors
    finally:
        done.set()
        visitor.join()
    assert not wrong
    block = Change(what="block", group="stage0.block0")
    assert not np.array_equal(logits(surgery.applied(shared, block), inputs), intact)
    with pytest.raises(ModelError, match="no such part"):
        surgery.applied(shared, Change(what="head.window_attention", group="stage0.block0"))


def test_untrained_models_say_so_and_are_offered_no_untrained_block(
    open_page: Open, ask: Ask
) -> None:
    address = {"what_if": "surgery", "cut_model": "davit_mini", **POINT}
    trained = open_page(PAGE, models=MINIS, **address)
    at = open_page(PAGE, models=MINIS, untrained="true", **address)
    seen = ask(at)
    assert "DaViT mini (untrained)" in seen.text
    assert "DaViT mini (untrained)" not in ask(trained).text
    offered, fewer = (set(app.selectbox(key="cut").options) for app in (trained, at))
    assert offered - fewer == {"This block with untrained weights"}
    model = loading.load("davit_mini", untrained=True)
    inputs = loading.prepare(model, gallery.load("cat"))
    cut = next(c for c in model.cuts if (c.kind, c.role) == ("operator", "window_attention"))
    changed = capture.run_with_cache(intervention.switch_off(model, cut), inputs, "logits")
    bars = [f"width:{100 * share:.2f}%" for _, share in changed.top(5)]
    assert all(bar in seen.text.split('class="answers"')[2] for bar in bars)
    own = ask(trained).text.split('class="answers"')[2]
    assert not all(bar in own for bar in bars)


# Ranking


def test_the_ranking_is_the_librarys_and_leads_to_surgery(
    open_page: Open, ask: Ask, mixer: LoadedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("views.what_if.ranking.QUICK_SECONDS", 1e9)
    at = open_page(PAGE, models=MINIS, what_if="ranking", cut_model="mixer_mini", **POINT)
    seen = ask(at)
    inputs = loading.prepare(mixer, gallery.load("cat"))
    blocks = [cut for cut in mixer.cuts if cut.kind == "block"]
    changes = intervention.without_each(mixer, inputs, blocks)
    rows = seen.text.split('class="row"')[1:]
    shown = [row for row in rows if "whole block" in row]
    assert len(shown) == len(blocks) == len(mixer.sites)
    assert len(rows) == 3 * len(blocks)  # both operators of each block besides
    best = max(range(len(blocks)), key=lambda index: changes[index].moved)
    assert f"Block {best + 1}: whole block" in shown[0]
    assert numbers.percent(changes[best].moved) in shown[0]
    assert numbers.points(changes[best].best) in shown[0]
    at.selectbox(key="rank_pick").select(f"Block {best + 1}: whole block").run()
    at.button(key="rank_open").click().run()
    after = ask(at)
    assert at.session_state["cut"] == "block"
    assert at.session_state["cut_block"] == f"1.{best + 1}"
    assert f'verdict-number">{numbers.percent(changes[best].moved)}<' in after.text


def test_a_slow_model_is_ranked_when_asked(
    open_page: Open, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("views.what_if.ranking.QUICK_SECONDS", 0.0)
    at = open_page(PAGE, models=MINIS, what_if="ranking", cut_model="convmixer_mini", **POINT)
    assert "whole block" not in ask(at).text
    at.button(key="rank_now").click().run()
    assert ask(at).text.count("whole block") >= 8


def test_the_numbers_of_a_ranking_come_along() -> None:
    change = intervention.answer_change(np.array([0.0, 4.0]), np.array([0.0, 2.0]))
    rows = table_rows("mixer_mini", [Ranked(what="block", group="stage0.block1", change=change)])
    row = csv_bytes(rows).decode().splitlines()[1].split(",")
    assert row[:3] == ["mixer_mini", "stage0.block1", "block"]
    assert float(row[3]) == change.moved


# Words


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (2.3e-7, "2\u00a0×\u00a010⁻⁷"),
        (9.7e-7, "1\u00a0×\u00a010⁻⁶"),
        (0.8347, "0.83"),
        (3.41, "3.4"),
        (412.3, "412"),
        (1.2e5, "1\u00a0×\u00a010⁵"),
    ],
)
def test_numbers_can_be_read_aloud(value: float, text: str) -> None:
    assert numbers.number(value) == text


def test_the_nearest_option_is_alike() -> None:
    options = ["unit.token_mixing", "operator.token_mixing", "operator.channel_mixing", "block"]
    assert page_words.rank_options(options, "head.window_attention") == "unit.token_mixing"
    assert page_words.rank_options(options, "operator.depthwise") == "operator.token_mixing"
    assert page_words.rank_options(options, "nonsense") == "operator.token_mixing"
    assert page_words.rank_options(["block"], "crop.3") == "block"
    assert numbers.points(-0.0001) == "+0.0"


def test_a_change_of_a_probability_is_in_percentage_points(open_page: Open, ask: Ask) -> None:
    at = open_page("what_if", what_if="ranking", models=["mixer_mini"])
    if any(button.key == "rank_now" for button in at.button):
        at.button(key="rank_now").click().run()
    assert "change of the best class's probability in percentage points" in ask(at).text
    assert numbers.points(0.031) == "+3.1"  # 0.50 to 0.531
    assert "percentage points" in ask(open_page("what_if", what_if="surgery")).text
