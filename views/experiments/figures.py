"""The runs of an experiment: a chart whose dots open a run, curves, a table."""

from __future__ import annotations

import html
from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import streamlit as st

from views import frame
from views.experiments import runs
from views.experiments.runs import words
from views.frame import links
from vislib.experiments.catalogue import Config
from vislib.experiments.findings import Found
from vislib.experiments.table import Run
from vislib.figures import colours
from vislib.registry import spec

EVERY = "all"
NOTHING = "\N{EN DASH}"
ROW_PX, MOST_ROWS = 36, 15


def colour(config: Config) -> str:
    """Of the config's family."""
    return colours.family_colour(spec(config.model).family)


def draw_ends(found: Found) -> None:
    """Accuracy on val after training, a dot a run."""
    _chart(found, _chosen(found))
    several = any(len(found.scores(config.id)) > 1 for config in found.configs)
    said = words("ends_how") + (" " + words("ends_spread") if several else "")
    st.caption(said + " " + words("ends_pick"))


def _chosen(found: Found) -> str:
    """The run that is looked at: by the state, by a link, else the first."""
    keys = [runs.key_of(run) for run in found.runs]
    name = f"{found.name}_run"
    wanted = [st.session_state.get(name), *links.asked(name)]
    return next((key for key in wanted if key in keys), keys[0])


def draw_run(found: Found) -> None:
    """The chosen run: what it was, what it reached, and how to repeat it."""
    options = {runs.key_of(run): runs.run_title(found.experiment, run) for run in found.runs}
    left, right = st.columns(2, gap="medium")
    with left:
        name = f"{found.name}_run"
        chosen = frame.choose(words("run"), tuple(options), key=name, words=options, compact=False)
        run = next(run for run in found.runs if runs.key_of(run) == chosen)
        _run_card(found, run)
    with right:
        _run_line(found, run)


def _chart(found: Found, chosen: str) -> None:
    """A click on a dot opens its run."""
    from vislib.figures import dots

    order: dict[str, int] = {}
    rows = []
    for config in found.configs:
        setting, each = runs.setting(found.name, config), found.results.of(config.id)
        rows.append(
            dots.Row(
                label=setting,
                group=runs.heading(found.name, config),
                percent=[100 * run.val for run in each],
                keys=[runs.key_of(run) for run in each],
                names=[runs.run_title(found.experiment, run) for run in each],
                colour=colour(config),
                symbol=order.setdefault(setting, len(order)),
            )
        )
    figure = dots.dots(
        rows,
        x_title=words("axis_val"),
        chance=100 * found.chance,
        chance_name=words("chance", percent=frame.percent(found.chance)),
        chosen=chosen,
        dark=frame.dark(),
    )
    alt = words("ends_alt", title=words(f"name_{found.name}"))
    pick = partial(_open, f"{found.name}_run")
    frame.plot(figure, key=f"ends-{found.name}", alt=alt, on_pick=pick)


def _open(name: str, key: str) -> None:
    """A click on a dot opens its run, in its tab (a callback)."""
    st.session_state[name] = key
    st.session_state["experiment_tab"] = "run"


def _run_card(found: Found, run: Run) -> None:
    """All that a run was and reached."""
    config, facts = found.experiment.config(run.config), found.facts(run.config)
    below = ", ".join(runs.value(n, v) for n, v in config.values.items() if n != "model")
    frame.model_head(config.model, below, title=facts["title"])
    change = found.change(config)
    rows = [
        (words("config"), run.config),
        (words("seed"), str(run.seed)),
        (words("val"), frame.percent(run.val, 2)),
        (words("held_out"), frame.percent(run.epochs[-1].held_out, 2)),
        (words("change"), NOTHING if change is None else frame.percent_change(change)),
        (words("parameters"), f"{facts['parameters']:,}"),
        (words("multiply_adds"), f"{facts['multiply_adds'] / 1e6:,.1f} M"),
        (words("pictures"), f"{facts['train_pictures']:,}"),
        (words("passes"), str(len(run.epochs))),
        (words("time"), runs.duration(run.seconds)),
    ]
    frame.html_table(rows)


def _run_line(found: Found, run: Run) -> None:
    """How a run was built, on what it ran, and the command that repeats it."""
    st.markdown(words("repeat"))
    line = runs.command(found, (run.config,), run.seed)
    st.code(f"{line} --out {words('repeat_out')}", language="bash", wrap_lines=True)
    facts = found.facts(run.config)
    build = ", ".join(f"{name} {value}" for name, value in facts["build"].items())
    with st.popover(frame.t("download.open"), key="run.source"):
        for text in (f"{words('build')} {build}", f"{words('hardware')} {run.hardware}"):
            st.html(f'<div class="strip">{html.escape(text)}</div>')


