"""Encoded pictures say what they are."""

from __future__ import annotations

import numpy as np
import pytest

from vislib.pictures import encoding
from vislib.schema import ImageError


def test_encoded_pictures_are_told_apart_by_their_first_bytes() -> None:
    pixels = np.zeros((4, 6, 3), dtype=np.uint8)
    assert encoding.mime_of(encoding.encode_png(pixels)) == "image/png"
    assert encoding.mime_of(encoding.encode_jpeg(pixels)) == "image/jpeg"
    with pytest.raises(ImageError, match="neither JPEG nor PNG"):
        encoding.mime_of(b"GIF89a")
