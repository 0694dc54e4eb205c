"""The models as data for the browser: what each is made of, and what it answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import streamlit as st

from views import frame
from views.frame import links
from views.frame.verdicts import MARKS
from vislib import registry
from vislib.figures.colours import family_colour
from vislib.pictures import geometry
from vislib.schema import MixScopeError

if TYPE_CHECKING:
    from vislib.models.diagram import Block, Diagram

NAME = "into"
"""Where the visitor is, in the address: "mixer_mini" or "mixer_mini,1.3"."""
MOST = 5
ANSWERS = 5
OWN_PAGES = {
    ("mixer", "token_mixing"): ("token_mixing", "mixer", "mixer_block"),
    ("resmlp", "token_mixing"): ("token_mixing", "mixer", "mixer_block"),
    ("convmixer", "depthwise"): ("depthwise_kernels", "convmixer", "kernel_block"),
    ("davit", "window_attention"): ("dual_attention", "davit", "block"),
    ("davit", "channel_attention"): ("dual_attention", "davit", "block"),
}
"""(family, operator) -> its page, and there the names of the choice of model and of block."""
MLPS = ("token_mixing", "channel_mixing")
"""Of two layers, or of one: then the formula is another."""
MIX_PLACES = ("token_mixing", "depthwise", "window_attention", "global_attention", "convolution")


@dataclass(frozen=True)
class Shown:
    """A model of the overview.

    Attributes:
        key: Registry key without a variant: its name in the address.
        run: The key that is run: the untrained variant while the switch is on.
        diagram: What it is made of; None where that cannot be said.
        error: Why it cannot be run; None where it can, or is not on this machine.
        here: Whether its weights are on this machine.
    """

    key: str
    run: str
    diagram: Diagram | None
    error: MixScopeError | None
    here: bool

    @property
    def works(self) -> bool:
        """Whether it runs on the picture."""
        return self.here and self.error is None


def shown() -> list[Shown]:
    """Those that are chosen; then the one that is gone into, and those that a link names."""
    present, chosen = frame.available(), frame.view().models
    named = [*_gone_into(), *st.session_state.get("_absent", ())]
    others = [key for key in dict.fromkeys(named) if key not in map(registry.base_key, chosen)]
    kept = chosen[: MOST - min(1, len(others))]
    runs = [frame.as_switched(key) if key in present else key for key in others]
    return [_shown(run, registry.base_key(run) in present) for run in (*kept, *runs)[:MOST]]


def of_keys(keys: Sequence[str]) -> list[Shown]:
    """Those that a page names, whether or not the visitor has chosen them."""
    present = frame.available()
    return [
        _shown(frame.as_switched(key) if key in present else key, key in present) for key in keys
    ]


def _gone_into() -> list[str]:
    """The model that the address or the visitor has gone into."""
    place = (*links.asked(NAME), str(st.session_state.get(NAME, "")))[0]
    key = place.partition(",")[0]
    return [key] if key in registry.MODEL_REGISTRY else []


def _shown(run: str, here: bool) -> Shown:
    key = registry.base_key(run)
    found: Diagram | None = None
    wrong: MixScopeError | None = None
    try:
        found = frame.remember(
            ("diagram", key), lambda: _diagram(key), busy=frame.t("busy.counting")
        )
        if here:
            frame.capture(run, "logits")
    except MixScopeError as error:
        wrong = error
    return Shown(key, run, found, wrong, here)


def _diagram(key: str) -> Diagram:
    from vislib.models import diagram

    return diagram.of_row(key)


def described(model: Shown) -> dict[str, Any]:
    """A model as the browser draws it."""
    row, found = registry.spec(model.run), model.diagram
    words = frame.said(model.error) if model.error else frame.t("overview.away")
    return {
        "key": model.key,
        "title": row.title,
        "colour": family_colour(row.family),
        "here": model.here,
        "message": "" if model.works else words,
        "box": _box(model),
        **_answer(model),
        **(_nothing() if found is None else _structure(found)),
        "pages": {} if found is None else _pages(row.family, found),
    }


def _structure(found: Diagram) -> dict[str, Any]:
    grid = found.grid
    return {
        "classes": found.classes,
        "parameters": found.parameters,
        "adds": found.multiply_adds,
        "grid": {
            "input": grid.input_size,
            "rows": grid.rows,
            "columns": grid.columns,
            "patch": grid.patch,
            "stride": grid.stride,
        },
        "stages": _stages(found),
        "blocks": [_block(block) for block in found.blocks],
    }


def _nothing() -> dict[str, Any]:
    """Of a model of which nothing is known."""
    grid = dict.fromkeys(("input", "rows", "columns", "patch", "stride"), 0)
    return {"classes": 0, "parameters": 0, "adds": 0, "grid": grid, "stages": [], "blocks": []}


def _stages(found: Diagram) -> list[dict[str, Any]]:
    """Where the grid or the channels change, and the folded blocks of each."""
    stages: list[dict[str, Any]] = []
    for run in found.runs():
        site = found.blocks[run.first].site
        if not stages or stages[-1]["number"] != site.stage + 1:
            merge = found.merges.get(site.stage)
            stages.append(
                {
                    "number": site.stage + 1,
                    "rows": site.rows,
                    "columns": site.columns,
                    "merge": None if merge is None else {"parameters": merge.parameters},
                    "runs": [],
                }
            )
        last = found.blocks[run.first + run.period * run.count - 1].site
        # A block that makes the grid coarser reads the finer one: what it writes is the stage's.
        rows, columns = (-(-side // last.step) for side in (last.rows, last.columns))
        stages[-1] |= {"rows": rows, "columns": columns, "channels": last.channels}
        stages[-1]["runs"].append(asdict(run))
    return stages


def _block(block: Block) -> dict[str, Any]:
    site = block.site
    return {
        "name": frame.block_name(site),
        "rows": site.rows,
        "columns": site.columns,
        "channels": site.channels,
        "window": site.window,
        "shift": site.shift,
        "parameters": block.parameters,
        "adds": block.multiply_adds,
        "steps": [
            {
                "kind": step.kind,
                "parameters": step.parameters,
                "adds": step.multiply_adds,
                "layers": [{"name": one.name, "shape": list(one.shape)} for one in step.layers],
            }
            for step in block.steps
        ],
    }


def _box(model: Shown) -> dict[str, Any] | None:
    """What the model sees of the picture, in thousandths; None where nothing is known of it."""
    found, picture = model.diagram, frame.view().picture
    if found is None:
        return None
    size = found.grid.input_size
    seen = geometry.view_box(picture.width, picture.height, size=size, crop=found.crop)
    return {
        "left": 1000 * seen.left / picture.width,
        "top": 1000 * seen.top / picture.height,
        "width": 1000 * seen.width / picture.width,
        "height": 1000 * seen.height / picture.height,
        "across": geometry.edges(seen.left, seen.width, picture.width),
        "down": geometry.edges(seen.top, seen.height, picture.height),
    }


def _answer(model: Shown) -> dict[str, Any]:
    """The most probable classes, and whether the first is right."""
    if not model.works:
        return {"answers": [], "verdict": ""}
    cache = frame.capture(model.run, "logits")
    found = frame.judged(model.run, cache, frame.view().entry)
    return {
        "answers": [{"name": name, "share": share} for name, share in cache.top(ANSWERS)],
        "verdict": MARKS[found[0]] + found[1] if found else "",
    }


def _pages(family: str, found: Diagram) -> dict[str, str]:
    """Operator -> the page that shows it, as the navigation calls it."""
    kinds = {step.kind for block in found.blocks for step in block.steps}
    pages = {kind: page_of(family, kind) for kind in kinds}
    return {kind: frame.t(f"nav.{page}") for kind, page in pages.items() if page}


def page_of(family: str, kind: str) -> str:
    """The page that shows an operator: its own, or Compare where it mixes places; else empty."""
    if (family, kind) in OWN_PAGES:
        return OWN_PAGES[family, kind][0]
    # DaViT's depthwise convolutions tell places; they are not what its blocks read with.
    return "compare" if kind in MIX_PLACES and (family, kind) != ("davit", "depthwise") else ""


def kinds(models: Sequence[dict[str, Any]]) -> dict[str, dict[str, str]]:
    """What the operators are called, and their formulas."""
    blocks = [block for model in models for block in model["blocks"]]
    found = {step["kind"] for block in blocks for step in block["steps"]}
    words = {
        kind: {
            "name": frame.t(f"overview.kind_{kind}"),
            "formula": frame.t(f"overview.formula_{kind}"),
            "formula_one": frame.t(f"overview.formula_{kind}{'_one' if kind in MLPS else ''}"),
        }
        for kind in sorted(found)
    }
    if "window_attention" in words:
        name = frame.t("overview.kind_shifted_window")
        words["shifted_window"] = {**words["window_attention"], "name": name}
    return words
