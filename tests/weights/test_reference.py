"""Published weights on a known picture. Runs where the weights are in the Hugging Face cache."""

from __future__ import annotations

import pytest

from vislib import capture, gallery, models, weights

PUBLISHED = [row.key for row in models.MODEL_REGISTRY.values() if row.weights == "timm"]
CATS = ("tabby", "tiger cat", "egyptian cat", "lynx")


@pytest.mark.parametrize("key", PUBLISHED)
def test_a_cat_is_a_cat(key: str) -> None:
    if not weights.status(models.spec(key)).present:
        pytest.skip("published weights are not in the Hugging Face cache")
    model = models.load(key)
    cache = capture.run_with_cache(model, models.prepare(model, gallery.load("cat")), "logits")
    best = cache.top(3)[0][0].lower()
    assert any(cat in best for cat in CATS), cache.top(3)
