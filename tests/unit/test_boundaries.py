"""Who may import whom, checked against one table; and the rules that hold for whole files."""

from __future__ import annotations

import ast
import importlib
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NUMERIC = frozenset({"numpy"})
EVERYTHING = frozenset({"*"})
READERS = frozenset({"safetensors", "huggingface_hub"})
"""What weight files are read and found with."""
CARRIERS = READERS | {"httpx2", "filelock"}
"""What they are downloaded with: huggingface_hub and what it is made of."""


@dataclass(frozen=True, kw_only=True)
class Rule:
    """A row: which modules it is for, what they may import, what they never may.

    ``outside`` names packages, ``own`` names modules of this project ("vislib.schema" covers what
    lies below it). The standard library is always allowed. ``never`` wins over both.
    """

    modules: tuple[str, ...]
    outside: frozenset[str]
    own: frozenset[str]
    never: frozenset[str] = field(default_factory=frozenset)


def own(*names: str) -> frozenset[str]:
    """Modules of the library, by their short names; the texts of errors come with the schema."""
    texts = ("texts",) if "schema" in names else ()
    return frozenset(f"vislib.{name}" for name in (*names, *texts))


LIBRARY_NEVER = frozenset({"streamlit", "views", "pages", "app", "start"})
MODEL_SIDE = own("schema", "registry", "pictures", "weights", "architectures", "models")
"""What loading and measuring models is made of."""
RULES = (
    Rule(  # the page's own folder besides; see ``violations``
        modules=("pages",),
        outside=frozenset(),
        own=frozenset({"views.frame"}),
        never=frozenset({"torch", "timm", "captum", "plotly", "PIL", "vislib"}),
    ),
    Rule(  # the server imports it for what it serves, and runs it for what the page shows
        modules=("app",),
        outside=frozenset({"streamlit", "starlette"}),
        own=frozenset(
            {"views.frame", "views.room.server"}
            | {"views.browser_files", "views.connections", "views.first_paint"}
        ),
        never=frozenset({"torch", "timm", "captum", "plotly", "PIL", "vislib"}),
    ),
    Rule(
        modules=("views.first_paint", "views.browser_files", "views.connections"),
        outside=frozenset({"streamlit"}),
        own=frozenset(),
        never=frozenset({"torch", "timm", "captum", "vislib"}),
    ),
    Rule(  # what the server gives out beside Streamlit
        modules=("views.room",),
        outside=frozenset({"streamlit", "starlette"}),
        own=frozenset({"vislib.classroom", "vislib.texts"}),
        never=frozenset({"torch", "timm", "captum", "numpy", "PIL", "views.frame"}),
    ),
    Rule(
        modules=("views",),
        outside=NUMERIC | {"streamlit"},
        own=frozenset({"vislib", "views.frame"}),
        never=frozenset({"torch", "timm", "captum"}),
    ),
    Rule(
        modules=("views.frame",),
        outside=NUMERIC | {"streamlit", "cachetools"},
        own=frozenset({"vislib", "views.frame"}),
        never=frozenset({"torch", "timm", "captum"}),
    ),
    Rule(modules=("vislib",), outside=frozenset(), own=frozenset(), never=LIBRARY_NEVER),
    Rule(modules=("vislib.registry",), outside=frozenset(), own=own("schema"), never=LIBRARY_NEVER),
    Rule(
        modules=("vislib.texts",),
        outside=frozenset({"babel"}),
        own=frozenset(),
        never=LIBRARY_NEVER,
    ),
    Rule(modules=("vislib.schema",), outside=NUMERIC, own=own("texts"), never=LIBRARY_NEVER),
    Rule(
        modules=("vislib.pictures",),
        outside=NUMERIC | {"PIL", "imagecodecs"},
        own=own("schema", "texts", "pictures"),
        never=LIBRARY_NEVER | {"torch"},
    ),
    Rule(
        modules=("vislib.observe.capture",),
        outside=NUMERIC | {"torch"},
        own=own("schema"),
        never=LIBRARY_NEVER | own("architectures") | {"timm", "plotly"},
    ),
    Rule(modules=("vislib.observe",), outside=frozenset(), own=frozenset(), never=LIBRARY_NEVER),
    Rule(
        modules=("vislib.architectures",),
        outside=NUMERIC | {"torch", "timm", "torchvision"},
        own=own("schema", "architectures"),  # other adapters are refused below
        never=LIBRARY_NEVER | own("observe", "models") | {"plotly"},
    ),
    Rule(
        modules=("vislib.analysis",),
        outside=NUMERIC,
        own=own("schema", "analysis"),
        never=LIBRARY_NEVER | {"torch"},
    ),
    Rule(
        modules=("vislib.models",),
        outside=NUMERIC | READERS | {"torch", "torchvision", "timm", "PIL"},
        own=MODEL_SIDE,
        never=LIBRARY_NEVER | {"plotly", "captum"},
    ),
    Rule(
        modules=("vislib.weights",),
        outside=NUMERIC | READERS | {"torch"},
        own=own("schema", "registry", "weights"),
        never=LIBRARY_NEVER | {"timm", "plotly", "captum"},
    ),
    Rule(
        modules=("vislib.weights.hub", "vislib.weights.downloads"),
        outside=CARRIERS,
        own=own("schema", "registry", "texts", "weights"),
        never=LIBRARY_NEVER | {"torch", "timm"},
    ),
    Rule(
        modules=("vislib.weights.film",),
        outside=NUMERIC | {"safetensors"},
        own=own("schema"),
        never=LIBRARY_NEVER | {"torch"},
    ),
    Rule(
        modules=("vislib.models.devices",),
        outside=frozenset({"torch", "psutil"}),
        own=own("schema"),
        never=LIBRARY_NEVER | {"plotly", "captum"},
    ),
    Rule(
        modules=("vislib.models.shelf", "vislib.models.footprint"),
        outside=frozenset({"torch"}),
        own=own("schema", "registry", "weights", "models"),
        never=LIBRARY_NEVER | {"plotly", "captum"},
    ),
    Rule(
        modules=("vislib.attribution",),
        outside=NUMERIC | {"torch", "captum"},
        own=own("schema", "observe.capture", "attribution"),
        never=LIBRARY_NEVER | {"plotly", "captum.attr.visualization"},
    ),
    Rule(
        modules=("vislib.observe.intervention", "vislib.observe.probing"),
        outside=NUMERIC | {"torch"},
        own=own("schema", "observe.capture", "models.copying"),
        never=LIBRARY_NEVER | {"plotly", "captum"},
    ),
    Rule(
        modules=("vislib.observe.surgery",),
        outside=frozenset(),
        own=own("schema", "registry", "models.loading", "observe.intervention"),
        never=LIBRARY_NEVER | {"plotly", "captum"},
    ),
    Rule(
        modules=("vislib.observe.shuffled",),
        outside=NUMERIC,
        own=own("schema", "analysis.patches", "analysis.shuffling", "models.loading")
        | own("observe.capture", "observe.intervention"),
        never=LIBRARY_NEVER | {"plotly", "captum"},
    ),
    Rule(
        modules=("vislib.observe.identities",),
        outside=NUMERIC | {"torch"},
        own=own("schema"),
        never=LIBRARY_NEVER | {"plotly", "captum"},
    ),
    Rule(modules=("vislib.tables",), outside=frozenset(), own=frozenset(), never=LIBRARY_NEVER),
    Rule(
        modules=("vislib.tables.similarity",),
        outside=NUMERIC,
        own=own("schema", "pictures", "analysis"),
        never=LIBRARY_NEVER | {"torch"},
    ),
    Rule(
        modules=("vislib.tables.rows",),
        outside=frozenset(),
        own=own("schema"),
        never=LIBRARY_NEVER | {"torch", "timm"},
    ),
    Rule(
        modules=("vislib.tables.papers",),
        outside=frozenset(),
        own=own("schema", "tables.rows"),
        never=LIBRARY_NEVER | {"torch", "timm"},
    ),
    Rule(
        modules=("vislib.tables.specification",),
        outside=frozenset(),
        own=own("schema", "tables.rows", "tables.papers"),
        never=LIBRARY_NEVER | {"torch", "timm"},
    ),
    Rule(
        modules=("vislib.tables.prepared",),
        outside=NUMERIC,
        own=own("schema", "registry", "weights", "pictures", "analysis"),
        never=LIBRARY_NEVER | {"torch", "timm"},
    ),
    Rule(
        modules=("vislib.tables.counting",),
        outside=frozenset({"torch", "timm"}),
        own=own("schema", "registry", "models", "tables.papers", "architectures", "analysis"),
        never=LIBRARY_NEVER | {"plotly", "captum"},
    ),
    Rule(
        modules=("vislib.training",),
        outside=NUMERIC | {"torch", "torchvision", "timm", "PIL", "safetensors"},
        own=own("schema", "registry", "models", "weights", "training"),
        never=LIBRARY_NEVER | {"plotly", "captum"},
    ),
    Rule(
        modules=("vislib.experiments",),
        outside=NUMERIC | {"torch", "filelock"},
        own=own("schema", "registry", "models", "training", "experiments"),
        never=LIBRARY_NEVER | {"plotly", "captum"},
    ),
    Rule(  # what a page reads
        modules=("vislib.experiments.catalogue", "vislib.experiments.table"),
        outside=frozenset(),
        own=own("schema", "experiments.catalogue", "tables.rows"),
        never=LIBRARY_NEVER | {"torch"},
    ),
    Rule(
        modules=("vislib.experiments.findings",),
        outside=frozenset(),
        own=own("schema", "analysis.outcomes", "experiments.catalogue", "experiments.table"),
        never=LIBRARY_NEVER | {"torch"},
    ),
    Rule(
        modules=("vislib.lecture",),
        outside=frozenset(),
        own=own("schema", "registry", "pictures.gallery", "tables.papers", "lecture"),
        never=LIBRARY_NEVER | {"torch", "timm", "captum", "plotly"},
    ),
    Rule(
        modules=("vislib.classroom",),
        outside=frozenset(),
        own=own("schema", "classroom"),
        never=LIBRARY_NEVER | {"torch", "timm", "captum", "plotly", "numpy", "PIL"},
    ),
    Rule(
        modules=("vislib.lecture.measuring",),
        outside=NUMERIC,
        own=own("schema", "registry", "pictures.geometry", "analysis", "tables.papers", "lecture"),
        never=LIBRARY_NEVER | {"torch", "timm", "captum", "plotly"},
    ),
    Rule(
        modules=("vislib.figures",),
        outside=NUMERIC | {"plotly", "matplotlib", "PIL", "segno"},
        own=own("schema", "figures"),
        never=LIBRARY_NEVER | {"torch", "timm", "captum"},
    ),
    Rule(
        modules=("vislib.__main__", "vislib.commands"),
        outside=EVERYTHING,
        own=frozenset({"vislib"}),
        never=LIBRARY_NEVER,
    ),
)
FLOORS = (
    ("vislib.texts",),
    ("vislib.schema",),
    ("vislib.registry",),
    ("vislib.pictures", "vislib.weights"),
    ("vislib.architectures",),
    ("vislib.models",),
    ("vislib.observe", "vislib.analysis"),
    ("vislib.attribution", "vislib.figures", "vislib.tables"),
    ("vislib.training", "vislib.experiments", "vislib.lecture", "vislib.classroom"),
    ("vislib.commands", "vislib.__main__"),
    ("views",),
    ("pages", "app"),
)
"""The rooms, bottom up; no arrow goes up. (``vislib`` itself is the notebook's door.)"""


