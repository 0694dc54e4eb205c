"""MixScope: what mixing layers compute on a picture. Start with ``python3 start.py``."""

from pages import _ui

_ui.frame()
