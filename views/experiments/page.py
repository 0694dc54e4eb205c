"""Experiments: small trainings that repeat the papers' claims; predict first, then look."""

from __future__ import annotations

import streamlit as st

from views import frame
from views.experiments import figures, papers, question
from views.experiments.runs import command, title, words
from vislib.experiments import catalogue, table
from vislib.experiments.findings import Found, find


def draw() -> None:
    """One experiment at a time; the address keeps which."""
    names = tuple(catalogue.EXPERIMENTS)
    name = frame.choose(
        words("which"),
        names,
        key="experiment",
        words={name: words(f"name_{name}") for name in names},
    )
    frame.shielded(lambda: _one(name))


def _one(name: str) -> None:
    """The question; the results once a prediction is made; what was not run."""
    st.markdown(words(f"about_{name}"))
    found = find(name)
    if found is None:
        count = len(catalogue.experiment(name).configs)
        st.info(words("not_run", count=count))
        st.code(catalogue.command(name), language="bash", wrap_lines=True)
        papers.draw(name, None)
        return
    st.caption(question.trained(found))
    answer = question.predict(name)
    if answer is None:
        st.info(words("hidden"))
        return
    _results(found, answer)


def _results(found: Found, answer: str) -> None:
    """Everything that would give the answer away."""
    question.draw_verdict(found, answer)
    figures.draw_ends(found)
    papers.draw(found.name, found)
    question.draw_conclusions(found)
    figures.draw_curves(found)
    figures.draw_table(found)
    _missing(found)


def _missing(found: Found) -> None:
    """What of the experiment was not run, and the one command that runs it."""
    pairs = table.missing(found.experiment, found.results)
    if not pairs:
        st.caption(words("complete"))
        return
    st.subheader(words("missing"), anchor=False)
    lines = []
    for seed in dict.fromkeys(seed for _, seed in pairs):
        own = [found.experiment.config(name) for name, s in pairs if s == seed]
        whole = len(own) == len(found.experiment.configs)
        listed = words("missing_all") if whole else "; ".join(title(found.name, c) for c in own)
        lines.append(words("missing_seed", seed=seed, configs=listed))
    st.markdown("\n".join(f"- {line}" for line in lines))
    st.markdown(words("missing_how"))
    st.code(command(found), language="bash", wrap_lines=True)