def covers(name: str, module: str) -> bool:
    """Whether ``name`` is ``module`` or a package that it lies in."""
    return module == name or module.startswith(name + ".")


def rule_for(module: str) -> Rule | None:
    """The most particular row for a module; "vislib" and "app" are for themselves alone."""
    fitting = [
        (len(name), rule)
        for rule in RULES
        for name in rule.modules
        if (module == name if name in ("vislib", "app") else covers(name, module))
    ]
    return max(fitting, key=lambda pair: pair[0])[1] if fitting else None


def is_type_checking(node: ast.If) -> bool:
    """Whether a block is for the type checker alone, so nothing in it is imported."""
    name = node.test.attr if isinstance(node.test, ast.Attribute) else node.test
    return name == "TYPE_CHECKING" or (isinstance(name, ast.Name) and name.id == "TYPE_CHECKING")


def running_nodes(tree: ast.AST) -> Iterator[ast.AST]:
    """All nodes that can run, at any depth."""
    yield tree
    if isinstance(tree, ast.If) and is_type_checking(tree):
        children: list[ast.AST] = list(tree.orelse)
    else:
        children = list(ast.iter_child_nodes(tree))
    for child in children:
        yield from running_nodes(child)


def imports(module: str, source: str, *, is_package: bool = False) -> set[str]:
    """Full names of all that a source imports: at the top, in functions, by constant strings."""
    package = module if is_package else module.rpartition(".")[0]
    found: set[str] = set()
    for node in running_nodes(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parts = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*parts, base] if base else parts)
            found |= {f"{base}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Call) and node.args:
            called = getattr(node.func, "attr", getattr(node.func, "id", ""))
            first = node.args[0]
            if called in ("import_module", "__import__") and isinstance(first, ast.Constant):
                found.add(str(first.value))
    return found


def is_adapter(module: str) -> bool:
    """Whether a module is one family's adapter (``shared`` is for all of them)."""
    parts = module.split(".")
    return len(parts) == 3 and covers("vislib.architectures", module) and parts[2] != "shared"


def own_folder(module: str) -> str:
    """The folder of a page's view: pages.compare and views.compare.column -> views.compare."""
    return f"views.{module.split('.')[1]}" if module.startswith(("pages.", "views.")) else "none"


def violations(
    module: str,
    source: str,
    *,
    is_package: bool = False,
    adapters: frozenset[str] = frozenset(),
) -> list[str]:
    """What a source imports against its row, in words; empty when all is well."""
    rule = rule_for(module)
    if rule is None:
        return [f"{module}: no row in the table of tests/unit/test_boundaries.py; add one"]
    wrong = []
    for name in sorted(imports(module, source, is_package=is_package)):
        top = name.partition(".")[0]
        if top in sys.stdlib_module_names:
            continue
        known = top in ("vislib", "views", "pages", "app", "start")
        allowed = (
            any(covers(entry, name) for entry in {*rule.own, own_folder(module)})
            if known
            else top in rule.outside or rule.outside == EVERYTHING
        )
        if not allowed or any(covers(entry, name) for entry in rule.never):
            wrong.append(f"{module} imports {name}")
        elif is_adapter(module) and any(covers(a, name) for a in adapters - {module}):
            wrong.append(f"{module} imports another adapter: {name}")
    return wrong


def module_name(path: Path) -> str:
    """Dotted name of a source file of the project."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def sources() -> dict[str, Path]:
    """Module name -> file, for all that exists of the app and the library."""
    folders = ("pages", "views", "vislib")
    files = [ROOT / "app.py", *(path for name in folders for path in ROOT.glob(f"{name}/**/*.py"))]
    return {module_name(path): path for path in sorted(files)}


SOURCES = sources()
ADAPTERS = frozenset(name for name in SOURCES if is_adapter(name))


@pytest.mark.parametrize("module", SOURCES)
def test_imports_follow_the_table(module: str) -> None:
    path = SOURCES[module]
    found = violations(
        module,
        path.read_text(encoding="utf-8"),
        is_package=path.name == "__init__.py",
        adapters=ADAPTERS,
    )
    assert found == []


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("app", "import torch"),
        ("app", "from vislib import registry"),
        ("pages.compare", "from PIL import Image"),
        ("pages.compare", "from views.papers import page"),
        ("pages.compare", "import streamlit as st"),
        ("views.compare.page", "def draw():\n    import plotly.graph_objects as go"),
        ("views.compare.page", "from views.what_if import words"),
        ("views.compare.page", "import cachetools"),
        ("views.compare.page", "from pages import compare"),
        ("views.frame.frame", "import timm"),
        ("views.frame.panel", "from torch import nn"),
        ("views.frame.panel", "from views.compare import column"),
        ("vislib", "import numpy"),
        ("vislib.schema", "from vislib.pictures import decoding"),
        ("vislib.registry", "import timm"),
        ("vislib.pictures.decoding", "import torch"),
        ("vislib.pictures.gallery", "from vislib.models.loading import load"),
        ("vislib.weights.files", "def f():\n    from vislib.models import loading"),
        ("vislib.weights.film", "import torch"),
        ("vislib.observe.capture", "from vislib.architectures import davit"),
        ("vislib.observe.capture", "import timm"),
        ("vislib.observe.something_new", "import numpy"),
        ("vislib.architectures.davit", "from vislib.architectures.mixer import ADAPTER"),
        ("vislib.architectures.davit", "from . import mixer"),
        ("vislib.architectures.davit", "from .mixer import ADAPTER"),
        ("vislib.architectures.davit", "from vislib.observe import capture"),
        ("vislib.analysis.reading", "def f():\n    import torch"),
        ("vislib.analysis.reading", "from vislib.figures import tiles"),
        ("vislib.models.loading", "import plotly"),
        ("vislib.attribution", "from captum.attr import visualization"),
        ("vislib.training.loop", "import captum"),
        ("vislib.experiments.table", "from vislib.training import recipe"),
        ("vislib.figures.tiles", "from importlib import import_module\nimport_module('torch')"),
        ("vislib.figures.tiles", "__import__('timm')"),
        ("vislib.__main__", "import streamlit"),
        ("vislib.models.shelf", "try:\n    import streamlit\nexcept ImportError:\n    pass"),
        ("vislib.something_new", "import json"),
    ],
)
def test_a_planted_violation_is_found(module: str, source: str) -> None:
    adapters = frozenset({"vislib.architectures.davit", "vislib.architectures.mixer"})
    assert len(violations(module, source, adapters=adapters)) == 1


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("app", "from views import frame"),
        ("pages.compare", "from views import frame\nfrom views.compare import page"),
        ("views.compare.page", "from views.compare import column\nimport numpy as np"),
        ("vislib.observe.capture", "import torch\nfrom vislib.schema import CaptureError"),
        ("vislib.architectures.davit", "from vislib.architectures.shared.parameters import read"),
        (
            "vislib.figures.tiles",
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import torch",
        ),
        ("vislib.__main__", "from vislib.training import loop\nimport torch"),
    ],
)
def test_what_the_table_allows_passes(module: str, source: str) -> None:
    assert violations(module, source, adapters=ADAPTERS) == []


# ------------------------------------------------------------ imports with the heavy ones blocked

BLOCKER = """
import importlib, sys
blocked, modules = sys.argv[1].split(","), sys.argv[2].split(",")
class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in blocked:
            raise ImportError("blocked: " + name)
sys.meta_path.insert(0, Blocker())
for module in modules:
    importlib.import_module(module)
"""
LIGHT = (
    "vislib.schema",
    "vislib.registry",
    "vislib.pictures.decoding",
    "vislib.pictures.gallery",
    "vislib.analysis",
    "vislib.experiments.table",
)
HEAVY = (
    "vislib.models.loading",
    "vislib.weights.files",
    "vislib.observe.capture",
    "vislib.architectures",
)
GROUPS = {
    "light": (LIGHT, "torch,torchvision,timm,captum,streamlit,plotly,matplotlib,safetensors"),
    "figures": (("vislib.figures",), "torch,torchvision,timm,captum,streamlit"),
    "models": (HEAVY, "streamlit,plotly,matplotlib,captum"),
    "estimates": (("vislib.attribution", "vislib.observe.intervention"), "streamlit,plotly"),
    "first paint": (
        ("views.frame", "vislib.registry", "vislib.pictures"),
        "torch,torchvision,timm,captum,plotly,matplotlib",
    ),
}


def import_blocked(modules: list[str], blocked: str) -> subprocess.CompletedProcess[str]:
    """Import modules in a new interpreter that refuses the blocked packages."""
    return subprocess.run(
        [sys.executable, "-c", BLOCKER, blocked, ",".join(modules)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,  # torch takes long on a busy machine
    )


SLOW = {"models", "estimates"}
"""Groups that wait for torch."""


@pytest.mark.parametrize(
    "group", [pytest.param(g, marks=[pytest.mark.slow] if g in SLOW else []) for g in GROUPS]
)
def test_modules_import_without_what_they_must_not_need(group: str) -> None:
    names, blocked = GROUPS[group]
    present = [m for m in SOURCES if any(covers(name, m) for name in names)]
    if not present:
        pytest.skip(f"not written yet: {', '.join(names)}")
    if group == "light":
        present.insert(0, "vislib")
    done = import_blocked(present, blocked)
    assert done.returncode == 0, done.stderr


def test_the_blocker_blocks() -> None:
    done = import_blocked(["vislib.schema"], "numpy")
    assert done.returncode != 0
    assert "blocked: numpy" in done.stderr


# ------------------------------------------------------------ pages


def is_thin(source: str, name: str) -> bool:
    """Whether a page's file only imports and hands its view to the frame, in under 15 lines."""
    calls = [n for n in ast.parse(source).body if not isinstance(n, ast.Import | ast.ImportFrom)]
    calls = [
        n for n in calls if not (isinstance(n, ast.Expr) and isinstance(n.value, ast.Constant))
    ]
    return (
        len(source.splitlines()) < 15
        and len(calls) == 1
        and ast.unparse(calls[0]) == f"frame.page({name!r}, page.draw)"
    )


@pytest.mark.parametrize("path", sorted(ROOT.glob("pages/*")), ids=lambda path: path.name)
def test_pages_holds_one_thin_file_a_page(path: Path) -> None:
    assert path.name == "__pycache__" or is_thin(path.read_text(encoding="utf-8"), path.stem)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("from views import frame\nframe.page('x', page.draw)", True),
        ("from views import frame\nframe.page('y', page.draw)", False),
        ("from views import frame\nst.write(1)\nframe.page('x', page.draw)", False),
        ("import streamlit as st\nst.write(1)", False),
    ],
)
def test_the_page_check_tells_pages_apart(source: str, expected: bool) -> None:
    assert is_thin(source, "x") is expected


