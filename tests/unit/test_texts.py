"""Errors and notes are keys of the table of texts: each has a text, and each place its value."""

from __future__ import annotations

import ast
import copy
import functools
import pickle
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from string import Formatter
from typing import Any

import numpy as np
import pytest

from views.frame import state
from views.frame.models import CostQuestionError
from vislib import registry, texts
from vislib.schema import ImageError, MixScopeError, ModelError, ShapeError, WeightsError
from vislib.texts import Message, joined
from vislib.weights.hub.faults import NoSpaceError, WrongAnswer, explain

ROOT = Path(__file__).resolve().parents[2]
SOURCES = {
    path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8")
    for path in [
        ROOT / "app.py",
        *(p for folder in ("vislib", "views", "pages") for p in ROOT.glob(f"{folder}/**/*.py")),
    ]
    if path != ROOT / "vislib" / "texts.py"  # what these rules are about
}
KEY = re.compile(r"[a-z0-9_]+(\.[a-z0-9_]+)+")
PRIVATE = frozenset({"_NoRoomError", "_CardGoneError", "NoSpaceError", "_NotNowError"})
"""Errors whose words nobody reads: the shelf, the hub and the line catch them themselves."""


# ---------------------------------------------------------------- what the sources say


@functools.cache
def nodes(source: str) -> tuple[ast.AST, ...]:
    """All that a source is made of."""
    return tuple(ast.walk(ast.parse(source)))


def named(node: ast.expr) -> str:
    """The last word of a dotted name."""
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def class_nodes(sources: Mapping[str, str]) -> dict[str, ast.ClassDef]:
    """Name -> class, of all sources."""
    found = [node for source in sources.values() for node in nodes(source)]
    return {node.name: node for node in found if isinstance(node, ast.ClassDef)}


def below(base: str, found: Mapping[str, ast.ClassDef]) -> set[str]:
    """The names of a class and of all that come from it."""
    names = {base}
    while True:
        more = {n for n, node in found.items() if names & {named(b) for b in node.bases}} - names
        if not more:
            return names
        names |= more


CLASSES = class_nodes(SOURCES)
ERRORS = below("MixScopeError", CLASSES)
"""Every kind of error whose words are for a person."""
OWN_ARGUMENTS = {
    name
    for name in ERRORS - {"MixScopeError"}
    if any(isinstance(n, ast.FunctionDef) and n.name == "__init__" for n in CLASSES[name].body)
}
"""Kinds that name their key themselves, in ``super().__init__``."""


def messages(source: str) -> Iterator[ast.Call]:
    """The calls of a source whose first argument is a key of the table of texts."""
    for node in nodes(source):
        if isinstance(node, ast.ClassDef) and node.name in OWN_ARGUMENTS:
            for call in ast.walk(node):
                if isinstance(call, ast.Call) and ast.unparse(call.func) == "super().__init__":
                    yield call
        elif isinstance(node, ast.Call):
            name = named(node.func)
            kind = name in ERRORS - OWN_ARGUMENTS or name in ("Message", "joined")
            if kind and ast.unparse(node) != "Message(key, **values)":  # in the base class itself
                yield node


def is_constant(node: ast.expr) -> bool:
    """Whether a node is a constant text."""
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def is_sentence(node: ast.expr) -> bool:
    """Whether a value is words of English put together in the code."""
    if isinstance(node, ast.JoinedStr):
        return any(is_constant(part) and " " in part.value for part in node.values)  # type: ignore[attr-defined]
    return is_constant(node) and " " in node.value  # type: ignore[attr-defined]


def keys(table: Mapping[str, Any], path: str = "") -> Iterator[str]:
    """The dotted keys of all texts of a table."""
    for name, value in table.items():
        yield from keys(value, f"{path}{name}.") if isinstance(value, dict) else [f"{path}{name}"]


def places(text: str) -> set[str]:
    """The names in a text's braces."""
    return {re.split(r"[.\[]", name)[0] for _, name, _, _ in Formatter().parse(text) if name}


def candidates(node: ast.expr) -> list[str]:
    """The keys that a first argument can be: one, two, or those of a table ("note.{name}")."""
    if isinstance(node, ast.IfExp):
        return [*candidates(node.body), *candidates(node.orelse)]
    if is_constant(node):
        key = str(node.value)  # type: ignore[attr-defined]
        return [key] if KEY.fullmatch(key) else []
    start = open_start(node)
    return [key for key in keys(texts._load("en")) if start and key.startswith(start)]


