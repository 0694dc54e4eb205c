"""What a model is made of, as plain data: what a diagram of it is drawn from.

Everything is read off the module and its adapter: the blocks are the adapter's sites, what stands
in a block are its layers in the order in which they run, told apart by the adapter's hook points,
else by their shapes. Parameters and multiply-adds are shared out so that they add up to the
model's own count. A module on torch's meta device is enough.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from vislib.architectures import ArchitectureAdapter, adapters
from vislib.models import loading
from vislib.registry import base_key, spec
from vislib.schema import HookPoint, MixingSite, ModelError, TokenGrid

LONGEST_PERIOD = 4
"""Blocks that may take turns (Swin's windows: two) and still be folded."""


@dataclass(frozen=True, kw_only=True)
class Layer:
    """A layer with a matrix or a kernel.

    Attributes:
        name: Its path inside the block.
        shape: Of its weight: (out, in) of a linear layer, (out, in a group, ky, kx) of a
            convolution.
        parameters, multiply_adds: Of this layer alone; multiply-adds of one picture.
    """

    name: str
    shape: tuple[int, ...]
    parameters: int
    multiply_adds: int


@dataclass(frozen=True, kw_only=True)
class Step:
    """An operator of a block: neighbouring layers that do one thing.

    Attributes:
        kind: A role of ``vislib.schema.ROLES``: "token_mixing", "depthwise", "window_attention",
            "channel_attention", "global_attention", "convolution", "channel_mixing".
        layers: In the order in which they run.
        parameters: Of its layers, and tables that belong to it (a position bias).
        multiply_adds: Of its layers and of the products between them (attention).
    """

    kind: str
    layers: tuple[Layer, ...]
    parameters: int
    multiply_adds: int


@dataclass(frozen=True, kw_only=True)
class Block:
    """A block: where it stands, and its operators in the order in which they run.

    Attributes:
        site: The adapter's record of it: grid, channels, kernel, window, heads.
        steps: Its operators.
        parameters, multiply_adds: Of the whole block, with norms and scales.
    """

    site: MixingSite
    steps: tuple[Step, ...]
    parameters: int
    multiply_adds: int

    @property
    def looks(self) -> tuple[object, ...]:
        """What makes two blocks of a stage alike."""
        site = self.site
        shapes = tuple(
            (step.kind, tuple(layer.shape for layer in step.layers)) for step in self.steps
        )
        size = (site.stage, site.rows, site.columns, site.channels, site.step)
        return (shapes, *size, site.window, site.shift, site.heads, site.prefix)


@dataclass(frozen=True, kw_only=True)
class Passage:
    """What stands before, between or behind the blocks.

    Attributes:
        layers: With a matrix or a kernel.
        parameters, multiply_adds: Of all of it.
    """

    layers: tuple[Layer, ...] = ()
    parameters: int = 0
    multiply_adds: int = 0


@dataclass(frozen=True, kw_only=True)
class Run:
    """Blocks that repeat: ``period`` blocks from ``first`` (counted from 0), ``count`` times."""

    first: int
    period: int
    count: int


@dataclass(frozen=True, kw_only=True)
class Diagram:
    """A model from its input to its classes.

    Attributes:
        grid: How the first tokens lie on the input.
        crop: Share of the shorter side of a picture that the model sees, 0 to 1.
        classes: How many the head tells apart.
        stem: From pixels to the first block.
        merges: Stage (from 0) -> what makes its grid coarser before its first block.
        blocks: All blocks in the order in which they run.
        head: Behind the last block.
    """

    grid: TokenGrid
    crop: float
    classes: int
    stem: Passage
    merges: dict[int, Passage]
    blocks: tuple[Block, ...]
    head: Passage

    @property
    def _all(self) -> tuple[Passage | Block, ...]:
        return (self.stem, *self.merges.values(), *self.blocks, self.head)

    @property
    def parameters(self) -> int:
        """Of everything."""
        return sum(one.parameters for one in self._all)

    @property
    def multiply_adds(self) -> int:
        """Of one forward pass over one picture."""
        return sum(one.multiply_adds for one in self._all)

    def runs(self) -> tuple[Run, ...]:
        """The blocks folded: neighbours that are alike, also where a few take turns."""
        return folded([block.looks for block in self.blocks])


def folded(looks: Sequence[object]) -> tuple[Run, ...]:
    """Fold a sequence: at each place the period that covers most, the shortest of equal ones."""
    found, start = [], 0
    while start < len(looks):
        best = Run(first=start, period=1, count=1)
        for period in range(1, LONGEST_PERIOD + 1):
            count = _repeats(looks, start, period)
            if count > 1 and count * period > best.count * best.period:
                best = Run(first=start, period=period, count=count)
        found.append(best)
        start += best.period * best.count
    return tuple(found)


def _repeats(looks: Sequence[object], start: int, period: int) -> int:
    """How often the ``period`` entries from ``start`` stand one after the other."""
    own, count = looks[start : start + period], 1
    while len(own) == period and looks[start + count * period :][:period] == own:
        count += 1
    return count


def skeleton(key: str) -> tuple[nn.Module, ArchitectureAdapter, int]:
    """A registry row without its weights: module on the meta device, adapter, side of the input.

    Args:
        key: Registry key; it may name a variant.

    Raises:
        ModelError: There is no such model, or no adapter for it.
    """
    row = spec(base_key(key))
    with torch.device("meta"):
        module = loading.build(row).requires_grad_(False)
    adapter = adapters().get(row.family)
    if adapter is None or not adapter.accepts(module):
        raise ModelError("error.model.no_adapter", model=key, family=row.family)
    return module, adapter, loading.input_config(module).size


@functools.lru_cache(maxsize=128)
def of_row(key: str) -> Diagram:
    """The diagram of a registry row, from its architecture alone.

    Args:
        key: Registry key; it may name a variant.

    Raises:
        ModelError: There is no such model, or no adapter for it.
    """
    return diagram(*skeleton(key))


def diagram(module: nn.Module, adapter: ArchitectureAdapter, size: int) -> Diagram:
    """Read a module's diagram off it; hooks are set on it meanwhile, so it must be private.

    Args:
        module: On any device; the meta device is enough. It is put into evaluation mode.
        adapter: The map of its family.
        size: The input's side, in model pixels.
    """
    sites = adapter.sites(module, size)
    points = {site.group: adapter.hook_points(module, site.group) for site in sites}
    paths = [_path_of(points[site.group], site.group) for site in sites]
    counted = _Counted(module, size)
    blocks = tuple(
        _block(counted, site, path, points[site.group])
        for site, path in zip(sites, paths, strict=True)
    )
    around = _around(counted, paths)
    stem, head = [(path, True) for path in around.containers], []
    merges: dict[int, list[tuple[str, bool]]] = {}
    places = [counted.order[path] for path in paths]
    for path in around.others:
        place = counted.order.get(path, len(counted.order))
        behind = sum(begin < place for begin in places)
        if behind == 0:
            stem.append((path, False))
        elif behind == len(places):
            head.append((path, False))
        else:
            merges.setdefault(sites[behind].stage, []).append((path, False))
    return Diagram(
        grid=adapter.grid(module, size),
        crop=loading.input_config(module).crop,
        classes=int(module.num_classes),  # type: ignore[arg-type]
        stem=counted.passage(stem),
        merges={stage: counted.passage(found) for stage, found in merges.items()},
        blocks=blocks,
        head=counted.passage(head),
    )


def operator_of(
    points: Sequence[HookPoint], site: MixingSite, name: str, layer: nn.Linear | nn.Conv2d
) -> str:
    """The operator that a layer belongs to: the hooked one, else by its shape."""
    hooked = [
        (len(point.module), point.role)
        for point in points
        if point.role in site.operators and (name + ".").startswith(point.module + ".")
    ]
    if hooked:
        return max(hooked)[1]
    if isinstance(layer, nn.Conv2d) and layer.kernel_size != (1, 1):
        return "depthwise" if layer.groups == layer.in_channels else "convolution"
    return "channel_mixing"


def _path_of(points: Sequence[HookPoint], group: str) -> str:
    """The module whose output is the block's."""
    return next(point.module for point in points if point.name == f"{group}.out")


class _Counted:
    """A module with what each part of it costs and when it first runs, from one forward pass."""

    def __init__(self, module: nn.Module, size: int) -> None:
        self.module = module
        self.order: dict[str, int] = {}
        handles = [
            part.register_forward_pre_hook(functools.partial(self._note, name))
            for name, part in module.named_modules()
        ]
        try:
            self.adds = loading.multiply_adds_by_module(module, size)
        finally:
            for handle in handles:
                handle.remove()

    def _note(self, name: str, *_: Any) -> None:
        self.order.setdefault(name, len(self.order))

    def own_parameters(self, path: str) -> int:
        """Of a module without what lies in it."""
        part = self.module.get_submodule(path)
        return sum(p.numel() for p in part.parameters(recurse=False))

    def own_adds(self, path: str) -> int:
        """Of a module without the modules in it."""
        part, prefix = self.module.get_submodule(path), f"{path}." if path else ""
        inside = (self.adds.get(prefix + name, 0) for name, _ in part.named_children())
        return self.adds.get(path, 0) - sum(inside)

    def layers(self, path: str) -> Iterator[tuple[str, nn.Linear | nn.Conv2d]]:
        """Layers below a path (or itself), in the order in which they first run."""
        part = self.module.get_submodule(path)
        found = [
            (name, layer)
            for name, layer in part.named_modules(prefix=path)
            if isinstance(layer, nn.Linear | nn.Conv2d) and name in self.order
        ]
        yield from sorted(found, key=lambda pair: self.order[pair[0]])

    def layer(self, path: str, inside: str) -> Layer:
        """The record of one layer, named from ``inside`` on."""
        part: Any = self.module.get_submodule(path)
        return Layer(
            name=path.removeprefix(f"{inside}."),
            shape=tuple(part.weight.shape),
            parameters=self.own_parameters(path),
            multiply_adds=self.own_adds(path),
        )

    def passage(self, found: Sequence[tuple[str, bool]]) -> Passage:
        """Of several modules: each whole, or (True) without the modules in it."""
        layers, parameters, adds = [], 0, 0
        for path, alone in found:
            if alone:
                parameters += self.own_parameters(path)
                adds += self.own_adds(path)
                continue
            part = self.module.get_submodule(path)
            parameters += sum(p.numel() for p in part.parameters())
            adds += self.adds.get(path, 0)
            layers += [self.layer(name, "") for name, _ in self.layers(path)]
        return Passage(layers=tuple(layers), parameters=parameters, multiply_adds=adds)


@dataclass(frozen=True)
class _Around:
    """Outside of the blocks: modules that hold blocks, and the largest ones that hold none."""

    containers: list[str]
    others: list[str]


def _around(counted: _Counted, paths: Sequence[str]) -> _Around:
    containers: list[str] = []
    others: list[str] = []
    blocks = set(paths)

    def walk(path: str, part: nn.Module) -> None:
        if path in blocks:
            return
        prefix = f"{path}." if path else ""
        if not any(block.startswith(prefix) for block in paths):
            others.append(path)
            return
        containers.append(path)
        for name, child in part.named_children():
            walk(prefix + name, child)

    walk("", counted.module)
    return _Around(containers, others)


def _block(counted: _Counted, site: MixingSite, path: str, points: Sequence[HookPoint]) -> Block:
    """A block's layers in order, neighbours of one kind together."""
    groups: list[tuple[str, list[str]]] = []
    for name, layer in counted.layers(path):
        kind = operator_of(points, site, name, layer)
        if groups and groups[-1][0] == kind:
            groups[-1][1].append(name)
        else:
            groups.append((kind, [name]))
    beside = _beside_layers(counted, site, path, points)
    steps = []
    for kind, names in groups:
        layers = tuple(counted.layer(name, path) for name in names)
        parameters, adds = beside.pop(kind, (0, 0))
        steps.append(
            Step(
                kind=kind,
                layers=layers,
                parameters=parameters + sum(layer.parameters for layer in layers),
                multiply_adds=adds + sum(layer.multiply_adds for layer in layers),
            )
        )
    part = counted.module.get_submodule(path)
    return Block(
        site=site,
        steps=tuple(steps),
        parameters=sum(p.numel() for p in part.parameters()),
        multiply_adds=counted.adds.get(path, 0),
    )


def _beside_layers(
    counted: _Counted, site: MixingSite, path: str, points: Sequence[HookPoint]
) -> dict[str, tuple[int, int]]:
    """Kind -> parameters and multiply-adds of modules that hold its layers: products, tables."""
    found: dict[str, tuple[int, int]] = {}
    for name, part in counted.module.get_submodule(path).named_modules(prefix=path):
        roles = [
            point.role
            for point in points
            if point.role in site.operators and f"{point.module}.".startswith(f"{name}.")
        ]
        if name == path or isinstance(part, nn.Linear | nn.Conv2d) or not roles:
            continue
        parameters, adds = found.get(roles[0], (0, 0))
        found[roles[0]] = (
            parameters + counted.own_parameters(name),
            adds + counted.own_adds(name),
        )
    return found
