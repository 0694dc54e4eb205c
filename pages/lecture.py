"""Lecture: the seminar as steps of live views."""

from views import frame
from views.lecture import page

frame.page("lecture", page.draw)
