"""Dual attention: DaViT's window attention over places and group attention over channels."""

from views import frame
from views.dual_attention import page

frame.page("dual_attention", page.draw)
