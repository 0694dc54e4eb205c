"""Which layers of two models are alike: the pictures that are asked, and the stored answers.

Nothing here runs a model: the features come from ``probing.token_means``.
"""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vislib.analysis.cka import cka_table
from vislib.pictures import gallery
from vislib.schema import DecodedImage, ShapeError, TableError, freeze
from vislib.texts import Message

ASSETS = Path(__file__).resolve().parents[2] / "assets"
FILE = ASSETS / "similarity.npz"
WEIGHTS = ASSETS / "weights"
SEED = 0
VIEWS = 4
"""Of each gallery picture: as it is, mirrored, and two seeded crops, each mirrored or not."""
SMALLEST_CROP = 0.5
"""Of the shorter side."""

Features = Mapping[str, np.ndarray]
"""Name of the tokens -> axes (sample, channel)."""


@dataclass(frozen=True, kw_only=True)
class Stored:
    """The table that comes with the project.

    Attributes:
        layers: (model key, name of the tokens), one a row and a column.
        table: CKA without the bias of few samples, float32, axes (layer, layer).
        samples: How many pictures were asked.
        seed: Of the crops.
        digests: Model key -> digest of the weights that were asked.
    """

    layers: tuple[tuple[str, str], ...]
    table: np.ndarray
    samples: int
    seed: int
    digests: Mapping[str, str]

    def __post_init__(self) -> None:
        object.__setattr__(self, "table", freeze(self.table))

    def names(self, key: str) -> tuple[str, ...]:
        """The names of a model's tokens, in the order in which they are computed."""
        return tuple(name for model, name in self.layers if model == key)

    def pair(self, first: str, second: str) -> np.ndarray:
        """The part of the table for two models, axes (layer of first, layer of second).

        Raises:
            ShapeError: The table does not have one of them.
        """
        places = [
            [place for place, (model, _) in enumerate(self.layers) if model == key]
            for key in (first, second)
        ]
        if not all(places):
            raise ShapeError(
                "error.table.no_pair",
                first=first,
                second=second,
                models=list(dict.fromkeys(model for model, _ in self.layers)),
            )
        return np.asarray(self.table[np.ix_(*places)])

    def fits(self, key: str) -> bool:
        """Whether it is about the weights that are here now."""
        return bool(self.digests.get(key)) and self.digests[key] == weights_digest(key)


def samples(seed: int = SEED, views: int = VIEWS) -> list[DecodedImage]:
    """The pictures that are asked: every gallery picture, patterns too, in ``views`` views.

    Args:
        seed: Of the crops and of which are mirrored.
        views: Of each picture, 1 or more.
    """
    random = np.random.default_rng(seed)
    found: list[DecodedImage] = []
    for key in gallery.GALLERY:
        whole = gallery.load(key).pixels
        cut = [whole, whole[:, ::-1]]
        cut += [_crop(whole, random) for _ in range(views - len(cut))]
        found += [_decoded(pixels, f"{key} {n}") for n, pixels in enumerate(cut[:views], 1)]
    return found


def _crop(pixels: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """A square from anywhere in the picture, mirrored every second time on average."""
    rows, columns = pixels.shape[:2]
    shorter = min(rows, columns)
    side = int(random.integers(int(SMALLEST_CROP * shorter), shorter + 1))
    top, left = (int(random.integers(0, size - side + 1)) for size in (rows, columns))
    part = pixels[top : top + side, left : left + side]
    return part[:, ::-1] if random.random() < 0.5 else part


def _decoded(pixels: np.ndarray, name: str) -> DecodedImage:
    bare = np.ascontiguousarray(pixels)
    digest = hashlib.sha256(bare.tobytes()).hexdigest()
    return DecodedImage(pixels=bare, sha256=digest, name=name, source_format="PNG")


def compare(first: Features, second: Features) -> np.ndarray:
    """CKA without the bias of few samples, axes (tokens of first, tokens of second)."""
    return freeze(cka_table(list(first.values()), list(second.values()), debiased=True))


def weights_digest(key: str, folder: Path | None = None) -> str:
    """SHA-256 of a bundled model's weights, empty where the file is not there.

    Args:
        key: Registry key.
        folder: Where the weights are; the project's own if None.
    """
    path = (folder or WEIGHTS) / f"{key}.safetensors"
    if not path.is_file():
        return ""
    status = path.stat()
    return _digest(path, status.st_mtime_ns, status.st_size)


@functools.lru_cache(maxsize=32)
def _digest(path: Path, _changed: int, _size: int) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def write(features: Mapping[str, Features], count: int, path: Path = FILE) -> int:
    """Write the table of all pairs of layers of all models.

    Args:
        features: Model key -> its features, all over the same samples.
        count: How many samples there were.
        path: The file.

    Returns:
        Its size in bytes. The same features give the same bytes.
    """
    layers = [(key, name) for key, found in features.items() for name in found]
    every = [features[key][name] for key, name in layers]
    header = {
        "layers": layers,
        "samples": count,
        "seed": SEED,
        "pictures": list(gallery.GALLERY),
        "digests": {key: weights_digest(key) for key in features},
    }
    table = cka_table(every, every, debiased=True).astype(np.float32)
    with path.open("wb") as sink:
        np.savez_compressed(sink, table=table, header=np.array(json.dumps(header)))
    return path.stat().st_size


def read(path: Path | None = None) -> Stored:
    """The stored table.

    Args:
        path: The file; the project's own if None.

    Raises:
        TableError: The file is missing, damaged, or is no such table.
    """
    path = path or FILE
    try:
        with path.open("rb") as source:
            stored = np.load(source, allow_pickle=False)
            table, header = stored["table"], json.loads(str(stored["header"]))
        found = Stored(
            layers=tuple((str(key), str(name)) for key, name in header["layers"]),
            table=table,
            samples=int(header["samples"]),
            seed=int(header["seed"]),
            digests=dict(header["digests"]),
        )
        side = len(found.layers)
        whole = found.table.shape == (side, side) and bool(np.isfinite(found.table).all())
    except OSError as error:
        kind = error.strerror or type(error).__name__
        raise _fault(path, Message("error.table.unreadable", kind=kind)) from error
    except Exception as error:  # zip, zlib, NumPy's own format and JSON each have several kinds
        what = Message("error.table.unreadable", kind=type(error).__name__)
        raise _fault(path, what) from error
    if not whole:
        raise _fault(path, Message("error.table.no_similarity"))
    return found


def _fault(path: Path, what: Message) -> TableError:
    """A table that cannot be used."""
    return TableError("error.table.bundled", file=path.name, folder="assets", what=what)
