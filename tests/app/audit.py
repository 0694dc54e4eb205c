"""A walk over all pages in which every hit of the result store is computed again and compared.

    python -m tests.app.audit --visits 200 --seed 1        one walk
    python -m tests.app.audit --visits 200 --seeds 3       three walks, with the seeds 1 to 3

A result of the store is stale when its key leaves out something that the result depends on: then a
visitor is shown what another one asked for. Each visit sets a page's own widgets, the picture, the
models, the point and the language at random, all seeded. What ``st.cache_resource`` keeps is
checked likewise. Ends with 1 where anything is stale.

Values are compared bit by bit, floating-point arrays and numbers to ``CLOSE``; times that were
measured are left out. A result that takes long is made again for ``SECONDS_A_KEY`` at most.
"""

from __future__ import annotations

import argparse
import dataclasses
import logging
import os
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from views import frame
from views.frame import server, state, uploads
from views.frame.language import LANGUAGE
from views.frame.results import ResultStore
from vislib import registry
from vislib.pictures import gallery
from vislib.texts import languages

ROOT = Path(__file__).resolve().parents[2]
CLOSE = 1e-5
"""Of an array's largest magnitude: sums in another order of threads differ by some 1e-7."""
MEASURED = frozenset({"seconds"})
"""Fields that hold a time."""
TIMES = ("estimates pace",)
"""First words of the keys of results that are times."""
SECONDS_A_KEY = 4.0
POINTS = ((469, 453), (490, 484), (500, 500), (430, 520), (520, 380), (40, 500), (960, 990))
"""Near and far; each is moved a little, so that neighbours share a cell on some grids."""
WIDGETS = ("selectbox", "segmented_control", "select_slider", "slider", "number_input", "toggle")
PANEL = frozenset({"picture", "models", "x", "y", LANGUAGE, "camera_open"})
CHANGES = 4
"""Widgets of a page that a visit sets at most."""


def difference(kept: Any, fresh: Any, where: str = "") -> str:
    """Where two results differ; empty for nowhere."""
    if type(kept) is not type(fresh):
        return f"{where}: {type(kept).__name__} and {type(fresh).__name__}"
    if isinstance(kept, np.ndarray):
        return _of_arrays(kept, fresh, where)
    if isinstance(kept, float):
        return _of_arrays(np.array(kept), np.array(fresh), where)
    if isinstance(kept, Mapping):
        if list(kept) != list(fresh):
            return f"{where}: keys {list(kept)} and {list(fresh)}"
        pairs = [(f"{where}[{name!r}]", kept[name], fresh[name]) for name in kept]
    elif isinstance(kept, list | tuple):
        if len(kept) != len(fresh):
            return f"{where}: {len(kept)} and {len(fresh)} items"
        pairs = [(f"{where}[{i}]", *both) for i, both in enumerate(zip(kept, fresh, strict=True))]
    elif dataclasses.is_dataclass(kept):
        names = [field.name for field in dataclasses.fields(kept) if field.name not in MEASURED]
        pairs = [(f"{where}.{name}", getattr(kept, name), getattr(fresh, name)) for name in names]
    else:
        same = kept is fresh or kept == fresh
        return "" if same else f"{where}: {_short(kept)} and {_short(fresh)}"
    return next(filter(None, (difference(one, two, at) for at, one, two in pairs)), "")


def _of_arrays(kept: np.ndarray, fresh: np.ndarray, where: str) -> str:
    if kept.shape != fresh.shape or kept.dtype != fresh.dtype:
        return f"{where}: {kept.dtype}{kept.shape} and {fresh.dtype}{fresh.shape}"
    if not np.issubdtype(kept.dtype, np.floating):
        return "" if np.array_equal(kept, fresh) else f"{where}: other values"
    limit = CLOSE * float(np.max(np.abs(kept), initial=0.0, where=np.isfinite(kept)))
    if np.allclose(kept, fresh, rtol=0.0, atol=limit, equal_nan=True):
        return ""
    return f"{where}: differs by {float(np.nanmax(np.abs(kept - fresh))):.3g}"


def _short(value: Any) -> str:
    return f"{len(value)} bytes" if isinstance(value, bytes) else repr(value)[:80]


