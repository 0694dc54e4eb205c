"""The live view of a step: one function a kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from views import frame
from views.frame.models import is_known
from views.lecture import operators, results
from views.lecture.sites import site_of
from vislib import registry
from vislib.analysis import patches
from vislib.analysis.fields import ReadingField, reading_field
from vislib.analysis.similarity_field import similarity_field
from vislib.lecture.steps import Step
from vislib.pictures.gallery import GALLERY
from vislib.schema import DecodedImage, LabelledArray, MixingSite, MixScopeError


def draw(step: Step, slot: str) -> None:
    """Draw it; words alone have none.

    Args:
        step: Whose view.
        slot: Where on the page, for the keys of what is drawn: several steps lie there at once.
    """
    kinds: Mapping[str, Callable[[Step, str], None]] = {
        "words": lambda _step, _slot: None,
        "maps": maps,
        "patches": partial(maps, embedding=True),
        "diagram": operators.diagram,
        "tiles": operators.tiles,
        "channels": operators.channels,
        "shuffle": results.shuffle,
        "table": lambda step, _slot: results.table(step),
        "accuracies": results.accuracies,
    }
    kinds[step.view.kind](step, slot)


def is_quick(step: Step) -> bool:
    """Whether its models have been loaded once, so that it can be drawn without a wait."""
    return all(is_known(frame.as_switched(key)) for key in step.view.models)


def maps(step: Step, slot: str, *, embedding: bool = False) -> None:
    """What the place reads in each model, or how alike the patches are, on the stage."""
    keys = [frame.as_switched(key) for key in step.view.models]
    second = step.view.options.get("second")
    place = frame.stage_place(len(keys), 2 if second else 1, key=f"stage_place_{slot}")
    errors = frame.load_on_stage(keys, place)
    beside = None
    if second:
        entry = frame.view().entry
        others = [key for key in GALLERY if entry is None or key != entry.key]
        wanted = second if second in others else others[0]
        found, picture = frame.second_picture(wanted, others)
        beside = picture, frame.picture_title(found.key)
    frame.stage(
        [
            frame.model_map(
                key,
                partial(_shown, key, step, embedding),
                alt=frame.t("compare.share_alt", model=registry.spec(key).title),
                wrong=frame.said(errors[key]) if key in errors else "",
            )
            for key in keys
        ],
        label=frame.t("lecture.title"),
        scale=str(step.view.options.get("scale", "root")),
        second=beside,
        place=place,
        key=f"stage_{slot}",
    )


def _shown(
    key: str, step: Step, embedding: bool, picture: DecodedImage, _block: str
) -> frame.StageShown:
    if embedding:
        return frame.StageShown(
            field=_alike(key, picture), sub=frame.t("patch_embedding.depth_embedding")
        )
    site = site_of(key, step)
    words = frame.block_words(key, site)
    try:
        return frame.StageShown(field=_field(key, site, picture), sub=words)
    except MixScopeError as error:
        return frame.StageShown(message=frame.said(error), sub=words)


def _alike(key: str, picture: DecodedImage) -> ReadingField:
    """How alike the embeddings of all patches are."""

    def make() -> ReadingField:
        grid, name = frame.model(key).grid, "stem.out"
        array = frame.capture(key, "stem", picture=picture)[name]
        rows, columns = patches.grid_of(array, grid.rows, grid.columns)
        return similarity_field(patches.token_table(array, rows, columns))

    return frame.remember(("similarity field", picture.sha256, key, "stem.out"), make)


def _field(key: str, site: MixingSite, picture: DecodedImage) -> ReadingField:
    fixed = site.mixing == "fixed"

    def make() -> ReadingField:
        arrays: dict[str, LabelledArray] = dict(frame.weights(key, site.group))
        if not fixed:
            arrays |= frame.capture(key, site.group, picture=picture)
        return reading_field(site, arrays)

    name = ("field", "" if fixed else picture.sha256, key, site.group, None, False)
    return frame.remember(name, make)
