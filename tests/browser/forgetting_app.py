"""The app with a memory of seconds, for the browser test; it runs in the project's folder."""

from __future__ import annotations

from tests.browser import memory_probe
from views import frame
from views.frame import uploads

uploads.STORE_MINUTES = 30 / 60  # type: ignore[assignment]
uploads.SWEEP_SECONDS = 0.5
memory_probe.begin()
frame.draw()
