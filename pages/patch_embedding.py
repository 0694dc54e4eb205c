"""Stub."""

from pages import _ui

_ui.page("patch_embedding")
