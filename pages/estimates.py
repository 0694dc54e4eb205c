"""Estimates: four methods that say where an answer comes from, and how far each can be trusted."""

from views import frame
from views.estimates import page

frame.page("estimates", page.draw)
