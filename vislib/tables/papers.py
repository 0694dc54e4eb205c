"""The papers' result tables, and what we count of the same architectures.

Each table is a CSV file under assets/papers, as the paper prints it. ``counted.csv`` holds the
parameters and multiply-adds of those rows whose architecture timm can build (counted by
``vislib.tables.counting``, which also checks them). Light: it needs no torch.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from vislib.schema import ModelError, TableError
from vislib.tables import rows as rows_of
from vislib.texts import Message

FOLDER = Path(__file__).resolve().parents[2] / "assets" / "papers"
COUNTED = FOLDER / "counted.csv"

Lines = tuple[dict[str, str], ...]
_NAMES = ("model", "pretraining")
PARAMETERS, FLOPS = "params_millions", "flops_giga"
"""Columns that our own counts stand beside."""

FAMILIES: Mapping[str, str] = {
    "Mixer": "mixer",
    "ConvMixer": "convmixer",
    "DaViT": "davit",
    "ViT": "vit",
    "DeiT": "vit",
    "ResNet": "resnet",
    "BiT": "resnet",
    "ResMLP": "resmlp",
    "Swin": "swin",
}
"""First word of a row's model -> family."""


@dataclass(frozen=True, kw_only=True)
class Column:
    """A column of numbers.

    Attributes:
        name: As in the CSV file.
        better: Whether more or less of it is better.
        logarithmic: Whether a chart shows it on a logarithmic axis.
    """

    name: str
    better: Literal["more", "less"]
    logarithmic: bool = True


@dataclass(frozen=True, kw_only=True)
class Counted:
    """What we count of an architecture.

    Attributes:
        architecture: timm's name of it.
        image_size: Side of the input, in model pixels.
        parameters: With a head for 1,000 classes.
        multiply_adds: Of one forward pass, as papers count FLOPs.
    """

    architecture: str
    image_size: int
    parameters: int
    multiply_adds: int


@dataclass(frozen=True, kw_only=True)
class PaperRow:
    """A row as the paper prints it.

    Attributes:
        model: The paper's name.
        group: What it was pre-trained on, in the paper's words; empty where the table has one kind.
        family: Family of the architecture, empty for those that the project does not know.
        values: Column -> number; columns that the paper leaves empty are not there.
        words: Column -> what is no number ("GELU", "yes").
        counted: Our counts, None where timm cannot build it.
    """

    model: str
    group: str
    family: str
    values: Mapping[str, float]
    words: Mapping[str, str] = field(default_factory=dict)
    counted: Counted | None = None

    def difference(self, column: str) -> float | None:
        """Ours over the paper's, minus 1; None where one of them is missing.

        Args:
            column: ``PARAMETERS`` (the paper's in millions) or ``FLOPS`` (in G multiply-adds).
        """
        printed = self.values.get(column)
        if printed is None or self.counted is None:
            return None
        if column == PARAMETERS:
            return self.counted.parameters / 1e6 / printed - 1
        return self.counted.multiply_adds / 1e9 / printed - 1


@dataclass(frozen=True, kw_only=True)
class PaperTable:
    """One paper's result table.

    Attributes:
        key: "mixer", "convmixer" or "davit".
        arxiv: The paper's identifier.
        x: Columns that a chart may have across.
        y: Columns that it may have upwards: accuracies, in percent.
        columns: Names of all columns but the model and its pre-training, in the paper's order.
        rows: In the paper's order.
        uncounted: What is wrong with our counts, so that no row has one; None where nothing is.
    """

    key: str
    arxiv: str
    x: tuple[Column, ...]
    y: tuple[Column, ...]
    columns: tuple[str, ...]
    rows: tuple[PaperRow, ...]
    uncounted: TableError | None = None

    @property
    def groups(self) -> tuple[str, ...]:
        """What the rows were pre-trained on, in the paper's order."""
        return tuple(dict.fromkeys(row.group for row in self.rows))


def _more(*names: str) -> tuple[Column, ...]:
    return tuple(Column(name=name, better="more", logarithmic=False) for name in names)


