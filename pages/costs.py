"""What it costs: multiply-adds as the input grows, and two identities of mixing layers."""

from views import frame
from views.costs import page

frame.page("costs", page.draw)
