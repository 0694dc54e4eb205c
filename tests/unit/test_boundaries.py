"""Who may import whom, checked against one table; and the rules that hold for whole files."""

from __future__ import annotations

import ast
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
    """Modules of the library, by their short names."""
    return frozenset(f"vislib.{name}" for name in names)


SHARED_PAGES = "pages._"
"""Stands for all modules of pages/ that begin with an underscore: the shared Streamlit code."""
LIBRARY_NEVER = frozenset({"streamlit", "pages", "app", "start"})
RULES = (
    Rule(
        modules=(SHARED_PAGES,),  # numpy: bytes for the components; cachetools: the store
        outside=NUMERIC | {"streamlit", "cachetools"},
        own=frozenset({"vislib", "pages"}),
        never=frozenset({"torch", "timm", "captum"}),
    ),
    Rule(
        modules=("app", "pages"),
        outside=frozenset({"streamlit"}),
        own=frozenset({"vislib", "pages"}),
        never=frozenset({"torch", "timm", "captum", "plotly", "PIL"}),
    ),
    Rule(modules=("vislib",), outside=frozenset(), own=frozenset(), never=LIBRARY_NEVER),
    Rule(modules=("vislib.registry",), outside=frozenset(), own=own("schema"), never=LIBRARY_NEVER),
    Rule(modules=("vislib.schema",), outside=NUMERIC, own=frozenset(), never=LIBRARY_NEVER),
    Rule(
        modules=("vislib.images", "vislib.gallery"),
        outside=NUMERIC | {"PIL"},
        own=own("schema", "images"),
        never=LIBRARY_NEVER | {"torch"},
    ),
    Rule(
        modules=("vislib.capture",),
        outside=NUMERIC | {"torch"},
        own=own("schema"),
        never=LIBRARY_NEVER | own("architectures") | {"timm", "plotly"},
    ),
    Rule(
        modules=("vislib.architectures",),
        outside=NUMERIC | {"torch", "timm", "torchvision"},
        own=own("schema", "architectures"),  # other adapters are refused below
        never=LIBRARY_NEVER | own("capture", "models") | {"plotly"},
    ),
    Rule(
        modules=("vislib.analysis",),
        outside=NUMERIC,
        own=own("schema", "analysis"),
        never=LIBRARY_NEVER | {"torch"},
    ),
    Rule(
        modules=("vislib.models", "vislib.weights"),
        outside=NUMERIC | READERS | {"torch", "torchvision", "timm", "PIL"},
        own=own(
            "schema", "registry", "images", "architectures", "models", "weights", "devices", "hub"
        ),
        never=LIBRARY_NEVER | {"plotly", "captum"},
    ),
    Rule(
        modules=("vislib.hub", "vislib.downloads"),
        outside=CARRIERS,
        own=own("schema", "registry", "weights", "hub"),
        never=LIBRARY_NEVER | {"torch", "timm"},
    ),
    Rule(
        modules=("vislib.devices",),
        outside=frozenset({"torch", "psutil"}),
        own=own("schema"),
        never=LIBRARY_NEVER | {"plotly", "captum"},
    ),
    Rule(
        modules=("vislib.shelf",),
        outside=frozenset({"torch"}),
        own=own("schema", "registry", "models", "weights", "devices"),
        never=LIBRARY_NEVER | {"plotly", "captum"},
    ),
    Rule(
        modules=("vislib.attribution",),
        outside=NUMERIC | {"torch", "captum"},
        own=own("schema", "capture", "attribution"),
        never=LIBRARY_NEVER | {"plotly", "captum.attr.visualization"},
    ),
    Rule(
        modules=("vislib.intervention",),
        outside=NUMERIC | {"torch"},
        own=own("schema", "capture"),
        never=LIBRARY_NEVER | {"plotly"},
    ),
    Rule(
        modules=("vislib.probing",),
        outside=NUMERIC | {"torch"},
        own=own("schema", "capture"),
        never=LIBRARY_NEVER | {"plotly", "captum"},
    ),
    Rule(
        modules=("vislib.similarity",),
        outside=NUMERIC,
        own=own("schema", "gallery", "analysis"),
        never=LIBRARY_NEVER | {"torch"},
    ),
    Rule(
        modules=("vislib.film",),
        outside=NUMERIC | {"safetensors"},
        own=own("schema"),
        never=LIBRARY_NEVER | {"torch"},
    ),
    Rule(
        modules=("vislib.papers",),
        outside=frozenset(),
        own=own("schema"),
        never=LIBRARY_NEVER | {"torch", "timm"},
    ),
    Rule(
        modules=("vislib.identities",),
        outside=NUMERIC | {"torch"},
        own=own("schema"),
        never=LIBRARY_NEVER | {"plotly", "captum"},
    ),
    Rule(
        modules=("vislib.counting",),
        outside=frozenset({"torch", "timm"}),
        own=own("schema", "registry", "models", "papers", "architectures", "analysis"),
        never=LIBRARY_NEVER | {"plotly", "captum"},
    ),
    Rule(
        modules=("vislib.training",),
        outside=NUMERIC | {"torch", "torchvision", "timm", "PIL", "safetensors"},
        own=own("schema", "registry", "models", "weights", "film", "training"),
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
        own=own("schema", "experiments.catalogue"),
        never=LIBRARY_NEVER | {"torch"},
    ),
    Rule(
        modules=("vislib.figures",),
        outside=NUMERIC | {"plotly", "matplotlib", "PIL"},
        own=own("schema", "figures"),
        never=LIBRARY_NEVER | {"torch", "timm", "captum"},
    ),
    Rule(
        modules=(
            "vislib.__main__",
            "vislib.arguments",
            "vislib.experiment_commands",
            "vislib.jobs",
            "vislib.weights_commands",
        ),
        outside=EVERYTHING,
        own=frozenset({"vislib"}),
        never=LIBRARY_NEVER,
    ),
)


