"""The page Papers: tables and charts are the library's, and each figure's button opens its view."""

from __future__ import annotations

import json

import pytest

from tests.app.conftest import Ask, Bring, Open
from views.papers import figures
from views.papers.tables import table_columns
from vislib import registry
from vislib.tables import papers
from vislib.texts import text

PAGE = "papers"


def traces(at: object) -> list[dict[str, object]]:
    """The traces of the page's one chart."""
    (chart,) = at.get("plotly_chart")  # type: ignore[attr-defined]
    found: list[dict[str, object]] = json.loads(chart.proto.spec)["data"]
    return found


@pytest.mark.parametrize("key", papers.KEYS)
def test_a_chart_has_every_row_of_the_table(key: str, open_page: Open, ask: Ask) -> None:
    at = open_page(PAGE, paper=key)
    table = papers.table(key)
    points = {
        (x, y, label)
        for trace in traces(at)
        if str(trace["mode"]).startswith("markers")
        for x, y, label in zip(trace["x"], trace["y"], trace["customdata"], strict=True)  # type: ignore[call-overload]
    }
    x, y = table.x[0].name, table.y[0].name
    rows = {(row.values[x], row.values[y]) for row in table.rows if x in row.values}
    assert {point[:2] for point in points} == rows
    assert {label.partition(",")[0] for *_, label in points} <= {row.model for row in table.rows}
    shown = at.dataframe[0].value
    assert len(shown) == len(table.rows)
    assert list(shown.columns) == list(table_columns(table, table.rows))
    assert table.arxiv in ask(at).text


def test_an_axis_and_a_pre_training_change_chart_and_table(open_page: Open) -> None:
    at = open_page(PAGE, paper="mixer")
    everything = traces(at)
    at.selectbox(key="mixer_x").set_value("tpuv3_kilo_core_days").run()
    assert not at.exception
    assert traces(at) != everything
    at.selectbox(key="mixer_group").set_value("3").run()
    assert not at.exception
    shown = [row for row in papers.table("mixer").rows if "JFT" in row.group]
    assert list(at.dataframe[0].value["Model"]) == [row.model for row in shown]
    assert at.selectbox(key="mixer_y").set_value("real_top1_percent").run().exception == []


@pytest.mark.parametrize("figure", figures.FIGURES, ids=lambda figure: figure.name)
def test_a_figure_opens_the_view_of_its_address(
    figure: figures.PaperFigure, open_page: Open, ask: Ask, bring: Bring
) -> None:
    if figure.offers:
        bring(figure.offers)
    at = open_page(PAGE, paper=figure.paper, paper_show="figures")
    at.button(key=f"open_{figure.name}").click().run()
    seen = ask(at)
    assert not seen.errors
    assert at.title[0].value == text("en", f"{figure.page}.title")
    for name, value in figure.address.items():
        assert at.session_state[name] == value
    families = [registry.spec(key).family for key in at.session_state["models"]]
    assert all(family in families for family in figure.compared)
    assert seen.pictures or at.get("bidi_component")


@pytest.mark.parametrize("figure", figures.FIGURES, ids=lambda figure: figure.name)
def test_an_address_is_that_of_a_view(
    figure: figures.PaperFigure, open_page: Open, ask: Ask
) -> None:
    at = open_page(figure.page, **figure.address)  # type: ignore[arg-type]
    assert not ask(at).errors
    for name, value in figure.address.items():
        widgets = [w for w in (*at.selectbox, *at.button_group, *at.number_input) if w.key == name]
        assert [str(widget.value) for widget in widgets] == [str(value)], name


def test_a_model_that_a_figure_needs_is_offered(open_page: Open, ask: Ask) -> None:
    at = open_page(PAGE, paper="davit", paper_show="figures")
    assert text("en", "papers.needs").rstrip(".") in ask(at).text
    at.button(key="open_davit_swin").click().run()
    assert not ask(at).errors
    assert [registry.spec(key).family for key in at.session_state["models"]] == ["davit"]
