"""What was run of an experiment, in the page's words: settings, accuracies, relative changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from views import frame
from vislib.analysis import outcomes
from vislib.experiments import catalogue, table
from vislib.experiments.catalogue import Config, Experiment
from vislib.experiments.table import Results, Run
from vislib.registry import spec

BASES: Mapping[str, Mapping[str, str]] = {
    "order": {"order": "original"},
    "attention": {"attention": "both"},
    "data": {"share": "100"},
    "patch": {"patch": "8", "kernel": "5"},
}
"""Experiment -> the setting that relative changes refer to: the bundled model's own."""
GROUPS = {"order": "model", "data": "model", "patch": "patch"}
"""Experiment -> the factor whose values are headings; the other factor's stand below them."""


def words(name: str, /, **values: object) -> str:
    """A text of the page's own section."""
    return frame.t(f"experiments.{name}", **values)


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
        ExperimentError: Its table cannot be used.
    """
    experiment, results = catalogue.experiment(name), table.read(name, table.FOLDER)
    if results is None:
        return None
    found = Found(experiment=experiment, results=results)
    return found if found.configs else None


def base_of(experiment: Experiment, config: Config) -> Config:
    """The config that another one is compared with."""
    wanted = dict(config.values) | dict(BASES[experiment.name])
    return next(other for other in experiment.configs if dict(other.values) == wanted)


def setting(experiment: str, config: Config) -> str:
    """A config's setting under its heading, in words."""
    group = GROUPS.get(experiment, "")
    return ", ".join(value(name, v) for name, v in config.values.items() if name != group)


def heading(experiment: str, config: Config) -> str:
    """What a config stands under; empty where the experiment has no headings."""
    group = GROUPS.get(experiment, "")
    return value(group, config.values[group]) if group else ""


def value(factor: str, name: str) -> str:
    """A factor's value in words."""
    if factor == "model":
        return spec(name).title
    if factor in ("share", "patch", "kernel"):
        return words(f"value_{factor}", value=name)
    return words(f"value_{factor}_{name}")


def title(experiment: str, config: Config) -> str:
    """A config in words."""
    parts = (heading(experiment, config), setting(experiment, config))
    return ", ".join(part for part in parts if part)


def key_of(run: Run) -> str:
    """A run's name in the address."""
    return f"{run.config}.{run.seed}"


def run_title(experiment: Experiment, run: Run) -> str:
    """A run in words."""
    name = title(experiment.name, experiment.config(run.config))
    return words("run_title", title=name, seed=run.seed)


def command(found: Found, configs: Sequence[str] = (), seed: int | None = None) -> str:
    """The command for configs of a table, by that table's recipe."""
    seeds = catalogue.SEEDS if seed is None else (seed,)
    recipe = found.results.settings["recipe"]
    start = catalogue.command(found.name, configs, seeds)
    return f"{start} --classes {len(found.data['classes'])} --epochs {recipe['epochs']}"


def duration(seconds: float) -> str:
    """In seconds, minutes or hours."""
    if seconds < 100:
        return words("seconds", count=f"{seconds:.0f}")
    if seconds < 6000:
        return words("minutes", count=f"{seconds / 60:.0f}")
    return words("hours", count=f"{seconds / 3600:.1f}")
