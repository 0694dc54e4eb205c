"""What the models say to the gallery's photographs, asked anew; nothing about it is stored."""

from __future__ import annotations

import pytest
import torch

from vislib import registry
from vislib.analysis.answers import Verdict, verdict
from vislib.models import loading
from vislib.observe.capture import run_with_cache
from vislib.pictures import gallery
from vislib.weights import files

BUNDLED = [key for key, row in registry.MODEL_REGISTRY.items() if row.weights == "bundled"]
DEFAULT = next(iter(gallery.GALLERY))
"""The first of the list is what the page opens with."""


@pytest.fixture(scope="module")
def verdicts() -> dict[str, list[Verdict]]:
    """Photograph -> one verdict a bundled model."""
    if not all(files.status(registry.spec(key)).present for key in BUNDLED):
        pytest.skip("the bundled weights are not all here")
    found: dict[str, list[Verdict]] = {}
    for key in BUNDLED:
        model = loading.load(key)
        for name, row in gallery.GALLERY.items():
            if row.kind == "photograph":
                inputs = loading.prepare(model, gallery.load(name))
                cache = run_with_cache(model, inputs, "logits")
                judged = verdict(model.wordnet, cache.probabilities(), row.wordnet)
                assert (judged == "right") == (cache.top(1)[0][0] == row.shows)  # by name too
                found.setdefault(name, []).append(judged)
    return found


def test_the_first_picture_is_right_for_all_bundled_models(
    verdicts: dict[str, list[Verdict]],
) -> None:
    assert verdicts[DEFAULT] == ["right"] * 5


def test_pictures_of_a_class_are_known_to_a_model_unless_the_gallery_says_why_not(
    verdicts: dict[str, list[Verdict]],
) -> None:
    for name, found in verdicts.items():
        row = gallery.GALLERY[name]
        if row.shows is None:
            assert found == ["unknown"] * 5, name
        elif name == "cat":  # its sentence says that none of them knows it
            assert found == ["wrong"] * 5
        else:
            assert "right" in found, name
            assert found == ["right"] * 5 or row.why is not None, name


def test_published_models_know_the_same_classes_under_their_own_names() -> None:
    ids = {row.wordnet for row in gallery.GALLERY.values() if row.wordnet}
    for key, count in (("resnet50.tv_in1k", 1000), ("mixer_b16_224.goog_in21k", 21843)):
        with torch.device("meta"):
            module = loading.build(registry.spec(key))
        wordnet, names = loading._classes(registry.spec(key), module)
        assert len(wordnet) == len(set(wordnet)) == len(names) == count
        assert ids <= set(wordnet)
        named = dict(zip(wordnet, names, strict=True))
        assert "hog" in named["n02395406"]
        assert "tabby" in named["n02123045"]
        assert "triumphal arch" not in named["n02123045"]