_TOP1 = "imagenet_top1_percent"
_TABLES: Mapping[str, tuple[str, str, tuple[Column, ...], tuple[Column, ...]]] = {
    "mixer": (
        "2105.01601",
        "mlp_mixer_table3.csv",
        (
            Column(name="throughput_img_per_s_per_core", better="more"),
            Column(name="tpuv3_kilo_core_days", better="less"),
        ),
        _more(_TOP1, "real_top1_percent", "avg5_top1_percent"),
    ),
    "convmixer": (
        "2201.09792",
        "convmixer_table1.csv",
        (
            Column(name="throughput_img_per_s", better="more"),
            Column(name=PARAMETERS, better="less"),
        ),
        _more(_TOP1),
    ),
    "davit": (
        "2204.03645",
        "davit_imagenet.csv",
        (Column(name=FLOPS, better="less"), Column(name=PARAMETERS, better="less")),
        _more(_TOP1),
    ),
}
KEYS = tuple(_TABLES)
"""The tables there are."""
_SIZED = ("image_size", "pretrain_epochs")
_ALSO: Mapping[str, tuple[str, ...]] = {
    "mixer": (*_NAMES, *_SIZED),
    "convmixer": ("model", "patch_size", "kernel_size"),
    "davit": _NAMES,
}
"""Table -> what it must have besides the columns of its chart."""
_COUNTS = ("image_size", "parameters", "multiply_adds")


def table(key: str) -> PaperTable:
    """A paper's result table with our counts beside its rows.

    Args:
        key: One of ``KEYS``.

    Raises:
        ModelError: There is no such table.
        TableError: Its file is missing or damaged. Where only counted.csv is, the table says so
            (``uncounted``) and its rows have no counts.
    """
    if key not in _TABLES:
        raise ModelError("error.table.none", name=key, known=list(KEYS))
    arxiv, file, x, y = _TABLES[key]
    numbers = [column.name for column in (*x, *y)]
    lines = _read(FOLDER / file, (*_ALSO[key], *numbers), numbers)
    uncounted: TableError | None = None
    counts: Lines = ()
    try:
        counts = count_lines()
    except TableError as error:
        uncounted = error
    rows = tuple(_row(key, line, counts) for line in lines)
    columns = tuple(name for name in lines[0] if name not in _NAMES)
    return PaperTable(
        key=key, arxiv=arxiv, x=x, y=y, columns=columns, rows=rows, uncounted=uncounted
    )


def _row(key: str, entry: Mapping[str, str], counts: Lines) -> PaperRow:
    """A line of the CSV file with its numbers apart from its words."""
    cells = {n: text for n, text in entry.items() if text and n not in _NAMES}
    values = {name: number for name, text in cells.items() if (number := _number(text)) is not None}
    group, model = entry.get("pretraining", ""), entry["model"]
    return PaperRow(
        model=model,
        group=group,
        family=FAMILIES.get(re.split(r"[-/ ]", model)[0], ""),
        values=values,
        words={name: text for name, text in cells.items() if name not in values},
        counted=_find_count(counts, key, group, model, values.get("image_size")),
    )


def _number(text: str) -> float | None:
    """The number that a cell holds, None for words."""
    return float(text) if re.fullmatch(r"\d+(\.\d+)?", text) else None


def _find_count(
    counts: Lines, key: str, group: str, model: str, size: float | None
) -> Counted | None:
    """Our count of a row; a line without pre-training is for every row of that name."""
    for line in counts:
        fits = line["table"] == key and line["model"] == model
        if not fits or line["pretraining"] not in ("", group) or not line["parameters"]:
            continue
        if size is not None and size != float(line["image_size"]):
            continue
        return Counted(
            architecture=line["architecture"],
            image_size=int(line["image_size"]),
            parameters=int(line["parameters"]),
            multiply_adds=int(line["multiply_adds"]),
        )
    return None


def count_lines() -> Lines:
    """The lines of counted.csv: which row of which table is which architecture, and its counts.

    Raises:
        TableError: The file is missing or damaged.
    """
    columns = ("table", "pretraining", "model", "architecture", *_COUNTS)
    return _read(COUNTED, columns, _COUNTS)


def _read(path: Path, columns: Sequence[str], numbers: Sequence[str]) -> Lines:
    """The lines of a file; a cell of ``numbers`` holds a number or nothing."""
    lines = rows_of.read(path, columns, _fault)
    if not lines:
        raise _fault(path, Message("error.table.no_rows"))
    for place, line in enumerate(lines, start=2):
        for name in numbers:
            if line[name] and _number(line[name]) is None:
                what = Message("error.table.no_figure", line=place, column=name, cell=line[name])
                raise _fault(path, what)
    return tuple(lines)


def _fault(path: Path, what: Message) -> TableError:
    """A table that cannot be used."""
    return TableError("error.table.bundled", file=path.name, folder="assets/papers", what=what)
