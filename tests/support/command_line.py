"""The command line on a rollout in the process: what it reads and writes is the fake API server's."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from click.testing import CliRunner, Result

from bandit_operator.cli import cluster, main
from tests.support.fake_api import apply_json_patch, copied, resource_of
from tests.support.process import NAMESPACE, Process

Run = Callable[..., Result]


class FakeKubeconfig:
    """What ``Kubeconfig`` gives, from the objects of a process."""

    namespace = NAMESPACE

    def __init__(self, one: Process) -> None:
        self.one = one
        self.dry: list[Any] = []
        """What was patched in dry runs."""

    def get(self, namespace: str, name: str) -> dict[str, Any]:
        """Read a resource."""
        return self._asked(self.one.api.get(resource_of(name, namespace)))

    def list(self, namespace: str | None) -> list[dict[str, Any]]:
        """Read the resources of a namespace, or of all."""
        found = (body for path, body in self.one.api.objects.items() if "/banditdeployments/" in path)
        return [copied(one) for one in found if namespace in (None, one["metadata"]["namespace"])]

    def route(self, plural: str, namespace: str, name: str) -> dict[str, Any]:
        """Read a route."""
        path = f"/apis/gateway.networking.k8s.io/v1/namespaces/{namespace}/{plural}/{name}"
        return self._asked(self.one.api.get(path))

    def patch(self, namespace: str, name: str, body: Any, *, dry_run: bool) -> dict[str, Any]:
        """Change a resource, as a person would."""
        if dry_run:
            self.dry.append(body)
            return self.get(namespace, name)
        path = resource_of(name, namespace)
        after = copied(self.one.api.objects[path])
        if isinstance(body, list):
            apply_json_patch(after, body)
        else:
            after = merged(after, body)
        self.one.api.put(path, after)
        return self.get(namespace, name)

    @staticmethod
    def _asked(answer: Any) -> dict[str, Any]:
        body: dict[str, Any] = asyncio.run(answer)
        return body


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
