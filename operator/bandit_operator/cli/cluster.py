"""Which cluster and namespace a command is about, and how its errors are told."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Callable
from typing import Any, TypeVar

import click

from bandit_operator.adapters.kubeconfig import ClusterFault, Collection, Kubeconfig, Missing
from bandit_operator.adapters.objects import Object
from bandit_operator.api.kind import GROUP, PLURAL, VERSION
from bandit_operator.api.printable import printable_lines

Command = TypeVar("Command", bound=Callable[..., Any])


BANDITS = (GROUP, VERSION, PLURAL)
_NAME = r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?"
"""What Kubernetes takes for the name of an object that others refer to."""


def object_name(given: str, what: str) -> str:
    """A name that an object may have: of any other, as of none, the path leads to something else.

    Args:
        given: what was typed.
        what: the option or the argument that has it.

    Raises:
        UsageError: No object can have it.
    """
    if not re.fullmatch(_NAME, given):
        raise click.UsageError(
            f"{what} {json.dumps(given[:80])}: no object can have this name; write small letters, digits, -"
            " and . alone"
        )
    return given


class Cluster:
    """The cluster and the namespace that the options name."""

    def __init__(self, api: Kubeconfig, namespace: str) -> None:
        self._api = api
        self.namespace = namespace

    def resource(self, name: str) -> Object:
        """Read a BanditDeployment.

        Raises:
            ClickException: There is none of that name; the text lists those that there are.
        """
        try:
            return self._api.get(BANDITS, self.namespace, name)
        except Missing as error:
            there = [one["metadata"]["name"] for one in self.resources()]
            known = f"there are {', '.join(there)}" if there else "there is none; name a namespace with -n"
            raise click.ClickException(
                f"there is no BanditDeployment {self.namespace}/{name}; {known}"
            ) from error

    def resources(self, *, everywhere: bool = False) -> list[Object]:
        """Read all BanditDeployments of the namespace, or of all namespaces.

        Raises:
            ClickException: The cluster does not know their definition.
        """
        try:
            return self._api.list(BANDITS, None if everywhere else self.namespace)
        except Missing as error:
            raise self._lacks(BANDITS, "the chart") from error

    def change(self, name: str, patch: Any, *, dry_run: bool) -> Object:
        """Patch a BanditDeployment; gives it as it is then."""
        return self._api.patch(BANDITS, self.namespace, name, patch, dry_run=dry_run)

    def route(self, kind: str, routes: Collection, name: str) -> Object:
        """Read a route of the Gateway API.

        Raises:
            ClickException: There is none of that name, or the cluster does not know the kind.
        """
        object_name(name, "--route")
        try:
            return self._api.get(routes, self.namespace, name)
        except Missing as error:
            try:
                self._api.list(routes, self.namespace)
            except Missing:
                raise self._lacks(routes, "the Gateway API") from error
            raise click.ClickException(
                f'--route "{name}": there is no {kind} {self.namespace}/{name}; create it, or name another'
            ) from error

    def _lacks(self, kind: Collection, brought_by: str) -> click.ClickException:
        """That the cluster does not know a kind, and what to install to have it."""
        group, version, plural = kind
        return click.ClickException(
            f'the cluster of context "{self._api.context}" has no {plural}.{group} of version {version};'
            f" install {brought_by} there, or name another cluster by --context"
        )


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
                if namespace:
                    object_name(namespace, "--namespace")
                api = Kubeconfig(kubeconfig, context)
                return Cluster(api, namespace or api.namespace)

            try:
                return command(*arguments, cluster=connected() if connect else connected, **options)
            except ClusterFault as error:
                raise click.ClickException(printable_lines(str(error))) from error
            except click.ClickException as error:
                vars(error)["message"] = printable_lines(error.message)  # click declares it final
                raise

        return wrapped  # type: ignore[return-value]  # it takes what click gives it

    return decorate
