"""What a graphics card makes of the app's runs: time, memory, and whether the numbers are right.

    python benchmarks/gpu.py [--minutes 5] [--json FILE]

Needs torch (2.11 or later), timm, Babel and imagecodecs; no Streamlit, no captum, no download: the
weights are random, and the time does not depend on them. Without a CUDA device it is a dry run on
the processor with the bundled models' architectures: every step is done once, and what only a card
can show is left out. Measured: a new picture on a model that is loaded and on one that is not;
capture against the bare forward; fifty changes of the model on a shelf that holds two; what becomes
of a model that finds no memory; whether TF32 is off; whether the results are the processor's.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
import torch

from benchmarks import ratios, report
from vislib.models import devices, footprint, loading
from vislib.models.loading import LoadedModel
from vislib.models.shelf import Shelf
from vislib.observe import capture
from vislib.schema import ActivationCache, DecodedImage

LARGE = (
    *("davit_tiny.msft_in1k", "mixer_b16_224.goog_in21k_ft_in1k", "convmixer_768_32.in1k"),
    *("vit_base_patch16_224.augreg_in1k", "swin_tiny_patch4_window7_224.ms_in1k"),
)
SMALL = ("davit_mini", "mixer_mini", "convmixer_mini", "vit_mini", "resnet_mini")
PICTURES, SWITCHES = 10, 50
WARM_MS, RATIO, EQUAL, EXACT = 100.0, 1.03, 1e-4, 1e-5

Rows = Iterator[report.Row]


def picture(seed: int) -> DecodedImage:
    """One that nothing has seen yet."""
    pixels = np.random.default_rng(seed).integers(256, size=(480, 640, 3), dtype=np.uint8)
    return DecodedImage(pixels=pixels, sha256=f"{seed:064x}", name="noise", source_format="PNG")


def middle(model: LoadedModel) -> str:
    """The block in the middle: what a page shows of it is captured."""
    return model.sites[len(model.sites) // 2].group


def look(model: LoadedModel, seed: int) -> ActivationCache:
    """What a visitor waits for: the picture is prepared, the model runs, the maps are there."""
    return capture.run_with_cache(model, loading.prepare(model, picture(seed)), middle(model))


def milliseconds(work: Callable[[], object]) -> float:
    """Of one call; capture itself waits for the card."""
    started = time.perf_counter()
    work()
    return 1000 * (time.perf_counter() - started)


def new_pictures(keys: tuple[str, ...]) -> Rows:
    """Cold: the model is loaded first. Warm: it is there, and has run."""
    shelf = Shelf()
    for key in keys:
        cold = milliseconds(lambda key=key: look(shelf.get(key, untrained=True), 0))
        model = shelf.get(key, untrained=True)
        seeds = range(1, PICTURES + 1)
        warm = [milliseconds(lambda m=model, s=seed: look(m, s)) for seed in seeds]
        yield report.Row(what=f"{key}: a new picture, cold", value=cold, unit="ms")
        yield report.Row(
            what=f"{key}: a new picture, warm",
            value=statistics.median(warm),
            unit=f"ms, longest {max(warm):.1f}",
            goal=f"< {WARM_MS:.0f} ms",
            is_met=max(warm) < WARM_MS,
        )


def against_bare(keys: tuple[str, ...]) -> Rows:
    """Capture over the bare forward, in neighbouring runs."""
    for key in keys:
        model = loading.load(key, untrained=True)
        inputs = loading.prepare(model, picture(0))

        def bare(model: LoadedModel = model, inputs: Any = inputs) -> None:
            with torch.inference_mode():
                model.module(inputs.tensor)[0].cpu()  # waits for the card

        def captured(model: LoadedModel = model, inputs: Any = inputs) -> None:
            capture.run_with_cache(model, inputs, middle(model))

        took = ratios.alternate({"bare": bare, "capture": captured}, 2 * PICTURES)
        ratio = statistics.median(a / b for a, b in zip(took["capture"], took["bare"], strict=True))
        yield report.Row(
            what=f"{key}: capture / bare forward",
            value=ratio,
            unit="x",
            goal=f"<= {RATIO}",
            is_met=ratio <= RATIO,
            details={"bare_ms": 1000 * statistics.median(took["bare"])},
        )


def switches(keys: tuple[str, ...]) -> Rows:
    """Fifty changes of the model within a budget for two: what the card holds does not grow."""
    budget = 2 * max(footprint.expected_bytes(key) for key in keys)
    shelf, most, held = Shelf(budget), 0, []
    for number in range(SWITCHES):
        key = keys[number % len(keys)]
        shelf.run(key, lambda model, n=number: look(model, n), untrained=True)
        most = max(most, shelf.usage().bytes)
        if torch.cuda.is_available() and (number + 1) % len(keys) == 0:
            held.append(torch.cuda.memory_allocated())  # each time with the same models
    yield report.Row(
        what=f"{SWITCHES} changes of the model: most on the shelf / its budget",
        value=most / budget,
        unit="x",
        goal="<= 1",
        is_met=most <= budget,
    )
    if held:
        grown = held[-1] - held[0]
        yield report.Row(
            what=f"{SWITCHES} changes of the model: memory of the card, last - first round",
            value=grown / 1e6,
            unit="MB",
            goal="<= 0",
            is_met=grown <= 0,
        )


def without_memory(keys: tuple[str, ...]) -> Rows:
    """The card is told to be full: the model moves to the processor and gives its result there."""
    if not torch.cuda.is_available():
        return
    key, shelf = keys[0], Shelf()
    devices.release()
    total = torch.cuda.get_device_properties(0).total_memory
    share = (torch.cuda.memory_allocated() + footprint.expected_bytes(key) // 2) / total
    torch.cuda.set_per_process_memory_fraction(share)
    try:
        found = shelf.run(key, lambda model: look(model, 0), untrained=True)
        moved = [name[0] for name in shelf.usage().moved]
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
    here = look(loading.load(key, untrained=True, device=torch.device("cpu")), 0)
    is_same = moved == [key] and np.array_equal(found.logits, here.logits)
    yield report.Row(
        what=f"{key}: without memory on the card it ran on the processor, same answer",
        value=float(is_same),
        unit="(1: yes)",
        goal="= 1",
        is_met=is_same,
    )


def products() -> dict[str, float]:
    """Largest error of a product and of a convolution, as a share of the float64 result's scale."""
    generator = torch.Generator().manual_seed(0)
    a, b = (torch.randn(512, 512, generator=generator) for _ in range(2))
    maps = torch.randn(1, 64, 56, 56, generator=generator)
    kernel = torch.randn(64, 64, 3, 3, generator=generator)
    device, found = devices.choose_device(), {}
    pairs: dict[str, tuple[Callable[..., torch.Tensor], tuple[torch.Tensor, torch.Tensor]]] = {
        "product": (torch.matmul, (a, b)),
        "convolution": (torch.nn.functional.conv2d, (maps, kernel)),
    }
    for name, (run, operands) in pairs.items():
        exact = run(*(one.double() for one in operands))
        got = run(*(one.to(device) for one in operands)).cpu().double()
        found[name] = float((got - exact).abs().max() / exact.abs().max())
    return found


