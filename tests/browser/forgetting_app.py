"""The app with a memory of seconds, for the browser test."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.browser import memory_probe
from views import frame
from views.frame import uploads

uploads.STORE_MINUTES = 30 / 60  # type: ignore[assignment]
uploads.SWEEP_SECONDS = 0.5
memory_probe.begin()
frame.draw()
