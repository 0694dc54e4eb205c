"""The words of MixScope: frozen records, the axis and role vocabulary, the exceptions.

One word per thing, and the field's own word: a *pattern* is after the softmax, *scores* are before
it, an *attribution* is an estimate, an *adapter* maps one family's modules to these names, a *view
box* is the part of the picture that a model sees.

Axes are named and come in a fixed order. The batch axis is dropped when tensors leave
``capture``: exact views run at batch 1.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from vislib.texts import Message

AXES: Mapping[str, str] = {
    "row": "row of the token grid or of a picture, from the top",
    "column": "column of the token grid or of a picture, from the left",
    "rgb": "colour channel: red, green, blue",
    "token": "token in row-major order over the grid",
    "token_out": "token that is written (the reader)",
    "token_in": "token that is read",
    "channel": "feature channel",
    "channel_out": "feature channel that is written",
    "channel_in": "feature channel that is read",
    "unit": "hidden unit of an MLP",
    "ky": "row of a kernel, from the top",
    "kx": "column of a kernel, from the left",
    "window": "attention window in row-major order",
    "head": "attention head",
    "group": "channel group",
    "query": "token that reads",
    "key": "token that is read",
    "class": "class of the model's head",
}
"""The axis vocabulary: name -> meaning. A LabelledArray may use no other name."""

ROLES: Mapping[str, str] = {
    "patch_embedding": "filters that turn pixels into tokens",
    "tokens": "token features: the state between blocks",
    "token_mixing": "weights or activations of an MLP or linear layer over tokens",
    "channel_mixing": "weights or activations that mix channels at one place",
    "depthwise": "depthwise convolution: kernels, inputs, outputs",
    "convolution": "dense convolution: kernels, inputs, outputs",
    "window_attention": "attention between the tokens of one window",
    "channel_attention": "attention between the channels of one group",
    "global_attention": "attention between all tokens",
    "logits": "the head's output before the softmax",
}
"""The role vocabulary: what an array is *for*. Figures choose layout and colours from it."""

Provenance = Literal["parameter", "activation", "recomputed", "linearised", "attribution"]
"""How an array came about: read off the model; hooked; rebuilt exactly; linearised; estimated."""

Mixing = Literal["fixed", "gated", "computed"]
"""The badge of three: a fixed map; fixed weights, gated by the picture; computed from it."""


class MixScopeError(Exception):
    """Base of all errors whose message is meant for a person: what came, what fits, what to do.

    Below stand ImageError, ModelError, WeightsError, TableError, CaptureError and ShapeError;
    elsewhere DataError and TrainingError (``vislib.training``), ExperimentError
    (``vislib.experiments``), DownloadStoppedError and WrongAnswer (``vislib.weights.hub``),
    CostQuestionError (``views.frame.state``), RefusedError (``vislib.classroom``).

    Args:
        key: A dotted key of the table of texts (``vislib.texts``).
        values: What its placeholders stand for.

    Attributes:
        message: The sentence in no language yet; ``str()`` is English.
    """

    def __init__(self, key: str, /, **values: Any) -> None:
        super().__init__(key)
        self.message = Message(key, **values)

    def __str__(self) -> str:
        return str(self.message)

    def __reduce__(self) -> tuple[Any, ...]:
        """Copies and pickles keep the values, whatever arguments a subclass takes."""
        return type(self).__new__, (type(self), *self.args), vars(self)


class ImageError(MixScopeError):
    """The bytes are no picture that can be shown."""


class ModelError(MixScopeError):
    """The model is unknown, or cannot be built here."""


class WeightsError(MixScopeError):
    """The weights are missing, damaged, or do not fit the model."""


class TableError(MixScopeError):
    """A table that comes with the project is missing, damaged, or holds something else."""


class CaptureError(MixScopeError):
    """A tensor that was asked for did not come, or a module is not where the adapter says."""


class ShapeError(MixScopeError):
    """An array's axes or sizes are not what the function needs."""


