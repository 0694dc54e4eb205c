"""Makes the fonts of MixScope out of Pretendard, as it comes from npm. The app does not run this.

    npm pack pretendard@1.3.9
    python -m tools.make_fonts pretendard-1.3.9.tgz

Needs fonttools and brotli (requirements-test.txt). Writes, regular and bold: ``static/*.woff2`` for
the page and ``assets/fonts/*.otf`` for exported figures, and the licence beside both. The licence
reserves the name Pretendard for the unchanged font, so that what is cut out of it has another name.
"""

from __future__ import annotations

import io
import shutil
import sys
import tarfile
from pathlib import Path

from fontTools import subset
from fontTools.ttLib import TTFont

ROOT = Path(__file__).resolve().parents[1]
FAMILY = "MixScope Sans"
STATIC = "package/dist/public/static/"
WEIGHTS = ("Regular", "Bold")
HANGUL = {bytes((a, b)).decode("euc-kr") for a in range(0xB0, 0xC9) for b in range(0xA1, 0xFF)}
"""The 2,350 syllables of KS X 1001."""
JAMO = {chr(code) for code in range(0x3131, 0x3164)}
LATIN = {chr(code) for code in (*range(0x20, 0x7F), *range(0xA0, 0x100))}
GREEK = {chr(code) for code in (*range(0x391, 0x3AA), *range(0x3B1, 0x3CA))} - {"\u03a2"}
RAISED = {chr(code) for code in (0x2070, 0x2071, *range(0x2074, 0x208F), *range(0x2090, 0x209D))}
SIGNS = set("‘’“”„…–—•‰′″←↑→↓↔∂∆∏∑−√∞∫≈≠≤≥½⅓™、。「」『』·○●✓")
SPACES = {"\u2009", "\u202f", "\u200b"}
WANTED = HANGUL | JAMO | LATIN | GREEK | RAISED | SIGNS | SPACES


def cut(source: bytes, weight: str, flavor: str | None) -> bytes:
    """A font with the wanted characters only, under its own name.

    Args:
        source: A font file.
        weight: "Regular" or "Bold".
        flavor: "woff2", or None for the file's own kind.
    """
    font = TTFont(io.BytesIO(source), recalcTimestamp=False)
    options = subset.Options(hinting=False, layout_features=[], name_IDs=[1, 2, 4, 6, 13])
    options.drop_tables += ["DSIG", "GPOS", "GSUB", "GDEF"]
    cutter = subset.Subsetter(options)
    there = font.getBestCmap()
    cutter.populate(unicodes=sorted(ord(c) for c in WANTED if ord(c) in there))
    cutter.subset(font)
    rename(font, weight)
    font.flavor = flavor
    out = io.BytesIO()
    font.save(out)
    return out.getvalue()


def rename(font: TTFont, weight: str) -> None:
    """Call the font by its own family name."""
    short = f"{FAMILY.replace(' ', '')}-{weight}"
    font["name"].names = []
    words = {1: FAMILY, 2: weight, 4: f"{FAMILY} {weight}", 6: short}
    words[13] = "SIL Open Font License 1.1, see LICENSE.txt beside this file"
    for number, text in words.items():
        font["name"].setName(text, number, 3, 1, 0x409)
    if "CFF " in font:
        table = font["CFF "].cff
        table.fontNames = [short]
        top = table.topDictIndex[0]
        top.FullName, top.FamilyName, top.Weight = words[4], FAMILY, weight
        top.Notice = ""
        for part in top.FDArray:
            part.FontName = short


def main(arguments: list[str]) -> int:
    """Read the package and write the fonts."""
    pages, figures = ROOT / "static", ROOT / "assets" / "fonts"
    with tarfile.open(arguments[0]) as package:

        def member(name: str) -> bytes:
            found = package.extractfile(name)
            assert found is not None
            return found.read()

        for weight in WEIGHTS:
            name = f"mixscope-sans-{weight.lower()}"
            outlines = member(f"{STATIC}Pretendard-{weight}.otf")
            (figures / f"{name}.otf").write_bytes(cut(outlines, weight, None))
            curves = member(f"{STATIC}alternative/Pretendard-{weight}.ttf")
            (pages / f"{name}.woff2").write_bytes(cut(curves, weight, "woff2"))
        (figures / "LICENSE.txt").write_bytes(member("package/dist/LICENSE.txt"))
    shutil.copyfile(figures / "LICENSE.txt", pages / "LICENSE.txt")
    for path in sorted((*figures.iterdir(), *pages.iterdir())):
        print(f"{path.relative_to(ROOT)}: {path.stat().st_size:,} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
