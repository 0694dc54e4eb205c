"""Depthwise kernels: what each channel of a ConvMixer reads around a place, and how far."""

from views import frame
from views.depthwise_kernels import page

frame.page("depthwise_kernels", page.draw)
