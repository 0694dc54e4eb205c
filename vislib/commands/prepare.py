"""``prepare``: compute beforehand what a page would take seconds for, and bundle it."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np

from vislib import registry
from vislib.analysis import faithfulness as judging
from vislib.attribution import estimates
from vislib.commands.arguments import DONE
from vislib.models import loading
from vislib.models.loading import LoadedModel
from vislib.observe import capture, intervention
from vislib.pictures import gallery
from vislib.schema import DecodedImage
from vislib.tables import counting, prepared

PICTURE, MODELS = "coffee", ("mixer_mini", "convmixer_mini", "davit_mini")
"""What a visitor sees first: their estimates are bundled."""
STAND_IN = "blur"


def run(out: Path | None) -> int:
    """Write the file; an exit code."""
    prepared.write(compute(), out or prepared.FILE)
    return DONE


def compute() -> prepared.Prepared:
    """Everything, with the weights that are here now."""
    pictures = [gallery.load(key) for key in gallery.GALLERY]
    header: dict[str, Any] = {"pictures": [picture.sha256 for picture in pictures]}
    header |= {"models": {}, "plans": {}, "estimates": [], "maps": {}}
    arrays: dict[str, np.ndarray] = {}
    for row in registry.MODEL_REGISTRY.values():
        if row.weights == "bundled":
            model = loading.load(row.key)
            header["labels"], header["wordnet"] = list(model.labels), list(model.wordnet)
            header["models"][row.key] = {
                "sha256": prepared.digest(row.key),
                "size": model.config.size,
                "crop": model.config.crop,
            }
            header["plans"][row.key] = dataclasses.asdict(counting.plan_of(row.key))
            arrays[f"logits.{row.key}"] = np.stack([_logits(model, one) for one in pictures])
    for key in MODELS:
        _estimates(key, gallery.load(PICTURE), header, arrays)
    return prepared.Prepared(header=header, arrays=arrays)


def _logits(model: LoadedModel, picture: DecodedImage) -> np.ndarray:
    return capture.run_with_cache(model, loading.prepare(model, picture), "logits").logits


def _estimates(
    key: str, picture: DecodedImage, header: dict[str, Any], arrays: dict[str, np.ndarray]
) -> None:
    """All that the page shows of one model's best class."""
    trained = intervention.private(loading.load(key))
    random = intervention.private(loading.load(key, untrained=True))
    target = int(_logits(trained, picture).argmax())
    name = f"{key}.{picture.sha256}.{target}.{STAND_IN}"
    header["estimates"].append(name)
    ends = {
        variant: estimates.ends_of(model, loading.prepare(model, picture), stand_in=STAND_IN)
        for variant, model in (("map", trained), ("untrained", random))
    }
    orders = {f"random.{seed}": judging.random_order(judging.CELLS, seed) for seed in judging.SEEDS}
    for method in judging.METHODS:
        for variant, model in (("map", trained), ("untrained", random)):
            array = estimates.map_of(
                model,
                loading.prepare(model, picture),
                method,
                target=target,
                stand_in=STAND_IN,
                report=_silent,
            )
            facts = dataclasses.asdict(dataclasses.replace(array, values=np.zeros((1, 1))))
            del facts["values"]
            header["maps"][f"{name}.{method}.{variant}"] = {
                "array": facts,
                "difference": float(np.subtract(*ends[variant][:, target])),
            }
            arrays[f"{name}.{method}.{variant}"] = array.values
            if variant == "map":
                orders[method] = judging.order_of(array, judging.CELLS)
    side = trained.config.size
    for which, order in orders.items():
        masks = judging.masks(order, cells=judging.CELLS, steps=judging.STEPS, shape=(side, side))
        arrays[f"{name}.curves.{which}"] = np.stack(
            estimates.curves_of(
                trained,
                loading.prepare(trained, picture),
                masks,
                target=target,
                stand_in=STAND_IN,
                ends=ends["map"],
                report=_silent,
            )
        )


def _silent(_done: int, _total: int) -> None:
    """No report."""
