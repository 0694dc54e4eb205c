"""Stub."""

from pages import _ui

_ui.page("depthwise_kernels")
