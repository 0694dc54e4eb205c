"""Reading parameters: the one way from a module's weights to a LabelledArray."""

from __future__ import annotations

from torch import nn

from vislib.schema import CaptureError, LabelledArray


def read_parameter(
    model: nn.Module, path: str, axes: tuple[str, ...], role: str, *, squeeze: int | None = None
) -> LabelledArray:
    """Read one parameter as it is.

    Args:
        model: The model.
        path: timm's parameter path ("blocks.0.mlp_tokens.fc1.weight").
        axes: Names of the parameter's axes.
        role: From ``schema.ROLES``.
        squeeze: An axis of size 1 to drop first (a depthwise kernel's input axis).

    Raises:
        CaptureError: There is no such parameter.
    """
    try:
        parameter = model.get_parameter(path).detach().cpu()
    except AttributeError:
        raise CaptureError(f"The model has no parameter {path!r}.") from None
    if squeeze is not None:
        parameter = parameter.squeeze(squeeze)
    return LabelledArray(
        values=parameter.numpy().copy(),
        axes=axes,
        role=role,
        unit="weight",
        signed=True,
        provenance="parameter",
        source=path,
    )
