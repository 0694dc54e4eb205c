"""The question of an experiment, the class's prediction, and which answer the numbers support."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import streamlit as st

from views import frame
from views.experiments.runs import Found, between, duration, percent, signed, title, words
from views.frame.numbers import POINTS
from views.frame.state import t
from vislib.analysis import outcomes
from vislib.registry import spec

SHOW = "show"
"""The choice of those who make no prediction."""
ANSWERS: Mapping[str, tuple[str, ...]] = {
    "order": ("resnet", "mixer", "both", "neither"),
    "attention": ("window", "channel", "both", outcomes.ALIKE),
    "data": ("convolution", "mlp", "attention", outcomes.ALIKE),
    "patch": ("patch", "kernel", outcomes.ALIKE),
}
KINDS: Mapping[str, tuple[str, ...]] = {
    "convolution": ("convmixer_mini", "resnet_mini"),
    "mlp": ("mixer_mini",),
    "attention": ("davit_mini", "vit_mini"),
}
"""What mixes places -> the models that do it so."""
LEAST, MOST = "10", "100"
"""The shares of the pictures that are compared."""


def trained(found: Found) -> str:
    """One sentence on what was trained, all of it from the table and its JSON file."""
    facts = [found.facts(config.id) for config in found.configs]
    hardware = "; ".join(dict.fromkeys(run.hardware for run in found.runs))
    return words(
        "trained",
        variants=len(facts),
        planned=len(found.experiment.configs),
        pictures=between([fact["train_pictures"] for fact in facts]),
        classes=len(found.data["classes"]),
        passes=between([fact["epochs"] for fact in facts]),
        parameters=between([fact["parameters"] / 1e6 for fact in facts], 2),
        seeds=_seeds(found),
        time=duration(sum(run.seconds for run in found.runs)),
        hardware=hardware,
    )


def _seeds(found: Found) -> str:
    """How many runs a variant has, in words."""
    counts = [len(found.scores(config.id)) for config in found.configs]
    return words("seed_one") if max(counts) == 1 else words("seeds", count=between(counts))


def predict(name: str) -> str | None:
    """The class's answer, None before there is one."""
    options = (*ANSWERS[name], SHOW)
    texts = {option: words(f"answer_{name}_{option}") for option in options[:-1]}
    texts[SHOW] = words("answer_show")
    return frame.choose_freely(words(f"ask_{name}"), options, key=f"{name}_answer", words=texts)


def verdict(found: Found) -> str | None:
    """The answer that the numbers support by the rule; None where some of them are missing."""
    if needed(found):
        return None
    return RULES[found.name](found)


def needed(found: Found) -> list[str]:
    """Configs that the rule needs and that were not run, in words."""
    wanted = {
        "order": lambda v: v["model"] in ("mixer_mini", "resnet_mini") and v["order"] != "pixels",
        "data": lambda v: v["share"] in (LEAST, MOST),
    }.get(found.name, lambda _: True)
    return [
        title(found.name, config)
        for config in found.experiment.configs
        if wanted(config.values) and not found.scores(config.id)
    ]


def _order(found: Found) -> str:
    """Who loses at least a tenth with shuffled patches."""
    pairs = [
        (found.mean(f"{model}.original"), found.mean(f"{model}.patches"))
        for model in ("resnet_mini", "mixer_mini")
    ]
    said = outcomes.who_loses(*pairs, least_difference=compared(found))
    return {"first": "resnet", "second": "mixer"}.get(said, said)


def _attention(found: Found) -> str:
    """The kind with the highest accuracy."""
    means = {config.values["attention"]: found.mean(config.id) for config in found.configs}
    return outcomes.largest(means, compared(found))


def _data(found: Found) -> str:
    """The kind of mixing that loses the largest share of its accuracy with a tenth of the data."""
    lost = {
        kind: -outcomes.mean(
            [
                outcomes.relative_change(found.mean(f"{m}.{LEAST}"), found.mean(f"{m}.{MOST}"))
                for m in models
            ]
        )
        for kind, models in KINDS.items()
    }
    base = outcomes.mean([found.mean(f"{m}.{MOST}") for models in KINDS.values() for m in models])
    return outcomes.largest(lost, compared(found) / base)


def _patch(found: Found) -> str:
    """The factor whose best and worst value lie farther apart, on average over the other one."""
    patches, kernels = patch_effects(found)
    sizes = {
        "patch": outcomes.spread(list(patches.values())),
        "kernel": outcomes.spread(list(kernels.values())),
    }
    return outcomes.largest(sizes, compared(found))


def patch_effects(found: Found) -> tuple[dict[str, float], dict[str, float]]:
    """Mean accuracy of each patch size and of each kernel size."""
    table = {(c.values["patch"], c.values["kernel"]): found.mean(c.id) for c in found.configs}
    return outcomes.effects(table)


RULES: Mapping[str, Callable[[Found], str]] = {
    "order": _order,
    "attention": _attention,
    "data": _data,
    "patch": _patch,
}


def compared(found: Found) -> float:
    """How far apart two accuracies of the experiment may lie and still be too close to tell."""
    return found.tolerance([config.id for config in found.configs])


def draw_verdict(found: Found, answer: str) -> None:
    """What the numbers say to the prediction."""
    said = verdict(found)
    if said is None:
        st.info(words("verdict_open", missing="; ".join(needed(found))))
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
    points, unit = f"{100 * compared(found):.1f}", t(f"unit.{POINTS}")
    chance = words("tolerance", points=points, unit=unit, pictures=f"{found.val_pictures:,}")
    st.caption(f"{words(f'rule_{found.name}')} {chance}")


def draw_conclusions(found: Found) -> None:
    """What may be concluded, by the outcome, and what not."""
    said = verdict(found)
    st.subheader(words("conclude"), anchor=False)
    if said is None:
        st.markdown(words("conclude_nothing"))
    else:
        st.markdown(words(f"conclude_{found.name}_{said}", **numbers(found)))
    facts = [found.facts(config.id) for config in found.configs]
    st.markdown(
        words(
            "not",
            claim=words(f"not_{found.name}"),
            parameters=between([fact["parameters"] / 1e6 for fact in facts], 2),
            pictures=between([fact["train_pictures"] for fact in facts]),
            classes=len(found.data["classes"]),
            passes=between([fact["epochs"] for fact in facts]),
            seeds=_seeds(found),
        )
    )


def numbers(found: Found) -> dict[str, str]:
    """What the conclusions of an experiment may name."""
    if found.name == "order":
        return {
            model: signed(
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
            for name, means in zip(names, patch_effects(found), strict=True)
        }
    if found.name == "attention":
        return {c.values["attention"]: percent(found.mean(c.id)) for c in found.configs}
    return {
        spec(f"{model}_mini").family: signed(
            outcomes.relative_change(
                found.mean(f"{model}_mini.{LEAST}"), found.mean(f"{model}_mini.{MOST}")
            )
        )
        for model in ("mixer", "convmixer", "davit", "vit", "resnet")
    }
