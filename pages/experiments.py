"""Experiments: small trainings that repeat the papers' claims; predict first, then look."""

from views import frame
from views.experiments import page

frame.page("experiments", page.draw)
