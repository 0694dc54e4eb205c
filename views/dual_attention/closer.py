"""One thing of Dual attention in detail: where a score comes from, raw numbers, the depth."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from views import frame
from views.dual_attention.chosen import Chosen, score_places, window
from vislib.analysis import dual_attention
from vislib.figures import colours, overlay
from vislib.registry import spec
from vislib.schema import LabelledArray

if TYPE_CHECKING:
    from vislib.models.loading import LoadedModel


def score(chosen: Chosen) -> None:
    """The places that an entry of the table comes from: key map, value map, their product."""
    i, j, site = chosen.channel, chosen.read, chosen.site
    said = {"out": i + 1, "read": j + 1}
    places, scores = score_places(chosen), chosen.table("scores")
    grid = {"rows": site.rows, "columns": site.columns}
    keys, values = (
        dual_attention.group_maps(
            chosen.arrays[chosen.name(f"channel.{site_}")], chosen.group, **grid
        )
        for site_ in ("keys", "values")
    )
    st.markdown(
        frame.t(
            "dual_attention.score_sum",
            sum=f"{dual_attention.total(places):.4f}",
            score=f"{float(scores.values[i, j]):.4f}",
            **said,
        )
    )
    columns = st.columns(3, gap="medium")
    shown = (keys.select(channel=i), values.select(channel=j), places)
    for column, name, array in zip(columns, ("keys", "values", "product"), shown, strict=True):
        with column:
            _map(chosen, array, name, frame.t(f"dual_attention.score_{name}", **said))


def _map(chosen: Chosen, array: LabelledArray, name: str, title: str) -> None:
    """One signed map of the grid at the place of the picture, with its own legend."""
    picture, seen = frame.view().picture, frame.box(chosen.key)
    pair = colours.limits(array.values, signed=True)
    st.markdown(f"**{title}**")
    png = frame.remember(
        chosen.about("closer", name, chosen.group, chosen.channel, chosen.read, chosen.place),
        lambda: overlay.plain_map(
            array.values,
            picture_shape=(picture.height, picture.width),
            box=seen,
            limits=pair,
            signed=True,
            cell=chosen.place,
        ),
    )
    frame.image(png, key=f"dual-closer-{name}", alt=title)
    frame.legend(
        signed=True, limits=pair, unit=frame.t(f"unit.{array.unit}"), key=f"dual-{name}bar"
    )


def head(chosen: Chosen, place: tuple[int, int]) -> None:
    """The chosen head's row and the mean over heads: raw probabilities under the pointer."""
    from vislib.figures import heatmap

    _, rows = window(chosen, place)
    words = {"head": chosen.head + 1, "number": rows.number + 1}
    arrays = {"head": rows.maps.select(head=chosen.head), "mean": rows.mean}
    for name, array in arrays.items():
        title = frame.t(f"dual_attention.{name}_title", **words)
        figure = heatmap.heatmap(
            array,
            title=title,
            cell=rows.place,
            x_title=frame.t("dual_attention.window_column"),
            y_title=frame.t("dual_attention.window_row"),
            height=360,
            dark=frame.dark(),
            language=frame.language(),
        )
        frame.plot(figure, key=f"dual-{name}", alt=title)


def table(chosen: Chosen) -> None:
    """The group's table with the raw probabilities under the pointer."""
    from vislib.figures import heatmap

    title = frame.t("dual_attention.table", group=chosen.group + 1)
    figure = heatmap.heatmap(
        chosen.table(),
        title=title,
        cell=(chosen.channel, chosen.read),
        x_title=frame.t("axis.channel_in"),
        y_title=frame.t("axis.channel_out"),
        height=640,
        dark=frame.dark(),
        language=frame.language(),
    )
    frame.plot(figure, key="dual-table-large", alt=title)
    how = frame.t("dual_attention.table_how")
    st.caption(f"{how} {frame.t('dual_attention.no_places')}")


def depth(chosen: Chosen) -> None:
    """Mean entropy of both attentions in every block; runs the whole model once."""
    from vislib.figures import charts

    found = frame.remember(
        ("attention_depth", frame.view().picture.sha256, chosen.key),
        lambda: _over_depth(chosen.key),
        busy=frame.t("busy.capture", title=frame.title(chosen.key)),
    )
    lines = {
        frame.t("dual_attention.depth_window"): (found.blocks, found.window),
        frame.t("dual_attention.depth_channel"): (found.blocks, found.channel),
    }
    family = colours.family_colour(spec(chosen.key).family)
    sites = dual_attention.dual_sites(frame.model(chosen.key).sites)
    figure = charts.line_over_depth(
        lines,
        x_title=frame.t("dual_attention.depth_x"),
        y_title=frame.t("dual_attention.depth_y"),
        colours=dict.fromkeys(lines, family),
        marker=sites.index(chosen.site) + 1,
        dark=frame.dark(),
    )
    figure.update_xaxes(dtick=1)
    frame.plot(figure, key="dual-depth", alt=frame.t("dual_attention.closer_depth"))
    most = [f"{float(most[-1]):.2f}" for most in (found.window_most, found.channel_most)]
    st.caption(frame.t("dual_attention.depth_most", window=most[0], channel=most[1]))


def _over_depth(key: str) -> dual_attention.DepthEntropy:
    """Every block in one forward pass; only the entropies are kept."""
    picture = frame.view().picture

    def work(place: LoadedModel) -> dual_attention.DepthEntropy:
        from vislib.models import loading
        from vislib.observe import capture

        cache = capture.run_with_cache(place, loading.prepare(place, picture), None)
        return dual_attention.entropy_over_depth(dual_attention.dual_sites(place.sites), cache)

    return frame.run(key, work)
