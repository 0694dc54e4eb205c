"""Which layers of two models find the same pictures alike."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import streamlit as st

from views import frame
from views.inside import runs
from views.inside.runs import words
from vislib.pictures import gallery
from vislib.schema import LabelledArray, TableError, freeze
from vislib.tables import similarity

QUICK_SECONDS = 8.0
"""What takes longer is computed when the visitor asks for it."""
COUNT = similarity.VIEWS * len(gallery.GALLERY)


def choose(keys: Sequence[str]) -> tuple[str, str]:
    """Two models, or one with itself."""
    titles = {key: frame.title(key) for key in keys}
    with st.container(width=220):
        one = frame.choose(
            words("similarity_down"), keys, key="layers", words=titles, compact=False
        )
    with st.container(width=220):
        two = frame.choose(
            words("similarity_across"),
            keys,
            key="layers_of",
            words=titles,
            default=keys[min(1, len(keys) - 1)],
            compact=False,
        )
    return one, two


def draw(one: str, two: str) -> None:
    """Every layer of one model with every layer of the other."""
    try:
        runs.table()
    except TableError as error:  # what it would say is computed instead
        frame.problem(error)
    found = _pair(one, two)
    if found is None:
        return
    table, names_down, names_across = found
    _heatmap(table, one, two)
    draws: dict[str, Callable[[], None]] = {
        "said": partial(_said, table, one, two, names_down, names_across),
        "maths": _maths,
        "source": partial(_source, found, one, two),
    }
    name, tab = frame.choose_tab({n: words(f"tab_{n}") for n in draws}, key="alike")
    with tab:
        frame.shielded(draws[name])


def _maths() -> None:
    """What alike means here."""
    st.markdown(words("similarity_how"))
    frame.formula(words("similarity_formula"))


def _source(found: Pair, one: str, two: str) -> None:
    """The numbers as a file."""
    table, names_down, names_across = found
    frame.offer_csv(
        lambda: [
            ["", *names_across],
            *([name, *row] for name, row in zip(names_down, table.tolist(), strict=True)),
        ],
        name=f"similarity.{one}.{two}",
        key="similarity.csv",
    )


Pair = tuple[np.ndarray, Sequence[str], Sequence[str]]


def _pair(one: str, two: str) -> Pair | None:
    """The table and its layers; None until a slow model has been asked for."""
    table = runs.stored()
    if table is not None and runs.is_stored(one) and runs.is_stored(two):
        return table.pair(one, two), table.names(one), table.names(two)
    keys = tuple(dict.fromkeys((one, two)))
    asked = st.session_state.setdefault("_inside_asked", set())
    seconds = sum(runs.answer(key).seconds * COUNT for key in keys if key not in asked)
    if seconds > QUICK_SECONDS:
        minutes = seconds > 2 * 60
        how_long = f"{seconds / 60:.0f} min" if minutes else f"{seconds:.0f} s"
        st.info(words("similarity_slow", count=COUNT, time=how_long))
        st.button(words("compute"), key="similarity_now", on_click=asked.update, args=(keys,))
        return None
    features = {key: _features(key) for key in keys}
    return (
        similarity.compare(features[one], features[two]),
        tuple(features[one]),
        tuple(features[two]),
    )


def _features(key: str) -> dict[str, np.ndarray]:
    """A model's mean tokens for all pictures, with a bar while they are computed."""
    place = st.empty()

    def report(done: int) -> None:
        text = words("similarity_step", title=frame.title(key), done=done, total=COUNT)
        place.progress(min(1.0, done / COUNT), text=text)

    found = runs.features(key, report)
    place.empty()
    return found


def _heatmap(table: np.ndarray, one: str, two: str) -> None:
    """First layer at the top left: the stem, then one row or column a block."""
    from vislib.figures.heatmap import heatmap

    array = LabelledArray(
        values=freeze(np.clip(table, 0.0, 1.0)),
        axes=("row", "column"),
        role="tokens",
        unit="CKA",
        signed=False,
        provenance="activation",
        source=f"{one}, {two}",
    )
    figure = heatmap(
        array,
        limits=(0.0, 1.0),
        quantity=words("similarity_colour"),
        y_title=words("similarity_axis", title=frame.title(one)),
        x_title=words("similarity_axis", title=frame.title(two)),
        note="",
        height=470,
        dark=frame.dark(),
        language=frame.language(),
    )
    frame.plot(figure, key="similarity", alt=words("similarity_alt"))


def _said(
    table: np.ndarray, one: str, two: str, down: Sequence[str], across: Sequence[str]
) -> None:
    """The most alike pair in words, and what was asked."""
    values = np.array(table)
    if one == two:  # a layer is like itself: the next is of interest
        np.fill_diagonal(values, -1.0)
    i, j = np.unravel_index(int(values.argmax()), values.shape)
    st.markdown(
        words(
            "similarity_best",
            one=_layer(one, down[int(i)]),
            two=_layer(two, across[int(j)]),
            value=f"{float(values[i, j]):.2f}",
        )
    )
    kind = "stored" if runs.is_stored(one) and runs.is_stored(two) else "computed"
    asked = {"count": COUNT, "pictures": len(gallery.GALLERY), "views": similarity.VIEWS}
    st.caption(f"{words(f'similarity_{kind}', **asked)} {words('similarity_means')}")


def _layer(key: str, name: str) -> str:
    """A layer's name on the page."""
    group = name.rpartition(".")[0]
    where = words("stem") if group == "stem" else runs.block_words(key, group)
    return f"{frame.title(key)}, {where}"
