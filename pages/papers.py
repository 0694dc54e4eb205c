"""Papers: the result tables of the three papers, and the app's own version of their figures."""

from views import frame
from views.papers import page

frame.page("papers", page.draw)
