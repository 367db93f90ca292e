"""How pictures that are committed look: readable on a white page and on a dark one."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import matplotlib as mpl
from cycler import cycler
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from testbed.colours import COLOURS, FAINT, INK

DPI = 110
_STYLE: dict[Any, Any] = {
    "axes.prop_cycle": cycler(color=COLOURS),
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "savefig.facecolor": "none",
    "legend.facecolor": "none",
    "legend.edgecolor": FAINT,
    "grid.color": FAINT,
    **dict.fromkeys(
        ("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color", "lines.color"), INK
    ),
}


def styled() -> AbstractContextManager[None]:
    """Draw in this style within the block: no background, and one grey for all that is text or line."""
    return mpl.rc_context(_STYLE)


def save(figure: Figure, file: Path) -> None:
    """Write a figure that was drawn in the style as PNG."""
    FigureCanvasAgg(figure)
    figure.savefig(file, dpi=DPI)
