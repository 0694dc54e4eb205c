"""Untrusted bytes to DecodedImage."""

from __future__ import annotations

import hashlib
import unicodedata
from io import BytesIO

import numpy as np
from PIL import (
    AvifImagePlugin,
    BmpImagePlugin,
    ExifTags,
    GifImagePlugin,
    Image,
    ImageCms,
    ImageFile,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

from vislib.schema import DecodedImage, ImageError

MAX_BYTES = 10 * 2**20
"""Largest upload, in bytes."""
MAX_PIXELS = 40_000_000
"""Largest picture, in pixels that the file's header claims; checked before decoding."""
MAX_SIDE_KEPT = 1600
"""Longer side that is kept after decoding, in source pixels."""
MIN_SIDE = 2
"""Shortest side that is accepted, in source pixels: one pixel has no neighbour to mix with."""
MAX_ASPECT = 20.0
"""Longest side over shortest. Models scale the *short* side to theirs, so that a 1 x 4000 strip
would become 256 x 1,024,000 model pixels, of which they would see one part in 4,600."""
MAX_NAME = 60
KEPT_END = 19
"""Characters of the end of a longer name that are kept."""
MAX_PROFILE_BYTES = 4 * 2**20

_READERS: dict[str, type[ImageFile.ImageFile]] = {
    "PNG": PngImagePlugin.PngImageFile,
    "JPEG": JpegImagePlugin.JpegImageFile,
    "WEBP": WebPImagePlugin.WebPImageFile,
    "GIF": GifImagePlugin.GifImageFile,
    "BMP": BmpImagePlugin.BmpImageFile,
    "TIFF": TiffImagePlugin.TiffImageFile,
    "AVIF": AvifImagePlugin.AvifImageFile,
}
# The readers are called by name rather than through Image.open: nothing outside this list is ever
# tried, and Image.open warns about large headers through a process-wide filter.

FORMATS = tuple(_READERS)
"""The formats that are read, told by their content and never by the file's name."""

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
    (b"%PDF", "a PDF document"),
    (b"PK\x03\x04", "a ZIP archive or an Office document"),
    (b"\x1f\x8b", "a compressed archive"),
    (b"8BPS", "a Photoshop document"),
    (b"\0\0\1\0", "an icon (ICO)"),
    (b"\0\0\0\x0cJXL ", "a JPEG XL picture"),
    (b"\xff\x0a", "a JPEG XL picture"),
    (b"\0\0\0\x0cjP  ", "a JPEG 2000 picture"),
    (b"%!PS", "a PostScript document"),
    (b"\x1aE\xdf\xa3", "a video"),
    (b"MZ", "a program"),
    (b"\x7fELF", "a program"),
)
_BMP_HEADERS = {12, 40, 52, 56, 64, 108, 124}  # "BM" alone also begins a text on BMW
_HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_ADVICE = "Save it as PNG or JPEG and try again."
_LINE_LIMIT = f"Accepted are pictures up to {MAX_PIXELS // 10**6} million pixels"


def decode(data: bytes, *, name: str) -> DecodedImage:
    """Decode hostile bytes into an upright, opaque sRGB picture.

    Args:
        data: The uploaded bytes, up to MAX_BYTES, in one of FORMATS (told by content).
        name: The upload's name, as it came; only a cleaned base name is kept.

    Returns:
        Pixels uint8, 0 to 255, axes (row, column, rgb), sRGB, at most MAX_SIDE_KEPT a side;
        ``sha256`` is of ``data``; ``notes`` holds a sentence for each thing that decoding changed.
        No metadata is kept.

    Raises:
        ImageError: Anything that is not such a picture, in words for a person. Sides below
            MIN_SIDE and shapes beyond MAX_ASPECT are refused. No other exception leaves here.
    """
    shown = clean_name(name)
    try:
        image, size, notes = _open(data)
        upright = _to_rgb(image, size, notes)
        pixels = np.asarray(upright)
    except ImageError:
        raise
    except MemoryError:
        raise ImageError(
            "The picture needs more memory than there is. Make it smaller and try again."
        ) from None
    except Exception as reason:  # Pillow's readers raise nearly any kind on damaged bytes
        raise ImageError(_why(data, reason)) from None
    return DecodedImage(
        pixels=pixels,
        sha256=hashlib.sha256(data).hexdigest(),
        name=shown,
        source_format=image.format or "picture",
        notes=tuple(notes),
    )


def clean_name(name: str) -> str:
    """The base name: no folders, no control or direction characters, at most 60 characters.

    A longer one loses its middle: the ending stays.
    """
    base = name.replace("\\", "/").rsplit("/", 1)[-1]
    visible = "".join(c for c in base if not unicodedata.category(c).startswith("C"))
    shown = visible.strip()
    if len(shown) > MAX_NAME:
        shown = f"{shown[: MAX_NAME - KEPT_END - 1].rstrip()}…{shown[-KEPT_END:].lstrip()}"
    return shown or "picture"


