"""The registry: one row a model.

It imports nothing heavy, so that a page can name its models at once.
"""

from __future__ import annotations

from vislib.schema import ModelError, ModelSpec

MINI_SIZE = 64
"""Side of the bundled models' input, in model pixels."""

_ROWS = (
    ModelSpec(
        key="mixer_mini",
        family="mixer",
        title="Mixer mini",
        weights="bundled",
        licence="MIT",
        paper="2105.01601",
        build={
            "class": "timm.models.mlp_mixer.MlpMixer",
            "img_size": MINI_SIZE,
            "patch_size": 8,
            "num_blocks": 6,
            "embed_dim": 128,
            "mlp_ratio": (0.75, 3.0),
        },
    ),
    ModelSpec(
        key="convmixer_mini",
        family="convmixer",
        title="ConvMixer mini",
        weights="bundled",
        licence="MIT",
        paper="2201.09792",
        build={
            "class": "timm.models.convmixer.ConvMixer",
            "dim": 256,
            "depth": 8,
            "kernel_size": 5,
            "patch_size": 8,
        },
    ),
    ModelSpec(
        key="davit_mini",
        family="davit",
        title="DaViT mini",
        weights="bundled",
        licence="MIT",
        paper="2204.03645",
        build={
            "class": "timm.models.davit.DaVit",
            "depths": (1, 1, 2),
            "embed_dims": (32, 64, 128),
            "num_heads": (2, 4, 8),
            "window_size": 4,
        },
    ),
    ModelSpec(
        key="mixer_b16_224.goog_in21k_ft_in1k",
        family="mixer",
        title="Mixer-B/16",
        weights="timm",
        licence="Apache-2.0",
        paper="2105.01601",
        paper_parameters=59,
    ),
    ModelSpec(
        key="convmixer_768_32.in1k",
        family="convmixer",
        title="ConvMixer-768/32",
        weights="timm",
        licence="MIT",
        paper="2201.09792",
        paper_parameters=21.1,
    ),
    ModelSpec(
        key="davit_tiny.msft_in1k",
        family="davit",
        title="DaViT-Tiny",
        weights="timm",
        licence="Apache-2.0",
        paper="2204.03645",
        paper_parameters=28.3,
        paper_multiply_adds=4.5,
    ),
)

MODEL_REGISTRY: dict[str, ModelSpec] = {row.key: row for row in _ROWS}
"""Key -> row."""


def spec(key: str) -> ModelSpec:
    """The registry row of ``key``.

    Raises:
        ModelError: No such model; the message names those that are there.
    """
    try:
        return MODEL_REGISTRY[key]
    except KeyError:
        raise ModelError(
            f"There is no model {key!r}. Known are: {', '.join(MODEL_REGISTRY)}."
        ) from None
