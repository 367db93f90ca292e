"""The ports through which a cluster is reached, under load and when something behind them fails."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import resource
import signal
import socket
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlparse

import httpx
import pytest

from cluster.client import EmbeddedCluster
from testbed.waiting import wait_until

from .processes import descendants, part

pytestmark = pytest.mark.cluster

REQUEST = b"GET / HTTP/1.1\r\nHost: nobody.test\r\nConnection: close\r\n\r\n"


def address(url: str) -> tuple[str, int]:
    parsed = urlparse(url)
    return str(parsed.hostname), parsed.port or 0


def serves(cluster: EmbeddedCluster) -> bool:
    return cluster.command("status", check=False).returncode == 0


@contextlib.contextmanager
def descriptors(pid: int, more: int) -> Iterator[None]:
    """Let a process open only so many descriptors more."""
    before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    highest = max(int(file.name) for file in Path(f"/proc/{pid}/fd").iterdir())
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (highest + more, before[1]))
    try:
        yield
    finally:
        resource.prlimit(pid, resource.RLIMIT_NOFILE, before)


def test_the_process_that_relays_may_have_as_many_descriptors_as_its_user(cluster: EmbeddedCluster) -> None:
    soft, hard = resource.prlimit(part(cluster.status()["pid"], "inside"), resource.RLIMIT_NOFILE)
    assert soft == hard


def test_the_gateway_port_outlives_a_want_of_descriptors_which_status_tells(second: EmbeddedCluster) -> None:
    inside = part(second.status()["pid"], "inside")
    log = second.directory / "parts" / "inside.log"
    with descriptors(inside, 100), contextlib.ExitStack() as clients:
        for _ in range(200):  # two descriptors each
            clients.enter_context(socket.create_connection(address(second.endpoints.gateway), timeout=10))
        wait_until(lambda: "too many open files" in log.read_text(), "none is left")
        status = second.command("status", check=False)
        assert status.returncode == 1
        assert "the gateway does not serve" in status.stderr
    assert httpx.get(second.endpoints.gateway, timeout=30).status_code == 404, (
        "no route for it, but it serves"
    )
    wait_until(lambda: serves(second), "all serve again")


async def ask(url: str, requests: int, connections: int) -> Counter[bytes]:
    """Send requests, each over a connection of its own, and return how many got which status line."""
    host, port = address(url)
    left = iter(range(requests))
    answers: Counter[bytes] = Counter()

    async def one_after_the_other() -> None:
        for _ in left:
            reader, writer = await asyncio.open_connection(host, port)
            writer.write(REQUEST)
            answers[(await reader.read()).partition(b"\r\n")[0]] += 1
            writer.close()
            await writer.wait_closed()

    await asyncio.gather(*(one_after_the_other() for _ in range(connections)))
    return answers


async def test_every_request_is_answered_though_none_reuses_a_connection(cluster: EmbeddedCluster) -> None:
    answers = await ask(cluster.endpoints.gateway, requests=5000, connections=100)
    assert answers == {b"HTTP/1.1 404 Not Found": 5000}
    assert serves(cluster)


def process(cluster: EmbeddedCluster, program: str) -> int:
    """Return a process of a cluster by the name of its program."""
    for pid in descendants(cluster.status()["pid"]):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            if Path(f"/proc/{pid}/cmdline").read_text().partition("\0")[0].endswith(f"/{program}"):
                return pid
    raise AssertionError(f"no process {program}")


@contextlib.contextmanager
def stopped(pid: int) -> Iterator[None]:
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def test_status_fails_and_names_what_does_not_serve(second: EmbeddedCluster) -> None:
    pids = process(second, "traefik"), part(second.status()["pid"], "kube-scheduler")
    with stopped(pids[0]), stopped(pids[1]):
        told = second.command("status", check=False)
        as_json = second.command("status", "--json", check=False)
    assert (told.returncode, as_json.returncode) == (1, 1)
    assert "the gateway does not serve: " in told.stderr
    assert f"kube-scheduler is stopped (process {pids[1]})" in told.stderr
    report = json.loads(as_json.stdout)
    assert (report["ready"], len(report["silent"])) == (False, 2)
    wait_until(lambda: serves(second), "all serve again")
