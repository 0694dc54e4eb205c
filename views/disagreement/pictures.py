"""The pictures that are asked: the gallery, or a handful of the visitor's own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import streamlit as st

from views import frame
from vislib.pictures import decoding, encoding, gallery
from vislib.schema import DecodedImage, ImageError

MOST_UPLOADS = 12
THUMBNAIL_SIDE = 220
SOURCES = ("gallery", "photographs", "own")


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One picture of the ranking.

    Attributes:
        title: What the page calls it.
        picture: The upright picture.
        key: Its key in the gallery; empty for the visitor's own.
    """

    title: str
    picture: DecodedImage
    key: str = ""


def words(name: str, /, **values: object) -> str:
    """A text of the page's own section."""
    return frame.t(f"disagreement.{name}", **values)


def choose() -> dict[str, Asked]:
    """Name -> picture, in the order of the gallery or of the uploads."""
    source = frame.choose(
        words("source"),
        SOURCES,
        key="source",
        words={name: words(f"source_{name}") for name in SOURCES},
    )
    if source == "own":
        return _uploads()
    every = gallery_pictures()
    photographs = {k: a for k, a in every.items() if gallery.GALLERY[k].kind == "photograph"}
    return every if source == "gallery" else photographs


@st.cache_resource(show_spinner=False)
def gallery_pictures() -> dict[str, Asked]:
    """The whole gallery, decoded once."""
    return {
        key: Asked(title=entry.title, picture=gallery.load(key), key=key)
        for key, entry in gallery.GALLERY.items()
    }


def _uploads() -> dict[str, Asked]:
    """The visitor's own pictures, decoded once, in this visit's memory alone."""
    came = st.file_uploader(
        words("upload", count=MOST_UPLOADS),
        key="many_uploads",
        accept_multiple_files=True,
        help=words("upload_help"),
        max_upload_size=decoding.MAX_BYTES // 2**20,
    )
    files = list(came or [])
    if len(files) > MOST_UPLOADS:
        st.info(words("too_many", count=len(files), most=MOST_UPLOADS))
    known: Mapping[str, DecodedImage | ImageError] = st.session_state.get("_many_decoded", {})
    files = files[:MOST_UPLOADS]
    kept = {file.file_id: known.get(file.file_id) or _decoded(file) for file in files}
    st.session_state["_many_decoded"] = kept  # what was taken away is forgotten
    found = {}
    for number, (name, picture) in enumerate(kept.items(), 1):
        if isinstance(picture, ImageError):
            st.error(str(picture))
        else:
            found[name] = Asked(title=f"{number}. {picture.name}", picture=picture)
    return found


def _decoded(file: Any) -> DecodedImage | ImageError:
    """The picture, or why there is none."""
    try:
        return decoding.decode(file.getvalue(), name=file.name)
    except ImageError as error:
        return error


def thumbnail(asked: Asked) -> bytes:
    """A small JPEG."""
    return frame.remember(
        ("thumbnail", asked.picture.sha256, THUMBNAIL_SIDE),
        lambda: encoding.encode_jpeg(encoding.thumbnail(asked.picture, THUMBNAIL_SIDE)),
    )
