"""Damaged files by the thousand: nothing but ImageError may come of them, and none takes long.

    python -m tests.unit.pictures.mutate --count 10000 --seed 1

Only our own guard is tested: what readers do with the bytes is their makers' affair.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from collections.abc import Callable

import numpy as np
from PIL import Image

from tests.unit.pictures import made
from vislib.pictures import decoding
from vislib.schema import ImageError

MOST_SECONDS = 2.0
Random = np.random.Generator


def seeds() -> dict[str, bytes]:
    """Whole files of every format, small and with much in them."""
    found = {}
    wanted = ("PNG", "JPEG", "WEBP", "AVIF", "BMP", "GIF")
    for number, (name, data) in enumerate(made.all_for_browsers()):
        if number % 7 == 0 or not name.startswith(wanted[0]):
            found[name] = data
    colours = Image.fromarray(made.colours(3, 255).astype(np.uint8))
    for compression in (None, "tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg"):
        found[f"TIFF {compression}"] = made.saved(
            colours, "TIFF", compression=compression, exif=made.exif(6), icc_profile=made.P3
        )
    for bits in (1, 2, 4, 8, 16):
        grey = made.colours(1, (1 << bits) - 1)[..., 0]
        found[f"TIFF grey {bits}"] = made.tiff(grey, bits, tags={262: (3, [0])}, big=bits > 4)
    frames = [Image.new("RGB", (24, 16), colour) for colour in ("red", "blue")]
    for kind in ("GIF", "PNG", "WEBP", "TIFF", "AVIF"):
        found[f"{kind} moving"] = made.saved(
            frames[0], kind, save_all=True, append_images=frames[1:]
        )
    found["JPEG progressive"] = made.saved(colours, "JPEG", progressive=True)
    return found


def _flipped(data: bytearray, random: Random) -> bytearray:
    """Other bytes, most of them in the first 400, where headers are."""
    for at in random.integers(0, min(len(data), 400), int(random.integers(1, 6))):
        data[at] = int(random.integers(0, 256))
    return data


def _extreme(data: bytearray, random: Random) -> bytearray:
    """Four bytes that are all zero, all one, or a large number."""
    at = int(random.integers(0, max(len(data) - 4, 1)))
    data[at : at + 4] = (bytes(4), b"\xff" * 4, b"\x7f\xff\xff\xff", b"\0\0\xff\xff")[
        int(random.integers(0, 4))
    ]
    return data


def _cut(data: bytearray, random: Random) -> bytearray:
    return data[: int(random.integers(0, len(data)))]


def _doubled(data: bytearray, random: Random) -> bytearray:
    """A piece of it once more at another place."""
    start, at = (int(n) for n in random.integers(0, len(data), 2))
    piece = data[start : start + int(random.integers(1, 200))]
    return data[:at] + piece + data[at:]


def _without(data: bytearray, random: Random) -> bytearray:
    at = int(random.integers(0, len(data)))
    return data[:at] + data[at + int(random.integers(1, 60)) :]


def _joined(data: bytearray, random: Random) -> bytearray:
    """Its beginning, and noise."""
    at = int(random.integers(8, max(len(data), 9)))
    return data[:at] + bytearray(random.integers(0, 256, 300, dtype=np.uint8).tobytes())


WAYS: tuple[Callable[[bytearray, Random], bytearray], ...] = (
    _flipped,
    _extreme,
    _cut,
    _doubled,
    _without,
    _joined,
)


def run(count: int, seed: int) -> tuple[Counter[str], float, str]:
    """Decode ``count`` damaged files.

    Returns:
        How many ended in which way; the longest processor time in seconds; whose it was.

    Raises:
        Exception: Whatever but ImageError comes out of decoding, with the case as a note.
    """
    files, random = list(seeds().items()), np.random.default_rng(seed)
    ends: Counter[str] = Counter()
    longest, whose = 0.0, ""
    for number in range(count):
        name, data = files[int(random.integers(0, len(files)))]
        way = WAYS[int(random.integers(0, len(WAYS)))]
        broken = bytes(way(bytearray(data), random))
        began = time.thread_time()
        try:
            decoding.decode(broken, name="x")
            end = "shown"
        except ImageError as error:
            end = error.message.key.rpartition(".")[2]
            str(error)  # it has words
        except BaseException as error:
            error.add_note(f"file {number}: {name}, {way.__name__}")
            raise
        seconds = time.thread_time() - began
        ends[end] += 1
        if seconds > longest:
            longest, whose = seconds, f"file {number}: {name}, {way.__name__}, {end}"
    return ends, longest, whose


def main() -> None:
    """Run it and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    ends, longest, whose = run(asked.count, asked.seed)
    print(f"{asked.count} files from {len(seeds())} whole ones; no exception but ImageError")
    for end, times in ends.most_common():
        print(f"{times:7d}  {end}")
    print(f"longest: {longest:.3f} s of processor time ({whose})")
    if longest > MOST_SECONDS:
        raise SystemExit(f"A file took more than {MOST_SECONDS} s.")


if __name__ == "__main__":
    main()
