"""The models that a lecture's questions are measured on, outside of a page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from vislib.lecture.measuring import SEED, SQUARES
from vislib.models import loading
from vislib.models.loading import LoadedModel
from vislib.observe import capture, shuffled
from vislib.pictures import gallery, geometry
from vislib.schema import ActivationCache, DecodedImage, LabelledArray, MixingSite, ViewBox


class LectureModels:
    """A picture of the gallery and the models, each loaded once; a ``measuring.Source``.

    Args:
        picture: Its key in the gallery.

    Raises:
        ImageError: There is no such picture, or its file cannot be used.
    """

    def __init__(self, picture: str) -> None:
        self.key = picture
        self.picture: DecodedImage = gallery.load(picture)
        self.shows: str | None = gallery.GALLERY[picture].wordnet
        self._models: dict[str, LoadedModel] = {}

    def model(self, key: str) -> LoadedModel:
        """A model of the registry.

        Raises:
            MixScopeError: It cannot be loaded.
        """
        if key not in self._models:
            self._models[key] = loading.load(key)
        return self._models[key]

    def second(self, key: str) -> DecodedImage:
        """A gallery picture; another one where that is the class's own."""
        others = [name for name in gallery.GALLERY if name != self.key]
        return gallery.load(key if key in others else others[0])

    def sites(self, key: str) -> Sequence[MixingSite]:
        """A model's blocks."""
        return self.model(key).sites

    def box(self, key: str, picture: DecodedImage) -> ViewBox:
        """What a model sees of a picture, in source pixels."""
        config = self.model(key).config
        return geometry.view_box(picture.width, picture.height, size=config.size, crop=config.crop)

    def wordnet(self, key: str) -> Sequence[str]:
        """One WordNet id a class."""
        return self.model(key).wordnet

    def arrays(
        self, key: str, site: MixingSite, picture: DecodedImage
    ) -> Mapping[str, LabelledArray]:
        """A block's weights and what it computed on a picture."""
        found = dict(self.model(key).weights(site.group))
        if site.mixing != "fixed":
            found |= self._run(key, site.group, picture)
        return found

    def logits(self, key: str) -> ActivationCache:
        """The answer to the picture."""
        return self._run(key, "logits", self.picture)

    def shuffled(self, key: str) -> ActivationCache:
        """The answer to it with its patches shuffled."""
        return shuffled.shuffled(self.model(key), self.picture, SQUARES, SEED).cache

    def _run(self, key: str, group: str, picture: DecodedImage) -> ActivationCache:
        model = self.model(key)
        return capture.run_with_cache(model, loading.prepare(model, picture), group)
