"""Overview: what each model is made of, on the visitor's picture."""

from views import frame
from views.overview import page

frame.page("overview", page.draw)
