"""Named axes and places on the token grid, checked before any number is used."""

from __future__ import annotations

import numpy as np

from vislib.schema import LabelledArray, Provenance, ShapeError

Array = np.ndarray | LabelledArray
"""What the analysis functions take: a LabelledArray's axis names are checked, an array's count."""


def values_of(array: Array, axes: tuple[str, ...]) -> np.ndarray:
    """The numbers of an array that must have just these axes, in the dtype they came in.

    Args:
        array: A plain array, or a LabelledArray.
        axes: The axis names that are needed, in order.

    Raises:
        ShapeError: The number of axes, or a LabelledArray's axis names, differ.
    """
    if isinstance(array, LabelledArray):
        if array.axes != axes:
            raise ShapeError("error.shape.axes", source=array.source, axes=array.axes, needed=axes)
        return array.values
    if array.ndim != len(axes):
        raise ShapeError("error.shape.axis_count", shape=array.shape, needed=axes)
    return array


def float_values(array: Array, axes: tuple[str, ...]) -> np.ndarray:
    """The same as ``values_of``, in float64."""
    return np.asarray(values_of(array, axes), dtype=np.float64)


def provenance_of(array: Array, otherwise: Provenance) -> Provenance:
    """A LabelledArray's own provenance, or what the caller takes a plain array to be."""
    return array.provenance if isinstance(array, LabelledArray) else otherwise


def check_index(name: str, index: int, size: int) -> None:
    """Refuse an index outside 0 to size - 1 (a negative one would silently count from the end).

    Raises:
        ShapeError: The index lies outside.
    """
    if not 0 <= index < size:
        raise ShapeError("error.shape.index", axis=name, index=index, last=size - 1)


def check_size(name: str, size: int, wanted: int) -> None:
    """Refuse an axis of another size than the others imply.

    Raises:
        ShapeError: The sizes differ.
    """
    if size != wanted:
        raise ShapeError("error.shape.axis_size", axis=name, size=size, needed=wanted)


def as_grid(vector: np.ndarray, rows: int, columns: int) -> np.ndarray:
    """Lay the last axis, tokens in row-major order, out on the grid: axes (..., row, column).

    Raises:
        ShapeError: There are not rows * columns tokens.
    """
    check_size("token", vector.shape[-1], rows * columns)
    return vector.reshape(*vector.shape[:-1], rows, columns)


def spread(length: int, count: int) -> list[int]:
    """At most ``count`` evenly spaced places of a list, its first and its last among them.

    Returns:
        Rising indices from 0, none twice.

    Raises:
        ShapeError: The list is empty or no place is asked for.
    """
    if length < 1 or count < 1:
        raise ShapeError("error.shape.places_of_list", count=count, length=length)
    places = np.rint(np.linspace(0, length - 1, min(count, length)))
    return [int(place) for place in np.unique(places)]


def by_own_largest(maps: np.ndarray) -> np.ndarray:
    """Divide each map by its own largest |value|: axes (..., row, column), -1 to 1; zeros stay."""
    wide = np.asarray(maps, dtype=np.float64)
    largest = np.abs(wide).max(axis=(-2, -1), keepdims=True)
    return np.asarray(wide / np.where(largest > 0.0, largest, 1.0))
