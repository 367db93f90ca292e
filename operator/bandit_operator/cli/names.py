"""The arguments that name what only the cluster knows, which a shell completes from there."""

from __future__ import annotations

import contextlib
import functools
import logging
from collections.abc import Callable, Iterable, Iterator
from threading import Thread

import click

from bandit_operator.adapters.kubeconfig import Kubeconfig
from bandit_operator.api.kind import GROUP, KIND, PLURAL, SHORT_NAME
from bandit_operator.cli.cluster import Cluster, object_name

PATIENCE_SECONDS = 1.0
"""Longest wait for the cluster while somebody waits for what the Tab key gives."""
MOST = 100
"""Most names that are offered at once."""
_SINGULAR = KIND.lower()
_KINDS = {SHORT_NAME, PLURAL, _SINGULAR, f"{PLURAL}.{GROUP}", f"{_SINGULAR}.{GROUP}"}
"""What kubectl takes for the kind, in small letters."""


def resource_name(given: str) -> str:
    """The name in what was typed: ``income``, or with its kind as kubectl writes it, ``bd/income``.

    Raises:
        UsageError: It is neither; the text says what to write.
    """
    kind, slash, name = given.rpartition("/")
    if slash and (kind.lower() not in _KINDS or not name):
        raise click.UsageError(f"{given}: not a name; write {name or 'NAME'}, and its namespace with -n")
    return object_name(name, "NAME")


def _named(_: click.Context, __: click.Parameter, given: str | None) -> str | None:
    return None if given is None else resource_name(given)


def _resources(context: click.Context, _: click.Parameter, begun: str) -> list[str]:
    """The resources of the namespace whose names begin so."""
    return _offered(context, begun, lambda cluster: (one["metadata"]["name"] for one in cluster.resources()))


def _arms(context: click.Context, _: click.Parameter, begun: str) -> list[str]:
    """The arms, whose names begin so, of the resource that is named before them."""
    name = str(context.params.get("name") or "")

    def there(cluster: Cluster) -> Iterator[str]:
        yield from (arm["name"] for arm in cluster.resource(name)["spec"]["arms"])

    return _offered(context, begun, there) if name else []


def _offered(context: click.Context, begun: str, there: Callable[[Cluster], Iterable[str]]) -> list[str]:
    """Names in the cluster that the options typed so far name; none where it does not give them in time."""
    options, found = context.params, list[str]()

    def ask() -> None:
        # Whatever goes wrong is told by the command itself, once it is typed whole.
        with contextlib.suppress(Exception):
            api = Kubeconfig(options.get("kubeconfig"), options.get("context"))
            names = there(Cluster(api, options.get("namespace") or api.namespace))
            found.extend(sorted(name for name in names if name.startswith(begun))[:MOST])

    logging.disable(logging.CRITICAL)  # a retry's warning would stand in the line that is being typed
    try:
        asking = Thread(target=ask, daemon=True)
        asking.start()
        asking.join(PATIENCE_SECONDS)
        return list(found)
    finally:
        logging.disable(logging.NOTSET)


resource_argument = functools.partial(click.argument, "name", shell_complete=_resources, callback=_named)
"""The argument NAME: a BanditDeployment."""
arm_argument = functools.partial(click.argument, "arm", shell_complete=_arms)
"""The argument ARM, after NAME."""
