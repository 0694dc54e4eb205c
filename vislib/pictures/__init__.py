"""Untrusted bytes -> DecodedImage, and where a picture lies before a model.

signatures  what bytes are, by their content
limits      what is accepted, checked from the header
reading     bytes of each format to a picture of full size, and what its file states
png, tiff, avif, bmp    what the files of these formats state
samples     any depth to 8 bits, and large pictures made smaller
colour      what is stated about colours, to sRGB
decoding    all of it: bytes to an upright picture
geometry    view boxes, cells and places
encoding    pixels as PNG or JPEG bytes for a page
gallery     the pictures that come with the project
"""

from vislib.pictures.decoding import clean_name, decode
from vislib.pictures.encoding import crop_to_view, encode_jpeg, encode_png, thumbnail
from vislib.pictures.geometry import cell_at, cell_box, point_at, view_box
from vislib.pictures.limits import MAX_ASPECT, MAX_BYTES, MAX_PIXELS, MAX_SIDE_KEPT, MIN_SIDE
from vislib.pictures.signatures import FORMATS

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
