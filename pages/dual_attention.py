"""Stub."""

from pages import _ui

_ui.page("dual_attention")