def covers(name: str, module: str) -> bool:
    """Whether ``name`` is ``module`` or a package that it lies in."""
    return module == name or module.startswith(name + ".")


def rule_for(module: str) -> Rule | None:
    """The most particular row for a module; "vislib" and "app" are for themselves alone."""
    if module.startswith(SHARED_PAGES):
        return next(rule for rule in RULES if SHARED_PAGES in rule.modules)
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
    """Whether a module is one family's adapter (those with an underscore are shared)."""
    parts = module.split(".")
    return len(parts) == 3 and covers("vislib.architectures", module) and parts[2][0] != "_"


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
        known = top in ("vislib", "pages", "app", "start")
        allowed = (
            any(covers(entry, name) for entry in rule.own)
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
    files = [*ROOT.glob("app.py"), *ROOT.glob("pages/**/*.py"), *ROOT.glob("vislib/**/*.py")]
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
        ("pages.compare", "from PIL import Image"),
        ("pages.compare", "def draw():\n    import plotly.graph_objects as go"),
        ("pages._ui", "import timm"),
        ("vislib", "import numpy"),
        ("pages._panel", "from torch import nn"),
        ("vislib.schema", "from vislib import images"),
        ("vislib.registry", "import timm"),
        ("vislib.images", "import torch"),
        ("vislib.gallery", "from vislib.models import load"),
        ("vislib.capture", "from vislib.architectures import davit"),
        ("vislib.capture", "import timm"),
        ("vislib.architectures.davit", "from vislib.architectures.mixer import ADAPTER"),
        ("vislib.architectures.davit", "from . import mixer"),
        ("vislib.architectures.davit", "from .mixer import ADAPTER"),
        ("vislib.architectures.davit", "from vislib import capture"),
        ("vislib.analysis.reading", "def f():\n    import torch"),
        ("vislib.analysis.reading", "from vislib.figures import tiles"),
        ("vislib.models", "import plotly"),
        ("vislib.attribution", "from captum.attr import visualization"),
        ("vislib.training.loop", "import captum"),
        ("vislib.experiments.table", "from vislib.training import recipe"),
        ("vislib.figures.tiles", "from importlib import import_module\nimport_module('torch')"),
        ("vislib.figures.tiles", "__import__('timm')"),
        ("vislib.__main__", "import streamlit"),
        ("vislib.models", "try:\n    import streamlit as st\nexcept ImportError:\n    st = None"),
        ("vislib.something_new", "import json"),
    ],
)
def test_a_planted_violation_is_found(module: str, source: str) -> None:
    adapters = frozenset({"vislib.architectures.davit", "vislib.architectures.mixer"})
    assert len(violations(module, source, adapters=adapters)) == 1


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("app", "import streamlit as st\nfrom pages import _ui"),
        ("vislib.capture", "import torch\nfrom vislib.schema import CaptureError"),
        ("vislib.architectures.davit", "from vislib.architectures._parameters import read"),
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
    "vislib.images",
    "vislib.gallery",
    "vislib.analysis",
    "vislib.experiments.table",
)
HEAVY = ("vislib.models", "vislib.weights", "vislib.capture", "vislib.architectures")
GROUPS = {
    "light": (LIGHT, "torch,torchvision,timm,captum,streamlit,plotly,matplotlib,safetensors"),
    "figures": (("vislib.figures",), "torch,torchvision,timm,captum,streamlit"),
    "models": (HEAVY, "streamlit,plotly,matplotlib,captum"),
    "estimates": (("vislib.attribution", "vislib.intervention"), "streamlit,plotly"),
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


@pytest.mark.parametrize("group", GROUPS)
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


def begins_with_page(source: str) -> bool:
    """Whether the first statement that does something calls ``_ui.page()``."""
    passive = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.ClassDef)
    for node in ast.parse(source).body:
        if isinstance(node, passive) or (
            isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        ):
            continue
        calls = [n for n in ast.walk(node) if isinstance(n, ast.Call)]
        if isinstance(node, ast.Assign | ast.AnnAssign) and not calls:
            continue
        return any(ast.unparse(call.func) == "_ui.page" for call in calls)
    return False


