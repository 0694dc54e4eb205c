"""README and docs/ name what is there: files, commands, models, rooms."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from vislib import registry

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = {
    path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8")
    for path in (
        *ROOT.glob("README*.md"),
        ROOT / "CONTRIBUTING.md",
        *sorted(ROOT.glob("docs/*.md")),
    )
}
EXTENDING = "docs/extending.md"
TO_BE_WRITTEN = {"vislib/architectures/gmlp.py"}
"""The example of the documents."""
FOLDERS = "app|assets|benchmarks|docs|pages|tests|views|vislib"


def named_files(text: str) -> set[str]:
    """Files of the project that a document names, with their folders."""
    return set(re.findall(rf"(?<![\w./])((?:{FOLDERS})/[\w./]+\.(?:py|md|toml|js|txt|csv))", text))


def links(text: str) -> set[str]:
    """Where a document's links to other files lead."""
    return {found for found in re.findall(r"\]\(([^)#]+)", text) if "://" not in found}


def modules(text: str) -> set[str]:
    """Modules that a document calls with ``python -m``."""
    return set(re.findall(r"-m (vislib[\w.]*)", text))


def is_there(name: str) -> bool:
    """Whether a module of the library can be called or imported."""
    place = ROOT / name.replace(".", "/")
    return place.with_suffix(".py").is_file() or (place / "__main__.py").is_file()


@pytest.mark.parametrize("name", DOCUMENTS)
def test_what_a_document_names_is_there(name: str) -> None:
    text = DOCUMENTS[name]
    missing = {file for file in named_files(text) if not (ROOT / file).is_file()}
    assert missing <= TO_BE_WRITTEN
    folder = (ROOT / name).parent
    assert [link for link in links(text) if not (folder / link).exists()] == []
    assert [module for module in modules(text) if not is_there(module)] == []


def test_what_is_not_there_is_found() -> None:
    text = "see `views/compare/nothing.py`, [this](no.md), python -m vislib.nothing"
    assert named_files(text) == {"views/compare/nothing.py"}
    assert links(text) == {"no.md"}
    assert [module for module in modules(text) if not is_there(module)] == ["vislib.nothing"]
    assert named_files(DOCUMENTS[EXTENDING]) > {"views/compare/page.py", "vislib/figures/tiles.py"}


def test_each_file_that_draws_stands_in_the_map() -> None:
    files = {p.relative_to(ROOT).as_posix() for p in ROOT.glob("views/*/*.py")}
    told = named_files(DOCUMENTS[EXTENDING])
    assert {f for f in files if not f.endswith("__init__.py")} - told == set()


def test_the_rooms_are_those_of_the_library() -> None:
    docstring = ast.get_docstring(ast.parse((ROOT / "vislib/__init__.py").read_text("utf-8")))
    assert docstring is not None
    lines = [line.strip() for line in docstring.splitlines() if line.startswith("    ")]
    assert len(lines) >= 8
    told = [line.strip() for line in DOCUMENTS["docs/house.md"].splitlines()]
    assert [line for line in lines if line not in told] == []


def test_readme_lists_every_model_and_leads_to_every_document() -> None:
    readme = DOCUMENTS["README.md"]
    assert len(registry.MODEL_REGISTRY) > 20
    assert [key for key in registry.MODEL_REGISTRY if f"`{key}`" not in readme] == []
    assert {name for name in DOCUMENTS if name != "README.md"} <= links(readme)


def test_readme_is_short() -> None:
    words = [word for word in DOCUMENTS["README.md"].split() if word.strip("|-")]
    assert len(words) <= 1000


# ---------------------------------------------------------------- the README in two languages


def commands(text: str) -> list[str]:
    """What a document tells a person to type, without remarks: in blocks and within lines."""
    blocks = [
        line.partition("#")[0].strip() for b in BLOCKS.findall(text) for line in b.split("\n")
    ]
    within = re.findall(r"`([^`\n]+)`", BLOCKS.sub("", text))
    return [*filter(None, blocks), *within]


BLOCKS = re.compile(r"^```\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def shape(text: str) -> list[str]:
    """The kinds of lines: headings, rows of tables with their numbers, points."""
    rows = [line for line in text.split("\n") if line.startswith(("## ", "|", "- "))]
    return [
        line[:2] + ("".join(re.findall(r"[\d.]+ ?(?:%|MB)", line)) if line[0] == "|" else "")
        for line in rows
    ]


def test_the_readme_is_the_same_in_both_languages() -> None:
    english = (ROOT / "README.md").read_text(encoding="utf-8")
    korean = (ROOT / "README.ko.md").read_text(encoding="utf-8")
    assert len(commands(english)) > 30
    assert set(commands(korean)) == set(commands(english))
    assert shape(korean) == shape(english)
    own = {"README.md", "README.ko.md"}
    assert links(korean) - own == links(english) - own
    assert commands("a `b`\n```\nc  # d\n```\n") == ["c", "b"]
    assert shape("## a\n| x | 5 MB |\n- c") == ["##", "| 5 MB", "- "]
