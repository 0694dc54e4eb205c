"""The page Experiments: open with the result or after a prediction, and true to the table.

The tables are made up, in a folder of the test's own.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from tests.app.conftest import Ask, Open
from views import frame as ui
from views.experiments import papers as experiments_papers
from views.experiments import question
from vislib import registry
from vislib.experiments import catalogue, findings, table
from vislib.experiments.table import EpochRow, Run
from vislib.tables import papers
from vislib.texts import text

PAGE, CLASSES, HARDWARE = "experiments", 20, "a made-up machine"
Write = Callable[..., None]
Scores = Mapping[str, tuple[float, ...]]

ORDER: Scores = {
    f"{model}.{order}": (base * factor, base * factor + 0.01)
    for model, base in zip(catalogue.MINIS, (0.44, 0.5, 0.56, 0.42, 0.58), strict=True)
    for order, factor in {
        "original": 1.0,
        "patches": 0.99 if model in ("mixer_mini", "vit_mini") else 0.6,
        "pixels": 0.3 if model == "resnet_mini" else 0.5,
    }.items()
}
ATTENTION: Scores = {
    "davit_mini.window": (0.5,),
    "davit_mini.channel": (0.4,),
    "davit_mini.both": (0.6,),
}
DATA: Scores = {
    f"{model}.{share}": (0.5 * (1 if share == 100 else 0.8 if share == 30 else few),)
    for share in catalogue.SHARES
    for model, few in zip(catalogue.MINIS, (0.5, 0.55, 0.3, 0.25, 0.6), strict=True)
}
PATCH: Scores = {
    f"convmixer_mini.p{patch}k{kernel}": (0.6 - 0.025 * patch + 0.005 * kernel,)
    for patch in catalogue.PATCHES
    for kernel in catalogue.KERNELS
}
TABLES = {"order": ORDER, "attention": ATTENTION, "data": DATA, "patch": PATCH}
RIGHT = {"order": "resnet", "attention": "both", "data": "attention", "patch": "patch"}


def settings(name: str) -> dict[str, Any]:
    """The JSON file of a made-up table."""
    configs = {}
    for config in catalogue.EXPERIMENTS[name].configs:
        row = registry.spec(config.model)
        configs[config.id] = {
            "model": config.model,
            "title": row.title,
            "values": dict(config.values),
            "build": {str(k): str(v) for k, v in row.build.items()} | {"made": "up"},
            "parameters": 612_345,
            "multiply_adds": 40_002_560,
            "train_pictures": 95 * config.share,
            "epochs": config.epochs(2),
        }
    return {
        "name": name,
        "recipe": {"version": 1, "classes": CLASSES, "epochs": 2},
        "data": {
            "name": "photos",
            "source": "made up",
            "terms": "none",
            "size": 64,
            "classes": [f"n{number:08}" for number in range(CLASSES)],
            "train_pictures": 9500,
            "held_out_pictures": 500,
            "val_pictures": 1000,
        },
        "configs": configs,
    }


def made(name: str, scores: Scores) -> str:
    """The CSV file of a made-up table."""
    runs = [
        Run(
            config=config.id,
            seed=seed,
            val=val,
            seconds=60.0,
            hardware=HARDWARE,
            epochs=tuple(
                EpochRow(epoch=n, loss=2.0, held_out=val * n / config.epochs(2), seconds=9.0 * n)
                for n in range(1, config.epochs(2) + 1)
            ),
        )
        for config in catalogue.EXPERIMENTS[name].configs
        for seed, val in enumerate(scores.get(config.id, ()))
    ]
    return table.as_text(1, runs)


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Puts tables into a folder of the test's own; before that, nothing was run."""
    monkeypatch.setattr(table, "FOLDER", tmp_path)

    def writing(name: str, scores: Scores | None = None) -> Path:
        path, facts = table.files(name, tmp_path)
        facts.write_text(json.dumps(settings(name)), encoding="utf-8")
        path.write_text(made(name, TABLES[name] if scores is None else scores), encoding="utf-8")
        return path

    return writing


