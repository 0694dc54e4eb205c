"""The papers' figures: what each shows, the app's own version of it, and what differs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import streamlit as st

from views import frame
from views.frame import server
from views.papers.words import words
from vislib import registry


@dataclass(frozen=True, kw_only=True)
class PaperFigure:
    """A figure of a paper, and the address of the app's own version.

    Attributes:
        name: Its section among the texts.
        paper: Key of the paper's table.
        page: The page that shows our version.
        address: What the address says there, besides the models.
        compared: Families whose models stand side by side there; empty for a page of one model.
        model: The word of the address that names the page's one model, with the models to take,
            the paper's own first; a mini is taken where none of them is there.
        differs: What differs from the paper, by names among the texts.
        offers: A published model that it needs; it is offered where it is not there.
    """

    name: str
    paper: str
    page: str
    address: Mapping[str, str]
    compared: tuple[str, ...] = ()
    model: tuple[str, tuple[str, ...]] | None = None
    differs: tuple[str, ...]
    offers: str = ""


_MIXERS = ("mixer_b16_224.goog_in21k", "mixer_b16_224.goog_in21k_ft_in1k", "mixer_mini")
_CONVMIXERS = ("convmixer_1536_20.in1k", "convmixer_768_32.in1k", "convmixer_mini")
_DAVITS = ("davit_tiny.msft_in1k", "davit_small.msft_in1k", "davit_base.msft_in1k", "davit_mini")
FIGURES = (
    PaperFigure(
        name="mixer_shuffle",
        paper="mixer",
        page="what_if",
        address={"what_if": "shuffle"},
        compared=("mixer", "resnet"),
        differs=("retrained", "data", "score"),
    ),
    PaperFigure(
        name="mixer_shuffle_trained",
        paper="mixer",
        page="experiments",
        address={"experiment": "order"},
        differs=("small", "measured"),
    ),
    PaperFigure(
        name="mixer_units",
        paper="mixer",
        page="token_mixing",
        address={"mixing_view": "blocks"},
        model=("mixer", _MIXERS),
        differs=("weights_jft", "scale_units", "pairs"),
    ),
    PaperFigure(
        name="mixer_all_units",
        paper="mixer",
        page="token_mixing",
        address={"mixing_view": "units", "mixer_block": "1.1"},
        model=("mixer", _MIXERS),
        differs=("weights_one", "scale_units", "pairs"),
    ),
    PaperFigure(
        name="mixer_filters",
        paper="mixer",
        page="patch_embedding",
        address={"view": "filters"},
        compared=("mixer",),
        differs=("weights_jft", "no_b32", "scale_filters"),
    ),
    PaperFigure(
        name="convmixer_filters",
        paper="convmixer",
        page="patch_embedding",
        address={"view": "filters"},
        compared=("convmixer",),
        differs=("weights_mini", "scale_filters", "sorted"),
    ),
    PaperFigure(
        name="convmixer_kernels",
        paper="convmixer",
        page="depthwise_kernels",
        address={"kernel_view": "depth"},
        model=("convmixer", _CONVMIXERS),
        differs=("weights_mini", "sorted", "scale_kernels"),
    ),
    PaperFigure(
        name="davit_attentions",
        paper="davit",
        page="dual_attention",
        address={"block": "1.1"},
        model=("davit", _DAVITS),
        differs=("real", "weights_mini"),
    ),
    PaperFigure(
        name="davit_channels",
        paper="davit",
        page="dual_attention",
        address={"block": "3.1", "group": "1"},
        model=("davit", _DAVITS),
        differs=("picture", "weights_mini", "order"),
    ),
    PaperFigure(
        name="davit_swin",
        paper="davit",
        page="patch_embedding",
        address={"view": "components", "token_depth": "last"},
        compared=("davit", "swin"),
        differs=("picture", "components", "weights_mini"),
        offers="swin_tiny_patch4_window7_224.ms_in1k",
    ),
)


def address(figure: PaperFigure) -> dict[str, str | list[str]]:
    """The address of our version, with models that are on this machine."""
    there = server.present()
    found: dict[str, str | list[str]] = dict(figure.address)
    if figure.compared:
        chosen = [_of_family(family, there) for family in figure.compared]
        found["models"] = [key for key in chosen if key]
    if figure.model is not None:
        name, keys = figure.model
        here = [key for key in keys if key in there]
        if here:
            found[name] = here[0]
    return found


def _of_family(family: str, there: tuple[str, ...]) -> str:
    """A family's model: one that the visitor compares, else a published one, else the mini."""
    own = [key for key in there if registry.spec(key).family == family]
    compared = [registry.base_key(key) for key in frame.view().models]
    best = sorted(own, key=lambda key: (key not in compared, registry.spec(key).weights != "timm"))
    return best[0] if best else ""


def draw(paper: str) -> None:
    """A paper's figures, in two columns."""
    own = [figure for figure in FIGURES if figure.paper == paper]
    for first in range(0, len(own), 2):
        for place, figure in zip(st.columns(2), own[first : first + 2], strict=False):
            with place:
                _one(figure)


def _one(figure: PaperFigure) -> None:
    """What the paper shows, our version at a click, and what differs."""
    with st.container(border=True, height="stretch"):
        left, right = st.columns([2.1, 1.3], vertical_alignment="center")
        left.markdown(f"**{words(f'figure_{figure.name}')}**")
        left.markdown(words(f"shows_{figure.name}"))
        right.button(
            words("open", page=frame.t(f"nav.{figure.page}")),
            key=f"open_{figure.name}",
            on_click=choose,
            args=(figure,),
            type="primary",
            width="stretch",
        )
        lines = "\n".join(f"- {words(f'differs_{name}')}" for name in figure.differs)
        st.markdown(f"{words('differs')}\n{lines}")
        if figure.offers:
            frame.offer(figure.offers, words("needs"))


def choose(figure: PaperFigure) -> None:
    """Open the figure's page with what its address says (a callback)."""
    frame.go(figure.page, **address(figure))
