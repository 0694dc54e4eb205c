"""The page Estimates: what it shows is the library's; it costs nothing before it is asked for."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from tests.app.conftest import Ask, Bring, Open, Seen
from views import frame
from views.estimates import page as page_of_estimates
from views.estimates import runs
from views.estimates import tasks as pieces_of
from views.estimates.tasks import CELLS, SEEDS, STEPS, Piece
from views.frame import turns
from views.frame.numbers import percent_value
from vislib import registry
from vislib.analysis import faithfulness as judging
from vislib.analysis.faithfulness import METHODS
from vislib.attribution import faithfulness, methods
from vislib.figures import colours, overlay
from vislib.models import loading
from vislib.models.loading import LoadedModel
from vislib.observe import capture
from vislib.pictures import gallery, geometry
from vislib.texts import text

PAGE = "estimates"
ADDRESS = {"picture": "cat", "x": "430", "y": "520"}
TABS = ("meter", "random", "raw", "methods")


@pytest.fixture(autouse=True)
def light(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fewer steps of everything: what is tested does not depend on how many."""
    monkeypatch.setattr(methods, "STEPS", 4)
    monkeypatch.setattr(methods, "SAMPLES", 2)
    monkeypatch.setattr(methods, "WINDOWS", 4)
    monkeypatch.setattr(page_of_estimates, "QUICK_SECONDS", 0.0)


@pytest.fixture(autouse=True)
def nothing_kept() -> None:
    """Each test begins with an empty store."""
    from views.frame import state

    state._store().clear()


def pressed(at: AppTest) -> AppTest:
    """Compute what the page offers to."""
    return at.button(key="estimate_now").click().run()


def everything(at: AppTest, ask: Ask) -> Seen:
    """What stands in all tabs, one after the other."""
    found = ask(at)
    for name in TABS[1:]:
        at.session_state["estimates_tab"] = name
        more = ask(at.run())
        found.pictures += more.pictures
        found.infos += more.infos
        found.errors += more.errors
        found.text += more.text
    return found


def best_class(model: LoadedModel) -> int:
    inputs = loading.prepare(model, gallery.load("cat"))
    return int(capture.run_with_cache(model, inputs, "logits").logits.argmax())


def own_map(model: LoadedModel, method: Any, target: int, kind: Any = "blur") -> np.ndarray:
    """The library's map, without the page."""
    inputs = loading.prepare(model, gallery.load("cat"))
    return methods.attribute(
        model,
        inputs,
        method,
        target=target,
        baseline=methods.stand_in(inputs.tensor, kind),
        site=methods.cam_site(model, model.sites) if method == "grad_cam" else None,
    ).values


def own_areas(model: LoadedModel, order: np.ndarray, target: int) -> list[float]:
    """Areas under insertion and deletion, without the page."""
    inputs = loading.prepare(model, gallery.load("cat"))
    size = model.config.size
    masks = judging.masks(order, cells=CELLS, steps=STEPS, shape=(size, size))
    baseline = methods.stand_in(inputs.tensor, "blur")
    kinds: tuple[Any, Any] = ("insertion", "deletion")
    asked: dict[str, Any] = {
        "target": target,
        "ends": methods.end_logits(model, inputs, baseline),
    }
    return [
        judging.area(faithfulness.curve(model, inputs, baseline, masks, kind=kind, **asked))
        for kind in kinds
    ]


