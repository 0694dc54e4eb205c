"""Files to take away: print-quality pictures through matplotlib, and the numbers themselves.

The same input gives the same bytes. Matplotlib's global figure list (pyplot) is never touched;
one lock guards its settings and fonts, which visitors' threads would share.
"""

from __future__ import annotations

import csv
import io
import json
import threading
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import matplotlib
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.font_manager import fontManager
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator

from vislib.figures import colours
from vislib.figures.fonts import FAMILY, FILES, wrap
from vislib.figures.strip import axis_words, clip_note, quantity_words
from vislib.figures.tiles import arrange
from vislib.schema import LabelledArray, ShapeError
from vislib.texts import FALLBACK

_LOCK = threading.Lock()
_DPI = 200
for _file in FILES.values():
    if _file.is_file():  # a copy of the project without it still writes Latin
        fontManager.addfont(_file)
_EARLIEST = (1980, 1, 1, 0, 0, 0)
# A fixed salt and no dates: else two exports of one figure differ.
# Of a PDF with fonts of type 42 that are no TrueType, MuPDF shows nothing. DejaVu, which comes with
# matplotlib, has the few signs that the first family lacks.
_SETTINGS: dict[Any, Any] = {
    "svg.hashsalt": "mixscope",
    "svg.fonttype": "path",
    "pdf.fonttype": 3,
    "font.family": [FAMILY, "DejaVu Sans"],
}
_METADATA: Mapping[str, dict[str, Any]] = {
    "png": {"Software": None},
    "svg": {"Date": None, "Creator": None},
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
}


@dataclass(frozen=True, kw_only=True)
class Words:
    """The words on an exported figure.

    Attributes:
        title: Above the map.
        quantity: What the colour means; the bar reads "quantity (unit)".
        caption: Below the map: source, provenance, shape; may be empty.
        x_title, y_title: Axis words; empty takes the axes' names (a sheet has none).
        language: Of the axes' names, the unit and the note on clipped values.
    """

    title: str = ""
    quantity: str = ""
    caption: str = ""
    x_title: str = ""
    y_title: str = ""
    language: str = FALLBACK


def _check(array: LabelledArray) -> np.ndarray:
    """Two axes are a map, three are a stack of tiles; nothing else can be drawn."""
    if array.values.ndim not in (2, 3) or array.values.size == 0:
        raise ShapeError("error.figure.map_or_tiles", source=array.source, shape=array.shape)
    return array.values.astype(np.float64)


def _sheet(tiles: np.ndarray, columns: int | None) -> np.ndarray:
    """Lay tiles on one sheet, with gaps that are not a number; about 3 wide to 2 high."""
    count, height, width = tiles.shape
    across = columns or max(1, round(float(np.sqrt(count * 1.5 * height / width))))
    return arrange(tiles, min(across, count), gap=1, fill=np.nan)[:-1, :-1]


def draw(
    array: LabelledArray,
    *,
    words: Words | None = None,
    limits: tuple[float, float] | None = None,
    cell: tuple[int, int] | None = None,
    columns: int | None = None,
) -> Figure:
    """Draw a map or a sheet of tiles with matplotlib, row 0 at the top.

    Args:
        array: Two axes (down, across), or three (tile, down, across).
        words: Title, quantity, caption.
        limits: Values of the first and the last colour; None takes them from the array.
        cell: The selected cell of a map, counted from 0: outlined.
        columns: Tiles in a row of a sheet; None chooses.

    Returns:
        A figure with one image, whose array is the input (a sheet has NaN in its gaps).

    Raises:
        ShapeError: The array has other axes, or the cell does not exist.
    """
    said = words or Words()
    values = _check(array)
    picture = values if values.ndim == 2 else _sheet(values, columns)
    pair = colours.check_limits(limits or colours.limits(values, signed=array.signed))
    rows, across = picture.shape
    width = 7.5
    figure = Figure(
        figsize=(width, min(11.0, max(2.6, (width - 1.6) * rows / across + 1.5))), dpi=_DPI
    )
    FigureCanvasAgg(figure)
    figure.set_layout_engine("constrained")
    axes = figure.add_subplot()
    listed = ListedColormap(colours.table(array.signed)[: colours.LEVELS] / 255.0)
    scale = listed.with_extremes(bad=(0.0, 0.0, 0.0, 0.0))
    image = axes.imshow(
        np.ma.masked_invalid(picture),
        cmap=scale,
        vmin=pair[0],
        vmax=pair[1],
        interpolation="nearest",
        origin="upper",
        extent=(0.5, across + 0.5, rows + 0.5, 0.5),
        aspect="equal"
        if values.ndim == 3 or rows == across or array.axes[0] in ("row", "ky")
        else "auto",
    )
    bar = figure.colorbar(image, ax=axes, shrink=0.9)
    unit = quantity_words(said.quantity, array.unit, said.language)
    bar.ax.set_ylabel(unit, fontsize=12, parse_math=False)
    clip = clip_note(values, pair)
    _write(axes, array, said, clip.text(said.language) if clip else "")
    if cell is not None:
        _outline(axes, cell, values)
    return figure


