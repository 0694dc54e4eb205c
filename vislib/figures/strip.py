"""What stands under each figure: where its numbers come from and how large they are, as data.

The page words it in the visitor's language.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vislib.figures import colours
from vislib.schema import LabelledArray, Provenance
from vislib.texts import FALLBACK, Message, text


@dataclass(frozen=True, kw_only=True)
class Strip:
    """The facts under a figure.

    Attributes:
        provenance: The key of what the numbers are: *parameter* (weights), *activation*,
            *recomputed* (exactly), *linearised*, *attribution* (an estimate).
        source: timm's module path, or the formula.
        role: From ``schema.ROLES``.
        axes: (axis name, size), in order.
        low, high: The smallest and the largest finite value; None where there is none.
        low_text, high_text: The same to three significant digits.
        unit: What one number counts.
        not_finite: Numbers that are infinite or not a number.
        note: What else must be said (a clip, a normalisation); may be empty.
    """

    provenance: Provenance
    source: str
    role: str
    axes: tuple[tuple[str, int], ...]
    low: float | None
    high: float | None
    low_text: str
    high_text: str
    unit: str
    not_finite: int
    note: str

    @property
    def estimate(self) -> bool:
        """Whether the numbers are an estimate rather than what the model computed."""
        return self.provenance in ("linearised", "attribution")


def three_digits(value: float) -> str:
    """Write a number to three significant digits, with a real minus sign."""
    text = f"{value:.3g}"
    return "0" if text in ("-0", "0") else text.replace("-", "\N{MINUS SIGN}")


def axis_words(axis: str, language: str = FALLBACK) -> str:
    """An axis name as words of a language: "token_in" -> "token in"."""
    return text(language, f"axis.{axis}")


def unit_words(unit: str, language: str = FALLBACK) -> str:
    """A unit in a language; the unit itself where no text knows it."""
    key = f"unit.{unit.replace(' ', '_')}"
    found = text(language, key)
    return unit if found == key else found


def quantity_words(quantity: str | None, unit: str, language: str = FALLBACK) -> str:
    """What a colour means: "quantity (unit)", or the unit alone where that says it all."""
    said = unit_words(unit, language)
    return f"{quantity} ({said})" if quantity and quantity != said else said


def clip_note(values: np.ndarray, pair: tuple[float, float]) -> Message | None:
    """How many values lie outside the colours' range; None when none does."""
    outside = colours.count_clipped(values, pair)
    if not outside:
        return None
    low, high = three_digits(pair[0]), three_digits(pair[1])
    total = np.asarray(values).size
    return Message("note.figure.clipped", count=outside, total=total, low=low, high=high)


def strip(array: LabelledArray, note: str = "") -> Strip:
    """Collect the facts about an array.

    Args:
        array: Any role, any axes.
        note: A sentence on what the figure did to the numbers.

    Returns:
        The facts; the range is over all the array's finite values.
    """
    finite = array.values[np.isfinite(array.values)]
    low = float(finite.min()) if finite.size else None
    high = float(finite.max()) if finite.size else None
    return Strip(
        provenance=array.provenance,
        source=array.source,
        role=array.role,
        axes=tuple(array.shape.items()),
        low=low,
        high=high,
        low_text="" if low is None else three_digits(low),
        high_text="" if high is None else three_digits(high),
        unit=array.unit,
        not_finite=int(array.values.size - finite.size),
        note=note,
    )
