"""The documents' "Add your own family" is true: its adapter and its row work as written."""

from __future__ import annotations

import re
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import timm
import torch
from timm.layers import GatedMlp
from timm.models.mlp_mixer import MlpMixer, SpatialGatingBlock

from tests.unit import tiny
from vislib import architectures, registry
from vislib.analysis.reading_at import reading_at
from vislib.architectures import ArchitectureAdapter, adapters
from vislib.models import loading
from vislib.models.loading import LoadedModel
from vislib.observe.capture import run_with_cache
from vislib.schema import CaptureError, ModelSpec

PAGE = Path(__file__).resolve().parents[3] / "docs" / "extending.md"
TITLE = "## Add your own family"


def code_blocks() -> list[str]:
    """The section's Python, in order: the adapter, then the row."""
    section = PAGE.read_text(encoding="utf-8").split(TITLE)[1].split("\n## ")[0]
    return re.findall(r"```python\n(.*?)```", section, flags=re.DOTALL)


@pytest.fixture(scope="module")
def adapter() -> Any:
    """The page's adapter, run as the file that it is to be."""
    module = ModuleType("vislib.architectures.gmlp")
    exec(compile(code_blocks()[0], "extending.md", "exec"), module.__dict__)
    return module.ADAPTER


@pytest.fixture(scope="module")
def row() -> ModelSpec:
    """The page's registry row."""
    (found,) = eval(f"({code_blocks()[1].strip()})", vars(registry))
    assert isinstance(found, ModelSpec)
    return found


def tiny_gmlp(adapter: Any, dtype: torch.dtype = torch.float32) -> LoadedModel:
    """7 x 7 tokens of 4 x 4 model pixels, seeded weights."""
    module = MlpMixer(
        num_classes=tiny.CLASSES,
        img_size=28,
        patch_size=4,
        num_blocks=2,
        embed_dim=20,
        mlp_ratio=4.0,
        block_layer=SpatialGatingBlock,
        mlp_layer=GatedMlp,
    )
    tiny.draw_weights(module, seed=0)
    module = module.eval().requires_grad_(False).to(dtype)
    return tiny.wrap(module, "mixer", size=28, adapter=adapter)


def test_it_is_an_adapter_for_its_family_alone(adapter: Any) -> None:
    assert isinstance(adapter, ArchitectureAdapter)
    assert adapter.family not in adapters()  # the example is of a family that is not there
    assert adapter.accepts(tiny_gmlp(adapter).module)
    assert not any(adapter.accepts(tiny.tiny_model(family).module) for family in tiny.FAMILIES)


@pytest.mark.parametrize("ends_with_it", [True, False])
def test_it_is_found_by_its_object_and_not_by_its_name(
    ends_with_it: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = code_blocks()[0]
    assert written.rstrip().endswith("ADAPTER = GMLPAdapter()")
    text = written if ends_with_it else written.replace("ADAPTER = ", "OTHER = ")
    (tmp_path / f"of_any_name_{ends_with_it}.py").write_text(text, encoding="utf-8")
    monkeypatch.setattr(architectures, "__path__", [*architectures.__path__, str(tmp_path)])
    found = adapters.__wrapped__()
    assert set(found) == {*adapters(), *(("gmlp",) if ends_with_it else ())}


def test_every_group_is_captured_and_the_logits_stay(adapter: Any) -> None:
    model = tiny_gmlp(adapter)
    inputs = tiny.noise(model)
    plain = model.module(inputs.tensor)[0].numpy()
    for group in ("logits", "stem", "tokens", "stage0.block1", None):
        points = adapter.hook_points(model.module, group)
        cache = run_with_cache(model, inputs, group)
        assert list(cache) == [point.name for point in points]
        np.testing.assert_array_equal(cache.logits, plain)
    assert len(cache) == 2 + 2 * 3
    with pytest.raises(CaptureError):
        adapter.hook_points(model.module, "stage0.block9")


def test_what_it_shows_rebuilds_the_layer(adapter: Any) -> None:
    errors = []
    for dtype in (torch.float32, torch.float64):
        model = tiny_gmlp(adapter, dtype)
        site = model.sites[1]
        cache = run_with_cache(model, tiny.noise(model), site.group)
        shown = model.weights(site.group)
        name = f"{site.group}.token_mixing"
        matrix = shown[f"{name}.weight"].values.astype(np.float64)
        incoming, bias = cache[f"{name}.in"].values.astype(np.float64), shown[f"{name}.bias"].values
        out = cache[f"{name}.out"].values
        errors.append(tiny.relative_error(out, incoming @ matrix.T + bias))
        assert tiny.relative_error(out, incoming @ matrix + bias) > 0.1  # negative control
    assert errors[0] < 1e-5
    assert errors[1] < 1e-13
    found = reading_at(site, {**shown, **cache}, row=3, column=2)
    np.testing.assert_array_equal(found.raw.ravel(), matrix[3 * site.columns + 2])


def test_its_row_names_a_model_that_timm_has_and_the_adapter_takes(
    adapter: Any, row: ModelSpec
) -> None:
    assert row.family == adapter.family
    assert row.key not in loading.MODEL_REGISTRY
    module = timm.create_model(row.key, pretrained=False)
    assert adapter.accepts(module)
    assert module.pretrained_cfg["license"].lower() == row.licence.lower()
    sites = adapter.sites(module, 224)
    assert (len(sites), sites[0].rows, sites[0].channels) == (30, 14, 256)
