"""An address as a QR code, drawn here: dark on white, whatever the page's theme."""

from __future__ import annotations

import segno

LARGE = 8
"""Side of one module, in pixels."""


def svg(address: str) -> str:
    """The code as an SVG image, with the quiet border that readers need.

    Args:
        address: What it says.
    """
    code = segno.make(address, micro=False)
    return str(code.svg_inline(scale=LARGE, border=4, light="#fff"))
