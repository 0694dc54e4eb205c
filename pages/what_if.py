"""What if: proofs by shuffling, surgery, and how much the answer hangs on each block."""

from views import frame
from views.what_if import page

frame.page("what_if", page.draw)
