"""What *every* place of a block reads, packed so that a browser can show any of them at once.

A ``ReadingField`` holds the shares of reading of ``common_ground`` for all readers of a block, in
the smallest form that its operator has: one matrix (token MLPs, global attention), one matrix a
window, or one kernel with the rule for the grid's edge. ``ReadingField.at`` unpacks one reader just
as the page's JavaScript does, and equals ``reading_at`` to half a step of the packing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from vislib.analysis.activation import gelu_derivative
from vislib.analysis.arrays import check_index, check_size, float_values, provenance_of, values_of
from vislib.analysis.reading_at import spatial_operator
from vislib.analysis.windows import partition, window_corner, window_grid, window_of
from vislib.schema import LabelledArray, MixingSite, Provenance, ShapeError, freeze

Kind = Literal["dense", "window", "kernel", "factors"]
Packing = Literal["linear16", "root8", "float32", "signed16", "signed8"]

MOST_BYTES = 310_000
"""A field that would be larger as uint16 is packed as uint8 on the square-root scale."""
READERS_AT_ONCE = 32
"""Of a token MLP: 32 readers of 256 tokens and 64 units are arrays of 4 MB."""


@dataclass(frozen=True, kw_only=True)
class ReadingField:
    """The share of reading, in percent, for every place of a block's grid; or cosines of tokens.

    Attributes:
        kind: "dense", "window", "kernel" or "factors".
        rows, columns: The block's grid.
        values: Axes (reader, place) for "dense", (window, query, key) for "window", (ky, kx) for
            "kernel", whose taps are magnitudes and not yet shares; (place, feature) for "factors",
            whose products are cosines from -1 to 1 (``similarity_field``).
        packing: "linear16": percent = value * scale. "root8": percent = (value / 255)**2 * scale.
            "float32": the numbers themselves (kernels). "signed16", "signed8": value * scale.
        scale: Percent; see ``packing``.
        outside: Axes (reader,), float32: percent that goes to tokens without a place in the picture
            (padding, class token), or None where there are none.
        largest: The largest share of any reader, percent.
        window: Side of a window in cells, 0 where there are none.
        shift: Cells by which the windows lie further down and right.
        step: Stride of the convolution: the reader is the nearest multiple above and to the left.
        loss: How far any cosine of "factors" is from the exact one.
        provenance: How the numbers came about.
        note: As ``Reading.note``.
    """

    kind: Kind
    rows: int
    columns: int
    values: np.ndarray
    packing: Packing
    scale: float
    outside: np.ndarray | None
    largest: float
    window: int = 0
    shift: int = 0
    step: int = 1
    loss: float = 0.0
    provenance: Provenance
    note: str

    @property
    def nbytes(self) -> int:
        """Bytes on their way to the browser."""
        return self.values.nbytes + (0 if self.outside is None else self.outside.nbytes)

    def at(self, row: int, column: int) -> np.ndarray:
        """One reader's share: axes (row, column), percent, float64; for "factors" its cosines.

        Raises:
            ShapeError: The place lies outside the grid.
        """
        check_index("row", row, self.rows)
        check_index("column", column, self.columns)
        if self.kind == "kernel":
            return self._by_kernel(row // self.step * self.step, column // self.step * self.step)
        if self.kind == "factors":
            unit = self.values.astype(np.float64) * self.scale
            cosines = np.clip(unit @ unit[row * self.columns + column], -1.0, 1.0)
            return np.asarray(cosines.reshape(self.rows, self.columns))
        if self.kind == "dense":
            reader = self._percent(self.values[row * self.columns + column])
            return reader.reshape(self.rows, self.columns)
        size = {"rows": self.rows, "columns": self.columns, "window": self.window}
        index, query = window_of(row, column, **size, shift=self.shift)
        top, left = window_corner(index, **size)
        down, across = window_grid(**size)
        padded = np.zeros((down * self.window, across * self.window))
        own = self._percent(self.values[index, query]).reshape(self.window, self.window)
        padded[top : top + self.window, left : left + self.window] = own
        return np.roll(padded[: self.rows, : self.columns], (self.shift, self.shift), axis=(0, 1))

    def half_step(self, percent: np.ndarray) -> np.ndarray:
        """How far a share may lie from the unpacked one, percent, the same shape."""
        percent = np.asarray(percent, dtype=np.float64)
        if self.kind == "factors":
            return np.full_like(percent, self.loss)
        if self.packing == "linear16":
            return np.full_like(percent, 0.5 * self.scale)
        if self.packing == "root8":  # half a step beside the root, on the percent's own scale
            root = np.sqrt(percent / self.scale) if self.scale else np.zeros_like(percent)
            return np.asarray(((root + 0.5 / 255) ** 2 - root**2) * self.scale)
        return np.full_like(percent, 2.0**-22) * 100.0

    def _percent(self, packed: np.ndarray) -> np.ndarray:
        if self.packing == "root8":
            return np.asarray((packed / 255.0) ** 2 * self.scale)
        return packed.astype(np.float64) * self.scale

    def _by_kernel(self, row: int, column: int) -> np.ndarray:
        """The taps that lie on the grid, as shares of their sum."""
        down, across = self.values.shape
        top, left = row - (down - 1) // 2, column - (across - 1) // 2
        rows = slice(max(top, 0), min(top + down, self.rows))
        columns = slice(max(left, 0), min(left + across, self.columns))
        taps = self.values[
            rows.start - top : rows.stop - top, columns.start - left : columns.stop - left
        ].astype(np.float64)
        laid = np.zeros((self.rows, self.columns))
        laid[rows, columns] = taps
        total = laid.sum()
        return 100.0 * laid / total if total else laid


def reading_field(
    site: MixingSite, arrays: Mapping[str, LabelledArray], *, at_zero: bool = False
) -> ReadingField:
    """What every place of a block reads; for one head or channel pass ``one_part`` of the arrays.

    Args:
        site: The block.
        arrays: Its weights and its captured activations, by name.
        at_zero: Linearise a token MLP at zero instead of at this picture.

    Raises:
        ShapeError: No operator of the block mixes places, an array is missing, or a number in it is
            not finite.
    """
    role = spatial_operator(site)
    try:
        if role == "token_mixing" and not site.units:
            return _linear(site, arrays[f"{site.group}.token_mixing.weight"])
        if role == "token_mixing":
            hidden = None if at_zero else arrays[f"{site.group}.token_mixing.hidden"]
            return _token_mlp(
                site,
                arrays[f"{site.group}.token_mixing.fc1"],
                arrays[f"{site.group}.token_mixing.fc2"],
                hidden,
            )
        if role == "depthwise":
            return _kernel(site, arrays[f"{site.group}.depthwise.kernel"], ("channel",))
        if role == "convolution":
            kernel = arrays[f"{site.group}.convolution.kernel"]
            return _kernel(site, kernel, ("channel_out", "channel_in"))
        if role == "window_attention":
            return _windows(site, arrays[f"{site.group}.window.pattern"])
        if role == "global_attention":
            return _attention(site, arrays[f"{site.group}.attention.pattern"])
    except KeyError as error:
        raise ShapeError(
            "error.shape.missing_array", block=site.group, name=error.args[0]
        ) from error
    raise ShapeError("error.shape.no_mixing", block=site.group, operators=site.operators)


def _linear(site: MixingSite, weights: LabelledArray) -> ReadingField:
    matrix = float_values(weights, ("token_out", "token_in"))
    return _dense(site, _shares(np.abs(matrix)), provenance_of(weights, "parameter"), "linear")


def _token_mlp(
    site: MixingSite, fc1: LabelledArray, fc2: LabelledArray, hidden: LabelledArray | None
) -> ReadingField:
    """The root mean square over channels of W2 diag(gelu'(h_c)) W1, for all pairs of tokens.

    With G the mean over channels of gelu'(h_c) gelu'(h_c)^T, its square at (o, i) is the quadratic
    form of G at the vector W2[o, u] W1[u, i] over the hidden units u, so channels are summed once.
    """
    first = float_values(fc1, ("unit", "token_in"))
    second = float_values(fc2, ("token_out", "unit"))
    check_size("unit of fc2", second.shape[1], first.shape[0])
    if hidden is None:
        return _dense(site, _shares(np.abs(second @ first)), "linearised", "mixer_at_zero")
    slopes = gelu_derivative(float_values(hidden, ("channel", "unit")))
    check_size("unit of hidden", slopes.shape[1], first.shape[0])
    gram = slopes.T @ slopes / len(slopes)
    squares = np.empty((len(second), first.shape[1]))
    for start in range(0, len(second), READERS_AT_ONCE):  # few large products: the others wait less
        readers = slice(start, start + READERS_AT_ONCE)
        through = second[readers, :, None] * first
        squares[readers] = np.einsum("rui,rui->ri", gram @ through, through)
    roots = np.sqrt(np.maximum(squares, 0.0))  # rounding may leave a square just below 0
    return _dense(site, _shares(roots), "linearised", "mixer_at_picture")


def _attention(site: MixingSite, pattern: LabelledArray) -> ReadingField:
    table = float_values(pattern, ("head", "query", "key"))[:, site.prefix :]
    check_size("query", table.shape[1], site.rows * site.columns)
    percent = _shares(_root_mean_square(table, (0,)))
    outside = percent[:, : site.prefix].sum(axis=1) if site.prefix else None
    provenance = provenance_of(pattern, "recomputed")
    return _dense(site, percent[:, site.prefix :], provenance, "attention", outside)


def _dense(
    site: MixingSite,
    percent: np.ndarray,
    provenance: Provenance,
    note: str,
    outside: np.ndarray | None = None,
) -> ReadingField:
    places = site.rows * site.columns
    check_size("reader", percent.shape[0], places)
    check_size("place", percent.shape[1], places)
    return _packed(site, "dense", percent, provenance, note, outside)


def _windows(site: MixingSite, pattern: LabelledArray) -> ReadingField:
    table = values_of(pattern, ("window", "head", "query", "key")).astype(np.float64)
    down, across = window_grid(site.rows, site.columns, site.window)
    check_size("window", table.shape[0], down * across)
    check_size("query", table.shape[2], site.window**2)
    check_size("key", table.shape[3], site.window**2)
    percent = _shares(_root_mean_square(table, (1,)))
    outside = None
    if down * site.window > site.rows or across * site.window > site.columns:
        real = partition(np.ones((site.rows, site.columns)), site.window)
        beyond = np.einsum("wqk,wk->wq", percent, 1.0 - real)
        rows, columns = np.divmod(np.arange(site.rows * site.columns), site.columns)
        size = {"rows": site.rows, "columns": site.columns, "window": site.window}
        places = [
            window_of(row, column, **size, shift=site.shift)
            for row, column in zip(rows.tolist(), columns.tolist(), strict=True)
        ]
        outside = beyond[tuple(np.array(places).T)]
    provenance = provenance_of(pattern, "recomputed")
    return _packed(site, "window", percent, provenance, "window", outside)


def _kernel(site: MixingSite, kernels: LabelledArray, over: tuple[str, ...]) -> ReadingField:
    taps = float_values(kernels, (*over, "ky", "kx"))
    magnitude = _root_mean_square(taps, tuple(range(len(over))))
    field = ReadingField(
        kind="kernel",
        rows=site.rows,
        columns=site.columns,
        values=freeze(_finite(magnitude).astype(np.float32)),
        packing="float32",
        scale=1.0,
        outside=None,
        largest=0.0,
        step=site.step,
        provenance=provenance_of(kernels, "parameter"),
        note="depthwise" if over == ("channel",) else "convolution",
    )
    corners = [
        field.at(row, column).max(initial=0.0)
        for row in _edges(site.rows, taps.shape[-2], site.step)
        for column in _edges(site.columns, taps.shape[-1], site.step)
    ]
    object.__setattr__(field, "largest", float(max(corners)))
    return field


def _edges(size: int, taps: int, step: int) -> list[int]:
    """Places along an axis at which different taps fall off the grid, and one in the middle."""
    near = range(min(size, taps * step))
    return sorted({*near, *(size - 1 - place for place in near), size // 2})


def _packed(
    site: MixingSite,
    kind: Kind,
    percent: np.ndarray,
    provenance: Provenance,
    note: str,
    outside: np.ndarray | None,
) -> ReadingField:
    """Shares as small whole numbers."""
    largest = float(_finite(percent).max(initial=0.0))
    small = percent.size * 2 > MOST_BYTES
    packing: Packing = "root8" if small else "linear16"
    scale = largest if small else largest / 65535.0
    part = percent / scale if scale else np.zeros_like(percent)
    packed = (255.0 * np.sqrt(part)) if small else part
    return ReadingField(
        kind=kind,
        rows=site.rows,
        columns=site.columns,
        values=freeze(np.rint(packed).astype(np.uint8 if small else np.uint16)),
        packing=packing,
        scale=scale,
        outside=None if outside is None else freeze(outside.astype(np.float32)),
        largest=largest,
        window=site.window if kind == "window" else 0,
        shift=site.shift if kind == "window" else 0,
        provenance=provenance,
        note=note,
    )


def _finite(values: np.ndarray) -> np.ndarray:
    if not np.isfinite(values).all():
        raise ShapeError("error.shape.not_finite")
    return values


def _root_mean_square(values: np.ndarray, axes: tuple[int, ...]) -> np.ndarray:
    """Over heads or channels; divided by the largest first, so that squares do not vanish."""
    size = np.abs(values)
    largest = size.max(initial=0.0)
    if not largest > 0.0:
        return np.asarray(size.mean(axis=axes))
    return np.asarray(np.sqrt(((size / largest) ** 2).mean(axis=axes)) * largest)


def _shares(size: np.ndarray) -> np.ndarray:
    """Magnitudes along the last axis as percent of their sum; 0 where all are 0."""
    total = size.sum(axis=-1, keepdims=True)
    shares = np.divide(100.0 * size, total, out=np.zeros_like(size), where=total > 0)
    return np.asarray(shares)