def _why(data: bytes, reason: Exception) -> str:
    """What to tell a person whose bytes made a reader fail."""
    kind = _format_of(data)
    if isinstance(reason, (EOFError, IndexError)) or "truncated" in str(reason).lower():
        return f"The {kind} file breaks off before its end (truncated). Fetch or send it again."
    return f"The {kind} file is damaged, or of a variety that is not read here. {_ADVICE}"


def _format_of(data: bytes) -> str | None:
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


def _looks_like(data: bytes) -> str:
    """What bytes that are no accepted picture look like, in words."""
    for signature, words in _OTHERS:
        if data.startswith(signature):
            return words
    if data[4:8] == b"ftyp":
        return "a HEIC photograph" if data[8:12] in _HEIC_BRANDS else "a video"
    start = data[:4096]
    if start.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "text"
    lowered = start.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if b"<svg" in lowered and lowered.startswith(b"<"):
        return "an SVG drawing"
    if lowered.startswith((b"<!doctype html", b"<html", b"<head", b"<body")) or b"<html" in lowered:
        return "a web page (HTML)"
    if lowered.startswith(b"<?xml"):
        return "an XML document"
    if all(byte >= 32 or byte in b"\t\n\r\f" for byte in start):
        return "text"
    return "a file of an unknown kind"


def _open(data: bytes) -> tuple[Image.Image, tuple[int, int], list[str]]:
    """Check sizes from the header, decode the first frame; also the (width, height) to keep."""
    if not data:
        raise ImageError("The file is empty (0 bytes). Choose another one.")
    if len(data) > MAX_BYTES:
        raise ImageError(
            f"The file has {len(data) / 2**20:.1f} MB; up to {MAX_BYTES // 2**20} MB are accepted. "
            "Make the picture smaller and try again."
        )
    kind = _format_of(data)
    if kind is None:
        raise ImageError(
            f"This is no picture that can be read: it looks like {_looks_like(data)}. "
            f"Accepted are {', '.join(FORMATS)}. {_ADVICE}"
        )
    if kind == "WEBP":  # its reader allocates the canvas while it opens
        _check_size(*_webp_size(data))
    image = _READERS[kind](BytesIO(data))
    _check_size(*image.size)
    notes = []
    if getattr(image, "is_animated", False):
        part = "Several pages: the first" if kind == "TIFF" else "An animation: its first frame"
        notes.append(f"{part} is shown.")
    if any(";16" in str(tile[3]) for tile in image.tile) and image.mode == "RGB":
        notes.append("Reduced from 16 to 8 bits per colour.")
    size = _kept_size(*image.size)
    if size != image.size:
        was = f"{image.width} x {image.height}"
        notes.append(f"Reduced from {was} to {size[0]} x {size[1]} pixels.")
        image.draft(None, size)  # a JPEG decodes to a half or a quarter at once, never below size
    turned_by_reader = kind == "TIFF" and _orientation(image) in _UPRIGHT
    image.load()
    if turned_by_reader:  # Pillow's TIFF reader turns while it loads
        notes.append("Turned upright, as the file asks.")
    return image, size, notes


def _webp_size(data: bytes) -> tuple[int, int]:
    """Width and height that a WebP header claims, in source pixels."""
    if data[12:16] == b"VP8X":
        sides = data[24:27], data[27:30]
        return int.from_bytes(sides[0], "little") + 1, int.from_bytes(sides[1], "little") + 1
    if data[12:16] == b"VP8L":
        bits = int.from_bytes(data[21:25], "little")
        return (bits & 0x3FFF) + 1, ((bits >> 14) & 0x3FFF) + 1
    if len(data) < 30:
        raise EOFError
    width, height = (int.from_bytes(data[at : at + 2], "little") & 0x3FFF for at in (26, 28))
    return width, height


def _check_size(width: int, height: int) -> None:
    """Refuse what is too large, too small or too long, before anything is decoded."""
    shape = f"{width:,} x {height:,} pixels"
    if width * height > MAX_PIXELS:
        raise ImageError(f"The picture has {shape}. {_LINE_LIMIT}. Make it smaller and try again.")
    if min(width, height) < 1:
        raise ImageError(f"The picture is empty ({shape}). Choose another one.")
    if max(width, height) > MAX_ASPECT * min(width, height):
        raise ImageError(
            f"The picture has {shape}: models see a square from the middle, and next to nothing "
            f"of so long a strip. Up to {MAX_ASPECT:.0f} to 1 is accepted; cut a piece out of it."
        )
    if min(width, height) < MIN_SIDE:
        raise ImageError(
            f"The picture has {shape}. At least {MIN_SIDE} pixels each way are needed."
        )