def spec_of(at: AppTest, place: int = 0) -> list[dict[str, Any]]:
    """The traces of a chart of the page."""
    found: list[dict[str, Any]] = json.loads(at.get("plotly_chart")[place].proto.spec)["data"]  # type: ignore[attr-defined]
    return found


def said(at: AppTest) -> str:
    """The page's answer to the prediction."""
    return " ".join(box.value for box in (*at.success, *at.warning, *at.info))


@pytest.mark.parametrize("name", TABLES)
def test_results_are_hidden_before_a_prediction(
    name: str, write: Write, open_page: Open, ask: Ask
) -> None:
    write(name)
    at = open_page(PAGE, experiment=name, predict="1", experiment_tab="table")
    seen = ask(at)
    assert not seen.errors
    assert not at.get("plotly_chart")
    assert not at.dataframe
    for value in {val for values in TABLES[name].values() for val in values}:
        assert f"{100 * value:.1f}" not in seen.text + said(at)
    at.button_group(key=f"{name}_answer").set_value("show").run()
    seen = ask(at)
    assert not seen.errors
    assert len(at.get("plotly_chart")) == 1
    assert at.dataframe
    assert text("en", f"experiments.answer_{name}_{RIGHT[name]}") in said(at)
    assert text("en", f"experiments.about_{name}") in seen.text
    assert f"{CLASSES} classes" in seen.text
    assert "0.61 M parameters" in seen.text


@pytest.mark.parametrize("name", TABLES)
def test_the_chart_and_the_table_hold_the_numbers_of_the_table(
    name: str, write: Write, open_page: Open, ask: Ask
) -> None:
    write(name)
    at = open_page(PAGE, experiment=name, **{f"{name}_answer": RIGHT[name]})
    assert not ask(at).errors
    assert at.success, "the prediction was right"
    runs = spec_of(at)[-1]
    shown = {key: x for (key, _), x in zip(runs["customdata"], runs["x"], strict=True)}
    wanted = {
        f"{config}.{seed}": round(val, 4) * 100
        for config, values in TABLES[name].items()
        for seed, val in enumerate(values)
    }
    assert shown == pytest.approx(wanted)
    at.session_state["experiment_tab"] = "table"
    frame = at.run().dataframe[0].value
    assert sorted(frame["val, %"]) == pytest.approx(sorted(wanted.values()))
    at.session_state["experiment_tab"] = "curves"
    assert len(spec_of(at.run(), 1)) >= 3


def test_the_verdict_follows_the_numbers(write: Write, open_page: Open, ask: Ask) -> None:
    turned = dict(ORDER)
    turned["resnet_mini.patches"], turned["mixer_mini.patches"] = (0.58, 0.57), (0.2, 0.21)
    for scores, answer in ((ORDER, "resnet"), (turned, "mixer")):
        write("order", scores)
        at = open_page(PAGE, experiment="order", order_answer="resnet")
        seen = ask(at)
        assert bool(at.success) == (answer == "resnet")
        assert bool(at.warning) == (answer == "mixer")
        conclusion = text("en", f"experiments.conclude_order_{answer}").partition("{")[0]
        assert conclusion in seen.text
    assert "\N{MINUS SIGN}54\N{NO-BREAK SPACE}%" in seen.text  # Mixer: 0.205 against 0.445