def open_start(node: ast.AST) -> str:
    """What a key that is put together begins with ("note.figure."), else empty."""
    if not isinstance(node, ast.JoinedStr) or not is_constant(node.values[0]):
        return ""
    start = str(node.values[0].value)  # type: ignore[attr-defined]
    return start if KEY.fullmatch(f"{start}x") and start.endswith(".") else ""


def given_to(call: ast.Call) -> set[str]:
    """The names of a message's values."""
    if named(call.func) == "joined":
        return {"first", "last"}
    return {str(keyword.arg) for keyword in call.keywords}


def misfit(call: ast.Call, later: str = "") -> str:
    """What is wrong with one message, in words; empty when all is well.

    ``later`` is a value that may be given when the error is raised again with its own key.
    """
    if call.args and ast.unparse(call.args[0]) == "error.message.key":
        return ""
    found = candidates(call.args[0]) if call.args else []
    if not found:
        return "no key"
    needed = {key: texts.look_up("en", key) for key in found}
    if None in needed.values():
        return f"{found} has no text"
    if len(call.args) > 1 and named(call.func) != "joined":
        return "a value without a name"
    if any(is_sentence(keyword.value) for keyword in call.keywords):
        return "a value is a sentence"
    given = given_to(call)
    fitting = [places(text) for text in needed.values() if text is not None]
    if given in fitting or {*given, later} in fitting:
        return ""
    return f"{sorted(given)} came, {[sorted(one) for one in fitting]} fit"


def faults(source: str, later: str = "") -> list[str]:
    """What is wrong with the messages of a source, in words; empty when all is well."""
    found = [(call, misfit(call, later)) for call in messages(source)]
    return [f"line {call.lineno}: {ast.unparse(call)}: {wrong}" for call, wrong in found if wrong]


@pytest.mark.parametrize("path", SOURCES)
def test_every_message_has_a_text_and_every_place_its_value(path: str) -> None:
    later = "name" if path.startswith("vislib/pictures/") else ""  # decode() adds the file's name
    assert faults(SOURCES[path], later) == []


def test_there_are_messages_to_look_at() -> None:
    calls = [call for source in SOURCES.values() for call in messages(source)]
    assert len(calls) > 250
    assert len(ERRORS) > 10
    assert OWN_ARGUMENTS == {"CostQuestionError"}


@pytest.mark.parametrize(
    ("planted", "said"),
    [
        ('raise ModelError("There is no model of that name.")', "no key"),
        ('raise ModelError(f"There is no model {name!r}.")', "no key"),
        ("raise schema.ModelError(words(name))", "no key"),
        ("raise ModelError(key, model=name)", "no key"),
        ("raise ModelError", None),  # a class alone has no words
        ("raise ModelError()", "no key"),
        ('raise ModelError("error.model.nonsense")', "has no text"),
        ('raise ModelError("error.model")', "has no text"),
        ('raise ShapeError("error.shape.cells")', "[] came, [['cells']] fit"),
        ('raise ShapeError("error.shape.cells", cells=3, rows=2)', "['cells', 'rows'] came"),
        ('raise ShapeError("error.shape.cells", sells=3)', "['sells'] came, [['cells']] fit"),
        ('raise ShapeError("error.shape.cells", **values)', "['None'] came, [['cells']] fit"),
        ('raise ShapeError("error.shape.cells", 3)', "without a name"),
        ('raise ShapeError("error.shape.cells", cells="far too many")', "a sentence"),
        ('raise ShapeError("error.shape.cells", cells=f"too many: {n}")', "a sentence"),
        ('raise ShapeError("error.shape.no_value", count=0)', "['count'] came, [[]] fit"),
        ('x = Message("error.shape.cells")', "[] came"),
        ('x = joined("error.shape.cells", names)', "came, [['cells']] fit"),
        ('x = joined("error.text.or", names)', None),
        ('x = Message(f"error.text.{name}", first=1, last=2)', None),
        ('x = Message(f"error.text.{name}", first=1)', "['first'] came"),
        ('x = Message(f"error.nonsense.{name}")', "no key"),
        ('x = Message("error.shape.no_layer" if a else "error.shape.no_matrix")', None),
        ('x = Message("error.shape.no_layer" if a else "error.shape.lost")', "has no text"),
        ("raise ImageError(error.message.key, **error.message.values)", None),
        ("raise ImageError(other.key, **error.message.values)", "no key"),
        ('raise ShapeError("error.shape.cells", cells=3)', None),
        ("raise CostQuestionError(name, question)", None),
        (
            "class CostQuestionError(MixScopeError):\n"
            "    def __init__(self, question):\n"
            '        super().__init__("error.model.asks_first")',
            "[] came, [['question']] fit",
        ),
    ],
)
def test_faults_are_found(planted: str, said: str | None) -> None:
    found = faults(f"def work():\n    {planted}" if "class" not in planted else planted)
    if said is None:
        assert found == []
    else:
        assert any(said in fault for fault in found), found


