"""What was run of an experiment, in the page's words: settings, titles, commands."""

from __future__ import annotations

from collections.abc import Sequence

from views import frame
from vislib.experiments import catalogue
from vislib.experiments.catalogue import Config, Experiment
from vislib.experiments.findings import GROUPS, Found
from vislib.experiments.table import Run
from vislib.registry import spec


def words(name: str, /, **values: object) -> str:
    """A text of the page's own section."""
    return frame.t(f"experiments.{name}", **values)


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
