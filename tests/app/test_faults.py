"""What fails under a visitor: it is said, nothing else breaks, and all goes on when it is over."""

from __future__ import annotations

import dataclasses
import errno
import os
import re
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from huggingface_hub import close_session, constants
from safetensors.numpy import save

from tests.app.conftest import Ask, Open
from tests.app.test_frame import TEXT
from tests.unit import hub as play
from views.frame import models, notices, results, server, state
from views.frame.results import ResultStore
from vislib import registry
from vislib.models import devices, loading, shelf
from vislib.models.shelf import Shelf
from vislib.observe import capture
from vislib.texts import text
from vislib.weights import files
from vislib.weights.downloads import Downloads
from vislib.weights.hub import transfer

KEY = "davit_tiny.msft_in1k"
DATA = save({"weight": np.zeros(100_000, np.float32)})


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch) -> Shelf:
    """A server on which nothing has been loaded or computed."""
    made = Shelf(collect=lambda: None)
    store = ResultStore(2**28, 600.0)
    monkeypatch.setitem(server._made, "shelf", made)
    monkeypatch.delitem(server._made, "device", raising=False)
    monkeypatch.setattr(models, "_known", {})
    monkeypatch.setattr(state, "_store", lambda: store)
    monkeypatch.setattr(shelf, "ERROR_SECONDS", 0.0)
    monkeypatch.setattr(results, "ERROR_SECONDS", 0.0)
    return made


# ---------------------------------------------------------------- weights damaged while loaded


@pytest.fixture
def weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the bundled weights, which is then the folder."""
    for path in files.FOLDER.glob("*_mini.*"):
        shutil.copy(path, tmp_path)
    monkeypatch.setattr(files, "FOLDER", tmp_path)
    return tmp_path


def test_weights_that_are_damaged_while_they_are_loaded(
    open_page: Open, ask: Ask, fresh: Shelf, weights: Path
) -> None:
    path = weights / "mixer_mini.safetensors"
    whole = path.read_bytes()
    at = open_page("compare", models=["mixer_mini", "davit_mini"], picture="cat")
    assert not ask(at).errors
    answered = state._store().get(_capture_of("cat"), pytest.fail).logits
    os.truncate(path, 1000)
    at.selectbox(key="picture").set_value("coffee").run()
    assert not ask(at).errors  # what is loaded goes on, on another picture too
    state._store().clear()
    at.selectbox(key="picture").set_value("cat").run()
    assert not ask(at).errors
    assert np.array_equal(state._store().get(_capture_of("cat"), pytest.fail).logits, answered)
    fresh.drop("mixer_mini")
    state._store().clear()
    at.run()
    errors = ask(at).errors
    assert errors
    assert all("mixer_mini" in error and "is damaged" in error for error in errors)
    assert state.is_remembered(_capture_of("cat", "davit_mini"))  # the other one goes on
    path.write_bytes(whole)
    at.run()
    assert not ask(at).errors
    assert state._store()._locks == {}


def _capture_of(picture: str, key: str = "mixer_mini") -> Any:
    """The key of a result that is there."""
    _, decoded, _ = state.gallery_picture(picture)
    found = [
        name
        for name in state._store()._results
        if isinstance(name, tuple) and name[:3] == ("capture", decoded.sha256, key)
    ]
    return found[0] if found else ("none",)


# ---------------------------------------------------------------- the graphics card gone


def test_a_card_that_fails_during_a_run(
    open_page: Open, ask: Ask, fresh: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A device that seems to be a card: its models lie on the processor and say something else."""
    real, run, ran = loading.load, capture.run_with_cache, []
    card = devices.DeviceFacts(
        kind="cuda", name="Card", cores=2, total_bytes=2**33, free_bytes=2**33
    )
    monkeypatch.setattr(devices, "_gone", threading.Event())
    choose, describe = devices.choose_device, devices.describe

    def choose_here() -> torch.device:
        return choose() if devices.is_given_up() else torch.device("cuda")

    monkeypatch.setattr(devices, "choose_device", choose_here)
    monkeypatch.setattr(
        devices,
        "describe",
        lambda device=None: describe(device) if (device or choose_here()).type == "cpu" else card,
    )

    def load(key: str, *, device: torch.device | None = None, **more: Any) -> loading.LoadedModel:
        place = device or devices.choose_device()
        made = real(key, device=torch.device("cpu"), **more)
        return dataclasses.replace(made, device=place)

    def fails(model: Any, inputs: Any, *more: Any) -> Any:
        ran.append((model.spec.key, model.device.type))
        if model.device.type == "cuda":
            raise torch.AcceleratorError("CUDA error: unspecified launch failure")
        return run(model, inputs, *more)

    monkeypatch.setattr(loading, "load", load)
    monkeypatch.setattr(loading, "prepare", _on_processor(loading.prepare))
    monkeypatch.setattr(capture, "run_with_cache", fails)
    at = open_page("overview", models=["mixer_mini", "davit_mini"], picture="cat")
    assert not ask(at).errors
    said = text("en", "device.gone")
    assert [toast.value for toast in at.toast] == [said]
    assert said in notices.device_words()
    assert [kind for _, kind in ran].count("cuda") == 1  # one visitor meets it, once
    assert ("davit_mini", "cpu") in ran
    at.switch_page("pages/compare.py").run()
    assert not ask(at).errors
    assert not at.toast
    assert [kind for _, kind in ran].count("cuda") == 1
    assert fresh.usage().moved == ()


