"""What stands below the stage on Compare, in tabs: only the one that is open is built."""

from __future__ import annotations

import html
from collections.abc import Callable
from functools import partial

import streamlit as st

from views import frame
from views.compare import channels, raw
from views.compare.controls import Choice
from views.compare.reading import Answer, answer, facts
from vislib.analysis.common_ground import OF_SHARE
from vislib.figures import colours
from vislib.registry import spec

Column = Callable[[str, Choice], None]


def draw(keys: tuple[str, ...], chosen: Choice) -> None:
    """The tabs."""
    draws: dict[str, Callable[[], None]] = {
        "numbers": lambda: frame.columns_of_html(partial(_numbers, key, chosen) for key in keys),
        "raw": partial(_columns, keys, chosen, _raw),
        "maths": partial(_all_maths, keys, chosen),
        "answer": partial(_columns, keys, chosen, _answer),
        "depth": partial(raw.estimates, keys, chosen),
        "channels": partial(channels.draw, keys, chosen),
        "source": partial(_columns, keys, chosen, _source),
    }
    name, place = frame.choose_tab({n: frame.t(f"compare.tab_{n}") for n in draws}, key="reads")
    with place:
        frame.follows_place(draws[name])


def _columns(keys: tuple[str, ...], chosen: Choice, column: Column) -> None:
    """The same for each model, side by side."""
    for place, key in zip(st.columns(len(keys)), keys, strict=True):
        with place:
            frame.model_head(key)
            frame.shielded(partial(column, key, chosen))


def _numbers(key: str, chosen: Choice) -> None:
    """The badge, what is shown, reach, entropy, what stays, and what moved: HTML alone."""
    frame.model_head(key)
    frame.shielded(partial(_numbers_of, key, chosen))


def _numbers_of(key: str, chosen: Choice) -> None:
    found = answer(key, chosen)
    site = found.site
    grid = frame.t("compare.grid", rows=site.rows, columns=site.columns)
    words = f"{frame.block_words(key, site)} · {grid}"
    frame.put_html(f'<div class="model-sub">{html.escape(words)}</div>')
    frame.badge(site.mixing)
    if found.said:
        frame.put_html(f'<div class="model-sub">{html.escape(found.said)}</div>')
    if found.reading is None or found.place is None:
        frame.put_html(f'<div class="how">{html.escape(frame.t("compare.outside"))}</div>')
        return
    frame.html_table(facts(key, found))
    _how(found, chosen)


def _how(found: Answer, chosen: Choice) -> None:
    """What the map is, and why it moved or not."""
    assert found.reading is not None
    note = found.reading.note
    name = f"compare.how_{note}_one" if found.index is not None else f"compare.how_{note}"
    how = frame.t(name, reduction=frame.reduction(OF_SHARE, found.reading.over))
    if found.site.step > 1:
        how = f"{how} {frame.t('compare.how_step', step=found.site.step)}"
    frame.put_html(f'<div class="model-sub">{html.escape(how)}</div>')
    if chosen.second is not None:
        reason = "at_zero" if note == "mixer_at_zero" else str(found.site.mixing)
        frame.put_html(
            f'<div class="model-sub">{html.escape(frame.t(f"compare.moved_{reason}"))}</div>'
        )


def _raw(key: str, chosen: Choice) -> None:
    raw.draw(key, answer(key, chosen))


def _all_maths(keys: tuple[str, ...], chosen: Choice) -> None:
    """What a share is, and each model's own formula."""
    frame.formula(frame.t("compare.formula"))
    _columns(keys, chosen, _maths)


def _maths(key: str, chosen: Choice) -> None:
    found = answer(key, chosen)
    if found.reading is None:
        st.info(frame.t("compare.outside"))
        return
    frame.formula(frame.t(f"compare.maths_{found.reading.note}_formula"))
    st.markdown(frame.t(f"compare.maths_{found.reading.note}"))


def _source(key: str, chosen: Choice) -> None:
    found = answer(key, chosen)
    if found.reading is None:
        st.info(frame.t("compare.outside"))
        return
    raw.strip(key, found)


def _answer(key: str, _chosen: Choice) -> None:
    """The five most probable classes, and what the model is."""
    cache = frame.capture(key, "logits")
    colour = colours.family_colour(spec(key).family)
    st.markdown(f"**{frame.t('compare.top5', count=len(cache.labels))}**")
    frame.verdict(key, cache)
    frame.answer_bars(((name, share, "") for name, share in cache.top(5)), colour)
    model = frame.model(key)
    adds = frame.remember(("multiply_adds", key), lambda: frame.multiply_adds(key))
    frame.html_table(
        [
            (frame.t("compare.parameters"), f"{model.parameters / 1e6:.2f} M"),
            (frame.t("compare.multiply_adds"), f"{adds / 1e9:.3g} G"),
            (frame.t("compare.seconds"), f"{1000 * cache.seconds:.0f} ms"),
            (frame.t("compare.input"), f"{model.config.size} × {model.config.size}"),
            (frame.t("compare.tokens"), f"{model.grid.rows} × {model.grid.columns}"),
        ]
    )