def precision() -> Rows:
    """Error against float64, as the app sets torch, and with TF32 as the control."""
    devices.use_exact_float32()
    for name, error in products().items():
        yield report.Row(
            what=f"{name} in float32: error to float64 / scale",
            value=1e6 * error,
            unit="millionths",
            goal=f"< {1e6 * EXACT:.0f}",
            is_met=error < EXACT,
        )
    if torch.cuda.is_available():
        for part in (torch.backends.cuda.matmul, torch.backends.cudnn.conv):
            part.fp32_precision = "tf32"  # type: ignore[attr-defined]
        for name, error in products().items():
            what = f"{name} in TF32 (control: has to be seen)"
            seen = error > EXACT
            goal = f"> {1e6 * EXACT:.0f}"
            value = 1e6 * error
            yield report.Row(what=what, value=value, unit="millionths", goal=goal, is_met=seen)
        devices.use_exact_float32()


def as_on_the_processor(keys: tuple[str, ...]) -> Rows:
    """Every number of a run on the card and of one on the processor, as a share of its scale."""
    for key in keys:
        one = look(loading.load(key, untrained=True), 0)
        two = look(loading.load(key, untrained=True, device=torch.device("cpu")), 0)
        arrays = {"logits": (one.logits, two.logits)}
        arrays |= {name: (array.values, two[name].values) for name, array in one.items()}
        error = max(float(np.abs(a - b).max() / np.abs(b).max()) for a, b in arrays.values())
        yield report.Row(
            what=f"{key}: largest difference to the processor / scale, {len(arrays)} arrays",
            value=1e6 * error,
            unit="millionths",
            goal=f"< {1e6 * EQUAL:.0f}",
            is_met=error < EQUAL,
        )


def main() -> None:
    """Do one part after the other while there is time."""
    parser = report.parser(__doc__)
    parser.add_argument("--minutes", type=float, default=5.0, help="begin no part after these (5)")
    chosen: argparse.Namespace = parser.parse_args()
    has_card = torch.cuda.is_available()
    where = torch.cuda.get_device_name() if has_card else "dry run on the processor, small models"
    print(f"torch {torch.__version__}, {where}", flush=True)
    keys = LARGE if has_card else SMALL
    parts: tuple[tuple[str, Callable[[], Rows]], ...] = (
        ("precision", precision),
        ("new pictures", lambda: new_pictures(keys)),
        ("as on the processor", lambda: as_on_the_processor(keys)),
        ("without memory", lambda: without_memory(keys)),
        ("capture", lambda: against_bare(keys)),
        ("changes of the model", lambda: switches(keys)),
    )
    rows: list[report.Row] = []
    started = time.monotonic()
    for name, part in parts:
        if time.monotonic() - started > 60 * chosen.minutes:
            print(f"no time left for: {name}", flush=True)
            continue
        for row in part():
            rows += report.say([row])
    print(f"{time.monotonic() - started:.0f} s", flush=True)
    report.write(rows, chosen.json)


if __name__ == "__main__":
    main()
