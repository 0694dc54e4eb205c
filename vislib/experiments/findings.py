"""What was run of an experiment, and which answer to its question the numbers support.

The rules decide, not the person who writes the page; accuracies are shares from 0 to 1.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from vislib.analysis import outcomes
from vislib.experiments import catalogue, table
from vislib.experiments.catalogue import Config, Experiment
from vislib.experiments.table import Results, Run
from vislib.texts import Message

BASES: Mapping[str, Mapping[str, str]] = {
    "order": {"order": "original"},
    "attention": {"attention": "both"},
    "data": {"share": "100"},
    "patch": {"patch": "8", "kernel": "5"},
}
"""Experiment -> the setting that relative changes refer to: the bundled model's own."""
GROUPS = {"order": "model", "data": "model", "patch": "patch"}
"""Experiment -> the factor whose values are headings; the other factor's stand below them."""
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


@dataclass(frozen=True, kw_only=True)
class Found:
    """An experiment and what was run of it; at least one run is there.

    Attributes:
        experiment: From the catalogue.
        results: From the table.
    """

    experiment: Experiment
    results: Results

    @property
    def name(self) -> str:
        """Of the experiment."""
        return self.experiment.name

    @property
    def configs(self) -> tuple[Config, ...]:
        """Those that were run, heading by heading."""
        group = GROUPS.get(self.name, "")
        there = [config for config in self.experiment.configs if self.results.of(config.id)]
        order = list(dict.fromkeys(c.values.get(group, "") for c in self.experiment.configs))
        return tuple(sorted(there, key=lambda config: order.index(config.values.get(group, ""))))

    @property
    def runs(self) -> tuple[Run, ...]:
        """All runs of those configs, heading by heading."""
        return tuple(run for config in self.configs for run in self.results.of(config.id))

    @property
    def data(self) -> Mapping[str, Any]:
        """What the pictures were."""
        data: Mapping[str, Any] = self.results.settings["data"]
        return data

    @property
    def val_pictures(self) -> int:
        """How many pictures an accuracy was measured on."""
        return int(self.data["val_pictures"])

    @property
    def chance(self) -> float:
        """What guessing reaches, 0 to 1."""
        return 1 / len(self.data["classes"])

    def facts(self, config: str) -> Mapping[str, Any]:
        """What the JSON file says of a config."""
        facts: Mapping[str, Any] = self.results.settings["configs"][config]
        return facts

    def scores(self, config: str) -> tuple[float, ...]:
        """Accuracy on val of each run of a config, 0 to 1."""
        return tuple(run.val for run in self.results.of(config))

    def mean(self, config: str) -> float:
        """Of the accuracies of a config that was run."""
        return outcomes.mean(self.scores(config))

    def change(self, config: Config) -> float | None:
        """Relative change against the base; None for the base itself or where that was not run."""
        base = base_of(self.experiment, config)
        if base.id == config.id or not self.scores(base.id) or not self.mean(base.id):
            return None
        return outcomes.relative_change(self.mean(config.id), self.mean(base.id))

    def tolerance(self, configs: Sequence[str]) -> float:
        """How far apart accuracies of these configs may lie and still be too close to tell."""
        return outcomes.tolerance([self.scores(name) for name in configs], self.val_pictures)


def find(name: str) -> Found | None:
    """What was run of an experiment, None for nothing.

    Raises:
        ExperimentError: Its table cannot be used, or only its JSON file is there.
    """
    experiment, results = catalogue.experiment(name), table.read(name, table.FOLDER)
    if results is None:
        csv, facts = table.files(name)
        if facts.exists():
            raise table.fault(csv, Message("error.table.missing"))
        return None
    found = Found(experiment=experiment, results=results)
    return found if found.configs else None


def base_of(experiment: Experiment, config: Config) -> Config:
    """The config that another one is compared with."""
    wanted = dict(config.values) | dict(BASES[experiment.name])
    return next(other for other in experiment.configs if dict(other.values) == wanted)


def verdict(found: Found) -> str | None:
    """The answer that the numbers support by the rule; None where some of them are missing."""
    if needed(found):
        return None
    return RULES[found.name](found)


def needed(found: Found) -> list[Config]:
    """Configs that the rule needs and that were not run."""
    rules: dict[str, Callable[[Mapping[str, str]], bool]] = {
        "order": lambda v: v["model"] in ("mixer_mini", "resnet_mini") and v["order"] != "pixels",
        "data": lambda v: v["share"] in (LEAST, MOST),
    }
    wanted = rules.get(found.name)
    return [
        config
        for config in found.experiment.configs
        if (wanted is None or wanted(config.values)) and not found.scores(config.id)
    ]


def _order(found: Found) -> str:
    """Who loses at least a tenth with shuffled patches."""
    resnet, mixer = (
        (found.mean(f"{model}.original"), found.mean(f"{model}.patches"))
        for model in ("resnet_mini", "mixer_mini")
    )
    said = outcomes.who_loses(resnet, mixer, compared(found))
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
