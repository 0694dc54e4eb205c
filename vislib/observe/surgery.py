"""One change in a model, named by a few words: a private copy with a part switched off.

The shared model is never touched: a copy has modules of its own.
"""

from __future__ import annotations

from vislib import registry
from vislib.models import loading
from vislib.models.loading import LoadedModel
from vislib.observe import intervention
from vislib.schema import Change, ModelError


def applied(model: LoadedModel, change: Change) -> LoadedModel:
    """A private copy of a model with a change.

    Raises:
        ModelError: The model has no such part.
    """
    kind, _, rest = change.what.partition(".")
    if kind == "crop":
        return intervention.crop_kernels(model, int(rest))
    if kind == "all":
        found = [cut for cut in model.cuts if cut.kind == "operator" and cut.role == rest]
        return intervention.switch_off_all(model, [(cut, 0) for cut in found])
    wanted = "block" if kind == "untrained" else change.what
    here = [c for c in model.cuts if c.group == change.group and c.name == wanted]
    if not here:
        raise ModelError("error.model.no_such_part", title=model.spec.title)
    if kind == "untrained":
        other = loading.load(registry.untrained(model.spec.key), device=model.device)
        return intervention.exchange_block(model, other, here[0])
    return intervention.switch_off(model, here[0], change.index)