def test_maps_areas_and_correlations_are_the_librarys(open_page: Open, ask: Ask) -> None:
    at = open_page(PAGE, models=["mixer_mini", "davit_mini"], **ADDRESS)
    before = ask(at)
    work = (sum(methods.passes(method, 64)[0] for method in METHODS) + 2) * 2
    work += 2 * (STEPS - 1) * (len(METHODS) + len(SEEDS))
    assert f"{work} forward" in before.infos[0]
    assert not before.pictures
    seen = everything(pressed(at), ask)
    model, random = loading.load("mixer_mini"), loading.load("mixer_mini", untrained=True)
    target = best_class(model)
    share, other, raw = {}, {}, {}
    for method in METHODS:
        raw[method] = own_map(model, method, target)
        share[method] = judging.attribution_share(raw[method], CELLS)
        other[method] = judging.attribution_share(own_map(random, method, target), CELLS)
    limits = colours.limits(*share.values(), *other.values(), signed=False)
    picture = gallery.load("cat")
    box = geometry.view_box(picture.width, picture.height, size=64, crop=model.config.crop)
    for maps, side in ((share, 280), (other, 200)):
        for values in maps.values():
            png = overlay.share_overlay(picture.pixels, values, box=box, limits=limits, side=side)
            assert seen.shows(png)
    for method in METHODS:
        correlation = judging.spearman(share[method], other[method])
        assert f"ρ = {correlation:+.2f}".replace("-", "\N{MINUS SIGN}") in seen.text
        areas = own_areas(model, judging.order_of(raw[method], CELLS), target)
        for area in areas:
            assert f"{percent_value(area)}</td>" in seen.text
    means = np.mean([own_areas(model, judging.random_order(CELLS, s), target) for s in SEEDS], 0)
    assert seen.text.count(f"{percent_value(means[0])}</td>") >= len(METHODS)
    assert seen.text.count(">estimate<") == len(METHODS) * len(TABS)
    assert "not what the model" in seen.text
    total = f"{raw['integrated_gradients'].sum():+.2f}".replace("-", "\N{MINUS SIGN}")
    assert f"Sum of the map {total}" in seen.text


def test_the_models_stay_as_they_were(open_page: Open, ask: Ask, minis: tuple[str, ...]) -> None:
    from views.frame import server

    at = open_page(PAGE, models=["davit_mini"], method="grad_cam", **ADDRESS)
    loaded = server.shelf().get("davit_mini")
    inputs = loading.prepare(loaded, gallery.load("cat"))
    before = capture.run_with_cache(loaded, inputs, "logits").logits
    ask(pressed(at))
    assert not any(p.requires_grad or p.grad is not None for p in loaded.module.parameters())
    assert not any(part._forward_hooks for part in loaded.module.modules())
    after = capture.run_with_cache(loaded, inputs, "logits").logits
    assert np.array_equal(before, after)


def test_what_is_done_is_kept_and_other_choices_ask_again(open_page: Open, ask: Ask) -> None:
    at = open_page(PAGE, models=["mixer_mini"], method="occlusion", **ADDRESS)
    first = ask(pressed(at))
    assert len(first.pictures) >= 3
    at.number_input(key="x").set_value(600).run()
    assert ask(at).pictures == first.pictures  # the point moves nothing here
    at.segmented_control(key="stand_in").set_value("mean").run()
    assert "forward" in ask(at).infos[0]
    mean = ask(pressed(at))
    assert mean.pictures != first.pictures
    at.segmented_control(key="stand_in").set_value("blur").run()
    assert ask(at).pictures == first.pictures
    classes = at.selectbox(key="class").options
    assert len(classes) == 5
    at.selectbox(key="class").select(classes[3]).run()
    fourth = ask(pressed(at))
    assert fourth.pictures != first.pictures


def test_a_link_opens_the_same_and_says_what_is_not_there(open_page: Open, ask: Ask) -> None:
    at = open_page(
        PAGE, models=["mixer_mini", "davit_mini"], estimated="davit_mini", stand_in="mean",
        method="smooth_grad", **ADDRESS,
    )  # fmt: skip
    assert "DaViT mini" in ask(at).infos[0]
    assert at.session_state["stand_in"] == "mean"
    wrong = {"estimated": "resnet_mini", "class": "9999"}
    seen = ask(open_page(PAGE, models=["mixer_mini"], **wrong, **ADDRESS))
    assert sum("does not have" in info for info in seen.infos) == 2


def test_random_weights_have_nothing_to_lose(open_page: Open, ask: Ask) -> None:
    at = open_page(PAGE, models=["mixer_mini"], method="grad_cam", untrained="true", **ADDRESS)
    seen = everything(pressed(at), ask)
    assert not seen.errors
    assert any("random already" in info for info in seen.infos)
    assert "ρ =" not in seen.text


