"""The choice of models: what is there, what can be had, what it costs, and where it runs."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from tests.app.conftest import Ask, Open
from tests.app.test_frame import TEXT
from views import frame
from views.frame import frame as around
from views.frame import models, notices, server, state
from views.frame.results import ResultStore
from vislib import registry
from vislib.models import devices, footprint, loading
from vislib.models.shelf import LoadCost, Shelf
from vislib.schema import MixScopeError
from vislib.texts import Message
from vislib.weights import files
from vislib.weights.downloads import DownloadState

ROOT = Path(__file__).resolve().parents[2]
KEY = "resmlp_24_224.fb_in1k"
TITLE = registry.spec(KEY).title
PRICE = server.price
WORDS = TEXT["models"]


class Fakes:
    """Downloads that stand still where the test puts them."""

    def __init__(self) -> None:
        self.found: dict[str, DownloadState] = {}
        self.calls: list[tuple[str, str]] = []

    def put(self, key: str, status: Any, **more: Any) -> None:
        self.found[key] = DownloadState(key=key, status=status, **more)

    def start(self, key: str) -> None:
        self.calls.append(("start", key))
        self.put(key, "running", done=30_000_000, total=120_000_000, rate=2_500_000.0)

    def cancel(self, key: str) -> None:
        self.calls.append(("cancel", key))
        self.put(key, "cancelled", message=Message("error.download.stopped", model=key))

    def state(self, key: str) -> DownloadState | None:
        return self.found.get(key)

    def states(self) -> tuple[DownloadState, ...]:
        return tuple(self.found.values())


@pytest.fixture
def fakes(monkeypatch: pytest.MonkeyPatch) -> Fakes:
    made = Fakes()
    monkeypatch.setitem(server._made, "downloads", made)
    return made


@pytest.fixture
def arrive(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Lets the weights of a model seem to be there; it is loaded with random ones."""
    status, load = files.status, loading.load
    there: set[str] = set()

    def seen(row: Any) -> Any:
        found = status(row)
        if row.key in there:
            return dataclasses.replace(found, path=Path("somewhere"), megabytes=0.1)
        return found

    def loaded(key: str, *, untrained: bool = False, **more: Any) -> Any:
        if key in there:
            return dataclasses.replace(load(key, untrained=True, **more), untrained=False)
        return load(key, untrained=untrained, **more)

    monkeypatch.setattr(files, "status", seen)
    monkeypatch.setattr(loading, "load", loaded)
    return there.add


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Shelf]:
    """A server on which nothing has been loaded, with a shelf of so many bytes."""

    def made(budget: int | None = None) -> Shelf:
        shelf = Shelf(budget, collect=server.settle_memory)
        monkeypatch.setitem(server._made, "shelf", shelf)
        monkeypatch.delitem(server._made, "device", raising=False)
        monkeypatch.setattr(models, "_known", {})
        monkeypatch.setattr(server, "_seconds", {})
        monkeypatch.setattr(server, "_agreed", set())
        store = ResultStore(2**28, 600.0)
        monkeypatch.setattr(state, "_store", lambda: store)
        return shelf

    return made


def buttons(at: AppTest, prefix: str) -> dict[str, Any]:
    """Buttons by their key, those whose key begins so."""
    return {b.key: b for b in at.button if b.key and b.key.startswith(prefix)}


def options(at: AppTest) -> list[str]:
    return list(at.multiselect(key="models").options)


def words(at: AppTest) -> str:
    shown = (*at.markdown, *at.caption, *at.error, *at.info, *at.toast)
    return "\n".join(element.value for element in shown)


