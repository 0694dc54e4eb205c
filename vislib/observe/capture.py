"""One forward pass with hooks: what a model computed on a picture, as named arrays.

All capture goes through ``run_with_cache``. Hooks on a model that visitors share mix up their
pictures, so one lock per loaded model is held from the first hook to the last; at most
``FORWARDS_AT_ONCE`` models run at a time.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from vislib.schema import (
    ActivationCache,
    CaptureError,
    Derived,
    HookPoint,
    LabelledArray,
    MixingSite,
    ModelSpec,
    ViewBox,
)

FORWARDS_AT_ONCE = 2
_running = threading.BoundedSemaphore(FORWARDS_AT_ONCE)


class Adapter(Protocol):
    """What capture needs of an architecture's adapter (see vislib.architectures)."""

    def hook_points(self, model: nn.Module, group: str | None) -> Sequence[HookPoint]:
        """What to record for a group."""

    def derive(self, model: nn.Module, tensors: Mapping[str, Tensor]) -> Mapping[str, Derived]:
        """What is rebuilt from the hooked tensors."""


class Capturable(Protocol):
    """What capture needs of a loaded model (see vislib.models.loading.LoadedModel)."""

    @property
    def spec(self) -> ModelSpec:
        """Its registry row."""

    @property
    def module(self) -> nn.Module:
        """The module that runs."""

    @property
    def adapter(self) -> Adapter:
        """The map of its family."""

    @property
    def lock(self) -> threading.RLock:
        """Held while hooks are on."""

    @property
    def labels(self) -> tuple[str, ...]:
        """One name a class."""

    @property
    def untrained(self) -> bool:
        """Whether its weights are random ones."""


class Prepared(Protocol):
    """What capture needs of a prepared picture (see vislib.models.loading.ModelInput)."""

    @property
    def tensor(self) -> Tensor:
        """Axes (1, rgb, row, column)."""

    @property
    def image_sha256(self) -> str:
        """Digest of the uploaded bytes."""

    @property
    def view_box(self) -> ViewBox:
        """What the model sees of the picture."""


def run_with_cache(
    model: Capturable, inputs: Prepared, group: str | None = None
) -> ActivationCache:
    """Run one picture through a model and keep what the hook group asks for.

    Args:
        model: From ``models.load``. It is left exactly as it was, also when the run fails.
        inputs: From ``models.prepare``: one picture, axes (1, rgb, row, column).
        group: "logits", "stem", "tokens", "stage{i}.block{j}", or None for every operator.

    Returns:
        The logits and one array a name, batch axis dropped, on the CPU in float32 (float64 for a
        float64 model).

    Raises:
        CaptureError: The batch is not 1, a module is not where the adapter says, a hook did not
            fire exactly once, the group does not exist, or a number is nan or infinite.

    Exactness:
        The logits are bitwise those of a run without hooks (test_capture.py).
    """
    if inputs.tensor.shape[0] != 1:
        raise CaptureError("error.capture.batch", count=inputs.tensor.shape[0])
    with model.lock, _running:
        points = model.adapter.hook_points(model.module, group)
        started = time.perf_counter()
        logits, tensors = _forward(model.module, inputs.tensor, points)
        if logits.device.type == "cuda":
            torch.cuda.synchronize(logits.device)
        seconds = time.perf_counter() - started
        with torch.inference_mode():
            derived = model.adapter.derive(model.module, tensors)
        arrays = {p.name: _labelled(p, tensors[p.name]) for p in points if p.keep}
        arrays |= {name: _derived(item) for name, item in derived.items()}
    answer = _to_numpy(logits[0])
    for name, values in (("logits", answer), *((n, a.values) for n, a in arrays.items())):
        if not np.isfinite(values).all():
            raise CaptureError("error.capture.not_finite", name=name, model=model.spec.key)
    return ActivationCache(
        arrays=arrays,
        logits=answer,
        labels=model.labels,
        model_key=model.spec.key,
        image_sha256=inputs.image_sha256,
        view_box=inputs.view_box,
        seconds=seconds,
        untrained=model.untrained,
    )


