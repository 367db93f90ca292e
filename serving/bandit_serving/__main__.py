"""Entry point of the ``bandit-serving`` command line."""

from __future__ import annotations

from bandit_serving.cli import main

if __name__ == "__main__":
    main()