@pytest.mark.parametrize(
    ("name", "changed", "answer"),
    [
        ("attention", {"davit_mini.window": (0.7,)}, "window"),
        ("attention", {"davit_mini.channel": (0.7,)}, "channel"),
        ("attention", {"davit_mini.window": (0.59,)}, "alike"),
        ("data", {"mixer_mini.10": (0.05,)}, "mlp"),
        ("data", {"convmixer_mini.10": (0.03,), "resnet_mini.10": (0.03,)}, "convolution"),
        ("data", {"mixer_mini.10": (0.14,)}, "alike"),
        ("patch", dict.fromkeys(PATCH, (0.3,)), "alike"),
        (
            "patch",
            {f"convmixer_mini.p{p}k{k}": (0.05 * k,) for p in (4, 8, 16) for k in (3, 5, 7, 9)},
            "kernel",
        ),
        ("order", {"resnet_mini.patches": (0.58, 0.58)}, "neither"),
        ("order", {"mixer_mini.patches": (0.2, 0.2)}, "both"),
    ],
)
def test_every_answer_can_be_the_one_that_is_supported(
    name: str, changed: Scores, answer: str, write: Write
) -> None:
    write(name, dict(TABLES[name]) | dict(changed))
    found = findings.find(name)
    assert found is not None
    assert findings.verdict(found) == answer
    assert answer in findings.ANSWERS[name]
    assert text("en", f"experiments.conclude_{name}_{answer}").format(**question.numbers(found))


def test_a_link_opens_a_run(write: Write, open_page: Open, ask: Ask) -> None:
    write("order")
    link = {"experiment": "order", "order_answer": "show"}
    at = open_page(PAGE, **link, order_run="vit_mini.pixels.1")
    seen = ask(at)
    assert at.selectbox(key="order_run").value == "vit_mini.pixels.1"
    assert "vit_mini.pixels" in seen.text
    assert HARDWARE in seen.text
    assert "--configs vit_mini.pixels --seeds 1 --classes 20 --epochs 2" in at.code[0].value
    assert outlined(at) == "vit_mini.pixels.1"
    at = open_page(PAGE, **link, order_run="vit_mini.nothing.7")
    assert not ask(at).errors


def outlined(at: AppTest) -> str:
    """The key of the run whose dot is outlined."""
    runs = spec_of(at)[-1]
    widths = runs["marker"]["line"]["width"]
    assert widths.count(max(widths)) == 1
    return str(runs["customdata"][widths.index(max(widths))][0])


