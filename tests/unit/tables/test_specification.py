"""Mixer's specification table: timm has just these sizes, and a bad file is said."""

from __future__ import annotations

from pathlib import Path

import pytest
import timm
import torch

from vislib.schema import TableError
from vislib.tables import specification
from vislib.tables.specification import Specification

ROWS = {row.model: row for row in specification.mixer()}


@pytest.mark.parametrize("name", [name for name, row in ROWS.items() if row.ours is not None])
def test_timm_s_architecture_has_the_printed_sizes(name: str) -> None:
    row = ROWS[name]
    tag = f"mixer_{name.removeprefix('Mixer-').replace('/', '').lower()}_224"
    with torch.device("meta"):
        module = timm.create_model(tag, num_classes=0)
    block = module.blocks[0]
    assert (
        Specification(
            model=name,
            layers=len(module.blocks),
            patch=module.stem.proj.kernel_size[0],
            hidden=module.stem.proj.out_channels,
            length=block.mlp_tokens.fc1.in_features,
            channel_mlp=block.mlp_channels.fc1.out_features,
            token_mlp=block.mlp_tokens.fc1.out_features,
            parameters_millions=round(sum(p.numel() for p in module.parameters()) / 1e6),
            ours=sum(p.numel() for p in module.parameters()),
        )
        == row
    )


def test_the_largest_one_is_by_formula() -> None:
    row = ROWS["Mixer-H/14"]
    assert row.ours is None  # timm does not have it
    mixing = 2 * row.length * row.token_mlp + 2 * row.hidden * row.channel_mlp
    biases = row.token_mlp + row.length + row.channel_mlp + row.hidden + 4 * row.hidden
    stem = (3 * row.patch**2 + 1) * row.hidden
    assert round((row.layers * (mixing + biases) + stem + 2 * row.hidden) / 1e6) == (
        row.parameters_millions
    )


def test_a_bad_file_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "specification_mixer.csv"
    monkeypatch.setattr(specification, "FILE", path)
    good = (specification.papers.FOLDER / path.name).read_text(encoding="utf-8")
    path.write_text(good.replace("384,59", "384,many"), encoding="utf-8")
    with pytest.raises(TableError, match=r"specification_mixer\.csv.*'many'"):
        specification.mixer()
    path.unlink()
    with pytest.raises(TableError, match=r"specification_mixer\.csv"):
        specification.mixer()
