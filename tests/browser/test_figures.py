"""Plotly's figures as a browser draws them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import plotly.graph_objects as go
import pytest
from plotly.offline import get_plotlyjs

from vislib.figures import heatmap

if TYPE_CHECKING:
    from playwright.sync_api import Page


def test_a_title_of_two_lines_is_not_cut(page: Page) -> None:
    """Plotly moves the first line of several further up than a single one."""
    figures = []
    for title in ("One line", "Mean over heads, window 11: what the position reads"):
        figure = go.Figure(go.Heatmap(z=[[1, 2], [3, 4]]))
        heatmap.base_layout(figure, title=title, note="", height=360, dark=False)
        figures.append(figure.to_html(include_plotlyjs=False, full_html=False))
    page.set_content(f"<script>{get_plotlyjs()}</script>{''.join(figures)}")
    page.wait_for_function("document.querySelectorAll('.gtitle').length === 2")
    one, two = page.evaluate(
        """() => [...document.querySelectorAll('.js-plotly-plot')].map(chart =>
            chart.querySelector('.gtitle').getBoundingClientRect().top
            - chart.getBoundingClientRect().top)"""
    )
    assert one >= 0
    assert two == pytest.approx(one, abs=1)
