"""No word that a person reads stands in Python: all come from the table of texts."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
VIEWS = sorted([*ROOT.glob("views/**/*.py"), *ROOT.glob("pages/*.py"), ROOT / "app.py"])
LIBRARY = sorted(ROOT.glob("vislib/**/*.py"))
NOT_SAID = frozenset(
    {"key", "name", "style", "mime", "file_name", "anchor", "type", "width", "height", "gap"}
    | {"display", "icon", "output_format", "on_change", "on_click", "role", "unit", "source"}
    | {"layout", "position", "language", "vertical_alignment", "horizontal_alignment", "resolution"}
    | {"selection_mode", "on_select", "theme", "axes", "provenance", "families", "page"}
    | {"persist_state", "hide_index", "duration", "default", "args"}
)
"""Arguments that nobody reads as a sentence: names, styles; the name of a tensor, its formula."""
NAMES = frozenset(
    {"page", "t", "remember", "is_remembered", "go", "container", "Page", "switch_page", "context"}
    | {"navigation", "get", "pop", "setdefault", "get_all", "strip", "choose_model", "component"}
    | {"capture", "weights", "cache_resource", "words", "raw_unit", "unit_words", "code"}
    | {"get_option"}
)
"""Calls whose texts are keys, or commands."""
KEY = re.compile(r"[a-z_.]+")
"""A key: what the frame is given and words itself."""
MARKUP = re.compile(
    r"<style>.*|<[^<>]*>?|^[^<>]*>|^\"[^<>]*=\"$|&\w+;|:\w+\[|https?://\S+|`[^`]*`", re.DOTALL
)
"""HTML, also a part of a tag that a value stands in; an address; code."""
WORD = re.compile(r"[A-Za-z]{2,}")
UNITS = frozenset({"px", "bit", "ms", "MB", "GB", "seed", "val", "arXiv"})
"""Units and names that are the same in all languages."""


def parts(node: ast.expr) -> Iterator[str]:
    """The constant words that an argument is put together from."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.JoinedStr):
        for part in node.values:
            if isinstance(part, ast.Constant):
                yield str(part.value)
    elif isinstance(node, ast.BinOp):
        yield from (*parts(node.left), *parts(node.right))
    elif isinstance(node, ast.IfExp):
        yield from (*parts(node.body), *parts(node.orelse))
    elif isinstance(node, ast.List | ast.Tuple):
        for one in node.elts:
            yield from parts(one)


def said_words(text: str) -> list[str]:
    """The words of a text that a person would read."""
    return [word for word in WORD.findall(MARKUP.sub(" ", text)) if word not in UNITS]


def is_shown(call: ast.Call) -> bool:
    """Whether a call puts something on the page: of Streamlit, or of the frame."""
    found = ast.unparse(call.func)
    first, _, _ = found.partition(".")
    if found.rpartition(".")[2] in NAMES:
        return False
    return first in ("st", "frame") or (isinstance(call.func, ast.Attribute) and first == "column")


def words_in_views(source: str) -> list[str]:
    """Words that a source hands to the page itself."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and is_shown(node):
            given = [*node.args, *(k.value for k in node.keywords if k.arg not in NOT_SAID)]
            texts = [text for argument in given for text in parts(argument)]
            if ast.unparse(node.func).startswith("frame."):
                texts = [text for text in texts if not KEY.fullmatch(text)]
            found += [f"line {node.lineno}: {text}" for text in texts if said_words(text)]
    return found


def printed(source: str) -> list[str]:
    """Words that a source prints, or gives to a progress line."""
    found = []
    for node in ast.walk(ast.parse(source)):
        last = ast.unparse(node.func).rpartition(".")[2] if isinstance(node, ast.Call) else ""
        if isinstance(node, ast.Call) and last in ("print", "line", "report", "write"):
            texts = [text for argument in node.args for text in parts(argument)]
            found += [f"line {node.lineno}: {text}" for text in texts if said_words(text)]
    return found


@pytest.mark.parametrize("path", VIEWS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_pages_have_no_words_of_their_own(path: Path) -> None:
    assert words_in_views(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("path", LIBRARY, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_the_library_prints_no_words_of_its_own(path: Path) -> None:
    assert printed(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("source", "count"),
    [
        ('st.button("Compute")', 1),
        ('st.markdown(f"**{name}** stays")', 1),
        ('st.info("a" if x else "That is wrong")', 1),
        ('st.html(f"<b>{x}</b> of all <i>{y}</i>")', 1),
        ('column.number_input("Row", key="row")', 1),
        ('frame.choose(t("x.y"), ["a", "b"], key="which one")', 0),
        ('frame.image(png, alt="The map", key="map")', 1),
        ('frame.big(frame.t("x.y"), value)', 0),
        ('frame.big("It is the same", value)', 1),
        ('frame.badge("computed")', 0),
        ('st.caption("computed")', 1),
        ("st.html(f'<div class=\"how\">{words}</div>')", 0),
        ('st.caption(f"{x:.2f} px")', 0),
        ('frame.remember(("one map", key), make)', 0),
    ],
)
def test_planted_words_are_found(source: str, count: int) -> None:
    assert len(words_in_views(source)) == count


def test_planted_prints_are_found() -> None:
    assert printed('print(f"{row.key}: whole")') != []
    assert printed('screen.line("Reading ...")') != []
    assert printed('print(Message("command.whole", model=key), flush=True)') == []