def test_a_click_on_a_dot_opens_its_run(
    write: Write, open_page: Open, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    write("order")
    picked: dict[str, Callable[[], None]] = {}
    real = st.plotly_chart

    def chart(figure: Any, **options: Any) -> Any:
        picked[options["key"]] = options["on_select"]
        return real(figure, **options)

    monkeypatch.setattr(st, "plotly_chart", chart)
    at = open_page(PAGE, experiment="order", order_answer="show")
    for points, chosen in (
        ([{"customdata": ["resnet_mini.patches.0", "its name"]}], "resnet_mini.patches.0"),
        ([], "resnet_mini.patches.0"),
    ):
        # The browser's part: AppTest has none, so the callback runs outside with its own state.
        st.session_state["ends-order"] = {"selection": {"points": points}}
        picked["ends-order"]()
        at.session_state["order_run"] = st.session_state["order_run"]
        at.session_state["experiment_tab"] = "run"
        at.run()
        assert not ask(at).errors
        assert at.selectbox(key="order_run").value == outlined(at) == chosen
        assert "--configs resnet_mini.patches --seeds 0" in at.code[0].value


def test_what_was_not_run_is_said(write: Write, open_page: Open, ask: Ask) -> None:
    at = open_page(PAGE, experiment="patch")
    seen = ask(at)
    assert not seen.errors
    assert any("12 variants" in info for info in seen.infos)
    assert at.code[0].value == "python -m vislib experiment patch --data FOLDER"
    assert not at.get("plotly_chart")

    some = {name: values for name, values in ATTENTION.items() if not name.endswith("both")}
    write("attention", some)
    at = open_page(PAGE, experiment="attention", attention_answer="both")
    seen = ask(at)
    assert not seen.errors
    assert not at.success
    assert any("both in turn" in info for info in seen.infos)
    assert text("en", "experiments.conclude_nothing") in seen.text
    at.session_state["experiment_tab"] = "table"
    seen = ask(at.run())
    assert "2 of 3 variants, one seed each" in seen.text
    assert "Seed 0: both in turn." in seen.text
    assert "Seed 1: all variants." in seen.text
    assert at.code[-1].value.startswith("python -m vislib experiment attention --data FOLDER")

    write("order", {"mixer_mini.original": (0.4,)})
    link = {"experiment": "order", "order_answer": "both", "experiment_tab": "papers"}
    seen = ask(open_page(PAGE, **link))
    assert not seen.errors
    assert text("en", "experiments.here_alone") in seen.text


def test_a_half_written_table_is_a_message(write: Write, open_page: Open, ask: Ask) -> None:
    path = write("order")
    whole = path.read_text(encoding="utf-8")
    path.write_text("\n".join(whole.splitlines()[:-1]), encoding="utf-8")
    at = open_page(PAGE, experiment="order", order_answer="show")
    (message,) = ask(at).errors
    assert "order.csv" in message
    assert str(path.parent) not in message
    assert path.read_text(encoding="utf-8") != whole
    write("attention")
    at.button_group(key="experiment").set_value("attention").run()
    assert not ask(at).errors


@pytest.mark.parametrize("name", TABLES)
def test_the_papers_numbers_stand_apart(name: str, write: Write, open_page: Open, ask: Ask) -> None:
    write(name)
    at = open_page(PAGE, experiment=name, experiment_tab="papers")
    seen = ask(at)
    assert "arxiv.org" in text("en", f"experiments.paper_{name}")
    assert text("en", f"experiments.paper_{name}") in seen.text
    assert text("en", f"experiments.differs_{name}") in seen.text
    if name in experiments_papers.PAPER_GRIDS:
        _, rows = experiments_papers.PAPER_GRIDS[name]()
        assert all(cell in seen.text for row in rows for cell in row)


def test_the_papers_rows_are_those_of_its_table() -> None:
    _, patch = experiments_papers.patch_grid()
    printed = [r for r in papers.table("convmixer").rows if "ConvMixer" in r.model]
    assert [row[-1] for row in patch] == [
        f"{r.values['imagenet_top1_percent']:.2f}" for r in printed
    ]
    header, data = experiments_papers.data_grid()
    assert header[1:] == ["ImageNet", "ImageNet-21k", "JFT-300M"]
    assert dict((row[0], row[1:]) for row in data)["Mixer-L/16"] == ["71.76", "82.89", "84.82"]
    assert all(row[1:].count("\N{EN DASH}") < 2 for row in data)


def test_what_if_leads_here(write: Write, open_page: Open, ask: Ask) -> None:
    write("order")
    at = open_page("what_if", models=["mixer_mini"], experiment="patch", shuffled="paper")
    at.button(key="to_experiments").click().run()
    seen = ask(at)
    assert not seen.errors
    assert seen.title == text("en", "experiments.title")
    assert at.session_state["experiment"] == "order"


def test_the_page_stands_beside_the_papers() -> None:
    assert PAGE in ui.SECTIONS["read"]


@pytest.mark.parametrize("name", TABLES)
def test_the_page_opens_with_the_result(name: str, write: Write, open_page: Open, ask: Ask) -> None:
    write(name)
    at = open_page(PAGE, experiment=name)
    assert not ask(at).errors
    assert len(at.get("plotly_chart")) == 1
    assert text("en", f"experiments.answer_{name}_{RIGHT[name]}") in said(at)
    assert not [group for group in at.button_group if group.key == f"{name}_answer"]
    at.toggle(key="predict").set_value(True).run()
    assert not at.get("plotly_chart")
    assert text("en", "experiments.hidden") in said(at)
    at.button_group(key=f"{name}_answer").set_value(RIGHT[name]).run()
    assert at.success
    assert len(at.get("plotly_chart")) == 1
