"""``python -m demo.replay``."""

from __future__ import annotations

from demo.replay.cli import main

if __name__ == "__main__":
    main()
