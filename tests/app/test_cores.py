"""How many of the machine's cores a forward pass gets, by the number of visitors."""

from __future__ import annotations

import os
import subprocess
import sys
from types import SimpleNamespace

import pytest
from streamlit import runtime

from tests.app.conftest import ROOT
from views.frame import cores
from vislib.models import devices


@pytest.mark.parametrize(("visitors", "parts"), [(0, 1), (1, 1), (2, 2), (30, 2)])
def test_one_visitor_has_all_cores_and_several_share_them(
    visitors: int, parts: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[int] = []
    there = SimpleNamespace(_session_mgr=SimpleNamespace(num_active_sessions=lambda: visitors))
    monkeypatch.setattr(runtime, "exists", lambda: True)
    monkeypatch.setattr(runtime, "get_instance", lambda: there)
    monkeypatch.setattr(devices, "share_cores", told.append)
    cores.share()
    assert told == [parts]


def test_without_a_server_all_cores_are_used(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[int] = []
    monkeypatch.setattr(devices, "share_cores", told.append)
    cores.share()
    assert told == [1]


def test_numpy_is_told_before_it_is_there() -> None:
    code = (
        "import os, sys, streamlit.web.cli, streamlit.web.bootstrap; "
        "there = 'numpy' in sys.modules; import app; "
        "print(there, os.environ['OPENBLAS_NUM_THREADS'])"
    )
    environ = {n: v for n, v in os.environ.items() if n != "OPENBLAS_NUM_THREADS"}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environ, capture_output=True, text=True
    )
    assert done.stdout.split() == ["False", "1"], done.stderr