def output_point(model: Capturable, site: MixingSite) -> HookPoint:
    """Where the adapter says that a block's output is.

    Raises:
        CaptureError: It names none.
    """
    for point in model.adapter.hook_points(model.module, site.group):
        if point.name == f"{site.group}.out":
            return point
    raise CaptureError("error.capture.no_output", model=model.spec.key, block=site.group)


def _forward(
    module: nn.Module, images: Tensor, points: Sequence[HookPoint]
) -> tuple[Tensor, dict[str, Tensor]]:
    """One forward pass in evaluation mode with the hooks on; they come off whatever happens."""
    tensors: dict[str, Tensor] = {}
    fired: dict[str, int] = {point.name: 0 for point in points}
    with ExitStack() as stack:
        for point in points:
            try:
                target = module.get_submodule(point.module)
            except AttributeError:
                raise CaptureError(
                    "error.capture.no_module", name=point.name, module=point.module
                ) from None
            handle = target.register_forward_hook(_recorder(point, tensors, fired))
            stack.callback(handle.remove)
        with torch.inference_mode():
            logits: Tensor = module(images)
    wrong = {name: count for name, count in fired.items() if count != 1}
    if wrong:
        raise CaptureError("error.capture.not_once", count=len(points), counts=wrong)
    return logits, tensors


def _recorder(
    point: HookPoint, tensors: dict[str, Tensor], fired: dict[str, int]
) -> Callable[[nn.Module, tuple[Any, ...], Any], None]:
    """A hook that keeps a copy: a later in-place operation must not change what was seen.

    It is the only one: C-contiguous memory of its own, which the array then takes over.
    """

    def record(_module: nn.Module, inputs: tuple[Any, ...], output: Any) -> None:
        value = inputs[0] if point.side == "in" else output
        fired[point.name] += 1
        tensors[point.name] = value.detach().clone(memory_format=torch.contiguous_format)

    return record


def _labelled(point: HookPoint, tensor: Tensor) -> LabelledArray:
    """Drop the batch axis and name the others; the recorder's copy becomes the array."""
    value = tensor[0] if point.batched else tensor
    without = ""
    if point.prefix:
        value = value.narrow(
            point.axes.index("token"),
            point.prefix,
            value.shape[point.axes.index("token")] - point.prefix,
        )
        without = f", without the first {point.prefix}"
    values = _to_numpy(value) if point.prefix else _taken_over(value)
    if values.ndim != len(point.axes):
        raise CaptureError(
            "error.capture.axes",
            name=point.name,
            count=values.ndim,
            shape=values.shape,
            axes=point.axes,
        )
    return LabelledArray(
        values=values,
        axes=point.axes,
        role=point.role,
        unit="activation",
        signed=point.signed,
        provenance="activation",
        source=f"{point.module} ({'input' if point.side == 'in' else 'output'}{without})",
    )


def _derived(item: Derived) -> LabelledArray:
    """A rebuilt tensor as an array."""
    return LabelledArray(
        values=_to_numpy(item.values),
        axes=item.axes,
        role=item.role,
        unit=item.unit,
        signed=item.signed,
        provenance="recomputed",
        source=item.source,
    )


def _to_numpy(tensor: Tensor) -> np.ndarray:
    """float32 (or float64, kept) on the CPU, in memory of its own that refuses writes."""
    return _taken_over(tensor.clone(memory_format=torch.contiguous_format))


def _taken_over(tensor: Tensor) -> np.ndarray:
    """The same of a contiguous tensor that nobody else holds: on the CPU without another copy."""
    if tensor.dtype != torch.float64:
        tensor = tensor.float()
    values: np.ndarray = tensor.detach().cpu().numpy()
    values.flags.writeable = False  # visitors share it; and a LabelledArray need not copy it again
    return values
