"""Which cluster and namespace a command is about, and how its errors are told."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar

import click

from bandit_operator.adapters.kubeconfig import Kubeconfig, NoCluster
from bandit_operator.adapters.kubernetes import Object
from bandit_operator.errors import APIError, APIUnreachable, NotFound

Command = TypeVar("Command", bound=Callable[..., Any])


class Cluster:
    """The cluster and the namespace that the options name."""

    def __init__(self, api: Any, namespace: str) -> None:
        self.api = api
        self.namespace = namespace

    def resource(self, name: str) -> Object:
        """Read a BanditDeployment.

        Raises:
            ClickException: There is none of that name; the text lists those that there are.
        """
        try:
            found: Object = self.api.get(self.namespace, name)
        except NotFound as error:
            there = [one["metadata"]["name"] for one in self.api.list(self.namespace)]
            known = f"there are {', '.join(there)}" if there else "there is none; name a namespace with -n"
            raise click.ClickException(
                f"there is no BanditDeployment {self.namespace}/{name}; {known}"
            ) from error
        return found


Connect = Callable[[], Cluster]
"""Connects where a cluster is needed."""


def cluster_options(*, connect: bool = True) -> Callable[[Command], Command]:
    """Give a command the options --namespace, --context and --kubeconfig, and the cluster as ``cluster``.

    Args:
        connect: whether it always needs one; otherwise it gets what connects.
    """

    def decorate(command: Command) -> Command:
        @click.option("-n", "--namespace", help="Namespace of the BanditDeployment. Default: the context's.")
        @click.option("--context", help="Context of the kubeconfig. Default: the one in use.")
        @click.option("--kubeconfig", help="Kubeconfig file. Default: $KUBECONFIG, or ~/.kube/config.")
        @functools.wraps(command)
        def wrapped(
            *arguments: Any,
            namespace: str | None,
            context: str | None,
            kubeconfig: str | None,
            **options: Any,
        ) -> Any:
            def connected() -> Cluster:
                api = Kubeconfig(kubeconfig, context)
                return Cluster(api, namespace or api.namespace)

            try:
                return command(*arguments, cluster=connected() if connect else connected, **options)
            except (NoCluster, APIUnreachable) as error:
                raise click.ClickException(str(error)) from error
            except APIError as error:
                raise click.ClickException(f"the API server refused: {error}") from error

        return wrapped  # type: ignore[return-value]  # it takes what click gives it

    return decorate
