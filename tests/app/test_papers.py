"""The page Papers: tables and charts are the library's, and each figure's button opens its view."""

from __future__ import annotations

import html
import json
import re

import pytest

from tests.app.conftest import Ask, Bring, Open, Seen
from views.frame import server
from views.papers import equal, figures, printed, scale, words
from views.papers.words import NOTHING
from vislib import registry
from vislib.experiments import findings
from vislib.tables import papers, specification
from vislib.texts import text
from vislib.weights import files

PAGE = "papers"


def traces(at: object) -> list[dict[str, object]]:
    """The traces of the page's one chart."""
    (chart,) = at.get("plotly_chart")  # type: ignore[attr-defined]
    found: list[dict[str, object]] = json.loads(chart.proto.spec)["data"]
    return found


def grid(page: str) -> tuple[list[str], list[list[str]]]:
    """The titles and the rows of the page's one wide table."""
    (table,) = re.findall(r'<table class="grid">.*?</table>', page)
    lines = [
        [html.unescape(cell) for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", line)]
        for line in re.findall(r"<tr>.*?</tr>", table)
    ]
    start = 2 if "colspan" in table else 1
    return lines[start - 1], lines[start:]


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
    seen = ask(at)
    names, rows = grid(seen.text)
    assert rows == [
        [cell or NOTHING for cell in row] for row in printed.cells(table, table.rows)[1]
    ]
    assert names[1:] == printed.cells(table, table.rows)[0][1:]
    assert table.arxiv in seen.text


def test_an_axis_and_a_pre_training_change_chart_and_table(open_page: Open) -> None:
    at = open_page(PAGE, paper="mixer")
    everything = traces(at)
    at.selectbox(key="mixer_x").set_value("tpuv3_kilo_core_days").run()
    assert not at.exception
    assert traces(at) != everything
    at.selectbox(key="mixer_group").set_value("3").run()
    assert not at.exception
    shown = [row for row in papers.table("mixer").rows if "JFT" in row.group]
    assert [row[0] for row in grid(Seen(at).text)[1]] == [row.model for row in shown]
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
    assert seen.title == text("en", f"{figure.page}.title")
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
        shown = [str(widget.value) for widget in widgets]
        if not widgets:  # tabs, which are chosen by their titles
            shown = [str(at.session_state[name])]
            title = text("en", f"{figure.page}.{name}_{value}")
            assert [tab.label for tab in at.tabs if tab.children] == [title], name
        assert shown == [str(value)], name


def test_a_model_that_a_figure_needs_is_offered(
    open_page: Open, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "has_network", lambda: True)
    at = open_page(PAGE, paper="davit", paper_show="figures")
    assert text("en", "papers.needs").rstrip(".") in ask(at).text
    at.button(key="open_davit_swin").click().run()
    assert not ask(at).errors
    assert [registry.spec(key).family for key in at.session_state["models"]] == ["davit"]


def test_the_paper_s_value_ours_and_the_difference_stand_side_by_side() -> None:
    table = papers.table("davit")
    names, rows = printed.cells(table, table.rows)
    place = names.index(words.words("value_paper"))
    assert names[place : place + 3] == ["paper", "ours", "difference"]
    tiny = next(row for row in rows if row[0] == "DaViT-Tiny")
    assert tiny[place : place + 3] == ["28.3", "28.36", "+0.2 %"]
    second = names.index("paper", place + 1)
    base = [row for row in rows if row[0] == "DaViT-Base" and row[1] == "ImageNet-22k"]
    assert base[0][second : second + 3] == ["46.4", "47.81", "+3.0 %"]
    assert printed.difference(-0.0004) == "+0.0 %"
    assert printed.difference(-0.021) == "\N{MINUS SIGN}2.1 %"


def test_the_table_is_sorted_by_what_the_chart_shows(open_page: Open, ask: Ask) -> None:
    at = open_page(PAGE, paper="davit", paper_sort="y")
    drawn = ask(at).text
    assert not re.search(r"<th[^>]*></th>", drawn)  # a heading without words is no heading
    names, rows = grid(drawn)
    place = names.index(text("en", "papers.column_imagenet_top1_percent"))
    scores = [float(row[place]) for row in rows]
    assert scores == sorted(scores, reverse=True)
    names, rows = grid(ask(open_page(PAGE, paper="davit", paper_sort="x")).text)
    macs = [row[names.index("paper", names.index("paper") + 1)] for row in rows]
    known = [float(cell.replace(",", "")) for cell in macs if cell != NOTHING]
    assert known == sorted(known)
    assert macs[-1] == NOTHING  # a row without the number stands last


def test_why_the_larger_mixer_is_worse_on_imagenet_alone(open_page: Open, ask: Ask) -> None:
    seen = ask(open_page(PAGE, paper="mixer", paper_show="scale"))
    assert not seen.errors
    assert "L/16 71.76 %, B/16 76.44 %, 4.68 percentage points less" in seen.text
    found = scale.scores()
    first, second, last = papers.table("mixer").groups
    assert found["Mixer-L/16"][first] < found["Mixer-B/16"][first]
    assert found["Mixer-L/16"][second] > found["Mixer-B/16"][second]
    assert found["Mixer-L/16"][last] == 84.82  # of two trainings the longer one
    # What the sentence on ViT says.
    assert found["ViT-L/16"][first] < found["ViT-B/16"][first]
    assert abs(found["ViT-L/16"][second] - found["ViT-B/16"][second]) < 0.2
    for part in ("Table 3", "3.2", "3.3", "Figure 2"):
        assert part in seen.text


def test_mixer_s_specification_is_the_table_s(open_page: Open, ask: Ask) -> None:
    _, rows = grid(ask(open_page(PAGE, paper="mixer", paper_show="specification")).text)
    assert [row[0] for row in rows] == [entry.model for entry in specification.mixer()]
    assert rows[3] == [
        "Mixer-B/16", "12", "16 × 16", "768", "196", "3,072", "384", "59", "59.11", "+0.2 %",
    ]  # fmt: skip
    info = ask(open_page(PAGE, paper="davit", paper_show="specification")).infos
    assert any("Results" in said for said in info)  # DaViT's paper has no such view


def test_who_wins_is_what_the_cards_say(open_page: Open, ask: Ask) -> None:
    seen = ask(open_page(PAGE, paper="convmixer", paper_show="equal"))
    assert not seen.errors
    models = equal.five()
    assert len(models) == 5
    for one in models:
        assert one.top1 == files.read_card(one.key)["val_top1"]
        assert f"{100 * one.top1:.1f} %" in seen.text
    order = [[registry.spec(one.key).family for one in group] for group in equal.tied(models)]
    # What the page concludes: neighbourhoods built in, then those that must be learned.
    assert order == [["convmixer"], ["resnet", "davit"], ["mixer", "vit"]]
    assert "ResNet mini ≈ DaViT mini; Mixer mini ≈ ViT mini" in seen.text
    _, rows = grid(seen.text)
    data = findings.find("data")
    assert data is not None
    mixer = next(row for row in rows if row[0] == "Mixer mini")
    assert mixer[4] == f"{100 * data.mean('mixer_mini.10'):.1f} %"
    assert mixer[6] == "\N{MINUS SIGN}1\N{NO-BREAK SPACE}%"


def test_chance_decides_which_models_are_told_apart() -> None:
    def made(top1: float) -> equal.Bundled:
        return equal.Bundled(
            key="mixer_mini", top1=top1, pictures=5000, parameters=1, multiply_adds=1
        )

    groups = equal.tied([made(0.60), made(0.59), made(0.50)])
    assert [len(group) for group in groups] == [2, 1]
    few = equal.Bundled(key="mixer_mini", top1=0.5, pictures=50, parameters=1, multiply_adds=1)
    assert len(equal.tied([made(0.60), few])) == 1  # of few pictures little can be said


def test_no_model_is_offered_where_no_network_is(
    open_page: Open, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "has_network", lambda: False)
    at = open_page(PAGE, paper="davit", paper_show="figures")
    assert text("en", "papers.needs").rstrip(".") not in ask(at).text
