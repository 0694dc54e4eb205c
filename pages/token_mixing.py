"""Stub."""

from pages import _ui

_ui.page("token_mixing")
