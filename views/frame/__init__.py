"""What all pages share: frame, picture, models, point, captures, figures.

A page's folder is widgets -> vislib -> figure. It imports streamlit, numpy,
this package and vislib.
"""

from __future__ import annotations

from views.frame.amounts import choose_number, choose_number_freely, choose_percent, choose_switch
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
from views.frame.choices import choose, choose_freely, choose_tab
from views.frame.figures import (
    answer_bars,
    badge,
    big,
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
from views.frame.files import offer_csv
from views.frame.film import choose_epoch, deciding
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
from views.frame.links import go
from views.frame.markup import formula, plain
from views.frame.models import available, model, run, title
from views.frame.notices import problem
from views.frame.numbers import (
    EXACT,
    POINTS,
    between,
    bits,
    decimals,
    number,
    percent,
    percent_change,
    percent_value,
    points,
    power_of_ten,
    signed,
    whole,
)
from views.frame.panel import row_of_choices
from views.frame.stage_component import Stage
from views.frame.stage_packets import StageMoved, StageRow, StageShown, StageTile
from views.frame.staging import StageMap, load_on_stage, model_map, stage, stage_place
from views.frame.state import (
    OWN,
    View,
    as_switched,
    is_remembered,
    of_family,
    remember,
    said,
    select,
    t,
    view,
)
from views.frame.tile_canvas import TILE_TEXTS, tile_canvas
from views.frame.verdicts import judged, picture_title, second_picture, verdict

__all__ = [
    "DEPTHS",
    "EXACT",
    "OWN",
    "PAGES",
    "POINTS",
    "SECTIONS",
    "TILE_TEXTS",
    "Stage",
    "StageMap",
    "StageMoved",
    "StageRow",
    "StageShown",
    "StageTile",
    "View",
    "answer_bars",
    "as_switched",
    "available",
    "badge",
    "between",
    "big",
    "bits",
    "block_name",
    "block_words",
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
    "choose_tab",
    "dark",
    "deciding",
    "decimals",
    "draw",
    "formula",
    "go",
    "heading",
    "html_table",
    "image",
    "is_remembered",
    "judged",
    "legend",
    "load_on_stage",
    "model",
    "model_head",
    "model_map",
    "multiply_adds",
    "number",
    "of_family",
    "offer",
    "offer_csv",
    "page",
    "percent",
    "percent_change",
    "percent_value",
    "picture_title",
    "plain",
    "plot",
    "points",
    "power_of_ten",
    "problem",
    "raw_unit",
    "reduction",
    "remember",
    "row_of_choices",
    "run",
    "said",
    "second_picture",
    "select",
    "shielded",
    "signed",
    "site_at",
    "site_of",
    "spatial_sites",
    "stage",
    "stage_place",
    "strip",
    "t",
    "tile_canvas",
    "tile_texts",
    "title",
    "verdict",
    "view",
    "weights",
    "whole",
]
