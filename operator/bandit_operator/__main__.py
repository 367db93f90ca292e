"""``python -m bandit_operator`` and the ``bandit-operator`` command."""

from __future__ import annotations

from bandit_operator.cli import main

if __name__ == "__main__":
    main()
