"""Reading parameters: the one way from a module's weights to a LabelledArray."""

from __future__ import annotations

from collections.abc import Iterable

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
        raise CaptureError("error.capture.no_parameter", path=path) from None
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


def read_rows(
    model: nn.Module, group: str, rows: Iterable[tuple[str, str, tuple[str, ...]]]
) -> dict[str, LabelledArray]:
    """Read the parameters of a group, named "{group}.{role}.{...}".

    Args:
        model: The model.
        group: "stage{i}.block{j}".
        rows: Name within the group, timm's parameter path, axes.
    """
    return {
        f"{group}.{name}": read_parameter(model, path, axes, name.split(".")[0])
        for name, path, axes in rows
    }


def read_stem(model: nn.Module, path: str) -> dict[str, LabelledArray]:
    """The filters of the stem's convolution (stem.filters), and stem.bias where it has one.

    Args:
        model: The model.
        path: timm's path of the convolution.
    """
    axes, role = ("channel", "rgb", "ky", "kx"), "patch_embedding"
    found = {"stem.filters": read_parameter(model, f"{path}.weight", axes, role)}
    if model.get_submodule(path).bias is not None:
        found["stem.bias"] = read_parameter(model, f"{path}.bias", ("channel",), role)
    return found