def _on_processor(real: Callable[..., Any]) -> Callable[..., Any]:
    def prepare(model: Any, picture: Any) -> Any:
        return real(dataclasses.replace(model, device=torch.device("cpu")), picture)

    return prepare


# ---------------------------------------------------------------- the hub, and the disk


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[play.Hub]:
    """A hub on this machine that has one model, an empty cache, and no downloads yet."""
    with play.running() as served:
        served.files[KEY] = DATA
        template = served.endpoint + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr(constants, "ENDPOINT", served.endpoint)
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        monkeypatch.delenv("HF_TOKEN", raising=False)
        patience = transfer.Patience(tries=2, pause=0.01, timeout=0.3)
        monkeypatch.setattr(transfer, "PATIENCE", patience)
        monkeypatch.setitem(server._made, "downloads", Downloads())
        monkeypatch.setattr(server, "has_network", lambda: True)
        close_session()
        yield served
        close_session()


def disk_full(monkeypatch: pytest.MonkeyPatch) -> None:
    """Unfinished files take no byte."""
    real = Path.open

    def opened(path: Path, mode: str = "r", *more: Any, **keywords: Any) -> Any:
        if path.suffix == ".incomplete" and "r" not in mode:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(path, mode, *more, **keywords)

    monkeypatch.setattr(Path, "open", opened)


FAULTS: dict[str, tuple[list[play.Fault], str]] = {
    "429": ([play.answers(429, {"Retry-After": "3600"})], "too_many"),
    "500": ([play.answers(500)] * 2, "hub_fault"),
    "silent": ([play.is_silent(1.0)] * 2, "silent"),
    "wrong": ([play.serves(bytes(len(DATA)))], "wrong_answer"),
    "full": ([], "disk_full"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_download_that_fails_is_said_and_can_be_tried_again(
    open_page: Open, ask: Ask, hub: play.Hub, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    moods, key = FAULTS[fault]
    (hub.fetched if fault == "wrong" else hub.asked).extend(moods)
    at = open_page("compare", models=["mixer_mini"])
    at.session_state["more_models"] = True
    at.run()
    with monkeypatch.context() as patch:
        if fault == "full":
            disk_full(patch)
        at.button(key=f"get-list-{KEY}").click().run()
        assert _end(KEY) == "failed"
    errors = ask(at.run()).errors
    said = max(re.split(r"\{.*?\}", TEXT["error"]["download"][key]), key=len)
    error = next(error for error in errors if registry.spec(KEY).title in error)
    assert said in error
    assert registry.spec(KEY).title in error
    assert "/tmp" not in error
    at.button(key=f"get-ended-{KEY}").click().run()
    assert _end(KEY) == "done"
    assert files.status(registry.spec(KEY)).present


def _end(key: str) -> str:
    """Wait for a download's end; how it ended."""
    end = time.monotonic() + 30
    while (found := server.downloads().state(key)) is None or found.active:
        assert time.monotonic() < end
        time.sleep(0.01)
    return found.status
