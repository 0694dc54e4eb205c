"""A table that comes with the project and is broken: its file is named, and what to do."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from vislib.experiments import findings
from vislib.experiments import table as experiments
from vislib.experiments.catalogue import ExperimentError
from vislib.schema import TableError
from vislib.tables import papers, similarity

GARBAGE = bytes(range(128, 256)) * 4
FAULTS = {
    "missing": (None, "it cannot be read"),
    "empty": (b"", "it is empty"),
    "garbage": (GARBAGE, "it is no CSV file in UTF-8"),
    "columns": (b"a,b\n1,2\n", "it has no column"),
}


def spoil(path: Path, content: bytes | None) -> None:
    """Put other bytes into a file, or take it away."""
    path.unlink()
    if content is not None:
        path.write_bytes(content)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the papers' tables, which the module reads."""
    copy = tmp_path / "papers"
    shutil.copytree(papers.FOLDER, copy)
    monkeypatch.setattr(papers, "FOLDER", copy)
    monkeypatch.setattr(papers, "COUNTED", copy / "counted.csv")
    return copy


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("key", papers.KEYS)
def test_a_broken_table_of_a_paper_is_named_and_the_others_go_on(
    folder: Path, key: str, fault: str
) -> None:
    path = folder / papers._TABLES[key][1]
    content, said = FAULTS[fault]
    spoil(path, content)
    with pytest.raises(TableError, match=rf"{path.name} in assets/papers.*{said}.*Get a comp") as e:
        papers.table(key)
    assert str(folder) not in str(e.value)
    assert all(papers.table(other).rows for other in papers.KEYS if other != key)


def test_a_table_that_breaks_off_or_has_no_rows_is_named(folder: Path) -> None:
    path = folder / "davit_imagenet.csv"
    whole = path.read_text(encoding="utf-8")
    for text, said in (
        (whole[: whole.rindex(",", 0, -20)], r"line \d+ has \d of 6"),
        (whole.splitlines()[0], "it has no rows"),
        (whole.replace("76.2", "7x.2", 1), r"line 2 has '7x\.2' where imagenet_top1_percent"),
    ):
        path.write_text(text, encoding="utf-8")
        with pytest.raises(TableError, match=rf"davit_imagenet\.csv.*{said}"):
            papers.table("davit")


@pytest.mark.parametrize("fault", FAULTS)
def test_without_our_counts_the_papers_tables_go_on(folder: Path, fault: str) -> None:
    assert papers.table("mixer").uncounted is None
    content, said = FAULTS[fault]
    spoil(folder / "counted.csv", content)
    for key in papers.KEYS:
        table = papers.table(key)
        assert table.rows
        assert not any(row.counted for row in table.rows)
        assert "counted.csv" in str(table.uncounted)
        assert said in str(table.uncounted)


def test_a_count_that_is_no_number_is_named(folder: Path) -> None:
    path = folder / "counted.csv"
    text = path.read_text(encoding="utf-8").replace("19104624", "19104o24")
    path.write_text(text, encoding="utf-8")
    assert "line 2 has '19104o24' where parameters" in str(papers.table("mixer").uncounted)


@pytest.fixture
def order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the experiments' tables, which the module reads."""
    copy = tmp_path / "experiments"
    shutil.copytree(experiments.FOLDER, copy)
    monkeypatch.setattr(experiments, "FOLDER", copy)
    return copy


@pytest.mark.parametrize("fault", FAULTS)
def test_a_broken_table_of_an_experiment_is_named(order: Path, fault: str) -> None:
    content, said = FAULTS[fault]
    spoil(order / "order.csv", content)
    said = "it is missing" if content is None else said
    with pytest.raises(ExperimentError, match=rf"order\.csv cannot be used: {said}.*Get a comp"):
        findings.find("order")
    assert findings.find("data") is not None


def test_an_experiment_that_was_not_run_is_no_error(order: Path) -> None:
    for path in experiments.files("order"):
        path.unlink()
    assert findings.find("order") is None


LOST = [
    ("data", "val_pictures"),
    ("data", "classes"),
    ("recipe", "version"),
    ("configs", "mixer_mini.original", "title"),
    ("configs", "mixer_mini.original", "build"),
    *(("configs", "mixer_mini.original", name) for name in experiments.COUNTS),
]


@pytest.mark.parametrize("names", LOST, ids=".".join)
@pytest.mark.parametrize("other", [None, "x"])
def test_facts_that_a_page_needs_are_there(
    order: Path, names: tuple[str, ...], other: str | None
) -> None:
    path = order / "order.json"
    facts = json.loads(path.read_text(encoding="utf-8"))
    node = facts
    for name in names[:-1]:
        node = node[name]
    if other is None or names[-1] == "title":
        del node[names[-1]]
    else:
        node[names[-1]] = other
    path.write_text(json.dumps(facts), encoding="utf-8")
    with pytest.raises(ExperimentError, match=r"order\.json cannot be used"):
        findings.find("order")


@pytest.mark.parametrize("content", [None, b"", GARBAGE, b"[]"])
def test_broken_facts_are_named(order: Path, content: bytes | None) -> None:
    spoil(order / "order.json", content)
    with pytest.raises(ExperimentError, match=r"order\.json cannot be used.*Get a complete"):
        findings.find("order")


def archive(path: Path, **arrays: object) -> None:
    """An npz file of any arrays."""
    with path.open("wb") as sink:
        np.savez(sink, **arrays)


def test_a_broken_table_of_similarity_is_named(tmp_path: Path) -> None:
    path, real = tmp_path / "similarity.npz", similarity.FILE.read_bytes()
    with np.load(similarity.FILE) as stored:
        table, header = stored["table"], str(stored["header"])
    kinds = json.loads(header)

    def refused(said: str) -> None:
        with pytest.raises(
            TableError, match=rf"similarity\.npz in assets.*{said}.*Get a"
        ) as caught:
            similarity.read(path)
        assert str(tmp_path) not in str(caught.value)

    refused("cannot be read")
    for content in (b"", GARBAGE, real[: len(real) // 2], b"PK\x03\x04" + GARBAGE):
        path.write_bytes(content)
        refused("cannot be read")
    middle = len(real) // 3
    path.write_bytes(real[:middle] + bytes(2000) + real[middle + 2000 :])
    refused("cannot be read")
    for text in ("[]", "{}", "x", json.dumps(kinds | {"layers": 3}), json.dumps({"layers": []})):
        archive(path, table=table, header=np.array(text))
        refused("cannot be read")
    archive(path, other=table)
    refused("cannot be read")
    for wrong in (table[:-1], table[:, :, None], np.where(table > 0.99, np.nan, table)):
        archive(path, table=wrong, header=np.array(header))
        refused("not one finite number")
    archive(path, table=table, header=np.array(header))
    assert similarity.read(path).samples == kinds["samples"]
