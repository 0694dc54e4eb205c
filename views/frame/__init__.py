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
    depth_steps,
    site_at,
    site_at_step,
    site_of,
    spatial_sites,
)
from views.frame.captures import beforehand, box, capture, cell, multiply_adds, weights
from views.frame.choices import choice_ahead, choose, choose_freely, choose_tab
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
from views.frame.following import follows_place
from views.frame.frame import (
    PAGES,
    SECTIONS,
    choose_model,
    draw,
    offer,
    page,
    shielded,
)
from views.frame.language import language
from views.frame.links import go
from views.frame.markup import columns_of_html, formula, plain, put_html
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
from views.frame.rights import is_lecturer
from views.frame.stage_component import Stage
from views.frame.stage_packets import StageMoved, StageRow, StageShown, StageTile
from views.frame.staging import (
    StageMap,
    choose_scale,
    load_on_stage,
    model_map,
    stage,
    stage_place,
    stage_room,
)
from views.frame.state import (
    OWN,
    View,
    as_if,
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
from views.frame.turns import ahead
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
    "ahead",
    "answer_bars",
    "as_if",
    "as_switched",
    "available",
    "badge",
    "beforehand",
    "between",
    "big",
    "bits",
    "block_name",
    "block_words",
    "box",
    "capture",
    "cell",
    "choice_ahead",
    "choose",
    "choose_epoch",
    "choose_freely",
    "choose_model",
    "choose_number",
    "choose_number_freely",
    "choose_percent",
    "choose_scale",
    "choose_site",
    "choose_switch",
    "choose_tab",
    "columns_of_html",
    "dark",
    "deciding",
    "decimals",
    "depth_steps",
    "draw",
    "follows_place",
    "formula",
    "go",
    "html_table",
    "image",
    "is_lecturer",
    "is_remembered",
    "judged",
    "language",
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
    "put_html",
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
    "site_at_step",
    "site_of",
    "spatial_sites",
    "stage",
    "stage_place",
    "stage_room",
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
