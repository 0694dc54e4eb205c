"""Inside the tokens: early answers, how far each depth mixes, which layers are alike."""

from views import frame
from views.inside import page

frame.page("inside", page.draw)
