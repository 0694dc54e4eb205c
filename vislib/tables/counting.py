"""Parameters and multiply-adds of timm's architectures, counted without any weights.

``python -m vislib.tables.counting`` writes assets/papers/counted.csv anew.
"""

from __future__ import annotations

import csv
import functools
import io
import math
from typing import Any, Literal

import timm
import torch
from torch import Tensor, nn

from vislib.analysis.costs import CostPlan, Growth, Term
from vislib.architectures import ArchitectureAdapter
from vislib.models import loading
from vislib.models.diagram import operator_of, skeleton
from vislib.schema import MixingSite
from vislib.tables import papers

CLASSES = 1000
SIZED = ("vit_", "cait_", "swin_", "crossvit_", "mixer_", "coatnet_")
"""Architectures that are told the size of their input when they are built."""


def count(architecture: str, size: int) -> papers.Counted:
    """Count an architecture with a head for 1,000 classes, on torch's meta device.

    Args:
        architecture: timm's name of it.
        size: Side of the input, in model pixels.
    """
    options: dict[str, Any] = {"img_size": size} if architecture.startswith(SIZED) else {}
    with torch.device("meta"):
        module: nn.Module = timm.create_model(architecture, num_classes=CLASSES, **options)
        module.requires_grad_(False)
        adds = loading.count_multiply_adds(module, size)
    return papers.Counted(
        architecture=architecture,
        image_size=size,
        parameters=sum(p.numel() for p in module.parameters()),
        multiply_adds=adds,
    )


def write() -> str:
    """The text of counted.csv with every line counted anew."""
    lines = papers.count_lines()
    sink = io.StringIO()
    writer = csv.DictWriter(sink, list(lines[0]), lineterminator="\n")
    writer.writeheader()
    for line in lines:
        found = count(line["architecture"], int(line["image_size"]))
        numbers = {"parameters": found.parameters, "multiply_adds": found.multiply_adds}
        writer.writerow({**line, **numbers})
    return sink.getvalue()


# ---------------------------------------------------------------- terms of a model's blocks


@functools.lru_cache(maxsize=64)
def plan_of(key: str) -> CostPlan:
    """The cost plan of a registry row, from its architecture alone.

    Args:
        key: Registry key; it may name a variant.

    Raises:
        ModelError: There is no such model, or no adapter for it.
    """
    return plan(*skeleton(key))


def plan(module: nn.Module, adapter: ArchitectureAdapter, size: int) -> CostPlan:
    """Read off a model what each layer of each block costs.

    Args:
        module: On any device; the meta device is enough.
        adapter: The map of its family.
        size: The input's side that it was made for, in model pixels.
    """
    grid, sites = adapter.grid(module, size), adapter.sites(module, size)
    places = _places(module, size)
    widest = max((site.window for site in sites), default=0)
    terms: list[Term] = []
    for site in sites:
        points = adapter.hook_points(module, site.group)
        path = next(point.module for point in points if point.name == f"{site.group}.out")
        shrinks = hasattr(module.get_submodule(path), "input_resolution")
        common = {"group": site.group, "prefix": site.prefix, "shrinks": shrinks}
        window, cell = widest if shrinks else site.window, site.stride // grid.stride
        for name, layer in module.get_submodule(path).named_modules(prefix=path):
            if isinstance(layer, nn.Linear | nn.Conv2d) and name in places:
                kind = operator_of(points, site, name, layer)
                growth, factor = _layer(kind, layer, places[name])
                ratio = 1 if growth == "fixed" else _ratio(cell, site, places[name], growth)
                terms.append(
                    Term(
                        kind=kind,
                        growth=growth,
                        factor=factor,
                        ratio=ratio,
                        window=window,
                        **common,  # type: ignore[arg-type]
                    )
                )
        terms += _products(site, cell, window, common)
    fixed = any(term.growth == "fixed" for term in terms)
    moved = grid.position in ("learned", "relative_bias")
    resizing: Literal["free", "position", "never"] = (
        "never" if fixed else "position" if moved else "free"
    )
    return CostPlan(
        grid=grid,
        own_size=size,
        terms=tuple(terms),
        counted=loading.count_multiply_adds(module, size),
        resizing=resizing,
    )


def _places(module: nn.Module, size: int) -> dict[str, int]:
    """Layer -> how many vectors it writes, found by a pass on the module's own device."""
    found: dict[str, int] = {}
    handles = []
    for name, layer in module.named_modules():
        if isinstance(layer, nn.Linear | nn.Conv2d):
            width = layer.out_features if isinstance(layer, nn.Linear) else layer.out_channels

            def hook(_: Any, __: Any, out: Tensor, name: str = name, width: int = width) -> None:
                found[name] = out.numel() // width

            handles.append(layer.register_forward_hook(hook))
    first = next(module.parameters())
    try:
        with torch.inference_mode():
            module.eval()
            module(torch.zeros(1, 3, size, size, device=first.device, dtype=first.dtype))
    finally:
        for handle in handles:
            handle.remove()
    return found


def _layer(kind: str, layer: nn.Linear | nn.Conv2d, places: int) -> tuple[Growth, int]:
    """What a layer grows with, and its multiply-adds for one of that."""
    weights = layer.weight.numel()
    if kind == "token_mixing":  # one vector a channel: the tokens are inside the weights
        return "fixed", weights * places
    return ("window" if kind == "window_attention" else "token"), weights


def _ratio(cell: int, site: MixingSite, places: int, growth: Growth) -> int:
    """How many cells of the first grid one cell covers that a layer writes, along a side."""
    if growth == "window":
        return cell
    return cell * -(-site.rows // math.isqrt(places - site.prefix))


def _products(site: MixingSite, ratio: int, window: int, common: dict[str, Any]) -> list[Term]:
    """The two products of each attention: scores, and the mean of the values."""
    factors: dict[str, tuple[Growth, int]] = {
        "global_attention": ("pair", 2 * site.channels),
        "window_attention": ("window_pair", 2 * site.channels),
        "channel_attention": ("channel_pair", 2 * site.channels**2 // max(site.heads, 1)),
    }
    return [
        Term(kind=kind, growth=growth, factor=factor, ratio=ratio, window=window, **common)
        for kind in site.operators
        if kind in factors
        for growth, factor in (factors[kind],)
    ]


if __name__ == "__main__":
    text = write()
    papers.COUNTED.write_text(text, encoding="utf-8")
