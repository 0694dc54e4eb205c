"""The command ``experiment``: train the variants of an experiment, or list what was run."""

from __future__ import annotations

import argparse
from pathlib import Path

from vislib.commands import arguments
from vislib.experiments import catalogue, table
from vislib.experiments.catalogue import ExperimentError
from vislib.texts import Message


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``experiment`` to the command line."""
    command = commands.add_parser(
        "experiment",
        help="train small variants and write down how they do; the page Experiments shows it",
        description="Train what the table OUT/NAME.csv lacks of an experiment. The same command "
        "goes on after an interruption; several may run at once.",
    )
    names = ", ".join(catalogue.EXPERIMENTS)
    command.add_argument("name", nargs="?", metavar="NAME", help=names)
    command.add_argument("--list", action="store_true", help="names, configs and what was run")
    command.add_argument(
        "--data", type=Path, metavar="FOLDER", help="train/<class>/<picture> and val/..."
    )
    command.add_argument("--configs", type=_names, default=(), metavar="ID,ID", help="(all)")
    command.add_argument("--seeds", type=_seeds, default=catalogue.SEEDS, help="(0,1)")
    command.add_argument(
        "--out", type=Path, metavar="FOLDER", help="of the tables (assets/experiments)"
    )
    command.add_argument(
        "--work", type=Path, default=table.WORK, help="checkpoints (runs/experiments)"
    )
    command.add_argument("--classes", type=arguments.whole(2), help="instead of the recipe's")
    arguments.add_training(command)
    command.set_defaults(run=_experiment)


def _names(text: str) -> tuple[str, ...]:
    """Names between commas."""
    return tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))


def _seeds(text: str) -> tuple[int, ...]:
    """Whole numbers from 0 up, between commas."""
    number = arguments.whole(0)
    try:
        seeds = tuple(dict.fromkeys(number(name) for name in _names(text)))
    except ValueError:
        seeds = ()
    if not seeds:
        raise argparse.ArgumentTypeError(Message("error.command.no_numbers", value=text))
    return seeds


def _experiment(options: argparse.Namespace) -> int:
    out = options.out or table.FOLDER
    if options.list:
        return _list(options.name, out)
    if options.name is None or options.data is None:
        raise ExperimentError("error.experiment.none_named", known=list(catalogue.EXPERIMENTS))
    experiment = catalogue.experiment(options.name)  # before torch takes its seconds
    for name in options.configs:
        experiment.config(name)
    from vislib.experiments.session import ExperimentOrder, run_experiment

    order = ExperimentOrder(
        name=options.name,
        data=options.data,
        out=out,
        work=options.work,
        configs=options.configs,
        seeds=options.seeds,
        classes=options.classes,
        epochs=options.epochs,
        batch_size=options.batch_size,
        minutes=options.minutes,
        device=options.device,
        data_source=options.data_source,
        data_terms=options.data_terms,
    )
    outcome = run_experiment(order)
    return arguments.ENDED[outcome]


def _list(name: str | None, out: Path) -> int:
    """Experiments, their configs, and the accuracy on val of those that were run."""
    chosen = [catalogue.experiment(name)] if name else list(catalogue.EXPERIMENTS.values())
    for experiment in chosen:
        results = table.read(experiment.name, out)
        lacking = len(table.missing(experiment, results))
        total = len(experiment.configs) * len(catalogue.SEEDS)
        there = total - lacking
        print(Message("command.runs_there", name=experiment.name, there=there, count=total))
        width = max(len(config.id) for config in experiment.configs)
        for config in experiment.configs:
            runs = results.of(config.id) if results else ()
            said = ", ".join(f"seed {run.seed} val {run.val:.2%}" for run in runs)
            print(f"  {config.id.ljust(width)}  {said or Message('command.not_run')}")
        if lacking:
            print(f"  {catalogue.command(experiment.name)}")
    return arguments.DONE