def freeze(values: np.ndarray) -> np.ndarray:
    """Return a C-contiguous view or copy that refuses writes (so that visitors can share it)."""
    frozen = np.asarray(values, order="C")  # ascontiguousarray would give a 0-d array an axis
    if frozen.flags.writeable:
        if frozen is values or frozen.base is not None:
            frozen = frozen.copy()
        frozen.flags.writeable = False
    return frozen


def softmax(logits: np.ndarray) -> np.ndarray:
    """Probabilities along the last axis, float64; each row sums to 1."""
    values = np.asarray(logits, dtype=np.float64)
    shifted = np.exp(values - values.max(axis=-1, keepdims=True))
    return np.asarray(shifted / shifted.sum(axis=-1, keepdims=True))


@dataclass(frozen=True, kw_only=True)
class LabelledArray:
    """An array that knows what its axes are, what it is for and how it came about.

    Attributes:
        values: The numbers, read-only, one axis for each name in ``axes``.
        axes: Names from ``AXES``.
        role: A name from ``ROLES``.
        unit: What one number counts, in words ("probability", "weight", "activation", "logit").
        signed: Whether zero is a middle (diverging colours) or an end (sequential colours).
        provenance: How the numbers came about.
        source: timm's module path, or the formula over module paths.
    """

    values: np.ndarray
    axes: tuple[str, ...]
    role: str
    unit: str
    signed: bool
    provenance: Provenance
    source: str

    def __post_init__(self) -> None:
        if self.values.ndim != len(self.axes):
            raise ShapeError(
                "error.shape.unnamed_axes",
                source=self.source,
                count=self.values.ndim,
                axes=self.axes,
            )
        unknown = [name for name in self.axes if name not in AXES]
        if unknown or self.role not in ROLES:
            raise ShapeError("error.shape.words", source=self.source, axes=unknown, role=self.role)
        object.__setattr__(self, "values", freeze(self.values))

    @property
    def shape(self) -> dict[str, int]:
        """Axis name -> size."""
        return dict(zip(self.axes, self.values.shape, strict=True))

    def select(self, **index: int) -> LabelledArray:
        """Take one index along named axes; those axes disappear.

        Raises:
            ShapeError: An axis is not there, or the index lies outside it.
        """
        slicer: list[Any] = [slice(None)] * len(self.axes)
        for name, position in index.items():
            if name not in self.axes:
                raise ShapeError(
                    "error.shape.no_axis", source=self.source, axis=name, axes=self.axes
                )
            if not 0 <= position < self.shape[name]:
                last = self.shape[name] - 1
                raise ShapeError(
                    "error.shape.axis_index",
                    source=self.source,
                    axis=name,
                    index=position,
                    last=last,
                )
            slicer[self.axes.index(name)] = position
        kept = tuple(name for name in self.axes if name not in index)
        return LabelledArray(
            values=self.values[tuple(slicer)],
            axes=kept,
            role=self.role,
            unit=self.unit,
            signed=self.signed,
            provenance=self.provenance,
            source=self.source,
        )


@dataclass(frozen=True, kw_only=True)
class DecodedImage:
    """An uploaded picture after decoding: upright, opaque, without metadata.

    Attributes:
        pixels: uint8, axes (row, column, rgb), read-only.
        sha256: Hex digest of the uploaded bytes: the key of every cache.
        name: A short name to show; never a path.
        source_format: What the bytes were ("JPEG", "PNG", ...).
        notes: What decoding changed ("Turned upright ..."), and what it did not follow.
    """

    pixels: np.ndarray
    sha256: str
    name: str
    source_format: str
    notes: tuple[Message, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "pixels", freeze(self.pixels))

    @property
    def height(self) -> int:
        """Rows, in pixels of the upright picture."""
        return int(self.pixels.shape[0])

    @property
    def width(self) -> int:
        """Columns, in pixels of the upright picture."""
        return int(self.pixels.shape[1])


@dataclass(frozen=True, kw_only=True)
class ViewBox:
    """The part of the upright picture that a model sees, in pixels of that picture (floats).

    The box may reach beyond the picture by less than a model pixel because of rounding.
    """

    left: float
    top: float
    width: float
    height: float


