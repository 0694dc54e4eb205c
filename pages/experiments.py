"""Experiments: small trainings that repeat the papers' claims; predict first, then look."""

from __future__ import annotations

import streamlit as st

from pages import _experiments_figures, _experiments_papers, _experiments_question, _ui
from pages._experiments_runs import Found, command, find, title, words
from vislib.experiments import catalogue, table


def draw() -> None:
    """One experiment at a time; the address keeps which."""
    names = tuple(catalogue.EXPERIMENTS)
    name = _ui.choose(
        words("which"),
        names,
        key="experiment",
        words={name: words(f"name_{name}") for name in names},
    )
    _ui.shielded(lambda: _one(name))


def _one(name: str) -> None:
    """The question; the results once a prediction is made; what was not run."""
    st.markdown(words(f"about_{name}"))
    found = find(name)
    if found is None:
        count = len(catalogue.experiment(name).configs)
        st.info(words("not_run", count=count))
        st.code(catalogue.command(name), language="bash", wrap_lines=True)
        _experiments_papers.draw(name, None)
        return
    st.caption(_experiments_question.trained(found))
    answer = _experiments_question.predict(name)
    if answer is None:
        st.info(words("hidden"))
        return
    _results(found, answer)


def _results(found: Found, answer: str) -> None:
    """Everything that would give the answer away."""
    _experiments_question.draw_verdict(found, answer)
    _experiments_figures.draw_ends(found)
    _experiments_papers.draw(found.name, found)
    _experiments_question.draw_conclusions(found)
    _experiments_figures.draw_curves(found)
    _experiments_figures.draw_table(found)
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


_ui.page("experiments")
_ui.shielded(draw)