# ------------------------------------------------------------ the house


def floor_of(module: str) -> int | None:
    """The floor of a module's room, from 0; None for the notebook's door ``vislib``."""
    return next(
        (n for n, rooms in enumerate(FLOORS) if any(covers(room, module) for room in rooms)), None
    )


def arrows(sources: dict[str, str], packages: frozenset[str] = frozenset()) -> set[tuple[str, str]]:
    """(importing module, imported module) for all imports among the given sources."""
    found = set()
    for module, source in sources.items():
        for name in imports(module, source, is_package=module in packages):
            target = name if name in sources else name.rpartition(".")[0]
            if target in sources and target != module:
                found.add((module, target))
    return found


def climbing(pairs: set[tuple[str, str]]) -> list[str]:
    """The arrows that go to a higher floor."""
    floors = [(a, b, floor_of(a), floor_of(b)) for a, b in sorted(pairs)]
    return [f"{a} -> {b}" for a, b, i, j in floors if i is not None and j is not None and i < j]


def circles(pairs: set[tuple[str, str]]) -> list[list[str]]:
    """Groups of modules that import one another in a ring."""
    ahead: dict[str, set[str]] = {}
    for a, b in pairs:
        ahead.setdefault(a, set()).add(b)

    def reach(start: str) -> set[str]:
        seen: set[str] = set()
        waiting = [start]
        while waiting:
            for name in ahead.get(waiting.pop(), set()) - seen:
                seen.add(name)
                waiting.append(name)
        return seen

    reached = {name: reach(name) for name in ahead}
    rings = {
        frozenset(other for other in seen if name in reached.get(other, set()))
        for name, seen in reached.items()
        if name in seen
    }
    return sorted(sorted(ring) for ring in rings)


