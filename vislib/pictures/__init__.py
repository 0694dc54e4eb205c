"""Untrusted bytes -> DecodedImage, and where a picture lies before a model.

decoding   what an upload is, checked and read
geometry   view boxes, cells and places
encoding   pixels as PNG or JPEG bytes for a page
gallery    the pictures that come with the project
"""

from vislib.pictures.decoding import (
    FORMATS,
    MAX_ASPECT,
    MAX_BYTES,
    MAX_PIXELS,
    MAX_SIDE_KEPT,
    MIN_SIDE,
    clean_name,
    decode,
)
from vislib.pictures.encoding import crop_to_view, encode_jpeg, encode_png, thumbnail
from vislib.pictures.geometry import cell_at, cell_box, point_at, view_box

__all__ = [
    "FORMATS",
    "MAX_ASPECT",
    "MAX_BYTES",
    "MAX_PIXELS",
    "MAX_SIDE_KEPT",
    "MIN_SIDE",
    "cell_at",
    "cell_box",
    "clean_name",
    "crop_to_view",
    "decode",
    "encode_jpeg",
    "encode_png",
    "point_at",
    "thumbnail",
    "view_box",
]
