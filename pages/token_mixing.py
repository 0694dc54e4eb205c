"""Token mixing: what MLP-Mixer's hidden units and ResMLP's linear layers do with the patches."""

from views import frame
from views.token_mixing import page

frame.page("token_mixing", page.draw)
