"""Compare: the same place of the picture in every model, side by side."""

from views import frame
from views.compare import page

frame.page("compare", page.draw)
