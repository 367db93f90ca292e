from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

import httpx
import pytest

from cluster.client import REPOSITORY, EmbeddedCluster
from testbed.waiting import wait_until

from .conftest import new_cluster, new_namespace
from .objects import deployment, server
from .processes import alive, descendants, listening_addresses

pytestmark = pytest.mark.cluster


def accepts(url: str) -> bool:
    address = urlparse(url)
    with socket.socket() as client:
        return client.connect_ex((str(address.hostname), address.port or 0)) == 0


def pod_addresses(cluster: EmbeddedCluster) -> set[str]:
    return {p["status"]["podIP"] for p in cluster.get("pods", "-A")["items"]}


def test_clusters_side_by_side_do_not_meet(cluster: EmbeddedCluster, second: EmbeddedCluster) -> None:
    space = new_namespace(second)
    assert space.name in second.kubectl("get", "namespaces")
    assert space.name not in cluster.kubectl("get", "namespaces")
    first_urls, second_urls = vars(cluster.endpoints).values(), vars(second.endpoints).values()
    assert not set(first_urls) & set(second_urls)


def test_only_published_ports_listen_and_only_on_loopback(cluster: EmbeddedCluster) -> None:
    loopback = "0100007F"
    ports = sorted(urlparse(url).port or 0 for url in vars(cluster.endpoints).values())
    addresses = listening_addresses(descendants(cluster.status()["pid"]))
    assert sorted(addresses) == sorted(f"{loopback}:{port:04X}" for port in ports)


def test_address_of_other_machines_is_refused(tmp_path: Path) -> None:
    refused = new_cluster(tmp_path).command("up", "--gateway", "0.0.0.0:8080", check=False)
    assert refused.returncode == 1
    assert 'address "0.0.0.0:8080": the cluster can be published on loopback addresses only' in refused.stderr


def test_up_where_a_cluster_is_up_says_so(cluster: EmbeddedCluster) -> None:
    again = cluster.command("up", "--detach", check=False)
    assert again.returncode == 1
    assert f"a cluster is already up in {cluster.directory}" in again.stderr
    assert cluster.status()["ready"]


def test_forward_publishes_one_more_port_also_of_a_long_path(second: EmbeddedCluster) -> None:
    address = second.command("forward", "127.0.0.1:0", "10.96.0.90:9090").stdout.strip()
    assert address != urlparse(second.endpoints.prometheus).netloc
    answer = httpx.get(f"http://{address}/-/ready")
    assert answer.text == "Prometheus Server is Ready.\n"


def test_kill_leaves_no_process_no_socket_and_no_mount(second: EmbeddedCluster) -> None:
    top = second.status()["pid"]
    family = descendants(top)
    assert len(family) > 10
    os.kill(top, signal.SIGKILL)
    wait_until(lambda: not any(alive(pid) for pid in family), "all processes are gone", seconds=10)
    assert not any(accepts(url) for url in vars(second.endpoints).values())
    assert str(second.directory) not in Path("/proc/self/mountinfo").read_text()
    status = second.command("status", check=False)
    assert status.returncode == 1
    assert "no cluster is up" in status.stderr


STARTER = """
import sys, time
from pathlib import Path
from cluster.client import REPOSITORY, EmbeddedCluster
EmbeddedCluster(Path(sys.argv[1])).up()
print("up", flush=True)
time.sleep(600)
"""


def test_cluster_ends_with_the_process_that_it_is_for_even_if_that_is_killed(tmp_path: Path) -> None:
    command = [sys.executable, "-u", "-c", STARTER, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=REPOSITORY) as starter:
        assert starter.stdout is not None
        assert "up\n" in starter.stdout, "it said no such thing to the end"
        family = descendants(EmbeddedCluster(tmp_path).status()["pid"])
        assert len(family) > 10
        starter.kill()
    wait_until(lambda: not any(alive(pid) for pid in family), "all processes are gone", seconds=10)


def test_a_process_that_does_not_run_cannot_have_a_cluster(tmp_path: Path) -> None:
    refused = EmbeddedCluster(tmp_path).command("up", "--while-pid", str(2**22), check=False)
    assert refused.returncode == 1
    assert "--while-pid 4194304: no such process; give the id of a process that runs" in refused.stderr


def test_cluster_continues_on_old_state_with_fresh_pod_addresses(second: EmbeddedCluster) -> None:
    space = new_namespace(second)
    space.apply(deployment("web", 1, server("web")))
    space.kubectl("rollout", "status", "deployment/web", "--timeout=30s")
    before, endpoints = pod_addresses(second), second.endpoints
    os.kill(second.status()["pid"], signal.SIGKILL)
    wait_until(lambda: second.command("status", check=False).returncode == 1, "it is down")

    second.up("--relay")

    assert second.endpoints == endpoints, "open pages and kubeconfigs stay valid"
    wait_until(lambda: not pod_addresses(second) & before, "no address of before is in use")
    wait_until(lambda: restarts(space.get("pods")["items"]) == [1], "the Pod's container is started again")


def restarts(pods: list[dict[str, Any]]) -> list[int]:
    return [s["restartCount"] for p in pods for s in p["status"].get("containerStatuses", [])]


def test_part_that_dies_is_named_with_its_last_words(second: EmbeddedCluster) -> None:
    parts = {part["name"]: part["pid"] for part in second.status()["parts"]}
    os.kill(parts["kube-scheduler"], signal.SIGKILL)
    said: list[str] = []

    def ended() -> bool:  # until then the status says which parts do not serve
        said[:] = second.command("status", check=False).stderr.splitlines()
        return bool(said) and " ended " in said[0]

    wait_until(ended, "the cluster ends")
    assert "kube-scheduler ended (signal: killed)" in said[0]
    assert str(second.directory / "parts" / "kube-scheduler.log") in said[0]
    log = (second.directory / "parts" / "kube-scheduler.log").read_text().splitlines()
    assert [line.strip() for line in said[1:]] == [line.strip() for line in log[-8:]]


def test_down_twice_and_delete_leave_nothing(tmp_path: Path) -> None:
    one = new_cluster(tmp_path / "state")
    one.up()
    one.down()
    assert "no cluster was up" in one.command("down", "--delete").stdout
    assert not one.directory.exists()


def test_delete_spares_a_folder_that_is_no_clusters(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_text("mine")
    refused = new_cluster(tmp_path).command("down", "--delete", check=False)
    assert refused.returncode == 1
    assert "does not look like a cluster's state folder" in refused.stderr
    assert precious.read_text() == "mine"
