"""Find the disagreement: the pictures on which the chosen models differ most."""

from views import frame
from views.disagreement import page

frame.page("disagreement", page.draw)
