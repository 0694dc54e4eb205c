"""Published weights on a known picture. Runs where the weights are in the Hugging Face cache."""

from __future__ import annotations

import pytest

from vislib.models import loading
from vislib.observe import capture
from vislib.pictures import gallery
from vislib.weights import files

PUBLISHED = [row.key for row in loading.MODEL_REGISTRY.values() if row.weights == "timm"]
CATS = ("tabby", "tiger cat", "egyptian cat", "lynx")


@pytest.mark.parametrize("key", PUBLISHED)
def test_a_cat_is_a_cat(key: str) -> None:
    if not files.status(loading.spec(key)).present:
        pytest.skip("published weights are not in the Hugging Face cache")
    model = loading.load(key)
    cache = capture.run_with_cache(model, loading.prepare(model, gallery.load("cat")), "logits")
    best = cache.top(3)[0][0].lower()
    assert any(cat in best for cat in CATS), cache.top(3)
