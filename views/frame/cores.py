"""The machine's cores, shared by the visitors' forward passes."""

from __future__ import annotations

from typing import Any, cast

from streamlit import runtime

from vislib.models import devices


def share() -> None:
    """Let this thread's next forward pass use all cores, or its part where others are here, too."""
    from vislib.observe import capture

    visitors = 1
    if runtime.exists():  # Streamlit has no public word on it
        visitors = cast("Any", runtime.get_instance())._session_mgr.num_active_sessions()
    devices.share_cores(min(max(1, visitors), capture.FORWARDS_AT_ONCE))
