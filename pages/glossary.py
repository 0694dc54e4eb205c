"""Glossary: each term of the field in one sentence."""

from views import frame
from views.glossary import page

frame.page("glossary", page.draw)
