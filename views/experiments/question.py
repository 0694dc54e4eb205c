"""The question of an experiment, the class's prediction, and which answer the numbers support."""

from __future__ import annotations

import streamlit as st

from views import frame
from views.experiments.runs import duration, title, words
from vislib.analysis import outcomes
from vislib.experiments import findings
from vislib.experiments.findings import Found
from vislib.registry import spec

SHOW = "show"
"""The choice of those who make no prediction."""


def trained(found: Found) -> str:
    """One sentence on what was trained, all of it from the table and its JSON file."""
    facts = [found.facts(config.id) for config in found.configs]
    return words(
        "trained",
        variants=len(facts),
        planned=len(found.experiment.configs),
        pictures=frame.between([fact["train_pictures"] for fact in facts]),
        classes=len(found.data["classes"]),
        passes=frame.between([fact["epochs"] for fact in facts]),
        parameters=frame.between([fact["parameters"] / 1e6 for fact in facts], 2),
        seeds=_seeds(found),
        time=duration(sum(run.seconds for run in found.runs)),
    )


def _seeds(found: Found) -> str:
    """How many runs a variant has, in words."""
    counts = [len(found.scores(config.id)) for config in found.configs]
    return words("seed_one") if max(counts) == 1 else words("seeds", count=frame.between(counts))


def predict(name: str) -> str | None:
    """The class's answer, None before there is one."""
    options = (*findings.ANSWERS[name], SHOW)
    texts = {option: words(f"answer_{name}_{option}") for option in options[:-1]}
    texts[SHOW] = words("answer_show")
    return frame.choose_freely(words(f"ask_{name}"), options, key=f"{name}_answer", words=texts)


def _missing(found: Found) -> list[str]:
    """What the rule needs and was not run, in words."""
    return [title(found.name, config) for config in findings.needed(found)]


def draw_verdict(found: Found, answer: str) -> None:
    """What the numbers say to the prediction."""
    said = findings.verdict(found)
    if said is None:
        st.info(words("verdict_open", missing="; ".join(_missing(found))))
        return
    right = words(f"answer_{found.name}_{said}")
    if answer == SHOW:
        st.info(words("verdict", said=right))
    elif answer == said:
        st.success(words("verdict_right", said=right))
    else:
        st.warning(
            words("verdict_other", chosen=words(f"answer_{found.name}_{answer}"), said=right)
        )
    points, unit = f"{100 * findings.compared(found):.1f}", frame.t(f"unit.{frame.POINTS}")
    chance = words("tolerance", points=points, unit=unit, pictures=f"{found.val_pictures:,}")
    st.caption(f"{words(f'rule_{found.name}')} {chance}")


def draw_conclusions(found: Found) -> None:
    """What may be concluded, by the outcome, and what not."""
    said = findings.verdict(found)
    if said is None:
        st.markdown(words("conclude_nothing"))
    else:
        st.markdown(words(f"conclude_{found.name}_{said}", **numbers(found)))
    facts = [found.facts(config.id) for config in found.configs]
    st.markdown(
        words(
            "not",
            claim=words(f"not_{found.name}"),
            parameters=frame.between([fact["parameters"] / 1e6 for fact in facts], 2),
            pictures=frame.between([fact["train_pictures"] for fact in facts]),
            classes=len(found.data["classes"]),
            passes=frame.between([fact["epochs"] for fact in facts]),
            seeds=_seeds(found),
        )
    )


def numbers(found: Found) -> dict[str, str]:
    """What the conclusions of an experiment may name."""
    if found.name == "order":
        return {
            model: frame.percent_change(
                outcomes.relative_change(
                    found.mean(f"{model}_mini.patches"), found.mean(f"{model}_mini.original")
                )
            )
            for model in ("mixer", "resnet")
        }
    if found.name == "patch":
        names = ("patch", "kernel")
        return {
            name: max(means, key=lambda size: means[size])
            for name, means in zip(names, findings.patch_effects(found), strict=True)
        }
    if found.name == "attention":
        return {c.values["attention"]: frame.percent(found.mean(c.id)) for c in found.configs}
    least, most = findings.LEAST, findings.MOST
    return {
        spec(f"{model}_mini").family: frame.percent_change(
            outcomes.relative_change(
                found.mean(f"{model}_mini.{least}"), found.mean(f"{model}_mini.{most}")
            )
        )
        for model in ("mixer", "convmixer", "davit", "vit", "resnet")
    }
