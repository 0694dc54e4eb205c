"""Where weights come from: bundled with the project, or in the Hugging Face cache.

Weights are read from safetensors only. Bundled ones are stored as float16 and computed with as
float32; each has a card (JSON) beside it. Nothing here uses a network.
"""

from __future__ import annotations

import functools
import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from huggingface_hub import try_to_load_from_cache
from safetensors import SafetensorError

from vislib.schema import ModelSpec, WeightsError
from vislib.texts import Message

if TYPE_CHECKING:
    from torch import Tensor

FOLDER = Path(__file__).resolve().parents[2] / "assets" / "weights"

FILE = "model.safetensors"
"""The file of a published model, in its repository and in the cache."""

_SHA256 = re.compile(r"[0-9a-f]{64}")
_HEADER_LIMIT = 25_000_000
"""Bytes; more is no safetensors file (Hugging Face's own limit)."""


@dataclass(frozen=True, kw_only=True)
class WeightsStatus:
    """Whether a model's weights are there.

    Attributes:
        key: Registry key.
        path: The file, None when it is not there or not whole.
        megabytes: Size of the file (1e6 bytes), None when it is not there.
        source: "bundled" or "timm".
        licence: Of the weights.
        damaged: Whether there is a file that cannot be whole: empty, cut off, or something else.
    """

    key: str
    path: Path | None
    megabytes: float | None
    source: str
    licence: str
    damaged: bool = False

    @property
    def present(self) -> bool:
        """Whether the model can be loaded without a network."""
        return self.path is not None


def repository(spec: ModelSpec) -> str:
    """Where timm publishes a row's weights (test_weights.py compares with timm's own record)."""
    return f"timm/{spec.key}"


def status(spec: ModelSpec) -> WeightsStatus:
    """Look for a model's weights without any network; the bytes are not hashed (``check`` does)."""
    found = _place(spec)
    whole = found is not None and is_whole(found)
    return WeightsStatus(
        key=spec.key,
        path=found if whole else None,
        megabytes=found.stat().st_size / 1e6 if found and whole else None,
        source=spec.weights,
        licence=spec.licence,
        damaged=found is not None and not whole,
    )


def _place(spec: ModelSpec) -> Path | None:
    """The file of a row if there is one, whole or not."""
    if spec.weights == "bundled":
        path = FOLDER / f"{spec.key}.safetensors"
    else:
        found = try_to_load_from_cache(repository(spec), FILE)
        if not isinstance(found, str):
            return None
        path = Path(found)
    return path if path.is_file() else None


def is_whole(path: Path) -> bool:
    """Whether a file is as long as its safetensors header says (quick: the header alone is read).

    A file that is not there, cannot be read or is no safetensors file is not whole.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if not 2 <= length <= min(_HEADER_LIMIT, size - 8):
                return False
            header = json.loads(file.read(length))
        ends = [entry["data_offsets"][1] for name, entry in header.items() if name[:2] != "__"]
        return bool(size == 8 + length + max(ends, default=0))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, IndexError):
        return False


def sha256(path: Path) -> str:
    """Digest of a file's bytes as 64 hexadecimal digits (0.8 s a GB).

    Raises:
        OSError: The file cannot be read.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@functools.lru_cache(maxsize=256)
def _known_sha256(path: Path, size: int, changed: int) -> str:
    """``sha256``, once for each state of a file (size in bytes, time of its last change in ns)."""
    return sha256(path)


def _promised(path: Path) -> str | None:
    """The sha256 that a file must have; None where it is not known.

    The card beside bundled weights says it (cards that were written before it did do not). In the
    cache, a snapshot's file is a link to blobs/<sha256>. Only the first link counts: the blob may
    itself be a link into a store that is shared between repositories, with names of another kind.
    """
    if path.parent == FOLDER:
        said = read_card(path.stem).get("sha256")
        return said if isinstance(said, str) else None
    blob = path.readlink() if path.is_symlink() else path
    return blob.name if blob.parent.name == "blobs" and _SHA256.fullmatch(blob.name) else None


def fault(path: Path) -> Message | None:
    """What is wrong with a weights file; None when nothing is.

    The bytes are hashed where their sha256 is known (once for each state of the file), so this may
    take a second.

    Raises:
        WeightsError: The card of bundled weights is missing or damaged.
    """
    if not is_whole(path):
        return Message("error.weights.not_whole")
    promised = _promised(path)
    try:
        state = path.stat()
        if promised not in (None, _known_sha256(path, state.st_size, state.st_mtime_ns)):
            return Message("error.weights.other_bytes")
    except OSError as error:
        return Message("error.weights.unreadable", reason=error.strerror or type(error).__name__)
    return None


def require(spec: ModelSpec) -> Path:
    """The weights file of a model, checked.

    Raises:
        WeightsError: It, or the card of bundled weights, is not there or damaged; the message says
            how to get it.
    """
    path = _place(spec)
    wrong = fault(path) if path is not None else None
    if path is not None and wrong is None:
        return path
    if spec.weights == "bundled":
        if wrong is not None:
            raise WeightsError("error.weights.bundled_damaged", model=spec.key, wrong=wrong)
        raise WeightsError("error.weights.bundled_missing", model=spec.key)
    if wrong is None:
        raise WeightsError("error.weights.not_here", model=spec.key, command=how_to_pull(spec))
    raise WeightsError(
        "error.weights.cache_damaged",
        file=FILE,
        model=spec.key,
        wrong=wrong,
        command=how_to_pull(spec),
    )


def how_to_pull(spec: ModelSpec) -> str:
    """The command that gets a row's weights."""
    return f"python -m vislib weights pull {spec.key}"


def read_state(path: Path) -> dict[str, Tensor]:
    """Read a safetensors file; float16 becomes float32.

    Raises:
        WeightsError: The file is damaged.
    """
    from safetensors.torch import load_file  # torch comes with it: only when it is needed

    try:
        state = load_file(path)
    except (SafetensorError, OSError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise WeightsError("error.weights.damaged", file=path.name, reason=reason) from error
    return {name: t.float() if t.is_floating_point() else t for name, t in state.items()}


def write_state(state: dict[str, Tensor], path: Path) -> None:
    """Write a model's state as float16 safetensors (whole numbers stay as they are)."""
    from safetensors.torch import save_file

    path.parent.mkdir(parents=True, exist_ok=True)
    half = {n: (t.half() if t.is_floating_point() else t).contiguous() for n, t in state.items()}
    save_file(half, path)


def read_card(key: str) -> dict[str, Any]:
    """The card of a bundled model: data, recipe, hardware, seconds, accuracy, classes, sha256.

    Raises:
        WeightsError: There is no card, or it is none.
    """
    path = FOLDER / f"{key}.json"
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise WeightsError("error.weights.card", file=path.name, why=why(error)) from error
    if not isinstance(card, dict):
        raise WeightsError("error.weights.card", file=path.name, why="no JSON object")
    return card


def why(error: Exception) -> str:
    """Why a file cannot be read, in few words."""
    said = error.strerror if isinstance(error, OSError) else None
    return said or type(error).__name__