def _orientation(image: Image.Image) -> int:
    """The EXIF orientation, 1 (upright) to 8; 1 where it is missing or damaged."""
    try:
        value = image.getexif().get(ExifTags.Base.Orientation, 1)
    except Exception:  # damaged metadata of any kind must not cost the picture
        return 1
    return value if isinstance(value, int) else 1


def _to_rgb(image: Image.Image, size: tuple[int, int], notes: list[str]) -> Image.Image:
    """Eight bits, ``size``, sRGB, opaque, upright; says in ``notes`` what it did."""
    turn = _UPRIGHT.get(_orientation(image))
    profile = image.info.get("icc_profile")
    image = _eight_bits(image, notes)
    if image.size != size:
        image = image.resize(size, Image.Resampling.LANCZOS, reducing_gap=2.0)
    alpha = None
    if image.mode in ("LA", "RGBA"):
        lowest = image.getchannel("A").getextrema()[0]
        alpha = image.getchannel("A") if lowest != 255 else None
        image = image.convert("L" if image.mode == "LA" else "RGB")
    cmyk = image.mode == "CMYK"
    if isinstance(profile, bytes) and profile:
        image = _to_srgb(image, profile, notes)
    if cmyk:
        notes.append("Converted from print colours (CMYK) to RGB.")
    rgb = image.convert("RGB")
    if alpha is not None:
        rgb = Image.composite(rgb, Image.new("RGB", rgb.size, "white"), alpha)
        notes.append("Transparent parts are shown on white.")
    if turn is not None:
        rgb = rgb.transpose(turn)
        notes.append("Turned upright, as the camera noted.")
    return rgb


def _eight_bits(image: Image.Image, notes: list[str]) -> Image.Image:
    """Bring any mode to L, LA, RGB, RGBA or CMYK with values 0 to 255, scaled and never clipped."""
    mode = image.mode
    if mode.startswith("I;16"):
        wide = np.asarray(image).astype(np.uint32)
        notes.append("Reduced from 16 to 8 bits of grey.")
        return Image.fromarray(((wide + 128) // 257).astype(np.uint8))
    if mode in ("I", "F"):
        return Image.fromarray(_stretch(np.asarray(image, dtype=np.float32), notes))
    if mode in ("RGBa", "La"):
        return image.convert(mode.upper())
    if mode in ("P", "PA") or (mode in ("1", "L", "RGB") and "transparency" in image.info):
        clear = mode == "PA" or "transparency" in image.info
        return image.convert("RGBA" if clear else "RGB")
    if mode == "1":
        return image.convert("L")
    return image if mode in ("L", "LA", "RGB", "RGBA", "CMYK") else image.convert("RGB")


def _stretch(values: np.ndarray, notes: list[str]) -> np.ndarray:
    """Grey of any range to uint8: 0 to 1 as black to white, other ranges from least to greatest."""
    finite = np.isfinite(values)
    low = float(values[finite].min()) if finite.any() else 0.0
    high = float(values[finite].max()) if finite.any() else 1.0
    if low >= 0.0 and high <= 1.0:
        low, high = 0.0, 1.0
    notes.append(f"Grey values from {low:.4g} to {high:.4g} are shown as black to white.")
    safe = np.nan_to_num(values, nan=low, posinf=high, neginf=low).astype(np.float64)
    scaled: np.ndarray = np.rint((safe - low) * (255.0 / max(high - low, 1e-30))).astype(np.uint8)
    return scaled


def _kept_size(width: int, height: int) -> tuple[int, int]:
    """(width, height) after reducing the longer side to MAX_SIDE_KEPT, where it is longer."""
    factor = min(1.0, MAX_SIDE_KEPT / max(width, height))
    return max(1, round(width * factor)), max(1, round(height * factor))


def _to_srgb(image: Image.Image, profile: bytes, notes: list[str]) -> Image.Image:
    """Convert to sRGB by the picture's own colour profile, where it has a usable other one."""
    try:
        if len(profile) > MAX_PROFILE_BYTES:
            raise ImageCms.PyCMSError("profile too large")
        source = ImageCms.ImageCmsProfile(BytesIO(profile))
        if "srgb" in ImageCms.getProfileDescription(source).lower():
            return image
        if image.mode == "L" and source.profile.xcolor_space.strip() == "RGB":
            image = image.convert("RGB")
        target = ImageCms.createProfile("sRGB")
        converted = ImageCms.profileToProfile(image, source, target, outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError, AttributeError):
        notes.append("Its colour profile could not be used: colours may differ a little.")
        return image
    notes.append("Colours converted from the picture's own profile to sRGB.")
    return image if converted is None else converted
