"""What the stage shows on Token mixing: readings that follow the place, and units as they lie."""

from __future__ import annotations

from views import frame
from views.token_mixing import hidden_unit
from views.token_mixing.controls import FAMILIES, Choice, block_beside, site_named
from vislib.analysis.fields import ReadingField, reading_field
from vislib.analysis.linear_mixing import read_by_field
from vislib.analysis.signed_fields import still_field
from vislib.registry import epoch_of, spec
from vislib.schema import DecodedImage, MixingSite


def maps(chosen: Choice, key: str) -> list[frame.StageMap]:
    """The maps of a view.

    Args:
        chosen: What is shown.
        key: The model as of the epoch that is shown; an earlier one runs no picture: at zero.
    """
    if chosen.view == "beside":
        return [_beside(chosen, name) for name in pair(chosen)]
    if chosen.view == "unit":
        return [_step(chosen, key, name) for name in hidden_unit.STEPS]
    if chosen.view == "reads" and chosen.site.units:
        return [_reading(key, "at_picture"), _reading(key, "at_zero")]
    if not chosen.site.units:
        return [_reading(key, "row"), _reading(key, "read_by")]
    reads = "at_zero" if epoch_of(key) is not None else "at_picture"
    return [_reading(key, reads), *(_unit(chosen, key, name) for name in hidden_unit.SIDES)]


def pair(chosen: Choice) -> list[str]:
    """The models that are set beside each other, ResMLP first; one where the other is not here."""
    keys = [key for key in (chosen.key, chosen.partner) if key is not None]
    return sorted(keys, key=lambda key: FAMILIES.index(spec(key).family))


def field(key: str, site: MixingSite, picture: DecodedImage, what: str) -> ReadingField:
    """What every place of a block reads, or who reads it: ``what`` ends the name of its text."""
    fixed = what != "at_picture"
    name = ("field", "" if fixed else picture.sha256, key, site.group, what)

    def make() -> ReadingField:
        arrays = frame.weights(key, site.group)
        if not fixed:
            arrays = {**arrays, **frame.capture(key, site.group, picture=picture)}
        found = reading_field(site, arrays, at_zero=what == "at_zero")
        return read_by_field(found) if what == "read_by" else found

    return frame.remember(name, make)


def _reading(key: str, what: str) -> frame.StageMap:
    title = frame.t(f"token_mixing.tile_{what}", model=spec(key).title)

    def shows(picture: DecodedImage, block: str) -> frame.StageShown:
        site = site_named(key, block)
        words = frame.block_words(key, site)
        return frame.StageShown(field=field(key, site, picture, what), sub=words)

    alt = frame.t("token_mixing.reading_alt", what=title)
    return frame.model_map(key, shows, alt=alt, name=title)


def _beside(chosen: Choice, key: str) -> frame.StageMap:
    def shows(picture: DecodedImage, block: str) -> frame.StageShown:
        site = block_beside(chosen, key, block)
        what = "at_picture" if site.units else "row"
        words = frame.block_words(key, site)
        return frame.StageShown(field=field(key, site, picture, what), sub=words)

    return frame.model_map(
        key, shows, alt=frame.t("token_mixing.reading_alt", what=spec(key).title)
    )


def _unit(chosen: Choice, key: str, what: str) -> frame.StageMap:
    """The chosen unit's row of W1 or its column of W2."""
    title = frame.t(f"token_mixing.tile_{what}", unit=chosen.unit + 1)

    def shows(_picture: DecodedImage, block: str) -> frame.StageShown:
        site = site_named(key, block)
        array = hidden_unit.side_of(key, site, chosen.unit, what)
        return frame.StageShown(field=still_field(array), unit=frame.t("unit.weight"))

    alt = frame.t("token_mixing.map_alt", what=title)
    return frame.model_map(key, shows, alt=alt, name=title)


def _step(chosen: Choice, key: str, what: str) -> frame.StageMap:
    """One of the maps from what a unit looks for to what it adds."""
    title = frame.t(f"token_mixing.tile_step_{what}")

    def shows(picture: DecodedImage, block: str) -> frame.StageShown:
        site = site_named(key, block)
        steps = hidden_unit.steps(key, site, chosen, picture)
        array = getattr(steps, what)
        return frame.StageShown(field=still_field(array), unit=frame.t(f"unit.{array.unit}"))

    alt = frame.t("token_mixing.map_alt", what=title)
    return frame.model_map(key, shows, alt=alt, name=title)