class Findings:
    """What a walk has found.

    Attributes:
        hits: Results of the store that were there already.
        checked: Of these and of what is cached otherwise, those that were made again.
        stale: (key, page, difference), each key once.
        page: Where the walk is.
    """

    def __init__(self) -> None:
        self.hits = self.checked = 0
        self.stale: dict[Hashable, tuple[str, str]] = {}
        self.page = ""

    def compare(self, key: Hashable, kept: Any, fresh: Any) -> None:
        """Note a result that differs from what it should be."""
        self.checked += 1
        found = difference(kept, fresh)
        if found:
            self.stale.setdefault(key, (self.page, found))


class AuditedStore(ResultStore):
    """The result store, which makes every hit again."""

    def __init__(self, findings: Findings, max_bytes: int, seconds: float) -> None:
        super().__init__(max_bytes, seconds)
        self.findings = findings
        self._spent: Counter[Hashable] = Counter()

    def get(
        self,
        key: Hashable,
        make: Callable[[], Any],
        wait: Callable[[int], object] = lambda _thread: None,
    ) -> Any:
        """As in the store; on a hit the result is made again, too."""
        there = self.holds(key)
        kept = super().get(key, make, wait)
        if not there:
            return kept
        self.findings.hits += 1
        timed = isinstance(key, tuple) and key[0] in TIMES
        if not timed and self._spent[key] < SECONDS_A_KEY:
            started = time.monotonic()
            self.findings.compare(key, kept, make())
            self._spent[key] += time.monotonic() - started  # type: ignore[assignment]
        return kept


def cached_functions() -> dict[tuple[ModuleType, str], Any]:
    """What the views keep with ``st.cache_resource``, by module and name; not the store itself."""
    return {
        (module, name): value
        for path, module in sorted(sys.modules.items())
        if path.partition(".")[0] == "views"
        for name, value in vars(module).items()
        if type(value).__name__ == "CachedFunc" and name != "_store"
    }


@contextmanager
def audited() -> Iterator[Findings]:
    """While it lasts, all that pages keep is checked; the store begins empty."""
    findings = Findings()
    store = AuditedStore(findings, state.STORE_BYTES, uploads.STORE_MINUTES * 60)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(state, "_store", lambda: store)
        for (module, name), function in cached_functions().items():

            def checked(*args: Any, function: Any = function, name: str = name) -> Any:
                kept = function(*args)
                findings.compare((name, *args), kept, function.__wrapped__(*args))
                return kept

            patch.setattr(module, name, checked)
        yield findings


@dataclasses.dataclass
class Offer:
    """What a page offers: how each widget, by its key, is set at random; and tile canvases."""

    widgets: dict[str, Callable[[random.Random], Any]]
    tiles: dict[str, tuple[int, Callable[[int], None]]]


@contextmanager
def offers() -> Iterator[Offer]:
    """Notes what is drawn, since a test's view of a widget has its words and not its values."""
    offer = Offer(widgets={}, tiles={})
    with pytest.MonkeyPatch.context() as patch:
        for kind in WIDGETS:
            real = getattr(st, kind)

            def drawn(*args: Any, kind: str = kind, real: Any = real, **options: Any) -> Any:
                offer.widgets[options["key"]] = _sampler(kind, args, options)
                return real(*args, **options)

            patch.setattr(st, kind, drawn)
        real_tiles = frame.tile_canvas

        def tiles(indices: np.ndarray, *args: Any, **options: Any) -> int | None:
            if options.get("on_change"):
                offer.tiles[options["key"]] = (len(indices), options["on_change"])
            return real_tiles(indices, *args, **options)

        patch.setattr(frame, "tile_canvas", tiles)
        yield offer


def _sampler(
    kind: str, args: Sequence[Any], options: Mapping[str, Any]
) -> Callable[[random.Random], Any]:
    if kind == "toggle":
        return lambda rng: rng.random() < 0.5
    if kind in ("slider", "number_input"):
        low, high, step = options["min_value"], options["max_value"], options["step"]
        return lambda rng: rng.randrange(low, min(high, low + 400 * step) + 1, step)
    choices = list(args[1] if len(args) > 1 else options["options"])
    return lambda rng: rng.choice(choices)


