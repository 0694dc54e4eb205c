"""The Hugging Face cache: what a right file is, and how it is made visible."""

from __future__ import annotations

import os
import re
import uuid
from dataclasses import dataclass
from pathlib import Path

from huggingface_hub import constants
from huggingface_hub.file_download import repo_folder_name

from vislib.schema import ModelSpec
from vislib.weights import files
from vislib.weights.hub.faults import WrongAnswer

_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, kw_only=True)
class Source:
    """What the hub said about a file: where it is, its commit, name in the cache and size."""

    url: str
    commit: str
    etag: str
    size: int | None


def folder_of(spec: ModelSpec) -> Path:
    """The folder of a row's repository in the cache."""
    name = repo_folder_name(repo_id=files.repository(spec), repo_type="model")
    return Path(constants.HF_HUB_CACHE) / name


def kept(spec: ModelSpec) -> int:
    """Bytes that earlier calls have left of a row's file, for the next one to go on from."""
    left = folder_of(spec).glob("blobs/*.incomplete")
    return max((path.stat().st_size for path in left if path.is_file()), default=0)


def is_right(path: Path, source: Source) -> bool:
    """Whether a file is the one that the hub announced."""
    return (
        files.is_whole(path)
        and (source.size is None or path.stat().st_size == source.size)
        and (not _SHA256.fullmatch(source.etag) or files.sha256(path) == source.etag)
    )


def wrong(path: Path, source: Source) -> WrongAnswer:
    """What is wrong with a file that is not the one that was announced."""
    size = path.stat().st_size if path.is_file() else 0
    with path.open("rb") as file:
        begins = file.read(200).lstrip().lower()
    if begins.startswith((b"<!doctype", b"<html", b"<?xml")):
        return WrongAnswer("error.download.web_page")
    if source.size is not None and size != source.size:
        return WrongAnswer("error.download.byte_count", came=size, announced=source.size)
    if not files.is_whole(path):
        return WrongAnswer("error.download.not_whole")
    return WrongAnswer("error.download.other_bytes")


def show(folder: Path, source: Source, blob: Path) -> Path:
    """Make the cache show the file: snapshots/<commit>/model.safetensors and refs/main.

    The last step, so that nothing unfinished can be seen. The layout is huggingface_hub's: blobs
    hold the bytes, snapshots link to them (where links cannot be made, the file itself lies there).
    """
    shown = folder / "snapshots" / source.commit / files.FILE
    shown.parent.mkdir(parents=True, exist_ok=True)
    link = shown.with_name(f"{files.FILE}.{uuid.uuid4().hex[:8]}")
    try:
        link.symlink_to(os.path.relpath(blob, shown.parent))
        link.replace(shown)
    except OSError:
        if link.is_symlink():
            link.unlink()
            raise
        blob.replace(shown)
    main = folder / "refs" / constants.DEFAULT_REVISION
    main.parent.mkdir(parents=True, exist_ok=True)
    written = main.with_name(f"main.{uuid.uuid4().hex[:8]}.tmp")
    written.write_text(source.commit, encoding="ascii")
    written.replace(main)
    return shown
