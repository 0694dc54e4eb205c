"""Models that the tests of this folder share: built once, and left by each test as they were."""

from __future__ import annotations

import copy
import dataclasses
import functools
import threading
from collections.abc import Iterator

import pytest
import torch

from tests.unit import tiny
from vislib.models.loading import LoadedModel


@pytest.fixture(autouse=True, scope="session")
def _two_threads() -> Iterator[None]:
    """At most two threads: a test machine is shared."""
    before = torch.get_num_threads()
    torch.set_num_threads(min(2, before))
    yield
    torch.set_num_threads(before)


@functools.cache
def _loaded(name: str) -> LoadedModel:
    """A tiny model by family, or a published one by key with seeded random weights.

    timm's own starting weights would not do: through 32 blocks of an untrained ConvMixer the
    picture shrinks to 1e-7 of the logits, and DaViT's patterns are nearly uniform.
    """
    if name in tiny.FAMILIES:
        return tiny.tiny_model(name)
    model = tiny.untrained(name)
    module = copy.deepcopy(model.module)
    tiny.draw_weights(module, seed=0)
    return dataclasses.replace(model, module=module, lock=threading.RLock())


@pytest.fixture(scope="session", params=tiny.FAMILIES)
def tiny_loaded(request: pytest.FixtureRequest) -> LoadedModel:
    """Each tiny model in turn."""
    return _loaded(request.param)


@pytest.fixture(scope="session", params=tiny.FULL_SIZE)
def full_size(request: pytest.FixtureRequest) -> LoadedModel:
    """Each published architecture in turn, at full size with seeded random weights."""
    return _loaded(request.param)


@pytest.fixture(scope="session", params=[*tiny.FAMILIES, *tiny.FULL_SIZE])
def any_loaded(request: pytest.FixtureRequest) -> LoadedModel:
    """Tiny and full-size models in turn."""
    return _loaded(request.param)


@pytest.fixture(scope="session", params=["mixer", tiny.FULL_SIZE[0]])
def any_mixer(request: pytest.FixtureRequest) -> LoadedModel:
    """The tiny and the full-size MLP-Mixer."""
    return _loaded(request.param)


@pytest.fixture(scope="session", params=["convmixer", tiny.FULL_SIZE[1]])
def any_convmixer(request: pytest.FixtureRequest) -> LoadedModel:
    """The tiny and the full-size ConvMixer."""
    return _loaded(request.param)


@pytest.fixture(scope="session", params=["davit", tiny.FULL_SIZE[2]])
def any_davit(request: pytest.FixtureRequest) -> LoadedModel:
    """The tiny and the full-size DaViT."""
    return _loaded(request.param)