class Walk:
    """One visitor's way through the pages, seeded."""

    def __init__(self, seed: int, findings: Findings) -> None:
        self._rng = random.Random(seed)
        self._findings = findings
        self._pictures = self._rng.sample(list(gallery.GALLERY), 3)
        rows = registry.MODEL_REGISTRY.values()
        self._models = [row.key for row in rows if row.weights == "bundled"]
        self.visits: Counter[str] = Counter()
        self._at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=600.0)
        self._at.run()

    def visit(self, page: str) -> None:
        """Open a page at random, change what it offers, and move the point."""
        rng, at = self._rng, self._at
        self.visits[page] += 1
        self._findings.page = page
        at.session_state["picture"] = rng.choice(self._pictures)
        at.session_state["models"] = rng.sample(self._models, rng.choice((1, 2, 3, 5)))
        self._point()
        at.session_state[LANGUAGE] = rng.choice(list(languages()))
        with offers() as offer:
            at.switch_page(f"pages/{page}.py")
            self._run(page)
        self._change(offer)
        self._run(page)
        self._point()
        self._run(page)

    def _point(self) -> None:
        for name, value in zip("xy", self._rng.choice(POINTS), strict=True):
            moved = value + self._rng.randint(-9, 9)
            self._at.session_state[name] = min(1000, max(0, moved))

    def _run(self, page: str) -> None:
        self._at.run()
        assert not self._at.exception, (page, [error.value for error in self._at.exception])

    def _change(self, offer: Offer) -> None:
        """Set some widgets; press what starts a computation; choose a tile."""
        rng, at = self._rng, self._at
        own = sorted(set(offer.widgets) - PANEL)
        for key in rng.sample(own, min(len(own), rng.randint(1, CHANGES))):
            at.session_state[key] = offer.widgets[key](rng)
        if offer.tiles and rng.random() < 0.5:
            count, choose = offer.tiles[rng.choice(sorted(offer.tiles))]
            before = dict(st.session_state)
            choose(rng.randrange(count))  # outside a run it sets a state of its own
            for name, value in dict(st.session_state).items():
                if name not in before or before[name] != value:
                    at.session_state[name] = value
        for button in at.button:
            if str(button.key).endswith("_now") and rng.random() < 0.5:
                button.click()


def light(patch: pytest.MonkeyPatch) -> None:
    """Fewer steps of the estimates: which key they are kept under does not depend on how many."""
    from vislib.attribution import methods

    for name in ("STEPS", "SAMPLES", "WINDOWS"):
        patch.setattr(methods, name, 2 if name != "WINDOWS" else 4)


def walk(visits: int, seed: int, report: Callable[[str], None] = print) -> Findings:
    """A seeded walk; pages come equally often, in an order of the seed.

    Args:
        visits: How many.
        seed: Of all that is random in it.
        report: Is told what was found.
    """
    pages = list(frame.PAGES)
    order = [pages[i % len(pages)] for i in range(visits)]
    random.Random(seed).shuffle(order)
    with audited() as findings, pytest.MonkeyPatch.context() as patch:
        light(patch)
        patch.setattr(server, "price", lambda _key: None)
        one = Walk(seed, findings)
        for page in order:
            one.visit(page)
    report(
        f"seed {seed}: {visits} visits of {len(one.visits)} pages, {findings.hits} hits, "
        f"{findings.checked} results made again, {len(findings.stale)} stale"
    )
    for key, (page, what) in findings.stale.items():
        report(f"  {page}: {key}{what}")
    return findings


def main() -> int:
    """The command; see the module's text."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--visits", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1, help="the first walk's")
    parser.add_argument("--seeds", type=int, default=1, help="how many walks")
    chosen = parser.parse_args()
    logging.disable(logging.WARNING)  # Streamlit misses its browser
    os.environ.setdefault("OMP_NUM_THREADS", "2")
    found = [walk(chosen.visits, chosen.seed + i) for i in range(chosen.seeds)]
    return int(any(one.stale for one in found))


if __name__ == "__main__":
    sys.exit(main())
