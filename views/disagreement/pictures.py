"""The pictures that are asked: the gallery, or a handful of the visitor's own."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import streamlit as st

from views import frame
from views.frame import uploads
from vislib.pictures import decoding, encoding, gallery, limits
from vislib.schema import DecodedImage, ImageError
from vislib.texts import Message

MOST_UPLOADS = 12
SHOWN_NAMES = 20
THUMBNAIL_SIDE = 220
SOURCES = ("gallery", "photographs", "own")


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One picture of the ranking.

    Attributes:
        title: What the page calls it.
        picture: The upright picture.
        key: Its key in the gallery; empty for the visitor's own.
        token: Of the visitor's own, where it is kept.
    """

    title: str
    picture: DecodedImage
    key: str = ""
    token: str = ""


@dataclass(frozen=True, kw_only=True)
class Upload:
    """What the session knows of a file that came: a token or a problem, never the picture."""

    token: str = ""
    problem: Message | None = None


def words(name: str, /, **values: object) -> str:
    """A text of the page's own section."""
    return frame.t(f"disagreement.{name}", **values)


def choose_source() -> str:
    """Whose pictures are asked."""
    return frame.choose(
        words("source"),
        SOURCES,
        key="source",
        words={name: words(f"source_{name}") for name in SOURCES},
    )


def of(source: str) -> dict[str, Asked]:
    """Name -> picture, in the order of the gallery or of the uploads."""
    if source == "own":
        return _uploads()
    every = gallery_pictures()
    photographs = {k: a for k, a in every.items() if gallery.GALLERY[k].kind == "photograph"}
    return every if source == "gallery" else photographs


def gallery_pictures() -> dict[str, Asked]:
    """The whole gallery; a picture whose file cannot be used is said and left out."""
    found, wrong = {}, []
    for key in gallery.GALLERY:
        try:
            picture = _decoded_once(key)
        except ImageError as error:
            wrong.append(frame.said(error))
            continue
        found[key] = Asked(title=frame.picture_title(key), picture=picture, key=key)
    if wrong:
        left_out = words("left_out_pictures", count=len(wrong))
        st.error("\n\n".join([*wrong, left_out]))
    return found


@st.cache_resource(show_spinner=False)
def _decoded_once(key: str) -> DecodedImage:
    return gallery.load(key)


def _uploads() -> dict[str, Asked]:
    """The visitor's own pictures, decoded once, in memory for the stated time."""
    minutes = uploads.STORE_MINUTES
    st.file_uploader(
        words("upload", count=MOST_UPLOADS),
        key="many_uploads",
        accept_multiple_files=True,
        help=words("upload_help", minutes=minutes),
        max_upload_size=limits.MAX_BYTES // 2**20,
    )
    came = list(st.session_state["many_uploads"])  # with those that were taken before
    if len(came) > MOST_UPLOADS:
        _leave_out(came[MOST_UPLOADS:], len(came))
    known: Mapping[str, Upload] = st.session_state.get("_many_known", {})
    kept = {file.file_id: known.get(file.file_id) or _taken(file) for file in came[:MOST_UPLOADS]}
    for name in known.keys() - kept.keys():
        _forget(known[name].token)
    st.session_state["_many_known"] = kept
    removed, found = 0, {}
    for number, (name, upload) in enumerate(kept.items(), 1):
        picture = uploads.UPLOADS.get(upload.token)
        if upload.problem:
            st.error(frame.plain(frame.said(upload.problem)))
        elif picture is None:
            removed += 1
        else:
            found[name] = Asked(
                title=f"{number}. {picture.name}", picture=picture, token=upload.token
            )
    if removed:
        st.info(words("removed", count=removed, minutes=minutes))
    return found


def _taken(file: object) -> Upload:
    """A file that has just come: where its picture is kept, or why there is none."""
    try:
        came = uploads.take(file)
        return Upload() if came is None else Upload(token=uploads.keep(*came))
    except ImageError as error:
        return Upload(problem=error.message)


def _leave_out(files: Sequence[object], count: int) -> None:
    """Let go of the bytes of files that are too many, and say which they are."""
    for file in files:
        with contextlib.suppress(ImageError):
            uploads.take(file)
    names = [decoding.clean_name(getattr(file, "name", "")) for file in files]
    listed = ", ".join(names[:SHOWN_NAMES]) + (" …" if len(names) > SHOWN_NAMES else "")
    said = words("too_many", count=count, most=MOST_UPLOADS, names=listed)
    st.info(frame.plain(said))


def _forget(token: str) -> None:
    """Let a picture go that was taken out of the list, unless another page shows it."""
    if token != st.session_state.get("own_upload"):
        uploads.UPLOADS.drop(token)


def thumbnail(asked: Asked) -> bytes:
    """A small JPEG."""
    return frame.remember(
        ("thumbnail", asked.picture.sha256, THUMBNAIL_SIDE),
        lambda: encoding.encode_jpeg(encoding.thumbnail(asked.picture, THUMBNAIL_SIDE)),
    )
