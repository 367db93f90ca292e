"""The command line on a rollout in the process: what it reads and writes is the fake API server's."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from click.testing import CliRunner, Result

from bandit_operator.adapters.kubeconfig import ClusterFault, Collection, Missing
from bandit_operator.adapters.kubernetes import resource_path
from bandit_operator.cli import cluster, main
from bandit_operator.errors import Conflict, NotFound
from tests.support.fake_api import apply_json_patch, copied, resource_of
from tests.support.objects import NAMESPACE
from tests.support.process import Process

Run = Callable[..., Result]


class FakeKubeconfig:
    """What ``Kubeconfig`` gives, from the objects of a process."""

    namespace = NAMESPACE

    def __init__(self, one: Process) -> None:
        self.one = one
        self.dry: list[Any] = []
        """What was patched in dry runs."""

    def get(self, kind: Collection, namespace: str, name: str) -> dict[str, Any]:
        """Read an object."""
        group, version, plural = kind
        try:
            return asyncio.run(self.one.api.get(resource_path(group, version, plural, namespace, name)))
        except NotFound as error:
            raise Missing(str(error)) from error

    def list(self, _: Collection, namespace: str | None) -> list[dict[str, Any]]:
        """Read the resources of a namespace, or of all."""
        found = (body for path, body in self.one.api.objects.items() if "/banditdeployments/" in path)
        return [copied(one) for one in found if namespace in (None, one["metadata"]["namespace"])]

    def patch(
        self, kind: Collection, namespace: str, name: str, body: Any, *, dry_run: bool
    ) -> dict[str, Any]:
        """Change a resource, as a person would."""
        if dry_run:
            self.dry.append(body)
            return self.get(kind, namespace, name)
        path = resource_of(name, namespace)
        after = copied(self.one.api.objects[path])
        if isinstance(body, list):
            try:
                apply_json_patch(after, body)
            except Conflict as error:
                raise ClusterFault(str(error)) from error
        else:
            after = merged(after, body)
        self.one.api.put(path, after)
        return self.get(kind, namespace, name)


def merged(target: Any, patch: Any) -> Any:
    """The target with a merge patch (RFC 7396)."""
    if not isinstance(patch, dict):
        return patch
    base = target if isinstance(target, dict) else {}
    kept = {name: value for name, value in base.items() if patch.get(name, 0) is not None}
    changed = {name: merged(base.get(name), one) for name, one in patch.items() if one is not None}
    return {**kept, **changed}


def runner(patch: pytest.MonkeyPatch, one: Process) -> tuple[Run, FakeKubeconfig]:
    """What runs ``bandit-operator`` on a process, and what it reads and writes."""
    config = FakeKubeconfig(one)
    patch.setattr(cluster, "Kubeconfig", lambda *_: config)

    def run(*arguments: str, **options: Any) -> Result:
        return CliRunner().invoke(main, list(arguments), **options)

    return run, config
