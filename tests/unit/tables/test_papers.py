"""The papers' tables: what is read is what the files say, and our counts are those of timm."""

from __future__ import annotations

import csv

import numpy as np
import pytest

from vislib import registry
from vislib.analysis.pareto import pareto_front
from vislib.schema import ModelError, ShapeError
from vislib.tables import counting, papers

ROWS = {"mixer": 26, "convmixer": 5, "davit": 52}


@pytest.mark.parametrize("key", papers.KEYS)
def test_every_cell_of_a_file_is_there(key: str) -> None:
    table = papers.table(key)
    (path,) = [p for p in papers.FOLDER.glob("*.csv") if p.name.startswith(NAMES[key])]
    with path.open(encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file))
    assert len(table.rows) == len(lines) == ROWS[key]
    for row, line in zip(table.rows, lines, strict=True):
        assert row.model == line.pop("model")
        assert row.group == line.pop("pretraining", "")
        assert tuple(line) == table.columns
        for name, text in line.items():
            found = row.values.get(name, row.words.get(name, ""))
            assert found == (float(text) if isinstance(found, float) else text)


NAMES = {"mixer": "mlp_mixer_table3", "convmixer": "convmixer_table1", "davit": "davit_imagenet"}


@pytest.mark.parametrize("key", papers.KEYS)
def test_axes_are_columns_with_a_number_in_every_row(key: str) -> None:
    table = papers.table(key)
    for column in (table.x[0], table.y[0]):
        assert column.name in table.columns
        there = [row for row in table.rows if column.name in row.values]
        assert len(there) >= len(table.rows) - 1  # DaViT's table gives no FLOPs for ConvMixer


def test_a_number_of_each_paper() -> None:
    rows = {row.model: row for row in papers.table("davit").rows}
    assert rows["DaViT-Tiny"].values["flops_giga"] == 4.5
    assert rows["DaViT-Tiny"].family == "davit"
    assert rows["Focal-Tiny"].counted is None
    first = papers.table("mixer").rows[0]
    assert (first.model, first.values["imagenet_top1_percent"]) == ("Mixer-B/16", 76.44)
    assert papers.table("convmixer").rows[1].values["params_millions"] == 21.1


def test_a_count_belongs_to_the_right_row() -> None:
    base = [row for row in papers.table("davit").rows if row.model == "DaViT-Base"]
    assert [row.counted.image_size for row in base if row.counted] == [224, 384]
    large = [row for row in papers.table("mixer").rows if row.model == "Mixer-L/16"]
    sides = [row.values["image_size"] for row in large]
    assert [row.counted is None for row in large] == [side == 448 for side in sides]


def test_the_registry_quotes_the_same_numbers() -> None:
    rows = {row.model: row for row in papers.table("davit").rows if row.group == "ImageNet-1k"}
    for key, name in (("davit_tiny.msft_in1k", "DaViT-Tiny"), ("resnet50.tv_in1k", "ResNet-50")):
        assert registry.spec(key).paper_parameters == rows[name].values["params_millions"]
        assert registry.spec(key).paper_multiply_adds == rows[name].values["flops_giga"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "architecture", ["davit_tiny", "convmixer_768_32", "mixer_s32_224", "resnet50", "cait_xs24_384"]
)
def test_what_is_kept_is_what_timm_counts(architecture: str) -> None:
    line = next(x for x in papers.count_lines() if x["architecture"] == architecture)
    found = counting.count(architecture, int(line["image_size"]))
    assert found.parameters == int(line["parameters"])
    assert found.multiply_adds == int(line["multiply_adds"])
    other = counting.count(architecture, 192)  # another size must give another number
    assert other.multiply_adds != int(line["multiply_adds"])


def test_every_kept_count_is_of_a_row_and_near_what_the_paper_says() -> None:
    names = {(key, row.model) for key in papers.KEYS for row in papers.table(key).rows}
    assert {(line["table"], line["model"]) for line in papers.count_lines()} <= names
    rows = [row for key in papers.KEYS for row in papers.table(key).rows]
    for column, bound in ((papers.PARAMETERS, 0.04), (papers.FLOPS, 0.09)):
        found = {row.model: d for row in rows if (d := row.difference(column)) is not None}
        assert len(found) > 20
        assert max(abs(value) for value in found.values()) < bound, found


def test_an_unknown_table_is_refused() -> None:
    with pytest.raises(ModelError, match=r"vit.*mixer, convmixer, davit"):
        papers.table("vit")


# Pareto front


def test_the_front_is_what_no_row_beats() -> None:
    rng = np.random.default_rng(3)
    x, y = rng.random(40), rng.random(40)
    for more_x in (True, False):
        gain = x if more_x else -x
        slow = [
            i
            for i in range(40)
            if not any(
                gain[j] >= gain[i] and y[j] >= y[i] and (gain[j] > gain[i] or y[j] > y[i])
                for j in range(40)
            )
        ]
        found = pareto_front(x, y, more_x=more_x)
        assert sorted(found) == slow
        assert list(x[list(found)]) == sorted(x[list(found)])
    assert pareto_front(x, y, more_x=True) != pareto_front(x, y, more_x=False)


def test_equal_rows_are_both_on_the_front_and_a_tie_is_beaten() -> None:
    x, y = np.array([1.0, 1.0, 1.0, 2.0]), np.array([5.0, 5.0, 4.0, 5.0])
    assert pareto_front(x, y, more_x=False) == (0, 1)
    assert pareto_front(x, y, more_x=True) == (3,)


def test_a_front_needs_numbers() -> None:
    with pytest.raises(ShapeError):
        pareto_front(np.array([1.0, np.nan]), np.array([1.0, 2.0]), more_x=True)
    with pytest.raises(ShapeError):
        pareto_front(np.array([1.0]), np.array([1.0, 2.0]), more_x=True)
