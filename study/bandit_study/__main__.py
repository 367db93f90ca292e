"""``python -m bandit_study``."""

from __future__ import annotations

from bandit_study.cli import main

if __name__ == "__main__":
    main(prog_name="python -m bandit_study")
