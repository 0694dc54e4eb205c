"""What bytes are, told by their content and never by the file's name."""

from __future__ import annotations

from vislib.pictures import tiff
from vislib.texts import Message

FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "AVIF")
"""The formats that are read."""

_SIGNATURES = (
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"\xff\xd8\xff", "JPEG"),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"II+\0", "TIFF"),
    (b"MM\0+", "TIFF"),
)
_OTHERS = (
    (b"%PDF", "pdf"),
    (b"PK\x03\x04", "zip"),
    (b"\x1f\x8b", "archive"),
    (b"8BPS", "photoshop"),
    (b"\0\0\1\0", "icon"),
    (b"\0\0\0\x0cJXL ", "jpeg_xl"),
    (b"\xff\x0a", "jpeg_xl"),
    (b"\0\0\0\x0cjP  ", "jpeg_2000"),
    (b"%!PS", "postscript"),
    (b"\x1aE\xdf\xa3", "video"),
    (b"MZ", "program"),
    (b"\x7fELF", "program"),
)
_BMP_HEADERS = {12, 40, 52, 56, 64, 108, 124}  # "BM" alone also begins a text on BMW
_HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}
_RAW_SIGNATURES = (
    (b"FUJIFILMCCD-RAW", "RAF"),
    (b"FOVb", "X3F"),
    (b"IIU\0", "RW2"),
    (b"IIRO", "ORF"),
    (b"IIRS", "ORF"),
    (b"MMOR", "ORF"),
    (b"\0MRM", "MRW"),
)


def format_of(data: bytes) -> str | None:
    """The name of the accepted format that these bytes claim to be in, or None."""
    for signature, kind in _SIGNATURES:
        if data.startswith(signature):
            return kind
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WEBP"
    if data[:2] == b"BM" and int.from_bytes(data[14:18], "little") in _BMP_HEADERS:
        return "BMP"
    if data[4:8] == b"ftyp" and any(brand in data[8:40] for brand in (b"avif", b"avis")):
        return "AVIF"
    return None


def raw_of(data: bytes) -> str | None:
    """The name of the raw format of a camera that these bytes are in ("DNG"), or None.

    Most raw files are TIFF files whose first page is a small preview of the photograph.
    """
    for signature, kind in _RAW_SIGNATURES:
        if data.startswith(signature):
            return kind
    if data[4:12] == b"ftypcrx ":
        return "CR3"
    return tiff.raw_kind(data) if format_of(data) == "TIFF" else None


def is_heic(data: bytes) -> bool:
    """Whether the bytes are a HEIC picture, as iPhones write them."""
    return data[4:8] == b"ftyp" and data[8:12] in _HEIC_BRANDS


def looks_like(data: bytes) -> Message:
    """What bytes that are no accepted picture look like."""
    return Message(f"error.picture.like.{_look(data)}")


def _look(data: bytes) -> str:
    """The last part of the key of ``looks_like``."""
    for signature, kind in _OTHERS:
        if data.startswith(signature):
            return kind
    if data[4:8] == b"ftyp":
        return "video"
    start = data[:4096]
    if start.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "text"
    lowered = start.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if b"<svg" in lowered and lowered.startswith(b"<"):
        return "svg"
    if lowered.startswith((b"<!doctype html", b"<html", b"<head", b"<body")) or b"<html" in lowered:
        return "html"
    if lowered.startswith(b"<?xml"):
        return "xml"
    if all(byte >= 32 or byte in b"\t\n\r\f" for byte in start):
        return "text"
    return "unknown"
