"""Experiments: small trainings that repeat the papers' claims; a prediction may come first."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import streamlit as st

from views import frame
from views.experiments import figures, papers, question
from views.experiments.runs import command, title, words
from views.frame import links
from vislib.experiments import catalogue, table
from vislib.experiments.findings import Found, find


def draw() -> None:
    """One experiment at a time; the address keeps which."""
    names = tuple(catalogue.EXPERIMENTS)
    with frame.row_of_choices(picture=False, models=False):
        name = frame.choose(
            words("which"),
            names,
            key="experiment",
            words={name: words(f"name_{name}") for name in names},
        )
        _follow(name)
        first = frame.choose_switch(words("first"), key="predict", help_text=words("first_help"))
    frame.shielded(lambda: _one(name, first))


def _follow(name: str) -> None:
    """What a link asks of an experiment is shown, also where it does not say where that stands."""
    if links.asked(f"{name}_answer"):
        links.imply("predict", "1")
    for part in ("run", "curves"):
        if links.asked(f"{name}_{part}"):
            links.imply("experiment_tab", part)


def _one(name: str, first: bool) -> None:
    """The chart with the question beside it, then tabs; hidden while a prediction is asked for."""
    found = find(name)
    if found is None:
        st.markdown(words(f"about_{name}"))
        count = len(catalogue.experiment(name).configs)
        st.info(words("not_run", count=count))
        st.code(catalogue.command(name), language="bash", wrap_lines=True)
        papers.draw(name, None)
        return
    left, right = st.columns([1.6, 1], gap="medium")
    about = right.container()
    with right:
        answer = question.predict(name) if first else question.SHOW
    with left:  # before the words beside it: on a phone it stands above them
        st.info(words("hidden")) if answer is None else figures.draw_ends(found)
    about.markdown(words(f"about_{name}"))
    if answer is None:
        return
    with right:
        question.draw_verdict(found, answer)
    _tabs(found)


def _tabs(found: Found) -> None:
    """Everything else; only what is open is built."""
    draws: dict[str, Callable[[], None]] = {
        "conclude": partial(question.draw_conclusions, found),
        "papers": partial(papers.draw, found.name, found),
        "curves": partial(figures.draw_curves, found),
        "run": partial(figures.draw_run, found),
        "table": partial(_all_runs, found),
    }
    name, place = frame.choose_tab({n: words(f"tab_{n}") for n in draws}, key="experiment_tab")
    with place:
        draws[name]()


def _all_runs(found: Found) -> None:
    """Every run, how it was trained, and what was not run."""
    st.caption(question.trained(found))
    figures.draw_table(found)
    _missing(found)


def _missing(found: Found) -> None:
    """What of the experiment was not run, and the one command that runs it."""
    pairs = table.missing(found.experiment, found.results)
    if not pairs:
        st.caption(words("complete"))
        return
    st.markdown(f"**{words('missing')}**")
    lines = []
    for seed in dict.fromkeys(seed for _, seed in pairs):
        own = [found.experiment.config(name) for name, s in pairs if s == seed]
        whole = len(own) == len(found.experiment.configs)
        listed = words("missing_all") if whole else "; ".join(title(found.name, c) for c in own)
        lines.append(words("missing_seed", seed=seed, configs=listed))
    st.markdown("\n".join(f"- {line}" for line in lines))
    st.markdown(words("missing_how"))
    st.code(command(found), language="bash", wrap_lines=True)
