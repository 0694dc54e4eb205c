"""The four estimates beside captum as it comes, and the page's "Compute" beside an older build's.

    python benchmarks/estimates.py [--models NAME ...] [--rounds 3] [--old FOLDER] [--json FILE]

Both run on the same model one after the other, so a ratio holds when the machine's speed drifts; a
ratio above 1 says that captum takes longer. How far the maps lie apart is told as a share of the
map's scale. captum has its defaults for all that does not change the map: one window at a time for
occlusion, all steps in one batch for the others. Where its Grad-CAM takes tokens for channels there
is no such map, and no ratio. With ``--old`` Chromium presses "Compute" on the page of both builds,
on one picture after the other, and nothing that comes with the project answers it.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402
import torch  # noqa: E402
from captum.attr import (  # noqa: E402
    IntegratedGradients,
    LayerGradCam,
    NoiseTunnel,
    Occlusion,
    Saliency,
)
from torch import Tensor  # noqa: E402

from benchmarks import ratios, report  # noqa: E402
from benchmarks.clicks import FLAGS, SIZE, serve, settle  # noqa: E402
from tests.browser import chromium  # noqa: E402
from vislib.attribution import methods  # noqa: E402
from vislib.attribution.methods import METHODS, Method  # noqa: E402
from vislib.models import loading  # noqa: E402
from vislib.observe.capture import output_point  # noqa: E402
from vislib.pictures import gallery  # noqa: E402

MINIS = ("davit_mini", "mixer_mini", "convmixer_mini", "vit_mini", "resnet_mini")
LARGE = "davit_tiny.msft_in1k"
PICTURES = ("cat", "koala", "bee", "lemon", "orange")
TARGET, SAME, OCCLUSION_GOAL, PAGE_GOAL = 3, 1e-5, 3.0, 0.5
SECONDS = 600.0


def by_captum(model: Any, pixels: Tensor, baseline: Tensor, method: Method) -> Tensor | None:
    """The map of captum, axes (row, column); None where it has none."""

    def score(images: Tensor) -> Tensor:
        answer: Tensor = model.module(images)[:, TARGET]
        return answer

    found: Any
    if method == "integrated_gradients":
        ways = {"n_steps": methods.STEPS, "method": "gausslegendre"}
        found = IntegratedGradients(score).attribute(pixels, baselines=baseline, **ways)
        return found[0].sum(dim=0)
    if method == "smooth_grad":
        torch.manual_seed(0)
        spread = methods.NOISE * float(pixels.detach().max() - pixels.detach().min())
        ways = {"nt_type": "smoothgrad", "nt_samples": methods.SAMPLES, "stdevs": spread}
        found = NoiseTunnel(Saliency(score)).attribute(pixels, abs=False, **ways)
        return found[0].pow(2).sum(dim=0).sqrt()
    if method == "occlusion":
        side = -(-pixels.shape[-1] // methods.WINDOWS)
        window = (3, side, side)
        found = Occlusion(score).attribute(
            pixels, sliding_window_shapes=window, strides=window, baselines=baseline
        )
        return found[0].mean(dim=0)
    point = output_point(model, methods.cam_site(model, model.sites))
    if point.axes != ("channel", "row", "column"):
        return None
    layer = model.module.get_submodule(point.module)
    found = LayerGradCam(score, layer).attribute(pixels, relu_attributions=False)
    return found[0, 0]


def beside_captum(key: str, asked: Sequence[Method], rounds: int) -> Iterator[report.Row]:
    """A line a method."""
    model = loading.load(key, untrained=key == LARGE)
    inputs = loading.prepare(model, gallery.load(PICTURES[0]))
    baseline = methods.stand_in(inputs.tensor, "blur")
    for method in asked:
        site = methods.cam_site(model, model.sites) if method == "grad_cam" else None
        choices: dict[str, Any] = {"target": TARGET, "baseline": baseline, "site": site}
        found: dict[str, Any] = {}

        def here(found: Any = found, method: Method = method, choices: Any = choices) -> None:
            found["here"] = methods.attribute(model, inputs, method, **choices).values

        def captum(found: Any = found, method: Method = method) -> None:
            pixels = inputs.tensor.clone().requires_grad_(method != "occlusion")
            found["captum"] = by_captum(model, pixels, baseline, method)

        took = ratios.alternate({"here": here, "captum": captum}, rounds)
        if found["captum"] is None:
            continue
        theirs = found["captum"].detach().double().numpy()
        apart = float(np.abs(found["here"] - theirs).max() / np.abs(theirs).max())
        faster = statistics.median(b / a for a, b in zip(took["here"], took["captum"], strict=True))
        is_goal = method == "occlusion"
        yield report.Row(
            what=f"{key}: {method}, captum / here",
            value=faster,
            unit=f"x, maps {apart:.0e} apart",
            goal=f">= {OCCLUSION_GOAL:.0f}, maps to {SAME:.0e}" if is_goal else "",
            is_met=(faster >= OCCLUSION_GOAL and apart <= SAME) if is_goal else None,
            details={"here_s": statistics.median(took["here"]), "apart": apart},
        )


def compute(page: Any, url: str, key: str, picture: str) -> float:
    """Seconds from a press on "Compute" until all is drawn."""
    page.goto(f"{url}/estimates?picture={picture}&models={key}&estimated={key.split('@')[0]}")
    button = page.locator(".st-key-estimate_now button")
    button.wait_for(timeout=1000 * SECONDS)
    settle(page)
    began = time.perf_counter()
    button.click()
    page.locator(".st-key-estimate_stop").wait_for(timeout=1000 * SECONDS)
    page.locator(".st-key-estimate_stop").wait_for(state="detached", timeout=1000 * SECONDS)
    return time.perf_counter() - began


def on_the_page(keys: list[str], old: Path, rounds: int) -> Iterator[report.Row]:
    """The page's "Compute" here over that of another checkout, on the same pictures."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play, ExitStack() as stack:
        browser = play.chromium.launch(executable_path=chromium.find(), args=FLAGS)
        urls = {}
        for kind, root in (("here", ROOT), ("old", old.resolve())):
            server, urls[kind] = serve(root)
            stack.callback(server.wait, 15)
            stack.callback(server.terminate)
        for key in keys:
            took: dict[str, list[float]] = {kind: [] for kind in urls}
            for number, picture in enumerate(PICTURES[: rounds + 1]):
                for kind in ("here", "old") if number % 2 else ("old", "here"):
                    page = browser.new_page(viewport=SIZE)
                    seconds = compute(page, urls[kind], key, picture)
                    page.close()
                    if number:  # the first one warms up
                        took[kind].append(seconds)
            pairs = zip(took["here"], took["old"], strict=True)
            ratio = statistics.median(a / b for a, b in pairs)
            yield report.Row(
                what=f"{key}: the page's Compute, here / old",
                value=ratio,
                unit=f"x, {statistics.median(took['here']):.1f} s here",
                goal=f"<= {PAGE_GOAL}",
                is_met=ratio <= PAGE_GOAL,
                details={kind: statistics.median(found) for kind, found in took.items()},
            )


def main() -> None:
    """Measure and print."""
    parser = report.parser(__doc__)
    names = [*MINIS, LARGE]
    parser.add_argument("--models", nargs="*", default=names, choices=names)
    parser.add_argument("--methods", nargs="*", default=METHODS, choices=METHODS)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--old", type=Path, help="another checkout, for the page's Compute")
    parser.add_argument("--page-only", action="store_true", help="nothing beside captum")
    chosen: argparse.Namespace = parser.parse_args()
    rows: list[report.Row] = []
    ways: list[Callable[[], Iterator[report.Row]]] = []
    if not chosen.page_only:
        ways += [
            lambda key=key: beside_captum(key, chosen.methods, chosen.rounds)
            for key in chosen.models
        ]  # type: ignore[misc]
    if chosen.old:
        keys = [f"{key}@untrained" if key == LARGE else key for key in chosen.models]
        ways.append(lambda: on_the_page(keys, chosen.old, chosen.rounds))
    for way in ways:
        for row in way():
            rows += report.say([row])
    report.write(rows, chosen.json)


if __name__ == "__main__":
    main()