PAGES = [path for name, path in SOURCES.items() if re.fullmatch(r"pages\.[a-z]\w*", name)]


def test_each_page_frames_itself_first() -> None:
    if not PAGES:
        pytest.skip("no pages yet")
    late = [p.name for p in PAGES if not begins_with_page(p.read_text(encoding="utf-8"))]
    assert late == []


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (
            '"""Doc."""\nimport streamlit as st\nfrom pages import _ui\n_ui.page()\nst.write(1)',
            True,
        ),
        ("from pages import _ui\nSIZE = 3\nstate = _ui.page()", True),
        ("from pages import _ui\nimport streamlit as st\nst.write(1)\n_ui.page()", False),
        ("from pages import _ui\ndef draw():\n    _ui.page()", False),
        ("import streamlit as st\nst.write(1)", False),
    ],
)
def test_the_page_check_tells_pages_apart(source: str, expected: bool) -> None:
    assert begins_with_page(source) is expected


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


def test_readme_has_the_map_of_the_house() -> None:
    docstring = ast.get_docstring(ast.parse((ROOT / "vislib/__init__.py").read_text("utf-8")))
    assert docstring is not None
    lines = [line.strip() for line in docstring.splitlines() if line.startswith("    ")]
    assert len(lines) >= 8
    readme = [line.strip() for line in (ROOT / "README.md").read_text("utf-8").splitlines()]
    assert [line for line in lines if line not in readme] == []


def test_readme_lists_every_model_of_the_registry() -> None:
    path = SOURCES["vislib.registry"]
    keys = [
        keyword.value.value
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "ModelSpec"
        for keyword in node.keywords
        if keyword.arg == "key" and isinstance(keyword.value, ast.Constant)
    ]
    readme = (ROOT / "README.md").read_text("utf-8")
    assert keys
    assert [key for key in keys if f"`{key}`" not in readme] == []
