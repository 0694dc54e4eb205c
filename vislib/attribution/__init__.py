"""Estimates, always labelled so: what would move an answer or a token, not what the network did.

    receptive      effective receptive field: the pixels that move a token of one block
    methods        integrated gradients, SmoothGrad, Grad-CAM, occlusion: what speaks for a class
    faithfulness   the probability of a class while the picture's cells come or go

``methods`` needs captum, so it is imported by its name where it is used.
"""

from __future__ import annotations

from vislib.attribution.receptive import PROBES, receptive_field

__all__ = ["PROBES", "receptive_field"]