def unused(wanted: Sequence[str], sources: Mapping[str, str]) -> list[str]:
    """Those of the keys that no source names, whole or as the end of one that is put together."""
    found = [node for source in sources.values() for node in nodes(source)]
    words = {node.value for node in found if isinstance(node, ast.Constant)}
    starts = {start for node in found if (start := open_start(node))}
    ends = {(start, key.removeprefix(start)) for start in starts for key in wanted}
    put_together = {start + end for start, end in ends if end in words}
    return [key for key in wanted if key not in words | put_together]


def test_every_text_of_an_error_or_note_is_used() -> None:
    wanted = [key for key in keys(texts._load("en")) if key.startswith(("error.", "note."))]
    assert unused(wanted, SOURCES) == []
    planted = ["error.shape.cells", "error.shape.left_over", "note.old"]
    assert unused(planted, SOURCES) == ["error.shape.left_over", "note.old"]
    assert unused(["note.a", "note.b"], {"x.py": "Message(f'note.{name}'); names = ['a']"}) == [
        "note.b"
    ]


# ---------------------------------------------------------------- one base class


def strangers(found: Mapping[str, ast.ClassDef]) -> set[str]:
    """Kinds of errors that are for a person and do not come from the one base class."""
    kinds = {
        name
        for name, node in found.items()
        for base in node.bases
        if named(base).endswith(("Error", "Exception", "Warning"))
    }
    return kinds - below("MixScopeError", found) - PRIVATE


def test_there_is_one_base_class() -> None:
    assert strangers(CLASSES) == set()
    planted = class_nodes({"a.py": "class OddError(ValueError): ...\nclass Wide(OddError): ..."})
    assert strangers(CLASSES | planted) == {"OddError", "Wide"}


def test_the_base_class_names_all_kinds() -> None:
    listed = set(re.findall(r"\w+", MixScopeError.__doc__ or ""))
    assert ERRORS - listed == {"MixScopeError"}


@pytest.mark.parametrize("name", sorted(PRIVATE))
def test_private_errors_never_leave_their_room(name: str) -> None:
    (home,) = [path for path, source in SOURCES.items() if f"class {name}(" in source]
    room = home.rpartition("/")[0] if name == "NoSpaceError" else home
    places_named = [path for path, source in SOURCES.items() if re.search(rf"\b{name}\b", source)]
    assert [path for path in places_named if not path.startswith(room)] == []
    assert "except" in "".join(SOURCES[path] for path in places_named)


def builtin_sentences(source: str) -> list[str]:
    """Sentences of English in errors of Python's own kinds."""
    return [
        ast.unparse(node)
        for node in nodes(source)
        if isinstance(node, ast.Raise)
        and isinstance(node.exc, ast.Call)
        and named(node.exc.func) not in {*ERRORS, "AttributeError"}  # a name, for programmers
        and any(is_sentence(part) for part in node.exc.args)
    ]


def test_errors_of_other_kinds_have_no_words_of_their_own() -> None:
    found = {path: builtin_sentences(source) for path, source in SOURCES.items()}
    found = {path: sentences for path, sentences in found.items() if sentences}
    # What only a programmer who calls it can meet.
    assert found == {
        "vislib/pictures/colour.py": [  # caught in the module: the message is a note
            "raise ValueError('no curve, or no primaries')",
            "raise ValueError('the primaries span no colours')",
            "raise ImageCms.PyCMSError('no profile, or too large')",
        ],
        "vislib/training/muon.py": ["raise ValueError('Muon takes no closure.')"],
        "vislib/weights/hub/transfer.py": [
            "raise httpx2.RemoteProtocolError('the answer ended early')"  # explained in faults
        ],
    }
    assert builtin_sentences('raise ValueError(f"{x} is not from 0 to 1")') != []  # it is found


