"""What all pages share: frame, picture, models, point, captures, figures.

A page's folder is widgets -> vislib -> figure. It imports streamlit, numpy,
this package and vislib.
"""

from __future__ import annotations

from views.frame.blocks import (
    DEPTHS,
    block_name,
    block_words,
    choose_site,
    site_at,
    site_of,
    spatial_sites,
)
from views.frame.captures import box, capture, cell, multiply_adds, weights
from views.frame.choices import choose, choose_number
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
    strip,
    tile_texts,
)
from views.frame.film import choose_epoch
from views.frame.frame import (
    PAGES,
    SECTIONS,
    choose_model,
    draw,
    heading,
    offer,
    page,
    shielded,
)
from views.frame.model_choice import problem
from views.frame.models import model, run, title
from views.frame.state import (
    OWN,
    View,
    as_switched,
    from_link,
    is_remembered,
    of_family,
    preset,
    remember,
    select,
    t,
    view,
)

__all__ = [
    "DEPTHS",
    "OWN",
    "PAGES",
    "SECTIONS",
    "TILE_TEXTS",
    "View",
    "answer_bars",
    "as_switched",
    "badge",
    "block_name",
    "block_words",
    "box",
    "capture",
    "cell",
    "choose",
    "choose_epoch",
    "choose_model",
    "choose_number",
    "choose_site",
    "dark",
    "draw",
    "from_link",
    "heading",
    "html_table",
    "image",
    "is_remembered",
    "legend",
    "model",
    "model_head",
    "multiply_adds",
    "of_family",
    "offer",
    "page",
    "plot",
    "preset",
    "problem",
    "remember",
    "run",
    "select",
    "shielded",
    "site_at",
    "site_of",
    "spatial_sites",
    "strip",
    "t",
    "tile_canvas",
    "tile_texts",
    "title",
    "view",
    "weights",
]
