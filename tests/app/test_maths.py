"""Formulas: what is TeX in the table of texts is typeset, on every page."""

from __future__ import annotations

import re

import pytest

from tests.app.conftest import Ask, Open

MATHS = {
    "compare": {"reads": "maths"},
    "patch_embedding": {"view": "maths"},
    "token_mixing": {"mixing_tab": "maths"},
    "depthwise_kernels": {"kernel_tab": "maths"},
    "dual_attention": {"closer": "maths"},
    "what_if": {"shuffled": "maths"},
}
TYPESET = re.compile(r"\$[^$]*\$")


@pytest.mark.parametrize("page", list(MATHS))
def test_a_formula_is_typeset(page: str, open_page: Open, ask: Ask) -> None:
    at = open_page(page, **MATHS[page])
    assert not ask(at).errors
    said = [element.value for element in at.markdown]
    assert any(TYPESET.search(text) for text in said)
    assert [text for text in said if re.search(r"\\[a-z]{2,}", TYPESET.sub("", text))] == []
