# ruff: noqa: E501 - the lines are written as in the design
"""The library from a notebook: the lines that the project promises, run as they are written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.unit import tiny
from vislib import registry
from vislib.models import loading
from vislib.weights import files

NOTEBOOK = """
from vislib import capture, figures, images, models
picture = images.decode(open("cat.jpg", "rb").read(), name="cat.jpg")
model = models.load("davit_mini")                     # or "davit_tiny.msft_in1k"
cache = capture.run_with_cache(model, models.prepare(model, picture))   # every operator of the model
cache.top(5)                                          # [(label, probability), ...]
cache["stage1.block0.window.pattern"].values.shape    # (window, head, query, key)
"""


def run_notebook(folder: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Run the lines in a folder with a cat.jpg; the last two become ``top`` and ``shape``."""
    Image.fromarray(tiny.picture(320, 240).pixels).save(folder / "cat.jpg")
    monkeypatch.chdir(folder)
    *lines, top, shape = NOTEBOOK.strip().splitlines()
    names: dict[str, Any] = {}
    exec("\n".join([*lines, f"top = {top}", f"shape = {shape}"]), names)
    return names


def check(names: dict[str, Any]) -> None:
    # 64 model pixels, stride 4: 16 x 16 tokens, then 8 x 8, which are four windows of 4 x 4.
    heads = registry.spec("davit_mini").build["num_heads"][1]
    assert names["shape"] == (4, heads, 16, 16)
    assert len(names["top"]) == 5
    shares = [share for _, share in names["top"]]
    assert shares == sorted(shares, reverse=True)
    assert 0.0 < sum(shares) <= 1.0
    assert all(isinstance(label, str) for label, _ in names["top"])
    pattern = names["cache"]["stage1.block0.window.pattern"].values
    assert np.abs(pattern.sum(axis=-1, dtype=np.float64) - 1.0).max() < 1e-6


# A notebook leaves the file to the garbage collector, and Python warns about it.
@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("bundled", [True, False], ids=["bundled", "written by the test"])
def test_the_lines_run_as_written(
    bundled: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if bundled and not (files.FOLDER / "davit_mini.safetensors").is_file():
        pytest.skip("assets/weights/davit_mini.safetensors is not there")
    if not bundled:
        state = loading.load("davit_mini", untrained=True).module.state_dict()
        monkeypatch.setattr(files, "FOLDER", tmp_path)
        files.write_state(state, tmp_path / "davit_mini.safetensors")
        (tmp_path / "davit_mini.json").write_text("{}")
    check(run_notebook(tmp_path, monkeypatch))
