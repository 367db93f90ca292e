"""Checks the Go sources of the cluster: their format by ``gofmt``, and what ``go vet`` finds in them."""

from __future__ import annotations

import argparse
import sys

from toolbox.golang import Go
from toolbox.programs import SOURCE
from toolbox.store import BuildError, Store, cache_folder


def main() -> int:
    """Check, or format; what is wrong goes to standard error."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fix", action="store_true", help="format the sources, and check nothing")
    options = parser.parse_args()
    go = Go(Store(cache_folder() / "cluster"))
    if not go.is_there():
        print("cluster/lint.py: no Go on PATH and none in the cache: the Go sources are NOT checked")
        return 0
    go.ready()
    try:
        if options.fix:
            go.format("-w", SOURCE)
        elif unformatted := go.format("-l", SOURCE).split():
            print("gofmt would change these files (make fmt):", *unformatted, sep="\n  ", file=sys.stderr)
            return 1
        else:
            go.vet(SOURCE)
    except BuildError as error:
        print(f"cluster/lint.py: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
