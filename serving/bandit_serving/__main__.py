"""Entry point of the ``bandit-serving`` command line."""

from __future__ import annotations

import importlib
import sys


def main() -> None:
    """Run the command line, or say what has to be installed for it.

    Raises:
        SystemExit: It has ended.
    """
    try:
        command_line = importlib.import_module("bandit_serving.cli")
    except ModuleNotFoundError as error:
        if error.name is None or error.name.startswith("bandit_serving"):
            raise
        sys.exit(
            f"bandit-serving needs {error.name}, which is not installed; install bandit-operator with its"
            " extra serving, from a checkout: pip install '.[serving]', or take the image bandit-serving"
        )
    command_line.main()


if __name__ == "__main__":
    main()