@dataclass(frozen=True, kw_only=True)
class ModelSpec:
    """A row of the registry. Input size, mean and crop are read off the loaded model instead.

    Attributes:
        key: "mixer_mini", or timm's own "architecture.tag".
        family: The adapter's family name.
        title: What the page calls it.
        weights: "bundled" (in assets/weights) or "timm" (downloaded once).
        licence: Of the weights.
        paper: arXiv id.
        build: Keyword arguments of the family's constructor, for bundled models.
        paper_parameters: In millions as the paper gives them, None where it gives none.
        paper_multiply_adds: In G (1e9) as the paper gives them, None where it gives none.
        variant: "untrained" or "epoch<number>" where the weights are not the final ones; the key
            and the title say so too.
    """

    key: str
    family: str
    title: str
    weights: Literal["bundled", "timm"]
    licence: str
    paper: str
    build: Mapping[str, Any] = field(default_factory=dict)
    paper_parameters: float | None = None
    paper_multiply_adds: float | None = None
    variant: str = ""


@dataclass(frozen=True, kw_only=True)
class HookPoint:
    """One tensor to record during the forward pass.

    Attributes:
        name: ``stage{i}.block{j}.{site}``, counted from 0.
        module: timm's module path.
        side: The module's first input ("in") or its output ("out").
        axes: Names of the tensor's axes after the batch axis, as the module has them.
        role: From ``ROLES``.
        keep: False when the tensor is only an ingredient of ``derive``.
        signed: Whether zero is a middle.
        batched: False when the module has folded the batch axis into the first named axis
            (windows), so that none is left to drop.
        prefix: Tokens without a place (class, registers) before the grid's; the array goes without
            them, the tensor that ``derive`` gets still has them.
    """

    name: str
    module: str
    side: Literal["in", "out"]
    axes: tuple[str, ...]
    role: str
    keep: bool = True
    signed: bool = True
    batched: bool = True
    prefix: int = 0


@dataclass(frozen=True, kw_only=True)
class Derived:
    """A tensor that an adapter rebuilt from hooked ones, on its way to a LabelledArray.

    ``values`` is a torch tensor without a batch axis; schema does not import torch.
    """

    values: Any
    axes: tuple[str, ...]
    role: str
    unit: str
    signed: bool
    source: str


@dataclass(frozen=True, kw_only=True)
class TokenGrid:
    """How one model lays its first tokens over its input, in model pixels.

    Attributes:
        rows, columns: Tokens down and across.
        patch: Side of the square of input pixels that one token reads.
        stride: Distance between neighbouring tokens' squares.
        offset: Where the first square starts (negative with padding).
        input_size: Side of the (square) model input.
        position: What tells the model where a token is; the page words it.
    """

    rows: int
    columns: int
    patch: int
    stride: int
    offset: int
    input_size: int
    position: Literal[
        "none", "token_mlp_weights", "zero_padding", "learned", "depthwise", "relative_bias"
    ]

    @property
    def overlaps(self) -> bool:
        """Whether neighbouring tokens share input pixels."""
        return self.patch > self.stride


@dataclass(frozen=True, kw_only=True)
class MixingSite:
    """A block, and the operators in it that a page can show.

    Attributes:
        stage, block: Counted from 0.
        group: The hook group that captures this block.
        operators: Roles of the operators, in the order in which they run.
        rows, columns: The token grid at this depth.
        stride: Model pixels between neighbouring tokens here.
        channels: Feature channels here.
        mixing: The badge of the first operator.
        units: Hidden units of the token MLP, 0 where there is none.
        kernel: Side of the kernel that mixes places, 0 where there is none.
        window: Side of the attention window in tokens, 0 where there is none.
        heads: Attention heads, which is also the number of channel groups; 0 where there are none.
        shift: Cells by which the windows are shifted down and right, 0 where they are not.
        step: Stride of the convolution: it writes one token for each step x step of the grid.
        prefix: Tokens without a place (class, registers) that are attended beside the grid's.
    """

    stage: int
    block: int
    group: str
    operators: tuple[str, ...]
    rows: int
    columns: int
    stride: int
    channels: int
    mixing: Mixing
    units: int = 0
    kernel: int = 0
    window: int = 0
    heads: int = 0
    shift: int = 0
    step: int = 1
    prefix: int = 0


