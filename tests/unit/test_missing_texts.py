"""A text that is not there takes nothing down."""

from __future__ import annotations

from pathlib import Path

import pytest

from vislib import texts


def test_a_missing_key_is_shown_itself() -> None:
    assert texts.text("en", "compare.not_there", count=3) == "compare.not_there"


@pytest.mark.parametrize("content", [None, "[broken"])
def test_a_broken_table_is_named(
    content: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if content is not None:
        (tmp_path / "en.toml").write_text(content)
    monkeypatch.setattr(texts, "FOLDER", tmp_path)
    texts._load.cache_clear()
    with pytest.warns(UserWarning, match=r"en\.toml .*Get a complete copy"):
        assert texts.text("en", "compare.title") == "compare.title"
    texts._load.cache_clear()
