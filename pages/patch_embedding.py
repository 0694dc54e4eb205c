"""Patch embedding: how each model turns the picture into tokens, and what a token keeps."""

from views import frame
from views.patch_embedding import page

frame.page("patch_embedding", page.draw)
