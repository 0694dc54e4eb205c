"""Where weights come from: bundled with the project, or already in the Hugging Face cache.

Weights are read from safetensors only. Bundled ones are stored as float16 and computed with as
float32; each has a card (JSON) beside it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from huggingface_hub import try_to_load_from_cache
from safetensors import SafetensorError

from vislib.schema import ModelSpec, WeightsError

if TYPE_CHECKING:
    from torch import Tensor

FOLDER = Path(__file__).resolve().parent.parent / "assets" / "weights"


@dataclass(frozen=True, kw_only=True)
class WeightsStatus:
    """Whether a model's weights are there.

    Attributes:
        key: Registry key.
        path: The file, None when it is not there.
        megabytes: Size of the file (1e6 bytes), None when it is not there.
        source: "bundled" or "timm".
        licence: Of the weights.
    """

    key: str
    path: Path | None
    megabytes: float | None
    source: str
    licence: str

    @property
    def present(self) -> bool:
        """Whether the model can be loaded without a network."""
        return self.path is not None


def status(spec: ModelSpec) -> WeightsStatus:
    """Look for a model's weights without any network."""
    path = _bundled_path(spec.key) if spec.weights == "bundled" else _cached_path(spec.key)
    found = path if path is not None and path.is_file() else None
    return WeightsStatus(
        key=spec.key,
        path=found,
        megabytes=found.stat().st_size / 1e6 if found else None,
        source=spec.weights,
        licence=spec.licence,
    )


def _bundled_path(key: str) -> Path:
    return FOLDER / f"{key}.safetensors"


def _cached_path(key: str) -> Path | None:
    """The file in the Hugging Face cache, where timm puts it (test_weights.py checks the name)."""
    found = try_to_load_from_cache(f"timm/{key}", "model.safetensors")
    return Path(found) if isinstance(found, str) else None


def require(spec: ModelSpec) -> Path:
    """The weights file of a model.

    Raises:
        WeightsError: It is not there; the message says how to get it.
    """
    path = status(spec).path
    if path is None and spec.weights == "bundled":
        raise WeightsError(
            f"The bundled weights of {spec.key} are missing from assets/weights. "
            "Get a complete copy of the project, or train them: python -m vislib train."
        )
    if path is None:
        raise WeightsError(
            f"The published weights of {spec.key} are not on this machine. With a network, "
            f"timm.create_model({spec.key!r}, pretrained=True) puts them into the cache once; "
            "the bundled models work without."
        )
    return path


def read_state(path: Path) -> dict[str, Tensor]:
    """Read a safetensors file; float16 becomes float32.

    Raises:
        WeightsError: The file is damaged.
    """
    from safetensors.torch import load_file  # torch comes with it: only when it is needed

    try:
        state = load_file(path)
    except (SafetensorError, OSError) as error:
        raise WeightsError(
            f"{path.name} is damaged ({error}). Delete the file and get it again."
        ) from error
    return {name: t.float() if t.is_floating_point() else t for name, t in state.items()}


def write_state(state: dict[str, Tensor], path: Path) -> None:
    """Write a model's state as float16 safetensors (whole numbers stay as they are)."""
    from safetensors.torch import save_file

    path.parent.mkdir(parents=True, exist_ok=True)
    half = {n: (t.half() if t.is_floating_point() else t).contiguous() for n, t in state.items()}
    save_file(half, path)


def read_card(key: str) -> dict[str, Any]:
    """The card of a bundled model: data, recipe, hardware, seconds, accuracy, classes.

    Raises:
        WeightsError: There is no card, or it is no JSON.
    """
    path = FOLDER / f"{key}.json"
    try:
        card: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise WeightsError(
            f"The card of {key} cannot be read ({type(error).__name__}). "
            "Get a complete copy of the project."
        ) from error
    return card