PACKAGES = frozenset(name for name, path in SOURCES.items() if path.name == "__init__.py")
ARROWS = arrows({n: p.read_text(encoding="utf-8") for n, p in SOURCES.items()}, PACKAGES)


def room_of(module: str) -> str:
    """The room that a module lies in: vislib.weights, vislib.schema, views.compare."""
    return ".".join(module.split(".")[:2])


def rooms(pairs: set[tuple[str, str]]) -> set[tuple[str, str]]:
    """The arrows between folders."""
    return {(room_of(a), room_of(b)) for a, b in pairs if room_of(a) != room_of(b)}


def test_no_arrow_goes_up() -> None:
    assert [name for name in SOURCES if floor_of(name) is None] == ["vislib"]
    assert climbing(ARROWS) == []


def test_no_circle_among_modules() -> None:
    assert circles(ARROWS) == []


def test_no_circle_among_folders() -> None:
    assert circles(rooms(ARROWS)) == []


def test_an_arrow_upwards_and_a_circle_are_found() -> None:
    up = {("vislib.weights.files", "vislib.models.loading")}
    ring = up | {("vislib.models.loading", "vislib.weights.files"), ("app", "views.frame")}
    assert climbing(up) == ["vislib.weights.files -> vislib.models.loading"]
    assert climbing({("views.frame", "vislib.schema")}) == []
    assert circles(ring) == [["vislib.models.loading", "vislib.weights.files"]]
    assert circles(up) == []
    planted = {"vislib.registry": "def f():\n    from vislib.pictures import gallery"}
    assert climbing(arrows({**planted, "vislib.pictures.gallery": ""})) != []


