"""What all pages share: frame, picture, models, point, captures, figures.

A page's folder is widgets -> vislib -> figure. It imports streamlit, numpy,
this package and vislib.
"""

from __future__ import annotations

from views.frame.amounts import (
    choose_number,
    choose_number_freely,
    choose_percent,
    choose_switch,
)
from views.frame.choices import choose, choose_freely
from views.frame.components import TILE_TEXTS, tile_canvas
from views.frame.figures import (
    answer_bars,
    badge,
    dark,
    html_table,
    image,
    legend,
    model_head,
    plot,
    raw_unit,
    reduction,
    strip,
    tile_texts,
)
from views.frame.film import choose_epoch, deciding
from views.frame.frame import (
    PAGES,
    SECTIONS,
    choose_model,
    choose_site,
    draw,
    heading,
    offer,
    page,
    shielded,
)
from views.frame.links import go
from views.frame.markup import plain
from views.frame.model_choice import problem
from views.frame.state import (
    View,
    as_switched,
    box,
    capture,
    cell,
    model,
    multiply_adds,
    of_family,
    remember,
    run,
    said,
    select,
    t,
    title,
    view,
    weights,
)
from views.frame.verdicts import judged, picture_title, verdict

__all__ = [
    "PAGES",
    "SECTIONS",
    "TILE_TEXTS",
    "View",
    "answer_bars",
    "as_switched",
    "badge",
    "box",
    "capture",
    "cell",
    "choose",
    "choose_epoch",
    "choose_freely",
    "choose_model",
    "choose_number",
    "choose_number_freely",
    "choose_percent",
    "choose_site",
    "choose_switch",
    "dark",
    "deciding",
    "draw",
    "go",
    "heading",
    "html_table",
    "image",
    "judged",
    "legend",
    "model",
    "model_head",
    "multiply_adds",
    "of_family",
    "offer",
    "page",
    "picture_title",
    "plain",
    "plot",
    "problem",
    "raw_unit",
    "reduction",
    "remember",
    "run",
    "said",
    "select",
    "shielded",
    "strip",
    "t",
    "tile_canvas",
    "tile_texts",
    "title",
    "verdict",
    "view",
    "weights",
]
