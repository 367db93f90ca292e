"""Entry point of the ``bandit-serving`` command line."""

from __future__ import annotations

import errno
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
    try:
        command_line.main()
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT) or error.filename is not None:
            raise
        sys.stdout = None  # or the interpreter would say at its end, in its own words, what is not written
        sys.exit(f"Error: standard output cannot be written: {error.strerror}")


if __name__ == "__main__":
    main()