def test_what_can_be_had_is_listed_with_size_and_licence(
    open_page: Open, fakes: Fakes, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes = {KEY: 120.1234}
    monkeypatch.setattr(server, "_megabytes", {})
    monkeypatch.setattr(footprint, "expected_megabytes", lambda row: sizes.get(row.key, 7.0))
    at = open_page()
    assert not buttons(at, "get-list")  # closed: nothing is drawn, nothing is counted
    at.session_state["more_models"] = True
    at.run()
    assert not at.exception
    away = [key for key in registry.MODEL_REGISTRY if key not in server.present()]
    published = [key for key in away if registry.spec(key).weights == "timm"]
    assert {f"get-list-{key}" for key in published} == set(buttons(at, "get-list"))
    assert f"**{TITLE}**" in words(at)
    assert f"120 MB · {registry.spec(KEY).licence}" in words(at)
    assert fakes.calls == []


def test_a_download_is_started_watched_and_stopped(open_page: Open, fakes: Fakes) -> None:
    at = open_page()
    at.session_state["more_models"] = True
    at.run()
    buttons(at, f"get-list-{KEY}")[f"get-list-{KEY}"].click().run()
    assert not at.exception
    assert fakes.calls == [("start", KEY)]
    assert not buttons(at, f"get-list-{KEY}")  # it cannot be ordered twice
    bar = at.get("progress")[0].proto
    assert bar.value == 25
    assert bar.text == WORDS["bar"].format(title=TITLE, done="30", total="120", rate="2.5")
    at.button(key=f"cancel-{KEY}").click().run()
    assert fakes.calls[-1] == ("cancel", KEY)
    assert "What has come is kept." in words(at)
    assert not at.get("progress")
    at.button(key=f"get-ended-{KEY}").click().run()
    assert fakes.calls[-1] == ("start", KEY)


def test_a_failure_says_what_came_and_can_be_tried_again(open_page: Open, fakes: Fakes) -> None:
    at = open_page(models=["mixer_mini", KEY])
    at.button(key=f"get-offer-{KEY}").click().run()
    message = Message("error.download.hub_fault", host="huggingface.co", status=503)
    fakes.put(KEY, "failed", message=message)
    at.run()
    assert any("has a fault of its own (answer 503)" in error.value for error in at.error)
    assert at.button(key=f"get-ended-{KEY}").label == WORDS["again"]
    other = open_page()
    assert not other.error  # who did not order it is not told
    at.button(key=f"get-ended-{KEY}").click().run()
    assert fakes.calls == [("start", KEY), ("start", KEY)]
    fakes.put(KEY, "failed", message=message)
    at.run()
    at.button(key=f"close-{KEY}").click().run()
    assert not at.error


def test_what_has_come_is_offered_at_once(
    open_page: Open, fakes: Fakes, arrive: Callable[[str], None]
) -> None:
    at = open_page(models=["mixer_mini"])
    at.session_state["more_models"] = True
    at.run()
    at.button(key=f"get-list-{KEY}").click().run()
    assert TITLE not in options(at)
    arrive(KEY)
    at.run()
    assert TITLE not in options(at)  # negative control: looked up once a minute
    fakes.put(KEY, "done", done=1, total=1)
    at.run()
    assert TITLE in options(at)
    assert list(at.session_state["models"]) == ["mixer_mini"]  # the visitor's choice stays
    assert WORDS["arrived"].format(title=TITLE) in words(at)


def test_a_link_to_a_model_that_is_not_here_says_so(
    open_page: Open, ask: Ask, fakes: Fakes, arrive: Callable[[str], None]
) -> None:
    line = WORDS["link_names"].format(title=TITLE)
    for name in (KEY, TITLE):  # Streamlit writes titles into the address
        at = open_page(models=["mixer_mini", name])
        assert not ask(at).errors
        assert line in words(at)
        assert list(at.session_state["models"]) == ["mixer_mini"]
    assert line not in words(open_page(models=["mixer_mini"]))
    assert not at.exception
    at.button(key=f"get-offer-{KEY}").click().run()
    arrive(KEY)
    fakes.put(KEY, "done", done=1, total=1)
    at.run()
    assert list(at.session_state["models"]) == ["mixer_mini", KEY]
    assert line not in words(at)
    assert not ask(at).errors


# ------------------------------------------------------------ what a model costs


def cost(megabytes: float, giga: float, *, fits: bool = True) -> LoadCost:
    return LoadCost(
        bytes=int(megabytes * 1e6), multiply_adds=int(giga * 1e9), fits=fits, share_of_available=0.5
    )


@pytest.mark.parametrize(
    ("size", "giga", "fits", "seconds", "asked"),
    [
        (100, 1.0, True, 0.05, False),
        (1001, 1.0, True, 0.05, True),
        (100, 1.0, False, 0.05, True),
        (100, 21.0, True, 0.5, True),  # 21 times, 10.5 s
        (100, 19.0, True, 0.5, False),  # 19 times
        (100, 21.0, True, 0.05, False),  # 21 times, but 1 s
        (100, 21.0, True, None, False),  # nothing has run here
    ],
)
def test_only_what_is_large_for_the_machine_is_asked_about(
    monkeypatch: pytest.MonkeyPatch,
    size: float,
    giga: float,
    fits: bool,
    seconds: float | None,
    asked: bool,
) -> None:
    costs = {KEY: cost(size, giga, fits=fits), "mixer_mini": cost(3, 1.0), "vit_mini": cost(3, 0.1)}
    monkeypatch.setattr(server, "shelf", lambda: SimpleNamespace(cost=lambda row: costs[row.key]))
    # The smaller one is slower than its size says; the largest one counts.
    ran = {} if seconds is None else {"vit_mini": 9.0, "mixer_mini": seconds}
    monkeypatch.setattr(server, "_seconds", ran)
    monkeypatch.setattr(server, "_agreed", set())
    found = PRICE(KEY)
    assert (found is not None) is asked
    if found is not None and seconds is not None:
        assert found.seconds == pytest.approx(seconds * giga)
    assert PRICE("davit_mini") is None  # a bundled one never asks, and is not even counted
    server.agree(KEY)
    assert PRICE(KEY) is None


def test_a_large_model_waits_for_a_word_and_nothing_else_does(
    open_page: Open, ask: Ask, monkeypatch: pytest.MonkeyPatch, fresh: Callable[..., Shelf]
) -> None:
    shelf = fresh()
    large = server.Cost(cost=cost(833, 44.5, fits=False), seconds=12.3)
    monkeypatch.setattr(
        server,
        "price",
        lambda key: large if key == "davit_mini" and key not in server._agreed else None,
    )
    at = open_page(models=["mixer_mini", "davit_mini"], reads="raw")
    question = next(part for part in words(at).split("\n") if "833 MB" in part)
    for part in ("DaViT mini", "44.5 G", "12 s", "50 %"):
        assert part in question
    assert not ask(at).errors
    assert shelf.holds("mixer_mini")
    assert not shelf.holds("davit_mini")
    one = len(ask(at).pictures)
    assert one > 0
    at.button(key="load-davit_mini").click().run()
    assert shelf.holds("davit_mini")
    assert len(ask(at).pictures) > one
    assert "833 MB" not in words(at)


# ------------------------------------------------------------ memory and devices


def test_models_that_do_not_fit_together_still_make_a_whole_page(
    open_page: Open, ask: Ask, fresh: Callable[..., Shelf]
) -> None:
    fresh(10**9)
    chosen = ["mixer_mini", "davit_mini"]
    roomy = ask(open_page(models=chosen, reads="raw")).pictures
    assert all(models.is_ready(key) for key in chosen)
    shelf = fresh(6_000_000)  # one of them, and not two
    at = open_page(models=chosen, reads="raw")
    assert ask(at).pictures == roomy
    assert [key for key in chosen if models.is_ready(key)] == [shelf.usage().names[-1][0]]
    assert len(shelf.usage().names) == 1
    assert all(models.is_known(key) for key in chosen)
    held = shelf.usage().names
    at.number_input(key="x").set_value(500).run()
    assert not ask(at).errors
    assert shelf.usage().names == held  # what is remembered needs no model
    assert models.model("mixer_mini").parameters == loading.load("mixer_mini").parameters
    assert "stem.filters" in models.model("mixer_mini").weights("stem")  # what is not comes with it
    assert models.is_ready("mixer_mini")


def test_a_device_that_is_not_there_is_said_on_the_page(
    open_page: Open, monkeypatch: pytest.MonkeyPatch, fresh: Callable[..., Shelf]
) -> None:
    monkeypatch.setenv(devices.DEVICE, "abacus")
    fresh()
    at = open_page()
    assert not at.exception
    assert any("'abacus'; this machine has" in error.value for error in at.error)
    assert "'abacus'" in words(at)
    monkeypatch.delenv(devices.DEVICE)
    fresh()
    assert not open_page().error


def test_the_frame_says_where_models_run(open_page: Open, fresh: Callable[..., Shelf]) -> None:
    fresh()
    here = devices.processor()
    gigabytes = f"{here.total_bytes / 2**30:.0f}"
    line = TEXT["device"]["cpu"].format(cores=here.cores, gigabytes=gigabytes)
    captions = [caption.value for caption in open_page("dual_attention").caption]
    assert [caption for caption in captions if caption.startswith(line)]


def test_the_line_names_the_card_and_what_was_moved(monkeypatch: pytest.MonkeyPatch) -> None:
    card = devices.DeviceFacts(
        kind="cuda", name="NVIDIA H200", cores=16, total_bytes=140 * 2**30, free_bytes=2**30
    )
    monkeypatch.setattr(server, "device", lambda: card)
    monkeypatch.setattr(server, "moved", lambda: ())
    monkeypatch.setattr(server, "memory_in_use", lambda: None)
    assert notices.device_words() == "Runs on NVIDIA H200, 140 GB."
    monkeypatch.setattr(server, "moved", lambda: (KEY,))
    assert TITLE in notices.device_words()
    monkeypatch.setattr(server, "device", lambda: None)
    assert notices.device_words() == ""


def test_a_move_to_the_processor_is_told_once(
    open_page: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = open_page()
    assert not at.toast
    monkeypatch.setattr(server, "moved", lambda: (KEY,))
    at.run()
    assert [toast.value for toast in at.toast] == [TEXT["device"]["moved_now"].format(title=TITLE)]
    at.run()
    assert not at.toast


def test_a_card_that_has_failed_is_told_once_and_said_in_the_line(
    open_page: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(devices, "_gone", threading.Event())
    at = open_page("dual_attention")
    said = TEXT["device"]["gone"]
    card = devices.DeviceFacts(kind="cuda", name="A", cores=2, total_bytes=9, free_bytes=9)
    monkeypatch.setitem(server._made, "device", card)
    assert said not in words(at)
    devices.give_up()
    at.run()
    assert [toast.value for toast in at.toast] == [said]
    assert said in notices.device_words()
    assert TEXT["device"]["cpu"].partition("{")[0] in notices.device_words()
    at.run()
    assert not at.toast


def test_the_first_paint_needs_no_torch() -> None:
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "from views.frame import model_choice, notices, server\n"
        "print(len(server.present()) > 0, repr(notices.device_words()))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.stdout.strip() == "True ''", done.stderr


# ------------------------------------------------------------ which models come first


def test_the_usual_models_are_minis_until_each_family_is_there() -> None:
    minis = state.DEFAULT_MODELS
    mixer, conv, davit = (
        "mixer_b16_224.goog_in21k_ft_in1k",
        "convmixer_768_32.in1k",
        "davit_tiny.msft_in1k",
    )
    assert state.default_models(minis) == minis
    assert state.default_models((*minis, mixer, conv)) == minis
    assert state.default_models((*minis, mixer, conv, davit)) == (mixer, conv, davit)


def test_a_page_prefers_what_is_compared_then_published_models(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    big = "mixer_b16_224.goog_in21k_ft_in1k"
    present: list[str] = [*state.DEFAULT_MODELS, big]
    monkeypatch.setattr(server, "present", lambda: tuple(present))
    asked: list[Any] = []

    def choose(*_: Any, default: str, **__: Any) -> str:
        asked.append(default)
        return default

    monkeypatch.setattr(around, "choose", choose)
    for compared, expected in (((), big), (("mixer_mini",), "mixer_mini"), ((big,), big)):
        shown = SimpleNamespace(models=compared)
        monkeypatch.setattr(around, "view", lambda shown=shown: shown)
        assert frame.choose_model("mixer") == expected
    present.remove(big)
    assert frame.choose_model("mixer") == "mixer_mini"
    assert asked == [big, "mixer_mini", big]
    with pytest.raises(MixScopeError, match="swin"):
        frame.choose_model("swin")


def test_a_download_is_offered_where_a_network_is(monkeypatch: pytest.MonkeyPatch) -> None:
    class Way:
        """A socket; only the machine with a way out can connect it."""

        def __init__(self, *_kind: object) -> None:
            self.sent: list[object] = []

        def __enter__(self) -> Way:
            return self

        def __exit__(self, *_error: object) -> None:
            assert self.sent == []

        def connect(self, _place: object) -> None:
            if not out:
                raise OSError("Network is unreachable")

    monkeypatch.setattr(server.socket, "socket", Way)
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    out = True
    assert server.has_network()
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert not server.has_network()
    monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    assert server.has_network()
    out = False
    assert not server.has_network()
