from __future__ import annotations

import json

import pytest

from cluster.client import EmbeddedCluster, Namespace
from testbed.waiting import wait_until

from .conftest import new_namespace
from .objects import deployment, pod, server, service, shell

pytestmark = pytest.mark.cluster


def ask(space: Namespace, url: str) -> str:
    """Return what a URL answers to a Pod."""
    program = f"import urllib.request as u; print(u.urlopen('{url}', timeout=5).read().decode())"
    return space.kubectl("exec", "client", "--", "python3", "-c", program).strip()


def resolve(space: Namespace, name: str) -> list[str]:
    """Return the addresses that a Pod finds for a name."""
    program = f"import socket as s, json; print(json.dumps(s.gethostbyname_ex('{name}')[2]))"
    done = space.run("cluster", "kubectl", "exec", "client", "--", "python3", "-c", program, check=False)
    return sorted(json.loads(done.stdout)) if done.returncode == 0 else []


def serve(space: Namespace) -> None:
    space.apply(
        pod("client", shell("exec sleep 3600")), deployment("web", 2, server("web")),
        service("web"), service("each", clusterIP="None", selector={"app": "web"}),
    )  # fmt: skip
    space.kubectl("wait", "--for=condition=Ready", "pod", "--all", "--timeout=30s")
    space.kubectl("rollout", "status", "deployment/web", "--timeout=30s")


def test_service_is_reached_by_its_short_and_its_full_name(space: Namespace) -> None:
    serve(space)
    wait_until(lambda: resolve(space, "web"), "the Service has a name")
    for name in "web", f"web.{space.name}", f"web.{space.name}.svc.cluster.local":
        assert ask(space, f"http://{name}") == "web"


def test_headless_service_has_the_addresses_of_its_ready_pods(space: Namespace) -> None:
    serve(space)
    pods = space.get("pods", "-l", "app=web")["items"]
    addresses = sorted(p["status"]["podIP"] for p in pods)
    wait_until(lambda: resolve(space, "each") == addresses, f"the name each has {addresses}")
    space.kubectl("scale", "deployment/web", "--replicas=0")
    wait_until(lambda: resolve(space, "each") == [], "no address is left")


def test_unknown_names_are_not_resolved(space: Namespace) -> None:
    serve(space)
    assert resolve(space, "nowhere") == resolve(space, "example.org") == []


def test_services_work_without_kube_proxy(second: EmbeddedCluster) -> None:
    parts = {part["name"] for part in second.status()["parts"]}
    assert "service-proxy" in parts
    assert "kube-proxy" not in parts
    space = new_namespace(second)
    serve(space)
    assert ask(space, "http://web") == "web"
