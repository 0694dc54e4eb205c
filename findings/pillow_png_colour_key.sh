#!/usr/bin/env bash
# One would guess: what makes a PNG's colour transparent in Pillow is its tRNS chunk, at the file's own depth.
# What happens:    (1) a text chunk whose keyword is "transparency" lands in the same place (Image.info), counts as a
#                  colour key, and `convert("RGBA")` raises an error; the picture itself is valid and has no key.
#                  (2) the 16-bit key of a 16-bit RGB file is kept as it is, but the pixels are reduced to 8 bits when the
#                  file is read, so the key matches nothing and what should be clear is opaque.
# Versions:        pillow 13.0.0, numpy 2.4.6, Python 3.11; 2026-11-28.
# Why it matters:  an upload's own statements are to be followed. MixScope reads tRNS itself (vislib/pictures/png.py) and
#                  hands Pillow no key that came from a text chunk.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q --disable-pip-version-check pillow==13.0.0 numpy==2.4.6
"$folder/venv/bin/python" - <<'PY'
import io
import struct
import sys
import zlib

import numpy as np
import PIL
from PIL import Image


def png(depth, kind, rows, *chunks):
    """A PNG of one filter type 0 row after the other."""
    height, width = rows.shape[:2]
    raw = b"".join(b"\0" + row.astype(">u2" if depth == 16 else "u1").tobytes() for row in rows)
    head = struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, 0)
    parts = [(b"IHDR", head), *chunks, (b"IDAT", zlib.compress(raw)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        for name, body in parts
    )


print("python", sys.version.split()[0], "pillow", PIL.__version__, "numpy", np.__version__)
grey = np.full((4, 4), 128)
image = Image.open(io.BytesIO(png(8, 0, grey, (b"tEXt", b"transparency\0" + b"of the water"))))
image.load()
print("text chunk: info =", image.info, "has_transparency_data =", image.has_transparency_data)
try:
    image.convert("RGBA")
    raised = ""
except (TypeError, ValueError) as error:
    raised = f"{type(error).__name__}: {error}"
print("text chunk: convert('RGBA') raised", raised or "nothing")

colours = np.full((4, 4, 3), 40000)
key = struct.pack(">HHH", 40000, 40000, 40000)
image = Image.open(io.BytesIO(png(16, 2, colours, (b"tRNS", key))))
image.load()
pixel = image.convert("RGBA").getpixel((0, 0))
print("16-bit key: info =", image.info, "pixel =", image.getpixel((0, 0)), "as RGBA =", pixel)

same = (
    image.info["transparency"] == (40000, 40000, 40000)
    and pixel[3] == 255
    and raised
)
sys.exit(0 if same else "the behaviour has changed")
PY
echo PASS
