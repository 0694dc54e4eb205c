"""The experiments: which variants of the mini models are trained and what each of them varies.

Light: it needs no torch.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from vislib.schema import MixScopeError

MINIS = ("mixer_mini", "convmixer_mini", "davit_mini", "vit_mini", "resnet_mini")
ORDERS = ("original", "patches", "pixels")
"""How a picture's pixels lie: as they are, patches and the pixels within them shuffled, all."""
ATTENTIONS: Mapping[str, tuple[str, str]] = {
    "window": ("spatial", "spatial"),
    "channel": ("channel", "channel"),
    "both": ("spatial", "channel"),
}
"""Kind -> timm's ``attn_types``: two attentions in each block, so all three are equally large."""
SHARES = (10, 30, 100)
"""Percent of each class' training pictures."""
PATCHES, KERNELS = (4, 8, 16), (3, 5, 7, 9)
SEEDS = (0, 1)
"""Of a whole experiment."""


class ExperimentError(MixScopeError):
    """An experiment is unknown, or its table cannot be used."""


@dataclass(frozen=True, kw_only=True)
class Config:
    """One variant.

    Attributes:
        id: Such as "mixer_mini.patches".
        model: Registry key of the mini model that it varies.
        values: Factor -> value, a word for each of the experiment's factors.
        changes: Keyword arguments of the constructor instead of the mini model's.
        order: How the pixels of all pictures lie, from ``ORDERS``.
        share: Percent of the training pictures of each class.
        epochs_factor: The recipe's passes are multiplied by it (and rounded), so that a smaller
            share takes as many steps. The MLP-Mixer paper does the same with its shares.
    """

    id: str
    model: str
    values: Mapping[str, str]
    changes: Mapping[str, Any] = field(default_factory=dict)
    order: str = "original"
    share: int = 100
    epochs_factor: float = 1.0

    def epochs(self, recipe_epochs: int) -> int:
        """Passes over this variant's training pictures."""
        return max(1, round(recipe_epochs * self.epochs_factor))


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """One question.

    Attributes:
        name: As in the command and in the names of its files.
        factors: What differs between its configs, the keys of their ``values``.
        configs: In the order in which they are trained.
    """

    name: str
    factors: tuple[str, ...]
    configs: tuple[Config, ...]

    def config(self, name: str) -> Config:
        """The config of that id.

        Raises:
            ExperimentError: There is none; the message names those that are there.
        """
        for config in self.configs:
            if config.id == name:
                return config
        raise ExperimentError(
            "error.experiment.no_config",
            experiment=self.name,
            config=name,
            known=[config.id for config in self.configs],
        )


def _order() -> Iterator[Config]:
    for order in ORDERS:
        for model in MINIS:
            yield Config(
                id=f"{model}.{order}",
                model=model,
                values={"model": model, "order": order},
                order=order,
            )


def _attention() -> Iterator[Config]:
    for kind, types in ATTENTIONS.items():
        yield Config(
            id=f"davit_mini.{kind}",
            model="davit_mini",
            values={"attention": kind},
            changes={"attn_types": types},
        )


def _data() -> Iterator[Config]:
    for share in SHARES:
        for model in MINIS:
            yield Config(
                id=f"{model}.{share}",
                model=model,
                values={"model": model, "share": str(share)},
                share=share,
                epochs_factor=100 / share,
            )


def _patch() -> Iterator[Config]:
    for patch in PATCHES:
        for kernel in KERNELS:
            yield Config(
                id=f"convmixer_mini.p{patch}k{kernel}",
                model="convmixer_mini",
                values={"patch": str(patch), "kernel": str(kernel)},
                changes={"patch_size": patch, "kernel_size": kernel},
            )


EXPERIMENTS: Mapping[str, Experiment] = {
    row.name: row
    for row in (
        Experiment(name="order", factors=("model", "order"), configs=tuple(_order())),
        Experiment(name="attention", factors=("attention",), configs=tuple(_attention())),
        Experiment(name="data", factors=("model", "share"), configs=tuple(_data())),
        Experiment(name="patch", factors=("patch", "kernel"), configs=tuple(_patch())),
    )
}
"""Name -> experiment."""


def experiment(name: str) -> Experiment:
    """The experiment of that name.

    Raises:
        ExperimentError: There is none; the message names those that are there.
    """
    if name not in EXPERIMENTS:
        raise ExperimentError("error.experiment.none", name=name, known=list(EXPERIMENTS))
    return EXPERIMENTS[name]


def command(name: str, configs: Iterable[str] = (), seeds: Sequence[int] = SEEDS) -> str:
    """The command line that trains configs of an experiment; all of them where none is named.

    ``FOLDER`` stands for the pictures.
    """
    words = ["python -m vislib experiment", name, "--data FOLDER"]
    chosen = ",".join(configs)
    if chosen:
        words.append(f"--configs {chosen}")
    if tuple(seeds) != SEEDS:
        words.append(f"--seeds {','.join(str(seed) for seed in seeds)}")
    return " ".join(words)
