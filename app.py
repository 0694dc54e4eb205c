"""MixScope: what mixing layers compute on a picture. Start with ``python3 start.py``."""

from views import frame

frame.draw()