def in_english(source: str) -> list[str]:
    """Where a caught error is written as it is, in English, not in the visitor's words."""
    return [
        f"line {part.lineno}: {ast.unparse(part)}"
        for handler in nodes(source)
        if isinstance(handler, ast.ExceptHandler) and handler.name
        for part in ast.walk(handler)
        if (isinstance(part, ast.FormattedValue) and ast.unparse(part.value) == handler.name)
        or ast.unparse(part) == f"str({handler.name})"
    ]


def test_views_write_no_caught_error_in_english() -> None:
    views = {path: source for path, source in SOURCES.items() if path.startswith("views/")}
    assert {path: found for path, source in views.items() if (found := in_english(source))} == {}
    for planted in ("st.error(str(error))", 'st.error(f"Oh: {error}")', "x = str(error) + y"):
        assert in_english(f"try:\n    work()\nexcept Error as error:\n    {planted}") != []
    assert in_english("try:\n    work()\nexcept Error as error:\n    said(error)") == []


def without_alt(source: str) -> list[str]:
    """Pictures and charts that are drawn without a text for those who cannot see them."""
    return [
        f"line {node.lineno}: {ast.unparse(node)}"
        for node in nodes(source)
        if isinstance(node, ast.Call)
        and ast.unparse(node.func) in ("st.image", "st.plotly_chart")
        and "alt" not in [keyword.arg for keyword in node.keywords]
    ]


def test_every_picture_and_chart_has_a_text() -> None:
    views = {path: source for path, source in SOURCES.items() if path.startswith("views/")}
    assert {path: found for path, source in views.items() if (found := without_alt(source))} == {}
    assert without_alt("st.image(svg, width='stretch')") != []
    assert without_alt("st.image(svg, alt=title)") == []


# ---------------------------------------------------------------- how messages are worded


def test_english_is_what_str_says() -> None:
    error = ShapeError("error.shape.axis_index", source="blocks.0", axis="head", index=7, last=3)
    assert str(error) == "blocks.0: head 7 does not exist; 0 to 3 do."
    assert str(error) == str(error.message) == error.message.text("en")


def test_lists_are_written_with_commas_and_tuples_as_they_are() -> None:
    known = ModelError("error.model.none", model="x", known=["a", "b"])
    assert str(known) == "There is no model 'x'. Known are: a, b."
    assert str(ShapeError("error.shape.answers", shape=(3, 4))).startswith(
        "Answers of shape (3, 4)"
    )
    assert str(joined("error.text.or", ["a", "b", "c"])) == "a or b or c"
    assert joined("error.text.or", ["a"]) == "a"
    inner = Message("error.table.other_data", name="size")
    nested = str(Message("error.table.other_runs", path="t.csv", differences=[inner, inner]))
    assert "(data: other size, data: other size)" in nested


def test_an_error_as_a_value_is_kept_as_its_message() -> None:
    why = WrongAnswer("error.download.circle")
    message = Message("error.download.wrong_answer", answer=why, host="hub")
    assert isinstance(message.values["answer"], Message)  # an error would hold frames, and tensors
    assert str(message).startswith("one address leads to the next, and none to the file. Nothing")
    assert str(Message("error.model.none", model="x", known=[why])) == (
        "There is no model 'x'. Known are: one address leads to the next, and none to the file."
    )


class Broken:
    """What cannot be written."""

    def __str__(self) -> str:
        raise RuntimeError("no words")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ModelError("error.model.no_such_key", a=1), "error.model.no_such_key"),
        (ModelError("error.shape"), "error.shape"),
        (ModelError(""), ""),
        (ShapeError("error.shape.cells"), "{cells} cells a side came; 1 or more fit."),
        (ShapeError("error.shape.cells", rows=3), "{cells} cells a side came; 1 or more fit."),
        (
            ShapeError("error.shape.cells", cells=Broken()),
            "{cells} cells a side came; 1 or more fit.",
        ),
        (
            ShapeError("error.shape.not_probabilities", least="low"),
            "A pattern with entries down to {least:.3g} came; entropy needs probabilities. "
            "Pass the pattern, not the scores.",
        ),
        (
            ShapeError("error.shape.cells", cells=3, key=1, language=2),
            "3 cells a side came; 1 or more fit.",
        ),
    ],
)
def test_wording_an_error_never_raises(error: MixScopeError, said: str) -> None:
    assert str(error) == said
    assert error.message.text("no such language") == said


def test_without_any_text_the_key_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    error = ShapeError("error.shape.cells", cells=3)
    with_folder(monkeypatch, tmp_path / "nowhere")
    assert str(error) == "error.shape.cells"


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    """No language of a test stays."""
    yield
    texts.languages.cache_clear()
    texts._load.cache_clear()


