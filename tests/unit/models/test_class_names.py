"""Class names are unique within a model, whole and up to the first comma."""

from __future__ import annotations

import pytest
import torch
from timm.data.imagenet_info import ImageNetInfo

from tests.unit import tiny
from vislib.models import class_names, loading
from vislib.registry import MODEL_REGISTRY


def first_parts(names: tuple[str, ...]) -> list[str]:
    return [name.split(",")[0] for name in names]


@pytest.mark.parametrize("key", tiny.one_a_family())
def test_names_of_every_model_are_unique(key: str) -> None:
    row = MODEL_REGISTRY[key]
    with torch.device("meta"):
        _, labels = loading._classes(row, loading.build(row))
    assert len(set(labels)) == len(labels)
    assert len(set(first_parts(labels))) == len(labels)
    assert not labels[0].startswith("class ")


@pytest.mark.parametrize("subset", ["imagenet-1k", "imagenet-12k", "imagenet-22k"])
def test_imagenet_s_names_are_told_apart(subset: str) -> None:
    info = ImageNetInfo(subset)
    rows = list(loading._imagenet(info, info.num_classes()))
    names = class_names.told_apart(rows)
    plain = [name for _, name, _ in rows]
    assert len(set(plain)) < len(plain)  # as they were: negative control
    assert len(set(first_parts(names))) == len(names)
    for (_, name, _), shown in zip(rows, names, strict=True):
        first, _, rest = name.partition(",")
        assert shown.startswith(first)
        assert shown.endswith(rest)
        assert len(shown) <= len(name) + class_names.LONGEST + 20


def test_a_crane_is_a_bird_or_a_machine() -> None:
    info = ImageNetInfo("imagenet-1k")
    names = class_names.told_apart(loading._imagenet(info, 1000))
    assert names[134] == "crane (large long-necked wading bird of marshes and…)"
    assert names[517] == "crane (lifts and moves heavy objects)"
    assert names[0] == info.index_to_description(0)


def test_without_a_meaning_the_key_tells_apart() -> None:
    rows = [("n1", "ball, round", ""), ("n2", "ball", ""), ("n3", "bat", "")]
    assert class_names.told_apart(rows) == ("ball (n1), round", "ball (n2)", "bat")
    alike = [("n1", "ball", "a toy, red"), ("n2", "ball", "a toy, blue")]
    assert class_names.told_apart(alike) == ("ball (n1)", "ball (n2)")
