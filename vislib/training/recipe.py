"""One recipe for all bundled models of a set, in one place: they differ in architecture alone.

Version 1 trains set 1 of ``vislib.registry.MINI_SETS`` on a processor, version 2 trains set 2 on a
GPU, version 3 set 2 where there is none, in few passes. Both begin with pictures of half the size
(``vislib.training.small``), and matrices take Muon's steps (``vislib.training.muon``). Version 4 is
version 2 and a finish.

What version 2 adds is what small data needs when it is seen many times: random crops (turned a
little), other light, erased rectangles (as DeiT and ConvMixer have them, milder, since the pictures
are small), mixup and CutMix. All its pictures are therefore cut, enlarged and a little blurred,
and objects in them larger than in a picture as it is: networks that saw nothing else are worse at
that (arXiv 1906.06423). The finish of version 4 is a few passes over pictures as they are, shifted
by whole pixels and mixed only. Nothing in a recipe is for one architecture alone. Drop path
is left out for that reason: timm's ConvMixer has none.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Everything that training decides besides the architecture.

    Attributes:
        version: Raised when any other number changes; written into each card.
        epochs: Passes over the training pictures.
        batch_size: Pictures a step.
        learning_rate: Peak of the step size.
        weight_decay: AdamW's and Muon's decay, on matrices and kernels only (not on biases and
            norms).
        warmup: Share of all steps in which the step size rises linearly; then a cosine to 0.
        label_smoothing: Mass moved from the right class to all classes.
        gradient_clip: Largest global norm of a gradient.
        shift: Largest shift of a training picture, in pixels of the model input, edges mirrored.
        held_out: Pictures per class kept from the training folder to watch progress.
        smallest_crop: Least share of a training picture's area that is cut out and enlarged to the
            model input; 1 cuts nothing.
        aspect: Largest ratio of the sides of what is cut out.
        erase: Share of the training pictures that lose a rectangle.
        mixup: Share of the training pictures that are blended with another one.
        cutmix: Share of the training pictures that get a rectangle of another one.
        turn: Largest angle by which what is cut out is turned, in degrees.
        colour: Largest change of brightness, contrast and saturation, each as a share of itself.
        small: Share of the passes, the first ones, in which pictures have half the size.
        straight: Whether the step size falls in a straight line instead of a cosine.
        bfloat16: Whether a processor with units for bfloat16 multiplies in it; a GPU always does.
        muon: Whether the matrices inside a network take Muon's steps (``vislib.training.muon``);
            what is left takes AdamW's.
        finish: Passes, the last of ``epochs``, in which no picture is cut, turned, relit,
            erased or blended. The optimizers begin them afresh.
        finish_rate: Step size in the first step of the finish; it falls to 0 in a straight line.
        finish_shift: ``shift`` in the finish.
        finish_cutmix: ``cutmix`` in the finish.
        finish_batch: ``batch_size`` in the finish.
    """

    version: int = 1
    epochs: int = 6
    batch_size: int = 64
    learning_rate: float = 2e-3
    weight_decay: float = 0.05
    warmup: float = 0.1
    label_smoothing: float = 0.1
    gradient_clip: float = 1.0
    shift: int = 6
    held_out: int = 25
    # Off by default, as in version 1: checkpoints and cards of that time do not name them.
    smallest_crop: float = 1.0
    aspect: float = 1.0
    erase: float = 0.0
    mixup: float = 0.0
    cutmix: float = 0.0
    turn: float = 0.0
    colour: float = 0.0
    small: float = 0.0
    straight: bool = False
    bfloat16: bool = False
    muon: bool = False
    finish: int = 0
    finish_rate: float = 0.0
    finish_shift: int = 0
    finish_cutmix: float = 0.0
    finish_batch: int = 64

    @property
    def main_epochs(self) -> int:
        """Passes before the finish."""
        return max(0, self.epochs - self.finish)

    @property
    def small_epochs(self) -> int:
        """Passes, the first ones, in which pictures have half the size."""
        return math.floor(self.small * self.main_epochs)

    def in_epoch(self, epoch: int) -> Recipe:
        """How the pictures of an epoch (counted from 1) are treated and taken."""
        if not self.finish or epoch <= self.main_epochs:
            return self
        return replace(
            self,
            batch_size=self.finish_batch,
            shift=self.finish_shift,
            cutmix=self.finish_cutmix,
            mixup=0.0,
            smallest_crop=1.0,
            aspect=1.0,
            turn=0.0,
            erase=0.0,
            colour=0.0,
        )

    def size_in(self, epoch: int, size: int) -> int:
        """Side of the pictures in an epoch (counted from 1) of a model with inputs of ``size``."""
        return size // 2 if epoch <= self.small_epochs else size

    def first_step(self, epoch: int, pictures: int) -> int:
        """Steps before an epoch (counted from 1), of a run over so many pictures."""
        main = min(epoch - 1, self.main_epochs)
        finish = epoch - 1 - main
        return main * (pictures // self.batch_size) + finish * (pictures // self.finish_batch)

    def place(self, step: int, pictures: int) -> tuple[int, int]:
        """Epoch (counted from 0) of a step (from 0), and the step's place in it."""
        main = self.first_step(self.main_epochs + 1, pictures)
        if not self.finish or step < main:
            return divmod(step, pictures // self.batch_size)
        epoch, place = divmod(step - main, pictures // self.finish_batch)
        return self.main_epochs + epoch, place

    def rate(self, step: int, total: int, finish: int = 0) -> float:
        """Learning rate of a step.

        Linear warm-up, then down to 0; the finish has a fall of its own.

        Args:
            step: From 0.
            total: Steps of the whole run.
            finish: Those of them that are the finish.
        """
        main = total - finish
        if finish and step >= main:
            return self.finish_rate * (total - step) / finish
        rise = max(1, round(self.warmup * main))
        if step < rise:
            return self.learning_rate * (step + 1) / rise
        done = (step - rise) / max(1, main - rise)
        if self.straight:
            return self.learning_rate * (1 - done)
        return self.learning_rate * 0.5 * (1 + math.cos(math.pi * done))


RECIPE = Recipe()

SECOND = Recipe(
    version=2,
    epochs=80,
    batch_size=512,
    learning_rate=5e-3,
    weight_decay=0.1,
    warmup=0.05,
    shift=0,
    smallest_crop=0.4,
    aspect=4 / 3,
    erase=0.1,
    mixup=0.1,
    cutmix=0.3,
    turn=10.0,
    colour=0.2,
    small=0.7,
    muon=True,
)

RECIPES: Mapping[int, Recipe] = {
    1: RECIPE,
    2: SECOND,
    3: Recipe(
        version=3,
        epochs=8,
        batch_size=256,
        learning_rate=6e-3,
        shift=0,
        smallest_crop=0.6,
        aspect=4 / 3,
        small=0.75,
        straight=True,
        bfloat16=True,
        muon=True,
    ),
    4: replace(
        SECOND,
        version=4,
        epochs=82,
        bfloat16=True,
        finish=2,
        finish_rate=5e-4,
        finish_shift=4,
        finish_cutmix=0.5,
        finish_batch=128,
    ),
}
"""Version -> recipe; unless asked otherwise, a set is trained by the version of its number."""


@dataclass(frozen=True, kw_only=True)
class DataOrigin:
    """Where a data set comes from and what it may be used for, as a card states it."""

    classes: int
    source: str
    terms: str


ORIGINS: Mapping[str, DataOrigin] = {
    "photos100": DataOrigin(
        classes=100,
        source=(
            "100 classes of Tiny-ImageNet-200 (Stanford CS231n), a downscaled part of ImageNet "
            "(ILSVRC), re-encoded as AVIF at quality 50"
        ),
        terms="ImageNet's terms: non-commercial research and teaching",
    ),
}
"""Folder name -> origin of the data that the bundled models are trained on."""


def origin(name: str, classes: int) -> DataOrigin:
    """Where a data set comes from; "not stated" where that is not known.

    Args:
        name: Of its folder.
        classes: How many it has; a folder of that name with others is another data set.
    """
    known = ORIGINS.get(name)
    if known is None or known.classes != classes:
        return DataOrigin(classes=classes, source="not stated", terms="not stated")
    return known
