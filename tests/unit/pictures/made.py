"""Picture files made for tests: the product of format, depth, colour type, key or alpha, statement
about colours, and orientation."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from io import BytesIO

import imagecodecs
import numpy as np
from PIL import Image

from vislib.pictures import colour

WIDTH, HEIGHT = 24, 16
ORIENTATIONS = range(1, 9)
P3 = colour.profile((0.680, 0.320, 0.265, 0.690, 0.150, 0.060, 0.3127, 0.3290), colour.SRGB_CURVE)
SRGB = colour.profile(colour.SRGB_POINTS, colour.SRGB_CURVE)
ADOBE = colour.profile(colour.ADOBE_POINTS, colour.ADOBE_CURVE)
GAMMA = struct.pack(">I", 45455)
P3_POINTS = struct.pack(">8I", 31270, 32900, 68000, 32000, 26500, 69000, 15000, 6000)
GREY, RGB, PALETTE, GREY_ALPHA, RGB_ALPHA = 0, 2, 3, 4, 6
SAMPLES = {GREY: 1, RGB: 3, PALETTE: 1, GREY_ALPHA: 2, RGB_ALPHA: 4}
PNG_KINDS = [
    *((GREY, depth) for depth in (1, 2, 4, 8, 16)),
    *((PALETTE, depth) for depth in (1, 2, 4, 8)),
    *((kind, depth) for kind in (RGB, GREY_ALPHA, RGB_ALPHA) for depth in (8, 16)),
]
PNG_COLOURS = {
    "plain": [],
    "sRGB": [(b"sRGB", b"\0"), (b"gAMA", struct.pack(">I", 100_000))],
    "gAMA": [(b"gAMA", struct.pack(">I", 60_000))],
    "gAMA of sRGB": [(b"gAMA", GAMMA)],
    "cHRM": [(b"gAMA", GAMMA), (b"cHRM", P3_POINTS)],
    "iCCP": [(b"iCCP", b"p3\0\0" + zlib.compress(P3)), (b"gAMA", struct.pack(">I", 100_000))],
    "iCCP called sRGB": [(b"iCCP", b"sRGB\0\0" + zlib.compress(ADOBE))],
    "iCCP of sRGB": [(b"iCCP", b"wide\0\0" + zlib.compress(SRGB))],
    "cICP": [(b"cICP", bytes((12, 13, 0, 1))), (b"iCCP", b"a\0\0" + zlib.compress(ADOBE))],
    "cHRM alone": [(b"cHRM", P3_POINTS)],
    "cICP 2020": [(b"cICP", bytes((9, 14, 0, 1)))],
}
CODE_POINTS = ((1, 13), (12, 13), (9, 14), (1, 1), (2, 2), (9, 16), (1, 8), (5, 4))


def chunk(kind: bytes, body: bytes) -> bytes:
    """One chunk of a PNG, with its checksum."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def colours(samples: int, top: int) -> np.ndarray:
    """Unlike colours, axes (row, column, sample), 0 to ``top``; blocks of 4 x 4 pixels."""
    y, x = np.indices((HEIGHT, WIDTH)) // 4
    parts = [x / 5.0, y / 3.0, ((x + y) % 4) / 3.0, 1.0 - (x % 3) / 2.0][:samples]
    if samples == 2:
        parts[1] = 1.0 - (x % 3) / 2.0
    return np.rint(np.stack(parts, axis=-1) * top).astype(np.uint32)


def packed(values: np.ndarray, depth: int) -> list[bytes]:
    """Rows of samples of ``depth`` bits, the first in the highest bits."""
    flat = values.reshape(len(values), -1)
    if depth == 16:
        return [row.astype(">u2").tobytes() for row in flat]
    shifts = np.arange(depth)[::-1]
    bits = (flat[..., None] >> shifts) & 1
    return [np.packbits(row.reshape(-1).astype(np.uint8)).tobytes() for row in bits]