@dataclass(frozen=True, kw_only=True)
class Cut:
    """Something in a block that can be switched off exactly, by zeros in its parameters.

    Attributes:
        kind: "unit" (hidden unit of a token MLP), "kernel" (a channel's kernel), "head",
            "channel_group", "operator" (all that one operator adds), "block".
        group: The block: "stage{i}.block{j}".
        role: The operator's role; "tokens" for a block.
        count: How many there are to choose from.
        zeros: (parameter path, axis, entries of one): number i is switched off by zeros in the
            entries [i * size, (i + 1) * size) of the axis; all of the parameter for a size of 0.
        passed: Path of the module that hands its input through instead (a whole block); empty
            where the zeros do it.
    """

    kind: Literal["unit", "kernel", "head", "channel_group", "operator", "block"]
    group: str
    role: str
    count: int = 1
    zeros: tuple[tuple[str, int, int], ...] = ()
    passed: str = ""

    @property
    def name(self) -> str:
        """Kind and role, as in a ``Change`` and in the address."""
        return self.kind if self.kind == "block" else f"{self.kind}.{self.role}"


@dataclass(frozen=True, kw_only=True)
class Change:
    """One thing that is changed in a model; hashable, so that results can be kept by it.

    Attributes:
        what: "head.window_attention" and the like (kind and role of a cut), "block", "untrained"
            (the block with untrained weights), "all.window_attention" (an operator in every
            block), "crop.3" (every depthwise kernel).
        group: The block; empty where the whole network changes.
        index: Which unit, kernel, head or channel group, from 0.
    """

    what: str
    group: str = ""
    index: int = 0


@dataclass(frozen=True, kw_only=True)
class TokenAxis:
    """An axis of a parameter that has one entry a token of the grid.

    Attributes:
        parameter: Its path.
        axis: Which axis.
        prefix: Entries before the grid's (class token).
    """

    parameter: str
    axis: int
    prefix: int = 0


@dataclass(frozen=True, kw_only=True)
class ActivationCache(Mapping[str, LabelledArray]):
    """What one forward pass left: name -> LabelledArray, with the logits.

    Holds no model and no tensor, so it can outlive both and be shared by all visitors.

    Attributes:
        arrays: What was captured and derived.
        logits: float32, axes (class,).
        labels: One name a class.
        model_key: The registry key.
        image_sha256: The picture's digest.
        view_box: What the model saw of the picture.
        seconds: Wall time of the forward pass, hooks included.
        untrained: Whether the weights were seeded random ones.
    """

    arrays: Mapping[str, LabelledArray]
    logits: np.ndarray
    labels: tuple[str, ...]
    model_key: str
    image_sha256: str
    view_box: ViewBox
    seconds: float
    untrained: bool = False

    def __getitem__(self, name: str) -> LabelledArray:
        try:
            return self.arrays[name]
        except KeyError:
            raise CaptureError(
                "error.capture.not_recorded",
                model=self.model_key,
                name=name,
                names=sorted(self.arrays)[:12],
            ) from None

    def __contains__(self, name: object) -> bool:
        return name in self.arrays

    def get(self, name: str, default: Any = None) -> Any:
        """The array, or ``default``; Mapping's own would expect a KeyError."""
        return self.arrays.get(name, default)

    def __iter__(self) -> Iterator[str]:
        return iter(self.arrays)

    def __len__(self) -> int:
        return len(self.arrays)

    def probabilities(self) -> np.ndarray:
        """Softmax of the logits, float64, axes (class,); sums to 1."""
        return softmax(self.logits)

    def top(self, count: int = 5) -> list[tuple[str, float]]:
        """The most probable classes, best first: (label, probability)."""
        probabilities = self.probabilities()
        order = np.argsort(-probabilities, kind="stable")[:count]
        return [(self.labels[i], float(probabilities[i])) for i in order]

    @property
    def nbytes(self) -> int:
        """Bytes held, for caches that are bounded in bytes."""
        return int(self.logits.nbytes + sum(a.values.nbytes for a in self.arrays.values()))
