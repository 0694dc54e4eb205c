"""Change a model and run it again: surgery and permutation on a private copy.

No function here touches the model that it is given. A copy shares its parameters, so it costs
almost no memory, but has modules and a lock of its own: another visitor sees the intact model.

Nothing is retrained: what a change costs here says how much *these* weights rely on a part, not
what an architecture without it could learn.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from vislib.models.copying import shared_copy, stays
from vislib.observe.capture import Prepared, run_with_cache
from vislib.schema import Cut, ModelError, ShapeError, TokenAxis, softmax

M = TypeVar("M")
"""A LoadedModel."""


def private(model: M) -> M:
    """A copy of a loaded model whose modules may be changed; parameters are shared until then.

    Args:
        model: From ``models.load``.
    """
    original: Any = model
    with original.lock:  # another visitor's hooks are on meanwhile
        module = shared_copy(original.module)
    changed: Any = replace(original, module=module, lock=threading.RLock())
    return changed  # type: ignore[no-any-return]


def switch_off(model: M, cut: Cut, index: int = 0) -> M:
    """A copy without one unit, kernel, head, channel group, operator or block.

    Args:
        model: From ``models.load``.
        cut: What its adapter offers (``cuts``).
        index: Which of ``cut.count``, from 0.

    Raises:
        ShapeError: There is no such number.

    Exactness:
        Exact: a hidden unit's outgoing weights, a head's columns of the projection, or a norm's
        scale and shift are 0, so that its contribution is 0 (test_intervention.py).
    """
    return switch_off_all(model, [(cut, index)])


def switch_off_all(model: M, chosen: Iterable[tuple[Cut, int]]) -> M:
    """A copy without any of the chosen parts, each a cut and a number from 0."""
    changed = private(model)
    module: nn.Module = changed.module  # type: ignore[attr-defined]
    for cut, index in chosen:
        if not 0 <= index < cut.count:
            raise ShapeError(
                "error.shape.part_number",
                block=cut.group,
                count=cut.count,
                kind=cut.kind,
                number=index,
            )
        if cut.passed:
            # The module stays, so that everything inside it can still be looked at.
            module.get_submodule(cut.passed).register_forward_hook(_hand_on)
        for path, axis, size in cut.zeros:
            weights = module.get_parameter(path).detach().clone()
            if size:
                weights.narrow(axis, index * size, size).zero_()
            else:
                weights.zero_()
            _write(module, path, weights)
    return changed


def crop_kernels(model: M, side: int) -> M:
    """A copy whose depthwise kernels keep their middle alone; the rest of each is 0.

    Args:
        model: From ``models.load``.
        side: Side of the part that is kept, odd, in cells.

    Raises:
        ShapeError: The side is even or below 1.
        ModelError: The model has no depthwise kernel larger than that.
    """
    if side < 1 or side % 2 == 0:
        raise ShapeError("error.shape.kernel_side", side=side)
    changed: Any = private(model)
    done = 0
    for site in changed.sites:
        if "depthwise" not in site.operators or site.kernel <= side:
            continue
        path = changed.weights(site.group)[f"{site.group}.depthwise.kernel"].source
        weights = changed.module.get_parameter(path).detach()
        kept, edge = torch.zeros_like(weights), (site.kernel - side) // 2
        middle = (..., slice(edge, edge + side), slice(edge, edge + side))
        kept[middle] = weights[middle]
        _write(changed.module, path, kept)
        done += 1
    if not done:
        raise ModelError("error.model.no_larger_kernel", title=changed.spec.title, side=side)
    return changed  # type: ignore[no-any-return]


def exchange_block(model: M, other: M, cut: Cut) -> M:
    """A copy that has one block of another model with the same architecture.

    Args:
        model: From ``models.load``.
        other: The same row, such as with untrained weights.
        cut: The block (kind "block", or any cut of it with ``passed``).

    Raises:
        ModelError: The cut is no block that can be taken out whole.
    """
    if not cut.passed:
        raise ModelError("error.model.no_exchange", block=cut.group)
    changed: Any = private(model)
    source: Any = other
    with source.lock:
        block = shared_copy(source.module.get_submodule(cut.passed))
    _put(changed.module, cut.passed, block)
    return changed  # type: ignore[no-any-return]


def permute_tokens(model: M, axes: Sequence[TokenAxis], order: Sequence[int] | np.ndarray) -> M:
    """A copy whose weights follow a shuffle of the tokens.

    Args:
        model: From ``models.load``.
        axes: Every parameter's axis over tokens, from the adapter (``token_axes``).
        order: Token ``order[i]`` of the picture has been put at place i.

    Raises:
        ModelError: There is no such axis: the model's weights cannot follow a shuffle.
        ShapeError: The order is no permutation of the tokens.

    Exactness:
        Exact up to rounding for models whose only knowledge of places is on these axes
        (test_intervention.py; arXiv:2105.01601 section 3.2 retrains instead).
    """
    if not axes:
        raise ModelError("error.model.no_shuffle")
    changed: Any = private(model)
    wanted = _permutation(order)
    for item in axes:
        weights = changed.module.get_parameter(item.parameter).detach()
        size = weights.shape[item.axis] - item.prefix
        if size != len(wanted):
            raise ShapeError(
                "error.shape.order_of_tokens",
                parameter=item.parameter,
                tokens=size,
                count=len(wanted),
            )
        first = torch.arange(item.prefix)
        index = torch.cat([first, torch.as_tensor(wanted) + item.prefix]).to(weights.device)
        _write(changed.module, item.parameter, weights.index_select(item.axis, index))
    return changed  # type: ignore[no-any-return]


def shuffle_attention_input(model: M, hook: str, *, seed: int = 0) -> M:
    """A copy in which one attention module gets its tokens in another order.

    Attention within windows gets the tokens of all windows shuffled among one another.

    Args:
        model: From ``models.load``.
        hook: Name of the attention's projection ("stage0.block0.channel.qkv").
        seed: Of the order.

    Raises:
        ModelError: The model records no such name.

    Exactness:
        A sum over places does not depend on their order: channel attention's pattern stays up to
        rounding, window attention's does not (test_intervention.py; arXiv:2204.03645).
    """
    changed: Any = private(model)
    found = [p for p in changed.adapter.hook_points(changed.module, None) if p.name == hook]
    if not found:
        raise ModelError("error.model.no_attention", title=changed.spec.title, name=hook)

    @stays
    def reorder(_module: nn.Module, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
        tokens = inputs[0]
        flat = tokens.reshape(-1, tokens.shape[-1])
        generator = torch.Generator().manual_seed(seed)
        order = torch.randperm(len(flat), generator=generator).to(flat.device)
        return (flat[order].reshape(tokens.shape), *inputs[1:])

    changed.module.get_submodule(found[0].module).register_forward_pre_hook(reorder)
    return changed  # type: ignore[no-any-return]


def shuffle_patches(pixels: Tensor, order: Sequence[int] | np.ndarray, patch: int) -> Tensor:
    """Put patch ``order[i]`` of a picture at place i.

    Args:
        pixels: Axes (1, rgb, row, column), model pixels.
        order: A permutation of the patches in row-major order.
        patch: Side of a patch in model pixels; a rest at the right and bottom stays where it is.

    Raises:
        ShapeError: The order does not fit the picture.
    """
    wanted = _permutation(order)
    rows, columns = pixels.shape[2] // patch, pixels.shape[3] // patch
    if len(wanted) != rows * columns:
        raise ShapeError(
            "error.shape.order_of_patches", rows=rows, columns=columns, count=len(wanted)
        )
    shuffled = pixels.clone()
    for place, taken in enumerate(wanted):
        (r, c), (i, j) = divmod(place, columns), divmod(int(taken), columns)
        shuffled[:, :, r * patch : (r + 1) * patch, c * patch : (c + 1) * patch] = pixels[
            :, :, i * patch : (i + 1) * patch, j * patch : (j + 1) * patch
        ]
    return shuffled


def without_each(
    model: M,
    inputs: Prepared,
    cuts: Sequence[Cut],
    report: Callable[[int, int], None] = lambda done, total: None,
) -> list[AnswerChange]:
    """How far the answer moves when each of the parts is switched off, one at a time.

    Args:
        model: From ``models.load``.
        inputs: From ``models.prepare``.
        cuts: Parts with a count of 1, such as whole blocks.
        report: Called after each with how many are done, of how many.
    """
    intact: Any = model
    before = run_with_cache(intact, inputs, "logits").logits
    changes = []
    for done, cut in enumerate(cuts, 1):
        changed: Any = switch_off(model, cut)
        changes.append(answer_change(before, run_with_cache(changed, inputs, "logits").logits))
        report(done, len(cuts))
    return changes


@dataclass(frozen=True, kw_only=True)
class AnswerChange:
    """How far an answer moved.

    Attributes:
        largest: max |difference of logits|.
        scale: max |logit - mean logit| before: what the difference is to be measured by.
        moved: Half the sum of |difference of probabilities|: 0 (same answer) to 1.
        best: Change of the probability of the class that was the best before, -1 to 1.
    """

    largest: float
    scale: float
    moved: float
    best: float

    @property
    def relative(self) -> float:
        """The largest difference as a share of the scale."""
        return self.largest / self.scale if self.scale else float("inf")


def answer_change(before: np.ndarray, after: np.ndarray) -> AnswerChange:
    """Compare two runs' logits.

    Args:
        before: Axes (class,).
        after: Axes (class,).

    Raises:
        ShapeError: They have different classes.
    """
    if before.shape != after.shape or before.ndim != 1:
        raise ShapeError("error.shape.logits", before=before.shape, after=after.shape)
    one, two = before.astype(np.float64), after.astype(np.float64)
    change, winner = softmax(two) - softmax(one), int(one.argmax())
    return AnswerChange(
        largest=float(np.abs(one - two).max()),
        scale=float(np.abs(one - one.mean()).max()),
        moved=float(np.abs(change).sum() / 2),
        best=float(change[winner]),
    )


def _permutation(order: Sequence[int] | np.ndarray) -> np.ndarray:
    """The order as an array, if it is one."""
    wanted = np.array(order, dtype=np.int64)  # a copy: torch takes no read-only array
    if wanted.ndim != 1 or not np.array_equal(np.sort(wanted), np.arange(len(wanted))):
        raise ShapeError("error.shape.no_permutation")
    return wanted


@stays
def _hand_on(_module: nn.Module, inputs: tuple[Any, ...], _output: Any) -> Any:
    """A hook that gives a module's input out instead of what the module made of it."""
    return inputs[0]


def _write(module: nn.Module, path: str, weights: Tensor) -> None:
    """Give a copy a parameter of its own; the shared one is left alone."""
    owner, _, name = path.rpartition(".")
    module.get_submodule(owner).register_parameter(name, nn.Parameter(weights, requires_grad=False))


def _put(module: nn.Module, path: str, part: nn.Module) -> None:
    """Replace a submodule of a copy."""
    owner, _, name = path.rpartition(".")
    setattr(module.get_submodule(owner), name, part)