def _write(axes: Any, array: LabelledArray, said: Words, clip: str) -> None:
    """Put the words on; dollar signs in them are letters, not mathematics."""
    if said.title:
        axes.set_title("\n".join(wrap(said.title, 58)), fontsize=14, parse_math=False)
    below = [line for part in (said.caption, clip) if part for line in wrap(part, 84)]
    if array.values.ndim == 2:
        down, across = (axis_words(axis, said.language) for axis in array.axes)
        axes.set_ylabel(said.y_title or down, fontsize=12, parse_math=False)
        # Rows are counted: no tick at half a row.
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        axes.yaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        below.insert(0, said.x_title or across)
    else:
        axes.set_xticks([])
        axes.set_yticks([])
        for side in axes.spines.values():
            side.set_visible(False)
    axes.set_xlabel("\n".join(below), fontsize=11, parse_math=False)


def _outline(axes: Any, cell: tuple[int, int], values: np.ndarray) -> None:
    """Frame one cell of a map."""
    fits = values.ndim == 2 and 0 <= cell[0] < values.shape[0] and 0 <= cell[1] < values.shape[1]
    if not fits:
        raise ShapeError("error.figure.cell_of_map", cell=cell, shape=values.shape)
    for colour, width in (("black", 3.5), ("#ff00c8", 2.0)):
        corner = (cell[1] + 0.5, cell[0] + 0.5)
        axes.add_patch(Rectangle(corner, 1, 1, fill=False, edgecolor=colour, linewidth=width))


def _render(array: LabelledArray, kind: str, options: Mapping[str, Any]) -> bytes:
    """Draw and write one file; the settings hold for this figure only."""
    buffer = io.BytesIO()
    with _LOCK, matplotlib.rc_context(_SETTINGS):
        figure = draw(array, **options)
        figure.savefig(buffer, format=kind, metadata=_METADATA[kind], facecolor="white")
    return buffer.getvalue()


def to_png(array: LabelledArray, **options: Any) -> bytes:
    """Write a map or a sheet as PNG, 200 dots per inch, white paper. Options as in ``draw``."""
    return _render(array, "png", options)


def to_svg(array: LabelledArray, **options: Any) -> bytes:
    """Write a map or a sheet as SVG (its cells are an embedded picture). Options as in ``draw``."""
    return _render(array, "svg", options)


def to_pdf(array: LabelledArray, **options: Any) -> bytes:
    """Write a map or a sheet as PDF. Options as in ``draw``."""
    return _render(array, "pdf", options)


def to_npz(arrays: Mapping[str, LabelledArray]) -> bytes:
    """Write arrays with their meaning as one NumPy archive.

    Args:
        arrays: Name -> array; the name "metadata" is taken.

    Returns:
        The archive: each array under its name, and under "metadata" a JSON text
        name -> {axes, role, unit, signed, provenance, source}. Loads without pickle; the same
        arrays give the same bytes.

    Raises:
        ShapeError: An array is called "metadata".
    """
    if "metadata" in arrays:
        raise ShapeError("error.figure.metadata")
    about = {
        name: {
            "axes": list(a.axes),
            "role": a.role,
            "unit": a.unit,
            "signed": a.signed,
            "provenance": a.provenance,
            "source": a.source,
        }
        for name, a in arrays.items()
    }
    members = {name: a.values for name, a in arrays.items()}
    members["metadata"] = np.array(json.dumps(about, sort_keys=True, ensure_ascii=False))
    buffer = io.BytesIO()
    # numpy.savez writes the present time into the archive; this does not.
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, values in members.items():
            member = io.BytesIO()
            np.lib.format.write_array(member, values, allow_pickle=False)
            entry = zipfile.ZipInfo(f"{name}.npy", date_time=_EARLIEST)
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, member.getvalue())
    return buffer.getvalue()


def to_csv(array: LabelledArray) -> bytes:
    """Write an array for a spreadsheet, UTF-8, every number so that it reads back exactly.

    A map (two axes) is a table with its row numbers at the left and its column numbers on top.
    Any other array is one line a number, with a column an axis. All are counted from 1, as on
    the pages.

    Args:
        array: Any axes.

    Returns:
        CSV; the top left cell of a map, or the last heading, gives the axes and the unit.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    # A NumPy scalar type writes the shortest digits that give the same number back.
    digits = array.values.astype(str)
    if array.values.ndim == 2:
        corner = f"{array.axes[0]} \\ {array.axes[1]}: {array.unit}"
        writer.writerow([corner, *range(1, array.values.shape[1] + 1)])
        writer.writerows([i, *row] for i, row in enumerate(digits.tolist(), start=1))
    else:
        writer.writerow([*array.axes, array.unit])
        places = np.indices(array.values.shape).reshape(array.values.ndim, -1).T + 1
        flat = digits.reshape(-1).tolist()
        writer.writerows(
            [*place, number] for place, number in zip(places.tolist(), flat, strict=True)
        )
    return text.getvalue().encode("utf-8")
