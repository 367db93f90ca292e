"""Files that hold what is made, so that a change of it is seen and agreed to."""

from __future__ import annotations

import os
from pathlib import Path


def agrees(made: str, golden: Path) -> bool:
    """Whether the file holds what was made; with UPDATE_GOLDEN=1 it is written first."""
    if os.environ.get("UPDATE_GOLDEN"):
        golden.write_text(made)
    return golden.exists() and golden.read_text() == made
