"""What a page puts on the stage: rows of a picture and its tiles, and what each tile shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from vislib.analysis.fields import ReadingField
from vislib.figures import colours
from vislib.schema import LabelledArray, ShapeError, ViewBox


@dataclass(frozen=True, kw_only=True)
class StageTile:
    """One square of the stage, on which a map lies.

    Attributes:
        label: The map's title.
        colour: CSS colour of its family.
        box: What the model sees, in pixels of the upright picture; None where that is not known.
        alt: What the map shows, for screen readers.
    """

    label: str
    colour: str
    box: ViewBox | None
    alt: str


@dataclass(frozen=True, kw_only=True)
class StillMap:
    """One number a place, the same wherever the pointer is; signed where ``limits`` begin below 0.

    Attributes:
        values: Axes (row, column) of the tile's view box, finite.
        limits: The numbers at the ends of the colours, as ``colours.limits`` gives them.
        unit: Of a number, in words: it stands in the legend.
    """

    values: np.ndarray
    limits: tuple[float, float]
    unit: str

    @classmethod
    def of(
        cls, array: LabelledArray, *, unit: str, with_others: Sequence[LabelledArray] = ()
    ) -> Self:
        """A map on its own scale, or on that of several.

        Raises:
            ShapeError: A number is not finite.
        """
        every = [one.values for one in (array, *with_others)]
        if not all(np.isfinite(values).all() for values in every):
            raise ShapeError("error.shape.not_finite")
        limits = colours.limits(*every, signed=array.signed)
        return cls(values=array.values, limits=limits, unit=unit)


@dataclass(frozen=True, kw_only=True)
class StageShown:
    """What a tile shows of one block: a field, a map, a picture, or the words in their place.

    Attributes:
        field: What every place reads, or one map; None where there is none.
        image: PNG or JPEG bytes that fill the view box in the map's place.
        word: Below the picture.
        sub: Beside the title: which block.
        message: Why there is no map.
    """

    field: ReadingField | StillMap | None = None
    image: bytes = b""
    word: str = ""
    sub: str = ""
    message: str = ""


@dataclass(frozen=True, kw_only=True)
class StageRow:
    """A picture and its maps.

    Attributes:
        picture: JPEG or PNG bytes of ``region``.
        whole: The same of the whole picture, small; empty where the region is all of it.
        label: Above the picture.
        alt: What the picture is.
        size: Width and height of the upright picture, in its own pixels.
        region: The part that the models see, in pixels of the upright picture.
        tiles: One a map, in the same order in every row.
    """

    picture: bytes
    whole: bytes
    label: str
    alt: str
    size: tuple[int, int]
    region: ViewBox
    tiles: Sequence[StageTile]
