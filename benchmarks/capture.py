"""Capture against a bare eager forward and other libraries, as ratios of neighbouring runs.

    python benchmarks/capture.py [--seconds 12] [--models davit_mini ...] [--json FILE]

Random weights: the time does not depend on them. The group is what one page shows of the model.
A ratio compares two runs next to each other, so it holds when the machine's speed drifts. Beside
capture stand torchvision's create_feature_extractor and timm's AttentionExtract, asked for the same
maps and the answer (without it they would leave out the rest of the model), of a model whose
attention is not fused: the fused one has no pattern. They hand out the model's own tensors, not
copies; how many of the maps are the same to 1e-5 of their scale is said.
"""

from __future__ import annotations

import argparse
import copy
import statistics
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import torch
from timm.models import _features_fx
from timm.utils import AttentionExtract
from torch import Tensor, nn
from torchvision.models.feature_extraction import NodePathTracer, create_feature_extractor

from benchmarks import ratios, report
from vislib.models import loading
from vislib.observe import capture
from vislib.pictures import gallery
from vislib.schema import ActivationCache, LabelledArray

CASES = {
    "davit_tiny.msft_in1k": "stage2.block1",
    "mixer_b16_224.goog_in21k_ft_in1k": "stage0.block5",
    "convmixer_768_32.in1k": "stage0.block15",
    "vit_base_patch16_224.augreg2_in21k_ft_in1k": "stage0.block5",
    "davit_mini": "stage1.block0",
    "mixer_mini": "stage0.block2",
    "convmixer_mini": "stage0.block2",
    "vit_mini": "stage0.block2",
    "resnet_mini": "stage1.block1",
}
GOAL, SAME = 1.03, 1e-5
LEAST = 10
"""Rounds of runs, however long they take."""
BARE, TORCHVISION, TIMM = "bare forward", "create_feature_extractor", "AttentionExtract"
OPERANDS = {"queries": 0, "keys": 1, "values": 2}

Read = Callable[[Mapping[str, Any]], Tensor]


def unfused(module: nn.Module) -> nn.Module:
    """A copy that computes its attention step by step."""
    other = copy.deepcopy(module)
    for part in other.modules():
        if hasattr(part, "fused_attn"):
            part.fused_attn = False  # type: ignore[assignment]
    return other


def rules() -> dict[str, Any]:
    """What timm says must not be traced."""
    return {
        "leaf_modules": _features_fx.get_notrace_modules(),
        "autowrap_functions": _features_fx.get_notrace_functions(),
    }


def entrance(names: Mapping[Any, str], path: str) -> str:
    """The node that a module reads: what its first step is given."""
    first = next(n for n, name in names.items() if name == path or name.startswith(f"{path}."))
    return names[first.all_input_nodes[0]]


def nodes(
    module: nn.Module, model: Any, maps: ActivationCache, group: str
) -> tuple[dict[str, str], str]:
    """For each map that a graph can give: the node that has it; and the node of the answer."""
    tracer = NodePathTracer(**rules())
    tracer.trace(module)
    names = {n: name for n, name in tracer.node_to_qualname.items() if n.op != "get_attr"}
    found = {}
    for point in model.adapter.hook_points(model.module, group):
        if point.name in maps:
            outwards = point.side == "out"
            found[point.name] = point.module if outwards else entrance(names, point.module)
    for name, array in maps.items():
        if array.provenance == "recomputed":
            path = array.source.split(" of ")[-1].removesuffix(".qkv")
            kind = name.rsplit(".", 1)[-1]
            steps = {"pattern": "softmax", "scores": "matmul"}
            found[name] = f"{path}.{steps.get(kind, 'unbind')}"
    return found, [name for node, name in names.items() if node.op != "output"][-1]


def shown(name: str, value: Any, array: LabelledArray) -> bool:
    """Whether a peer's tensor holds the map's numbers; the class token may come on top."""
    one = value[OPERANDS[name.rsplit(".", 1)[-1]]] if isinstance(value, tuple) else value
    got, wanted = one.detach().float(), torch.from_numpy(array.values.copy())
    if got.numel() != wanted.numel() and "token" in array.axes:
        axis = got.ndim - wanted.ndim + array.axes.index("token")
        count = wanted.shape[array.axes.index("token")]
        got = got.narrow(axis, got.shape[axis] - count, count)
    if got.numel() != wanted.numel():
        return False
    error = float((got.reshape(wanted.shape) - wanted).abs().max())
    return error <= SAME * float(wanted.abs().max())


def peers(model: Any, pixels: Tensor, maps: ActivationCache, group: str) -> dict[str, Any]:
    """Name -> a way to run it, and the maps of ours that it gives."""
    plain = unfused(model.module)
    wanted, answer = nodes(plain, model, maps, group)
    every = list(dict.fromkeys([*wanted.values(), answer]))
    found = {TORCHVISION: (create_feature_extractor(plain, every, tracer_kwargs=rules()), wanted)}
    patterns = {name: node for name, node in wanted.items() if node.endswith(".softmax")}
    if patterns:
        found[TIMM] = (AttentionExtract(plain, [*patterns.values(), answer]), patterns)
    ways = {}
    for peer, (run, names) in found.items():
        with torch.inference_mode():
            given = run(pixels)
        assert torch.allclose(given[answer][0], torch.tensor(maps.logits), rtol=1e-3, atol=1e-4)
        same = sum(shown(name, given[node], maps[name]) for name, node in names.items())
        ways[peer] = (run, same)
    return ways


def measure(key: str, group: str, seconds: float) -> list[report.Row]:
    """The rows of one model."""
    model = loading.load(key, untrained=True)
    inputs = loading.prepare(model, gallery.load("cat"))
    maps = capture.run_with_cache(model, inputs, group)
    others = peers(model, inputs.tensor, maps, group)

    def through(run: Any) -> Callable[[], None]:
        def call() -> None:
            with torch.inference_mode():
                run(inputs.tensor)

        return call

    ways = {BARE: through(model.module)} | {n: through(run) for n, (run, _) in others.items()}
    ways["capture"] = lambda: capture.run_with_cache(model, inputs, group)
    once = sum(found[0] for found in ratios.alternate(ways, 1).values())
    took = ratios.alternate(ways, max(LEAST, int(seconds / once)))
    rows = []
    for name in (*others, "capture"):
        own = [a / b for a, b in zip(took[name], took[BARE], strict=True)]
        shortest = min(took[name]) / min(took[BARE])  # what else ran made all others longer
        count = len(maps) if name == "capture" else others[name][1]
        rows.append(
            report.Row(
                what=f"{key} {group}: {name} / {BARE}",
                value=statistics.median(own),
                unit=f"x, shortest runs {shortest:.3f}, {count} of {len(maps)} maps",
                goal=f"<= {GOAL}" if name == "capture" else "",
                is_met=statistics.median(own) <= GOAL if name == "capture" else None,
                details={
                    "bare_ms": 1000 * statistics.median(took[BARE]),
                    "shortest": shortest,
                    "min": min(own),
                    "max": max(own),
                },
            )
        )
    return rows


def main() -> None:
    """Time the pairs; print a line for each."""
    parser = report.parser(__doc__)
    parser.add_argument("--seconds", type=float, default=12.0, help="a model (12)")
    parser.add_argument("--models", nargs="*", default=list(CASES), choices=list(CASES))
    chosen: argparse.Namespace = parser.parse_args()
    rows = []
    for key in chosen.models:
        rows += report.say(measure(key, CASES[key], chosen.seconds))
    report.write(rows, chosen.json)


if __name__ == "__main__":
    main()
