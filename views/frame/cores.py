"""The machine's cores, shared by the visitors' forward passes."""

from __future__ import annotations

from streamlit import runtime

from vislib.models import devices


def share() -> None:
    """Let this thread's next forward pass use all cores, or its part where others are here, too."""
    from vislib.observe import capture

    # Streamlit has no public word on how many are here.
    manager = getattr(runtime.get_instance(), "_session_mgr", None) if runtime.exists() else None
    visitors = manager.num_active_sessions() if manager else 1
    devices.share_cores(min(max(1, visitors), capture.FORWARDS_AT_ONCE))
