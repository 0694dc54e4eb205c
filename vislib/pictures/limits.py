"""What is accepted, checked before anything is decoded."""

from __future__ import annotations

from vislib.schema import ImageError

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
MAX_WORKING_BYTES = 390 * 10**6
"""Memory that decoding one picture may take; more is refused where the header tells."""


def check_size(width: int, height: int) -> None:
    """Refuse what is too large, too small or too long.

    Raises:
        ImageError: It is.
    """
    if width * height > MAX_PIXELS:
        raise ImageError(
            "error.picture.too_many_pixels", most=MAX_PIXELS // 10**6, width=width, height=height
        )
    if min(width, height) < 1:
        raise ImageError("error.picture.no_pixels", width=width, height=height)
    if max(width, height) > MAX_ASPECT * min(width, height):
        raise ImageError("error.picture.too_long", most=MAX_ASPECT, width=width, height=height)
    if min(width, height) < MIN_SIDE:
        raise ImageError("error.picture.too_small", least=MIN_SIDE, width=width, height=height)


def check_memory(needed: int) -> None:
    """Refuse what would take more memory than is lent to one picture.

    Args:
        needed: Bytes, as the header tells.

    Raises:
        ImageError: It would.
    """
    if needed > MAX_WORKING_BYTES:
        raise ImageError(
            "error.picture.too_much_memory",
            megabytes=needed / 1e6,
            most=MAX_WORKING_BYTES / 1e6,
        )


def kept_size(width: int, height: int) -> tuple[int, int]:
    """(width, height) after reducing the longer side to MAX_SIDE_KEPT, where it is longer."""
    factor = min(1.0, MAX_SIDE_KEPT / max(width, height))
    return max(1, round(width * factor)), max(1, round(height * factor))
