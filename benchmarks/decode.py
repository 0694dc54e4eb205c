"""Memory and processor time of decoding a picture of 40 million pixels, one process a file.

    python benchmarks/decode.py [--before FOLDER]

Peak memory is above what the process held with a small picture of the same format decoded.
``--before`` names the folder of another state of the project, measured in the same run.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import imagecodecs
import numpy as np
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
WIDTH, HEIGHT = 8000, 5000
MEASURE = """
import resource, sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[1])
def highest():  # in kB; what getrusage says contains the parent's, from before this program began
    status = Path("/proc/self/status")
    if status.exists():
        return int(status.read_text().split("VmHWM:")[1].split()[0])
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    from vislib.pictures import decoding
except ImportError:
    from vislib import images as decoding
small, large = (open(path, "rb").read() for path in sys.argv[2:4])
decoding.decode(small, name="small")
before, began = highest(), time.process_time()
try:
    decoding.decode(large, name="large")
    end = "shown"
except decoding.ImageError as error:
    end = f"refused: {error}"
except BaseException as error:
    end = type(error).__name__
seconds = time.process_time() - began
peak = highest() - before
print(f"{peak * 1024 / 1e6:.0f}|{seconds:.2f}|{end}")
"""


def colours(width: int, height: int, bands: int = 3, top: int = 255) -> np.ndarray:
    """Slow changes and blocks; axes (row, column, band), 0 to ``top``."""
    y, x = np.indices((height // 8, width // 8))
    parts = [x / (width // 8), y / (height // 8), (x + y) / 4 % 64 / 64, 0.25 + y / height]
    small = np.stack(parts[:bands], axis=-1) * top
    dtype = np.uint8 if top < 256 else np.uint16
    return small.astype(dtype).repeat(8, axis=0).repeat(8, axis=1)


def by_pillow(kind: str, mode: str = "RGB", **options: object) -> Callable[[int, int, Path], None]:
    """Writes a picture of some size."""

    def write(width: int, height: int, path: Path) -> None:
        image = Image.fromarray(colours(width, height, 4 if mode == "RGBA" else 3))
        if mode == "P":
            image = image.quantize(64)
        elif mode == "F":
            grey = np.asarray(image)[..., 0].astype(np.float32) / 255
            image = Image.fromarray(grey)
        elif mode == "I;16":
            image = Image.fromarray(np.asarray(image)[..., 0].astype(np.uint16) * 257)
        image = image if image.mode == mode else image.convert(mode)
        image.save(path, kind, **options)

    return write


def png_16(bands: int) -> Callable[[int, int, Path], None]:
    """A PNG of 16 bits."""

    def write(width: int, height: int, path: Path) -> None:
        path.write_bytes(imagecodecs.png_encode(colours(width, height, bands, 65535), level=6))

    return write


def avif(depth: int, pixels: str) -> Callable[[int, int, Path], None]:
    """An AVIF of 8 or 10 bits."""

    def write(width: int, height: int, path: Path) -> None:
        values = colours(width, height, 3, (1 << depth) - 1)
        data = imagecodecs.avif_encode(
            values, level=60, speed=10, bitspersample=depth, pixelformat=pixels
        )
        path.write_bytes(data)

    return write


FILES: dict[str, Callable[[int, int, Path], None]] = {
    "JPEG": by_pillow("JPEG", quality=60),
    "JPEG, progressive": by_pillow("JPEG", quality=60, progressive=True),
    "JPEG, CMYK, progressive": by_pillow("JPEG", "CMYK", quality=40, progressive=True),
    "PNG, RGBA": by_pillow("PNG", "RGBA", compress_level=1),
    "PNG, palette": by_pillow("PNG", "P", compress_level=1),
    "PNG, grey, 16 bit": by_pillow("PNG", "I;16", compress_level=6),
    "PNG, RGB, 16 bit": png_16(3),
    "PNG, RGBA, 16 bit": png_16(4),
    "WebP": by_pillow("WEBP", quality=50, method=0),
    "WebP, lossless, RGBA": by_pillow("WEBP", "RGBA", lossless=True, method=0, quality=0),
    "GIF": by_pillow("GIF", "P"),
    "BMP, 1 bit": by_pillow("BMP", "1"),
    "TIFF, RGB": by_pillow("TIFF", compression="tiff_adobe_deflate"),
    "TIFF, grey, 16 bit": by_pillow("TIFF", "I;16", compression="tiff_adobe_deflate"),
    "TIFF, float": by_pillow("TIFF", "F", compression="tiff_adobe_deflate"),
    "AVIF": by_pillow("AVIF", quality=40, speed=10),
    "AVIF, RGBA, 4:4:4": by_pillow("AVIF", "RGBA", quality=40, speed=10, subsampling="4:4:4"),
    "AVIF, 10 bit": avif(10, "420"),
    "AVIF, 10 bit, 4:4:4": avif(10, "444"),
}


def measured(project: Path, small: Path, large: Path) -> tuple[str, str, str]:
    """Peak in MB, seconds, and how it ended."""
    command = [sys.executable, "-W", "ignore", "-c", MEASURE, str(project), str(small), str(large)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        return "-", "-", done.stderr.strip().splitlines()[-1]
    peak, seconds, end = done.stdout.strip().split("|", 2)
    return peak, seconds, end


def rows(projects: list[Path], folder: Path) -> Iterator[str]:
    """One line a kind of file."""
    for name, write in FILES.items():
        small, large = folder / "small", folder / "large"
        write(64, 48, small)
        write(WIDTH, HEIGHT, large)
        found = [measured(project, small, large) for project in projects]
        cells = "".join(f"{peak:>7} MB {seconds:>6} s" for peak, seconds, _ in found)
        yield f"{name:26}{large.stat().st_size / 2**20:6.1f} MB{cells}   {found[-1][2][:90]}"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--before", type=Path)
    before = parser.parse_args().before
    projects = [ROOT] if before is None else [before, ROOT]
    print(f"{WIDTH} x {HEIGHT} pixels; columns: {', '.join(str(p.name) for p in projects)}")
    with tempfile.TemporaryDirectory() as folder:
        for line in rows(projects, Path(folder)):
            print(line, flush=True)


if __name__ == "__main__":
    main()