def png(
    kind: int,
    depth: int,
    *,
    values: np.ndarray | None = None,
    chunks: list[tuple[bytes, bytes]] | None = None,
    clear: bytes | None = None,
    orientation: int = 1,
) -> bytes:
    """A PNG of any depth and colour type.

    ``clear`` is the body of its tRNS chunk.
    """
    values = colours(SAMPLES[kind], (1 << depth) - 1) if values is None else values
    head = struct.pack(">IIBBBBB", values.shape[1], values.shape[0], depth, kind, 0, 0, 0)
    parts = [(b"IHDR", head), *(chunks or [])]
    if orientation != 1:
        exif = Image.Exif()
        exif[0x0112] = orientation
        parts.append((b"eXIf", exif.tobytes().removeprefix(b"Exif\0\0")))
    if kind == PALETTE:
        steps = np.linspace(0, 255, 1 << depth).astype(np.uint8)
        table = np.stack([steps, steps[::-1], np.roll(steps, 3)], axis=1)
        parts.append((b"PLTE", table.tobytes()))
    if clear is not None:
        parts.append((b"tRNS", clear))
    rows = b"".join(b"\0" + row for row in packed(values, depth))
    parts += [(b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts)


def key_of(kind: int, depth: int) -> bytes:
    """A tRNS chunk that makes one colour of ``colours`` clear, or dims a palette's colours."""
    if kind == PALETTE:
        return bytes(np.linspace(0, 255, min(1 << depth, 100)).astype(np.uint8))
    found = colours(SAMPLES[kind], (1 << depth) - 1)[5, 9]
    return b"".join(struct.pack(">H", int(value)) for value in found)


def pngs() -> Iterator[tuple[str, bytes]]:
    """Every kind, with and without key, each statement, lying and upright."""
    for kind, depth in PNG_KINDS:
        for clear in (None, key_of(kind, depth)) if kind < GREY_ALPHA else (None,):
            for name, chunks in PNG_COLOURS.items():
                for turn in ORIENTATIONS if name == "plain" else (1, 6):
                    label = f"PNG type {kind}, {depth} bit, key {clear is not None}, {name}, {turn}"
                    yield (
                        label,
                        png(kind, depth, chunks=chunks, clear=clear, orientation=turn),
                    )


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    """Encoded by Pillow."""
    sink = BytesIO()
    image.save(sink, kind, **{name: value for name, value in options.items() if value is not None})
    return sink.getvalue()


def exif(orientation: int, *, adobe: bool = False) -> bytes | None:
    """EXIF data; none where they would say nothing."""
    if orientation == 1 and not adobe:
        return None
    found = Image.Exif()
    found[0x0112] = orientation
    if adobe:
        found.get_ifd(0x8769)[0xA005] = {1: "R03"}
    return found.tobytes()


def by_pillow() -> Iterator[tuple[str, bytes]]:
    """JPEG, WebP, AVIF, GIF and BMP."""
    plain = Image.fromarray(colours(3, 255).astype(np.uint8))
    veiled = Image.fromarray(colours(4, 255).astype(np.uint8))
    modes = {"L": plain.convert("L"), "RGB": plain, "CMYK": plain.convert("CMYK"), "RGBA": veiled}
    wanted = {
        "JPEG": (("L", "RGB", "CMYK"), {"quality": 97, "subsampling": 0}),
        "WEBP": (("L", "RGB", "RGBA"), {"lossless": True, "exact": True}),
        "AVIF": (("L", "RGB", "RGBA"), {"quality": 100, "subsampling": "4:4:4"}),
    }
    for kind, (names, options) in wanted.items():
        for mode in names:
            for called, own in (("plain", None), ("P3", P3), ("sRGB", SRGB), ("Adobe", ADOBE)):
                if own is not None and mode in ("L", "CMYK"):
                    continue
                for turn in ORIENTATIONS if called in ("plain", "P3") else (1,):
                    yield (
                        f"{kind} {mode}, {called}, {turn}",
                        saved(modes[mode], kind, icc_profile=own, exif=exif(turn), **options),
                    )
    for mode in ("1", "L", "P", "RGB", "RGBA"):
        image = plain.convert("L").convert("1") if mode == "1" else modes.get(mode) or plain
        image = image.quantize(32) if mode == "P" else image
        yield f"BMP {mode}", saved(image, "BMP")
    few = plain.quantize(16)
    yield "GIF plain", saved(few, "GIF")
    yield "GIF with a clear colour", saved(few, "GIF", transparency=few.getpixel((9, 5)))


def bmp_with(space: int, *, profile: bytes = b"", gamma: float = 1.0) -> bytes:
    """A BMP of version 5 that states its colours."""
    values = colours(3, 255).astype(np.uint8)[::-1, :, ::-1]
    at, pixels = 14 + 124, values.tobytes()
    ends = np.array([[0.4865, 0.2290, 0.0], [0.2657, 0.6917, 0.0451], [0.1982, 0.0793, 1.0437]])
    head = struct.pack("<IiiHHIIiiII", 124, WIDTH, HEIGHT, 1, 24, 0, len(pixels), 0, 0, 0, 0)
    head += struct.pack("<4I", 0, 0, 0, 0) + struct.pack("<I", space)
    head += struct.pack("<9i", *np.rint(ends * 2**30).astype(int).ravel())
    head += struct.pack("<3I", *[round(gamma * 65536)] * 3)
    head += struct.pack("<4I", 4, 124 + len(pixels), len(profile), 0)
    whole = at + len(pixels) + len(profile)
    return b"BM" + struct.pack("<IHHI", whole, 0, 0, at) + head + pixels + profile


def bmps() -> Iterator[tuple[str, bytes]]:
    """What only later BMP headers can state."""
    yield "BMP with P3", bmp_with(0x4D424544, profile=P3)
    yield "BMP, calibrated P3", bmp_with(0, gamma=2.2)
    yield "BMP, sRGB", bmp_with(0x73524742)


def avifs() -> Iterator[tuple[str, bytes]]:
    """Depths and code points of AVIF."""
    for depth in (8, 10, 12):
        dtype = np.uint8 if depth == 8 else np.uint16
        values = colours(3, (1 << depth) - 1).astype(dtype)
        for primaries, curve in (
            (1, 13),
            (12, 13),
            (9, 14),
            (1, 1),
            (2, 2),
            (9, 16),
            (1, 8),
            (5, 4),
        ):
            yield (
                f"AVIF {depth} bit, code points {primaries} {curve}",
                imagecodecs.avif_encode(
                    values,
                    level=100,
                    speed=8,
                    bitspersample=depth,
                    primaries=primaries,
                    transfer=curve,
                    matrix=0,
                    pixelformat="444",
                ),
            )


def all_for_browsers() -> Iterator[tuple[str, bytes]]:
    """Everything that a browser reads as well."""
    yield from pngs()
    yield from by_pillow()
    yield from bmps()
    yield from avifs()


def tiff(
    values: np.ndarray, bits: int, *, tags: dict[int, tuple[int, list[int]]], big: bool
) -> bytes:
    """An uncompressed grey TIFF of one strip.

    Args:
        values: Axes (row, column): unsigned integers below 2**bits, or float.
        bits: A sample.
        tags: Tag -> (type 3 or 4, values) besides the usual ones.
        big: Big-endian.
    """
    order = ">" if big else "<"
    height, width = values.shape
    if values.dtype.kind == "f" or bits == 32:
        body = values.astype(values.dtype.newbyteorder(order)).tobytes()
    elif bits == 16:
        body = values.astype(f"{order}u2").tobytes()
    else:
        body = b"".join(packed(values, bits))
    every: dict[int, tuple[int, list[int]]] = {
        256: (3, [width]),
        257: (3, [height]),
        258: (3, [bits]),
        259: (3, [1]),
        273: (4, [8]),
        277: (3, [1]),
        278: (3, [height]),
        279: (4, [len(body)]),
        **tags,
    }
    entries = b""
    for tag in sorted(every):
        kind, held = every[tag]
        words = struct.pack(f"{order}{len(held)}{'HI'[kind == 4]}", *held).ljust(4, b"\0")
        entries += struct.pack(f"{order}HHI", tag, kind, len(held)) + words
    at = 8 + len(body) + len(body) % 2
    head = (b"MM\0*" if big else b"II*\0") + struct.pack(f"{order}I", at)
    table = struct.pack(f"{order}H", len(every)) + entries + bytes(4)
    return head + body.ljust(at - 8, b"\0") + table
