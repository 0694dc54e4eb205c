"""The app whose clock a browser test puts forward; it runs in the project's folder."""

from __future__ import annotations

from tests.browser import memory_probe
from views import frame
from views.frame import uploads

uploads.SWEEP_SECONDS = 0.5
memory_probe.begin()
frame.draw()
