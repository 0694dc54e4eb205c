"""The specification table of MLP-Mixer (Table 1 of the paper), with our counts. Light."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from vislib.schema import TableError
from vislib.tables import papers, rows
from vislib.texts import Message

FILE = papers.FOLDER / "specification_mixer.csv"
NUMBERS = (
    "layers",
    "patch_size",
    "hidden_size",
    "sequence_length",
    "channel_mlp",
    "token_mlp",
    "params_millions",
)
CLASSES = 1000
"""Of the head that our counts have and the paper's do not."""


@dataclass(frozen=True, kw_only=True)
class Specification:
    """A row of the table.

    Attributes:
        model: The paper's name.
        layers: Blocks.
        patch: Side of a patch, in model pixels.
        hidden: Channels of a token (hidden size C).
        length: Tokens at 224 pixels (sequence length S).
        channel_mlp: Hidden units of the channel-mixing MLP (D_C).
        token_mlp: Hidden units of the token-mixing MLP (D_S).
        parameters_millions: As printed, rounded, without a head.
        ours: Parameters that we count without a head, None where timm does not have the model.
    """

    model: str
    layers: int
    patch: int
    hidden: int
    length: int
    channel_mlp: int
    token_mlp: int
    parameters_millions: int
    ours: int | None


def mixer() -> tuple[Specification, ...]:
    """All rows, in the paper's order.

    Raises:
        TableError: The file is missing or damaged.
    """
    counts = {
        line["model"]: int(line["parameters"])
        for line in papers.count_lines()
        if line["table"] == "mixer" and line["parameters"]
    }
    return tuple(_row(line, counts.get(line["model"])) for line in _lines(FILE))


def _lines(path: Path) -> list[dict[str, str]]:
    found = rows.read(path, ("model", *NUMBERS), _fault)
    for place, line in enumerate(found, start=2):
        for name in NUMBERS:
            if not line[name].isdecimal():
                what = Message("error.table.no_figure", line=place, column=name, cell=line[name])
                raise _fault(path, what)
    return found


def _row(line: dict[str, str], counted: int | None) -> Specification:
    numbers = [int(line[name]) for name in NUMBERS]
    hidden = numbers[2]
    return Specification(
        model=line["model"],
        layers=numbers[0],
        patch=numbers[1],
        hidden=hidden,
        length=numbers[3],
        channel_mlp=numbers[4],
        token_mlp=numbers[5],
        parameters_millions=numbers[6],
        ours=None if counted is None else counted - (hidden + 1) * CLASSES,
    )


def _fault(path: Path, what: Message) -> TableError:
    return TableError("error.table.bundled", file=path.name, folder="assets/papers", what=what)
