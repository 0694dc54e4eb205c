"""Training on pictures of half the size: a quarter of the work, with the same parameters.

Early passes over small pictures cost little and teach most of what later passes need
("progressive resizing"; EfficientNetV2, arXiv 2104.00298, uses it). Here every parameter keeps its
full shape all the time. What belongs to single tokens is shared by 2 x 2 of them while the pictures
are small: token-mixing weights act as they would on a map in which every token stands four times,
and places get the mean of the four embeddings.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional

from vislib.models import loading
from vislib.schema import ModelError, ModelSpec

HALF = 2
"""Model pixels, or tokens, a side, that become one."""


def _over_inputs(weight: Tensor) -> Tensor:
    """Axes (unit, token): the sum over 2 x 2 tokens, which carry the same."""
    return _pooled(weight) * HALF**2


def _over_outputs(weight: Tensor) -> Tensor:
    """Axes (token, unit): the mean over 2 x 2 tokens."""
    return _pooled(weight.T).T


def _over_bias(bias: Tensor) -> Tensor:
    """Axis (token): the mean over 2 x 2 tokens."""
    return _pooled(bias[None])[0]


def _over_places(embedding: Tensor) -> Tensor:
    """Axes (1, token, channel), class token first where there is one: the mean over 2 x 2."""
    side = int(embedding.shape[1] ** 0.5)
    prefix = embedding.shape[1] - side**2
    head, grid = embedding[:, :prefix], embedding[0, prefix:]
    return torch.cat([head, _pooled(grid.T).T[None]], dim=1)


def _pooled(rows: Tensor) -> Tensor:
    """Axes (anything, token of a square map, row by row): the mean over 2 x 2 tokens."""
    side = round(rows.shape[1] ** 0.5)
    maps = rows.view(len(rows), 1, side, side)
    return functional.avg_pool2d(maps, HALF).flatten(1)


SHARED: Mapping[str, Callable[[Tensor], Tensor]] = MappingProxyType(
    {
        "pos_embed": _over_places,
        "mlp_tokens.fc1.weight": _over_inputs,
        "mlp_tokens.fc2.weight": _over_outputs,
        "mlp_tokens.fc2.bias": _over_bias,
    }
)
"""End of a parameter's name -> how tokens share it, for the parameters that belong to tokens."""


Logits = Callable[[nn.Module, Mapping[str, Tensor], Tensor], Tensor]


def _logits(network: nn.Module, taken: Mapping[str, Tensor], inputs: Tensor) -> Tensor:
    """What a network computes with the parameters and buffers of these names."""
    # Strict: a name that is not found would be left as it was drawn, and never trained.
    logits: Tensor = functional_call(network, dict(taken), (inputs,), strict=True)
    return logits


class HalfSize(nn.Module):
    """A model as it computes on pictures of half the size; it has no parameters of its own.

    Args:
        model: What is trained.
        spec: Its row.
        arrange: Given the small network, gives what is called in its place while it trains; see
            ``quick``.
        wrap: Given the function that computes the logits, gives what is called in its place while
            it trains; see ``quick.compiled``.

    Raises:
        ModelError: A parameter depends on the size of the picture in a way that is not known.
    """

    def __init__(
        self,
        model: nn.Module,
        spec: ModelSpec,
        arrange: Callable[[nn.Module], nn.Module] = lambda network: network,
        wrap: Callable[[Logits], Logits] = lambda function: function,
    ) -> None:
        super().__init__()
        size = loading.input_config(model).size
        build = dict(spec.build)
        if "img_size" in build:
            build["img_size"] = size // HALF
        classes = int(model.num_classes)  # type: ignore[arg-type]
        with torch.random.fork_rng(devices=[]):  # whoever draws after it draws the same
            network = loading.build(replace(spec, build=build), classes=classes)
        network.to(next(model.parameters()).device)
        # Not registered: the model's parameters are the only ones.
        self._parts = (model, network, arrange(network))
        self._trained = wrap(_logits)
        self.pretrained_cfg = model.pretrained_cfg
        wanted = dict(network.named_parameters())
        for name, value in self._small().items():
            if name in wanted and wanted[name].shape != value.shape:
                raise ModelError(
                    "error.training.odd_shape",
                    model=spec.key,
                    name=name,
                    shape=tuple(value.shape),
                    needed=tuple(wanted[name].shape),
                )

    def train(self, mode: bool = True) -> HalfSize:
        """As nn.Module's, for the networks that are called."""
        super().train(mode)
        for network in self._parts[1:]:
            network.train(mode)
        return self

    def forward(self, inputs: Tensor) -> Tensor:
        """Axes (picture, rgb, row, column), of full size -> logits, axes (picture, class)."""
        small = functional.avg_pool2d(inputs, HALF)
        if not self.training:
            return _logits(self._parts[1], self._small(), small)
        arranged, taken = self._parts[2], self._small()
        # what an arrangement adds, as the tables of quick.with_products
        for name, value in arranged.named_buffers():
            taken.setdefault(name, value)
        return self._trained(arranged, taken, small)

    def _small(self) -> dict[str, Tensor]:
        """Parameters and buffers by name, as the small network takes them."""
        model = self._parts[0]
        taken: dict[str, Tensor] = dict(model.named_buffers())
        for name, value in model.named_parameters():
            share = next((way for end, way in SHARED.items() if name.endswith(end)), None)
            taken[name] = value if share is None else share(value)
        return taken