def test_names_of_modules_say_what_they_are() -> None:
    vague = {"parts", "pieces", "helpers", "utils"}
    for module in SOURCES:
        last = module.rpartition(".")[2]
        assert last == "__main__" or not last.startswith("_"), module
        assert last not in vague, module


# ------------------------------------------------------------ whole files

MACHINE_PATH = re.compile(r"(?<![\w.-])/(?:" + "|".join(("work", "root")) + r")/")


def project_files() -> list[Path]:
    """All files that are or would be tracked; all but hidden ones outside of git."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    if listed.returncode == 0:
        return [ROOT / name for name in listed.stdout.decode("utf-8").split("\0") if name]
    return [p for p in ROOT.rglob("*") if not any(part[0] == "." for part in p.parts[1:])]


def test_no_file_names_a_place_on_one_machine() -> None:
    found = []
    for path in project_files():
        if path.is_file() and path.stat().st_size < 2_000_000:
            text = path.read_bytes().decode("utf-8", errors="ignore")
            found += [f"{path.name}: {m.group()}" for m in MACHINE_PATH.finditer(text)]
    assert found == []


def test_the_search_for_machine_paths_finds_one() -> None:
    assert MACHINE_PATH.search("open('/" + "work/data.csv')")
    assert not MACHINE_PATH.search("https://example.org/" + "work/data.csv")


# ------------------------------------------------------------ the notebook's door

PUBLIC = {
    "vislib": (
        "analysis architectures attribution capture counting devices downloads experiments figures "
        "film gallery hub identities images intervention models papers pictures probing registry "
        "schema shelf similarity training weights"
    ),
    "vislib.models": "InputConfig LoadedModel ModelInput build load multiply_adds prepare",
    "vislib.weights": (
        "FOLDER WeightsStatus is_whole read_card read_state repository require sha256 status "
        "write_state"
    ),
    "vislib.pictures": (
        "FORMATS MAX_ASPECT MAX_BYTES MAX_PIXELS MAX_SIDE_KEPT MIN_SIDE cell_at cell_box "
        "clean_name crop_to_view decode encode_jpeg encode_png point_at thumbnail view_box"
    ),
    "vislib.figures": "charts colours export heatmap legend overlay strip tiles",
}
"""Every name that a notebook may take from a package's door."""


@pytest.mark.parametrize("package", PUBLIC)
def test_public_names_resolve_and_are_listed(package: str) -> None:
    door = importlib.import_module(package)
    assert sorted(door.__all__) == sorted(PUBLIC[package].split())
    for name in door.__all__:
        assert getattr(door, name) is not None
        assert name in dir(door)
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = door.no_such_name
