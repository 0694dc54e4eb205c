"""The measured answer to a step's question, on the visitor's picture, with what all share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from views import frame
from views.lecture import results
from vislib.lecture import measuring
from vislib.lecture.measuring import Answer
from vislib.lecture.steps import Step
from vislib.pictures import geometry
from vislib.pictures.gallery import GALLERY
from vislib.schema import ActivationCache, DecodedImage, LabelledArray, MixingSite, ViewBox


def measured(step: Step) -> Answer:
    """What answers a step's question, computed from the models now.

    Args:
        step: One that asks.

    Raises:
        MixScopeError: As ``measuring.measured`` says; the message is for the visitor.
    """
    return measuring.measured(step, _Shared())


class _Shared:
    """The models and results that all visitors share; a ``measuring.Source``."""

    @property
    def picture(self) -> DecodedImage:
        """The visitor's picture."""
        return frame.view().picture

    @property
    def shows(self) -> str | None:
        """WordNet id of what it shows; None where nobody has said so."""
        entry = frame.view().entry
        return entry.wordnet if entry else None

    def second(self, key: str) -> DecodedImage:
        """A gallery picture; another one where that is the class's own."""
        entry = frame.view().entry
        others = [name for name in GALLERY if entry is None or name != entry.key]
        return frame.second_picture(key if key in others else others[0], others)[1]

    def sites(self, key: str) -> Sequence[MixingSite]:
        """A model's blocks."""
        return frame.model(frame.as_switched(key)).sites

    def box(self, key: str, picture: DecodedImage) -> ViewBox:
        """What a model sees of a picture, in source pixels."""
        config = frame.model(frame.as_switched(key)).config
        return geometry.view_box(picture.width, picture.height, size=config.size, crop=config.crop)

    def wordnet(self, key: str) -> Sequence[str]:
        """One WordNet id a class."""
        return frame.model(frame.as_switched(key)).wordnet

    def arrays(
        self, key: str, site: MixingSite, picture: DecodedImage
    ) -> Mapping[str, LabelledArray]:
        """A block's weights and what it computed on a picture."""
        key = frame.as_switched(key)
        found = dict(frame.weights(key, site.group))
        if site.mixing != "fixed":
            found |= frame.capture(key, site.group, picture=picture)
        return found

    def logits(self, key: str) -> ActivationCache:
        """The answer to the picture."""
        return frame.capture(frame.as_switched(key), "logits")

    def shuffled(self, key: str) -> ActivationCache:
        """The answer to it with its patches shuffled."""
        return results.shuffled(frame.as_switched(key)).cache