def with_folder(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Let the texts come from another folder."""
    monkeypatch.setattr(texts, "FOLDER", folder)
    texts.languages.cache_clear()
    texts._load.cache_clear()


@pytest.fixture
def second(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """A second language that has a few texts; its code."""
    english = (texts.FOLDER / "en.toml").read_text(encoding="utf-8")
    (tmp_path / "en.toml").write_text(english, encoding="utf-8")
    (tmp_path / "de.toml").write_text(
        'language = "Deutsch"\n'
        "[models]\n"
        'costs = "{title} ist groß: {megabytes} MB, {adds} G je Bild."\n'
        'costs_seconds = "{falsch} s."\n'
        "[error.download]\n"
        'failed = "{model} kam nicht: {why}"\n'
        'failed_kept = "{model} kam nicht: {why} {megabytes:.2f} MB bleiben."\n'
        'wrong_answer = "{answer}. Frag {host}."\n'
        'circle = "eine Adresse führt zur nächsten"\n'
        'disk_too_small = "{megabytes:.0f} MB fehlen."\n',
        encoding="utf-8",
    )
    with_folder(monkeypatch, tmp_path)
    return "de"


def test_another_language_words_nested_messages(second: str) -> None:
    row = registry.spec("mixer_b16_224.goog_in21k_ft_in1k")
    error = explain(WrongAnswer("error.download.circle"), row, kept=0)
    assert error.message.text(second) == (
        f"{row.key} kam nicht: eine Adresse führt zur nächsten. Frag huggingface.co."
    )
    assert str(error).startswith(f"{row.key} could not be downloaded: one address leads")
    full = explain(NoSpaceError(7_000_000), row, kept=1_250_000)
    assert full.message.text(second) == f"{row.key} kam nicht: 7 MB fehlen. 1,25 MB bleiben."
    # What the language lacks comes in English, inside and outside.
    lacking = explain(PermissionError(13, "no"), row, kept=0)
    why = "the cache cannot be written to. Set HF_HUB_CACHE to a folder that can."
    assert lacking.message.text(second) == f"{row.key} kam nicht: {why}"


def test_pages_say_errors_in_the_visitors_language(
    second: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    costs = Message("models.costs", title="B/16", megabytes="240", adds="12.6")
    error = CostQuestionError("b16", costs)
    monkeypatch.setattr(state.st, "session_state", {"lang": second})
    assert state.said(error) == "B/16 ist groß: 240 MB, 12.6 G je Bild."
    assert state.said(costs) == state.said(error)
    slow = Message("models.costs_seconds", seconds=3)  # its translation is broken
    assert state.said(slow) == "At most about 3 s a run."
    monkeypatch.setattr(state.st, "session_state", {})
    assert state.said(error) == str(error)
    assert str(error).startswith("**B/16** is large for this machine")


ONE_OF_EACH = [
    ImageError("error.model.none", model="x", known=["a", "b"]),
    ModelError("error.model.no_memory", title="B/16", need=np.float64(2.5), free=1.0),
    ShapeError("error.figure.picture", dtype=np.dtype("float64"), shape=(3, 4)),
    WeightsError("error.download.failed", model="x", why=Message("error.download.proxy")),
    WrongAnswer("error.download.byte_count", came=1234, announced=99),
    CostQuestionError("b16", Message("models.costs", title="B", megabytes="1", adds="2")),
]


@pytest.mark.parametrize("error", ONE_OF_EACH, ids=lambda error: type(error).__name__)
def test_errors_survive_pickling_and_copying_with_their_values(error: MixScopeError) -> None:
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        again = pickle.loads(pickle.dumps(error, protocol))
        assert type(again) is type(error)
        assert (again.message, str(again), again.args) == (error.message, str(error), error.args)
        assert vars(again).keys() == vars(error).keys()
    for again in (copy.copy(error), copy.deepcopy(error)):
        assert (type(again), again.message, str(again)) == (type(error), error.message, str(error))
    assert pickle.loads(pickle.dumps(error.message)) == error.message


def test_a_large_model_s_question_keeps_its_model() -> None:
    error = copy.copy(CostQuestionError("b16", Message("models.load_it")))
    assert error.key == "b16"


def test_messages_are_equal_by_key_and_values() -> None:
    one, same = Message("error.shape.cells", cells=3), Message("error.shape.cells", cells=3)
    assert one == same
    assert hash(one) == hash(same)
    assert one not in (Message("error.shape.cells", cells=4), Message("error.shape.base", base=3))
