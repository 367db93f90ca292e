"""The colours of all pictures."""

from __future__ import annotations

COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00")
"""Okabe & Ito's palette, which colour-blind people can distinguish."""
INK = "#7a7a7a"
"""Text and lines: a contrast of 4.3 to white and 4.4 to GitHub's dark background."""
FAINT = "#80808040"
"""Grids and frames."""