def draw_curves(found: Found) -> None:
    """Accuracy on held-out pictures after each pass; means where there are several seeds."""
    from vislib.figures import charts

    groups = list(dict.fromkeys(runs.heading(found.name, config) for config in found.configs))
    names = [f"{place}" for place in range(1, len(groups) + 1)]
    chosen = EVERY
    if len(groups) > 1:
        texts = dict(zip(names, groups, strict=True)) | {EVERY: words("curves_all")}
        key = f"{found.name}_curves"
        chosen = frame.choose(words("curves_of"), tuple(texts), key=key, words=texts)
    shown = [
        config
        for config in found.configs
        if chosen == EVERY or runs.heading(found.name, config) == groups[int(chosen) - 1]
    ]
    title = runs.title if chosen == EVERY else runs.setting
    lines = {title(found.name, config): curve(found.results.of(config.id)) for config in shown}
    figure = charts.line_over_depth(
        lines,
        x_title=words("axis_passes"),
        y_title=words("axis_held_out"),
        colours={title(found.name, config): colour(config) for config in shown},
        height=420 + 24 * len(lines),
        dark=frame.dark(),
    )
    figure.add_hline(
        y=100 * found.chance,
        line={"color": colours.OTHER_FAMILY, "width": 3, "dash": "dash"},
        annotation_text=words("chance", percent=frame.percent(found.chance)),
        annotation_position="bottom right",
    )
    first: dict[str, Any] = {}
    for config, line in zip(shown, figure.data, strict=True):  # a setting looks the same everywhere
        like = first.setdefault(runs.setting(found.name, config), line)
        line.line.dash, line.marker.symbol = like.line.dash, like.marker.symbol
    most = max(int(passes[-1]) for passes, _ in lines.values())
    figure.update_xaxes(tick0=0, dtick=max(1, -(-most // 8)))
    alt = words("curves_alt", title=words(f"name_{found.name}"))
    frame.plot(figure, key=f"curves-{found.name}", alt=alt)
    several = any(len(found.scores(config.id)) > 1 for config in shown)
    st.caption(words("curves_how") + (" " + words("curves_mean") if several else ""))


def curve(of_config: Sequence[Run]) -> tuple[np.ndarray, np.ndarray]:
    """Passes, and the mean accuracy on held-out pictures in percent."""
    passes = [row.epoch for row in of_config[0].epochs]
    held_out = [[row.held_out for row in run.epochs] for run in of_config]
    return np.array(passes), 100 * np.mean(held_out, axis=0)


def draw_table(found: Found) -> None:
    """A row a run, sortable, and the same as a file."""
    names, rows = table_rows(found)
    columns = {name: [row[place] for row in rows] for place, name in enumerate(names)}
    st.dataframe(
        {words(f"column_{name}"): column for name, column in columns.items()},
        hide_index=True,
        width="stretch",
        height=ROW_PX * (min(len(rows), MOST_ROWS) + 1) + 3,
        key=f"runs-{found.name}",
        placeholder=NOTHING,
        column_config={
            words(f"column_{name}"): st.column_config.NumberColumn(format=shown)
            for name, shown in (("val", "%.2f"), ("held_out", "%.2f"), ("change", "%+.1f"))
        },
    )

    frame.offer_csv(
        lambda: [names, *rows], name=f"experiment_{found.name}", key=f"runs-{found.name}.csv"
    )


def table_rows(found: Found) -> tuple[list[str], list[list[str | float | int | None]]]:
    """The columns' names, and a row a run; accuracies and changes in percent."""
    names = ["config", "seed", "val", "held_out", "change", "parameters", "multiply_adds"]
    names += ["pictures", "passes", "seconds", "hardware"]
    rows: list[list[str | float | int | None]] = []
    for run in found.runs:
        facts = found.facts(run.config)
        change = found.change(found.experiment.config(run.config))
        rows.append(
            [
                run.config,
                run.seed,
                100 * run.val,
                100 * run.epochs[-1].held_out,
                None if change is None else 100 * change,
                facts["parameters"],
                facts["multiply_adds"],
                facts["train_pictures"],
                len(run.epochs),
                run.seconds,
                run.hardware,
            ]
        )
    return names, rows
