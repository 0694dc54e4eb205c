"""What takes seconds, computed beforehand: the gallery's answers, estimates, plans of costs.

``python -m vislib prepare`` writes assets/prepared.npz anew. It holds what computing gives, for the
bundled models alone, and is used only while their weights are those that it was made with. Light:
nothing here runs a model.
"""

from __future__ import annotations

import functools
import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from vislib.analysis.costs import CostPlan, Term
from vislib.analysis.faithfulness import Curves
from vislib.pictures import geometry
from vislib.schema import ActivationCache, LabelledArray, TableError, TokenGrid, freeze
from vislib.texts import Message
from vislib.weights import files

FILE = Path(__file__).resolve().parents[2] / "assets" / "prepared.npz"
MOMENT = (2026, 1, 1, 0, 0, 0)
"""In the archive's entries, so that the same numbers are the same bytes."""


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """The file's content.

    Attributes:
        header: Models with their weights' digests, labels, crops; pictures; what each map is.
        arrays: Name -> array.
    """

    header: Mapping[str, Any]
    arrays: Mapping[str, np.ndarray]

    def fits(self, key: str) -> bool:
        """Whether it is about the weights of a bundled model that are here now."""
        known = self.header["models"].get(key)
        return known is not None and known["sha256"] == digest(key)

    def answer(self, key: str, sha256: str, size: tuple[int, int]) -> ActivationCache | None:
        """A model's answer to a picture of the gallery; None where it is not here.

        Args:
            key: Registry key, of trained weights.
            sha256: The picture's digest.
            size: The picture's width and height, in pixels.
        """
        pictures: list[str] = self.header["pictures"]
        if sha256 not in pictures or not self.fits(key):
            return None
        model = self.header["models"][key]
        return ActivationCache(
            arrays={},
            logits=freeze(self.arrays[f"logits.{key}"][pictures.index(sha256)].copy()),
            labels=tuple(self.header["labels"]),
            model_key=key,
            image_sha256=sha256,
            view_box=geometry.view_box(*size, size=model["size"], crop=model["crop"]),
            seconds=0.0,
        )

    def labels(self, key: str) -> tuple[str, ...] | None:
        """A model's classes, None where it is not here."""
        return tuple(self.header["labels"]) if self.fits(key) else None

    def wordnet(self, key: str) -> tuple[str, ...] | None:
        """The WordNet ids of a model's classes, None where it is not here."""
        return tuple(self.header["wordnet"]) if self.fits(key) else None

    def estimate(self, key: str, sha256: str, target: int, stand_in: str) -> str:
        """The name under which estimates are kept; empty where there are none of this question."""
        name = f"{key}.{sha256}.{target}.{stand_in}"
        return name if name in self.header["estimates"] and self.fits(key) else ""

    def map_of(self, name: str, method: str, variant: str) -> tuple[LabelledArray, float]:
        """A map, and by how much the class's logit lies above that of the stand-in.

        Args:
            name: From ``estimate``.
            method: Such as "grad_cam".
            variant: "map" or "untrained".
        """
        facts = self.header["maps"][f"{name}.{method}.{variant}"]
        array = LabelledArray(
            values=freeze(self.arrays[f"{name}.{method}.{variant}"].copy()),
            **{**facts["array"], "axes": tuple(facts["array"]["axes"])},
        )
        return array, float(facts["difference"])

    def curves(self, name: str, which: str) -> Curves:
        """Insertion and deletion in the order of a method's map, or in a seeded random one.

        Args:
            name: From ``estimate``.
            which: A method, or "random.1" for a seed.
        """
        pair = freeze(self.arrays[f"{name}.curves.{which}"].copy())
        return Curves(insertion=pair[0], deletion=pair[1])

    def plan(self, key: str) -> CostPlan | None:
        """A bundled model's cost plan; None where it is not here. It needs no weights."""
        found = self.header["plans"].get(key)
        return None if found is None else _plan(found)


def digest(key: str) -> str:
    """SHA-256 of a bundled model's weights as its card says it; empty where there is no card."""
    try:
        return str(files.read_card(key).get("sha256", ""))
    except Exception:  # whoever loads the weights says what is wrong with the card
        return ""


def _plan(found: Mapping[str, Any]) -> CostPlan:
    terms = tuple(Term(**term) for term in found["terms"])
    return CostPlan(**{**found, "grid": TokenGrid(**found["grid"]), "terms": terms})


@functools.cache
def read() -> Prepared | None:
    """What is bundled, None where the file is not there.

    Raises:
        TableError: It is damaged.
    """
    if not FILE.is_file():
        return None
    try:
        with np.load(FILE, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files if name != "header"}
            return Prepared(header=json.loads(str(stored["header"])), arrays=arrays)
    except Exception as error:  # zip, zlib, NumPy's own format and JSON each have several kinds
        what = Message("error.table.unreadable", kind=type(error).__name__)
        raise TableError(
            "error.table.bundled", file=FILE.name, folder="assets", what=what
        ) from error


def write(prepared: Prepared, path: Path) -> None:
    """Write a file; the same numbers give the same bytes."""
    parts = {**prepared.arrays, "header": np.array(json.dumps(prepared.header, sort_keys=True))}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, array in parts.items():
            sink = io.BytesIO()
            np.lib.format.write_array(sink, array, allow_pickle=False)
            archive.writestr(
                zipfile.ZipInfo(f"{name}.npy", MOMENT), sink.getvalue(), zipfile.ZIP_DEFLATED
            )
