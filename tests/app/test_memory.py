"""One budget of memory: what pictures and results take, models leave; and the frame says it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from tests.app.conftest import Open
from views.frame import memory, notices, server, state, uploads
from views.frame.results import ResultStore
from vislib.models import devices, footprint
from vislib.models.shelf import Shelf
from vislib.pictures import decoding, limits
from vislib.schema import DecodedImage, ModelError
from vislib.texts import text

GB = 2**30


@pytest.fixture
def stated(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Sets the variable, and forgets what was read before."""

    def state_it(gigabytes: str) -> None:
        monkeypatch.setenv(devices.MEMORY, gigabytes)
        memory.budget.cache_clear()

    yield state_it
    monkeypatch.undo()
    memory.budget.cache_clear()


def a_picture(side: int, sha256: str) -> DecodedImage:
    pixels = np.zeros((side, side, 3), np.uint8)
    return DecodedImage(pixels=pixels, sha256=sha256, name="x", source_format="PNG", notes=())


def test_the_variable_is_the_whole_and_each_has_a_share(stated: Callable[[str], None]) -> None:
    decodes = decoding.AT_ONCE * limits.MAX_WORKING_BYTES
    stated("8")
    assert memory.budget() == 8 * GB
    assert memory.share(memory.PICTURES, 10 * GB) == 2 * GB
    assert memory.share(memory.PICTURES, GB) == GB
    held = memory.beside_models() - decodes
    stated("1")
    assert memory.beside_models() == held + GB // 4  # a quarter is less than two decodes
    shares = memory.RESULTS + memory.PICTURES + memory.DECODING
    assert shares < 1  # models have something in any case
    stated("plenty")
    assert memory.budget() is None
    assert memory.share(memory.PICTURES, GB) == GB  # the page goes on, and says what is wrong
    with pytest.raises(ModelError, match="'plenty'"):
        Shelf(on_processor=memory.budget()).get("mixer_mini", untrained=True)


def test_models_go_for_pictures_and_results(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "choose_device", lambda: devices_cpu())
    store, held = ResultStore(GB, 600.0), uploads.Uploads()
    monkeypatch.setattr(memory, "_held", {})
    memory.counts("results", lambda: store.nbytes)
    memory.counts("pictures", lambda: held.nbytes)
    monkeypatch.setattr(memory, "DECODING", 0.0)
    keys = ("mixer_mini", "convmixer_mini", "davit_mini")
    sizes = {key: footprint.counted(key)[0] for key in keys}
    whole = sum(sizes.values()) + 3_000_000
    shelf = Shelf(on_processor=whole, beside=memory.beside_models, collect=lambda: None)
    monkeypatch.setitem(server._made, "shelf", shelf)
    for key in keys:
        shelf.get(key, untrained=True)
    server.make_room()
    assert [name[0] for name in shelf.usage().names] == list(keys)  # they fit
    held.keep(a_picture(900, "one"))  # 2.4 MB
    server.make_room()
    assert len(shelf.usage().names) == 3
    store.get("result", lambda: bytes(1_000_000))
    server.make_room()
    usage = shelf.usage()
    assert [name[0] for name in usage.names] == list(keys[1:])
    assert usage.bytes + usage.beside <= usage.budget == whole
    for number in range(2):
        held.keep(a_picture(4000, f"large {number}"))
    server.make_room()
    assert [name[0] for name in shelf.usage().names] == [keys[2]]  # the last one stays
    assert server.memory_in_use() == (sizes[keys[2]] + memory.held(), whole)


def devices_cpu() -> object:
    import torch

    return torch.device("cpu")


def test_what_is_kept_is_counted() -> None:
    store, held = ResultStore(10_000, 600.0), uploads.Uploads()
    store.get("a", lambda: bytes(4_000))
    token = held.keep(a_picture(100, "one"))
    assert (store.nbytes, held.nbytes) == (4_000, 30_000)
    held.drop(token)
    store.clear()
    assert (store.nbytes, held.nbytes) == (0, 0)


def test_the_app_counts_its_own_stores(monkeypatch: pytest.MonkeyPatch) -> None:
    before = memory.beside_models()
    key = ("memory", "own")
    state.remember(key, lambda: bytes(50_000))
    token = uploads.UPLOADS.keep(a_picture(100, "own"))
    assert memory.beside_models() == before + 50_000 + 30_000
    uploads.UPLOADS.drop(token)
    state._store().clear()
    assert memory.beside_models() <= before


def test_the_frame_says_how_much_is_taken(open_page: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "memory_in_use", lambda: (int(0.36 * GB), int(3.5 * GB)))
    said = text("en", "device.memory", used="0.4", budget="3.5")
    open_page("dual_attention")
    assert notices.device_words().endswith(said)
    monkeypatch.undo()
    assert re.search(r"take \d+\.\d of \d+\.\d GB", notices.device_words())