def test_a_published_model_with_a_class_token(
    open_page: Open, ask: Ask, bring: Bring, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pieces_of, "STEPS", 2)
    monkeypatch.setattr(pieces_of, "SEEDS", (1,))
    key = "deit_small_patch16_224.fb_in1k"
    bring(key)
    at = open_page(PAGE, models=[key], method="grad_cam", **ADDRESS)
    seen: Seen = everything(pressed(at), ask)
    assert not seen.errors
    assert "ρ =" in seen.text
    assert "blocks.10, summed over channels" in seen.text  # the last but one: see cam_site


# Stopping


def a_piece(name: str, make: Any) -> Piece:
    return Piece(name=name, forwards=4, backwards=0, what=("step_random", ""), make=make)


class Stopped(BaseException):
    """What Streamlit raises when the visitor clicks."""


def test_a_stop_keeps_what_is_finished_and_nothing_else() -> None:
    ran: list[str] = []

    def make(name: str) -> Any:
        def work(report: Any) -> str:
            for done in range(4):
                report(done + 1, 4)
            ran.append(name)
            return name

        return work

    pieces = [a_piece(name, make(name)) for name in ("one", "two")]
    shares: list[float] = []

    def stop(share: float, piece: Piece) -> None:
        shares.append(share)
        if share > 0.6:
            raise Stopped

    with pytest.raises(Stopped):
        runs.work_through(pieces, stop)
    assert ran == ["one"]
    assert shares == sorted(shares)
    assert [frame.is_remembered(piece.name) for piece in pieces] == [True, False]
    runs.work_through(pieces, lambda _share, _piece: None)
    assert ran == ["one", "two"]
    assert frame.is_remembered("two")


def test_one_at_a_time_and_waiting_can_be_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    def left() -> None:
        raise Stopped

    def make(_report: Any) -> int:
        with turns.turn(long=True):
            return 3

    found: list[type[BaseException]] = []

    def other() -> None:
        try:
            runs.work_through([a_piece("three", make)], lambda _share, _piece: None)
        except Stopped as error:
            found.append(type(error))

    with turns.turn(long=True):
        monkeypatch.setattr(turns, "go_on", left)
        visitor = threading.Thread(target=other)
        visitor.start()
        visitor.join(10)
        assert found == [Stopped]
    monkeypatch.undo()
    assert not frame.is_remembered("three")
    runs.work_through([a_piece("three", make)], lambda _share, _piece: None)
    assert frame.is_remembered("three")


def test_stop_on_the_page(open_page: Open, ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    from views.estimates import runs

    def stopped(*_anything: Any) -> None:
        """As the click does: the run ends, its callback runs, the next run begins."""
        import streamlit as st

        state = st.session_state
        state["_estimates_stopped"] = state.pop("_estimates_asked")
        st.rerun()

    monkeypatch.setattr(runs, "work_through", stopped)
    at = open_page(PAGE, models=["mixer_mini"], method="grad_cam", **ADDRESS)
    pressed(at)
    assert [warning.value for warning in at.warning] == ["Stopped. What was finished is kept."]
    assert at.button(key="estimate_now").label == "Compute the estimates"
    monkeypatch.undo()
    assert "ρ =" in everything(pressed(at), ask).text


# Random weights


def test_random_weights_are_not_compared_with_random_weights() -> None:
    assert registry.is_untrained("mixer_mini@untrained")
    assert not pieces_of.can_be_checked("mixer_mini@untrained")


# Computed beforehand


def test_it_opens_with_what_was_computed_beforehand(open_page: Open, ask: Ask) -> None:
    at = open_page(PAGE)
    seen = everything(at, ask)
    assert not seen.errors
    assert text("en", "prepared.said") in seen.text
    assert not [button for button in at.button if button.key == "estimate_now"]
    assert seen.text.count("ρ =") == len(METHODS)
    at.segmented_control(key="stand_in").set_value("mean").run()
    seen = ask(at)
    assert text("en", "prepared.said") not in seen.text
    assert "forward" in seen.infos[0]  # another question: it is not known beforehand
    seen = ask(open_page(PAGE, untrained="true"))
    assert text("en", "prepared.said") not in seen.text


def test_what_takes_a_moment_is_done_at_once(
    open_page: Open, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page_of_estimates, "QUICK_SECONDS", 1e9)
    at = open_page(PAGE, models=["mixer_mini"], method="grad_cam", **ADDRESS)
    seen = ask(at)
    assert not seen.infos
    assert len(seen.pictures) >= 1
