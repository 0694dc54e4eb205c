"""The app in which a browser test has all turns; it runs in the project's folder."""

from __future__ import annotations

from tests.browser import held_turns
from views import frame

held_turns.begin()
frame.draw()
