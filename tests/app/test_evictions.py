"""A model may leave the memory between any two steps of a page: work with it keeps one load."""

from __future__ import annotations

from typing import Any

import pytest

from tests.app.conftest import Ask, Open
from views.frame import models, server, state
from views.frame.results import ResultStore
from vislib.models.shelf import Shelf
from vislib.observe import capture

Visit = tuple[str, dict[str, str]]
VISITS: tuple[Visit, ...] = (
    ("compare", {"reads": "depth"}),
    ("patch_embedding", {}),
    ("dual_attention", {"closer": "depth"}),
    ("dual_attention", {"beside": "depth"}),
    ("inside", {"inside": "distance"}),
    ("what_if", {"what_if": "surgery"}),
    ("disagreement", {}),
)
EVICTIONS = 8
"""Forward passes before which the shelf is emptied; Disagreement has dozens alike."""


@pytest.fixture
def evicting(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Empties the shelf before forward passes; collects whether the model stayed the same.

    Python's collector is left out: it frees what nobody asks for any more, and takes most of the
    time.
    """
    monkeypatch.setattr(server, "settle_memory", lambda: None)
    shelf = Shelf(collect=lambda: None)
    store = ResultStore(2**28, 600.0)
    monkeypatch.setitem(server._made, "shelf", shelf)
    monkeypatch.setattr(models, "_known", {})
    monkeypatch.setattr(state, "_store", lambda: store)
    real, kept = capture.run_with_cache, []

    def run_with_cache(model: Any, *more: Any, **options: Any) -> Any:
        lock, module = model.lock, model.module
        if len(kept) < EVICTIONS:
            for key, untrained, _ in shelf.usage().names:
                shelf.drop(key, untrained=untrained)
        kept.append(model.lock is lock and model.module is module)
        return real(model, *more, **options)

    monkeypatch.setattr(capture, "run_with_cache", run_with_cache)
    return kept


@pytest.mark.parametrize("visit", VISITS, ids=lambda visit: "-".join((visit[0], *visit[1])))
def test_lock_and_module_are_of_one_load(
    open_page: Open, ask: Ask, evicting: list[bool], visit: Visit
) -> None:
    page, address = visit
    assert not ask(open_page(page, **address)).errors
    assert evicting
    assert all(evicting)
