"""A cluster for the demo, tests and benchmarks: the embedded one, or another that the environment names.

``CLUSTER=kind`` takes the one of ``kind``; ``KUBECONFIG`` alone takes whatever that
file leads to; otherwise an embedded cluster is started, and ended afterwards.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import httpx

REPOSITORY = Path(__file__).parents[1]
PORT_SECONDS = 30
"""Longest that a port-forward may take to listen."""


class ClusterError(Exception):
    """A program that works on the cluster failed; the text has the command and what it said."""


@cache
def tools(*optional: str) -> Path:
    """Return the folder with ``bin/cluster``, ``bin/helm`` and the others; builds what is missing.

    Args:
        optional: Programs that are built only on demand and must be there, too, such as ``vegeta``.
    """
    build = [sys.executable, str(REPOSITORY / "cluster" / "build.py")]
    if optional:
        build += ["--with", *optional]
    return Path(subprocess.run(build, stdout=subprocess.PIPE, text=True, check=True).stdout.strip())


@dataclass(frozen=True)
class Endpoints:
    """URLs on this machine."""

    api: str
    gateway: str
    prometheus: str


POD_NAME = "authentication.kubernetes.io/pod-name"
"""Where the audit log has the Pod that a token is bound to."""


@dataclass(frozen=True)
class Request:
    """One finished request to the API server, or one watch that was opened."""

    time: datetime
    user: str
    verb: str
    resource: str
    subresource: str
    namespace: str
    name: str
    code: int
    pod: str
    """Pod whose token was used, empty for other users."""


class Cluster:
    """A cluster that is up."""

    def __init__(self, kubeconfig: Path, endpoints: Endpoints) -> None:
        self.kubeconfig = kubeconfig
        self.endpoints = endpoints
        # Below the home folder it would outlive the cluster and mislead another on the same port.
        self._cache = kubeconfig.parent / "kubectl-cache"

    def run(
        self, program: str, *arguments: str, stdin: str | None = None, check: bool = True
    ) -> subprocess.CompletedProcess[str]:
        """Run a program of the tools folder against this cluster, such as ``helm``, for two minutes at most.

        Raises:
            ClusterError: With its output, where ``check`` is set and it fails.
        """
        done = subprocess.run(
            [str(tools() / "bin" / program), *arguments],
            env={**os.environ, "KUBECONFIG": str(self.kubeconfig), "KUBECACHEDIR": str(self._cache)},
            input=stdin, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        if check and done.returncode != 0:
            raise ClusterError(f"{program} {' '.join(arguments)}: {done.stdout}{done.stderr}")
        return done

    def kubectl(self, *arguments: str, stdin: str | None = None) -> str:
        """Return the output of kubectl."""
        return self.run("cluster", "kubectl", *arguments, stdin=stdin).stdout

    def kubectl_fails(self, *arguments: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        """Return the exit code and output of a kubectl that must fail."""
        done = self.run("cluster", "kubectl", *arguments, stdin=stdin, check=False)
        if done.returncode == 0:
            raise ClusterError(f"kubectl {' '.join(arguments)} was to fail and succeeded: {done.stdout}")
        return done

    def apply(self, *objects: dict[str, Any]) -> None:
        """Apply objects at once."""
        listed = {"apiVersion": "v1", "kind": "List", "items": objects}
        self.kubectl("apply", "--server-side", "-f", "-", stdin=json.dumps(listed))

    def get(self, *arguments: str) -> dict[str, Any]:
        """Return the JSON of ``kubectl get``."""
        answer: dict[str, Any] = json.loads(self.kubectl("get", "-o", "json", *arguments))
        return answer

    def namespace(self, name: str) -> Namespace:
        """Return this cluster as seen from one namespace."""
        return Namespace(self, name)

    def query(self, promql: str) -> list[tuple[dict[str, str], float]]:
        """Return the labels and values of an instant query."""
        return [(one["metric"], float(one["value"][1])) for one in self._ask(query=promql)]

    def range_vector(
        self, selector: str, at: float
    ) -> list[tuple[dict[str, str], list[tuple[float, float]]]]:
        """Return the labels and (time, value) samples of a range selector at a time since 1970."""
        series = self._ask(query=selector, time=str(at))
        return [(one["metric"], [(float(t), float(v)) for t, v in one["values"]]) for one in series]

    def _ask(self, **parameters: str) -> list[dict[str, Any]]:
        answer = httpx.get(f"{self.endpoints.prometheus}/api/v1/query", params=parameters, timeout=10)
        answer.raise_for_status()
        result: list[dict[str, Any]] = answer.json()["data"]["result"]
        return result


class Namespace(Cluster):
    """A cluster whose kubectl works in one namespace."""

    def __init__(self, cluster: Cluster, name: str) -> None:
        super().__init__(cluster.kubeconfig, cluster.endpoints)
        self.name = name

    def run(
        self, program: str, *arguments: str, stdin: str | None = None, check: bool = True
    ) -> subprocess.CompletedProcess[str]:
        """Run a program of the tools folder against this namespace."""
        first, *others = arguments
        # The cluster program's own first word is the name of the program it is to be.
        words = (first, "--namespace", self.name, *others) if program == "cluster" else (
            "--namespace", self.name, *arguments)  # fmt: skip
        return super().run(program, *words, stdin=stdin, check=check)


class EmbeddedCluster(Cluster):
    """The project's own cluster, in a folder."""

    def __init__(self, directory: Path, images: dict[str, dict[str, Any]] | None = None) -> None:
        self.directory = directory
        self._images = images or {}
        super().__init__(directory / "kubeconfig", Endpoints("", "", ""))

    def command(self, verb: str, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a verb of the cluster program on this cluster's folder."""
        return self.run("cluster", verb, "--dir", str(self.directory), *arguments, check=check)

    def add_image(self, name: str, image: dict[str, Any]) -> None:
        """Say what an image name means, also while the cluster is up."""
        self._images[name] = image
        self.directory.mkdir(parents=True, exist_ok=True)
        (self.directory / "images.json").write_text(json.dumps(self._images))

    def image(self, name: str) -> dict[str, Any]:
        """Return what an image name means."""
        return self._images[name]

    def up(self, *arguments: str, keep: bool = False) -> None:
        """Start, or continue with the state of an earlier run; ``--fresh`` deletes that first.

        It ends with this process at the latest, also when that is killed, unless ``keep`` is set.
        """
        for name, image in self._images.items():
            self.add_image(name, image)
        lasting = [] if keep else ["--while-pid", str(os.getpid())]
        self.command("up", "--detach", *lasting, *arguments)
        self.endpoints = Endpoints(**json.loads((self.directory / "endpoints.json").read_text()))

    def down(self) -> None:
        """End it; its state stays."""
        self.command("down")

    def status(self) -> dict[str, Any]:
        """Return the JSON of ``cluster status``: ready, pid, endpoints, parts.

        Raises:
            ClusterError: It is not up, or something does not serve, which the text names.
        """
        status: dict[str, Any] = json.loads(self.command("status", "--json").stdout)
        return status

    def requests(self) -> Iterator[Request]:
        """Yield what the audit log has: every user but the parts of the cluster itself."""
        with (self.directory / "audit.log").open() as log:
            for line in log:
                event = json.loads(line)
                # Of a watch that is still open there is no other stage.
                if event["stage"] != ("ResponseStarted" if event["verb"] == "watch" else "ResponseComplete"):
                    continue
                what = event.get("objectRef", {})
                fields = {key: what.get(key, "") for key in ("resource", "subresource", "namespace", "name")}
                yield Request(
                    time=datetime.fromisoformat(event["requestReceivedTimestamp"]),
                    user=event["user"]["username"],
                    verb=event["verb"],
                    code=event["responseStatus"]["code"],
                    pod=next(iter(event["user"].get("extra", {}).get(POD_NAME, ())), ""),
                    **fields,
                )

    def count_requests(self, user: str) -> Counter[tuple[str, str]]:
        """Return how often a user did what, by verb and ``resource`` or ``resource/subresource``."""
        return Counter(
            (r.verb, f"{r.resource}/{r.subresource}" if r.subresource else r.resource)
            for r in self.requests() if r.user == user
        )  # fmt: skip


@contextmanager
def cluster(directory: Path, images: dict[str, dict[str, Any]] | None = None) -> Iterator[Cluster]:
    """Give the cluster that the environment names, or an embedded one.

    Args:
        directory: Folder for the state of an embedded one.
        images: What image names mean in an embedded cluster; others must have them.
    """
    with ExitStack() as stack:
        if kubeconfig := _other_kubeconfig(directory):
            yield stack.enter_context(_other_cluster(kubeconfig))
            return
        embedded = EmbeddedCluster(directory, images)
        stack.callback(embedded.down)
        embedded.up()
        yield embedded


def other_named() -> bool:
    """Whether the environment names a cluster, so that no embedded one is started."""
    return os.environ.get("CLUSTER") == "kind" or bool(os.environ.get("KUBECONFIG"))


def _other_kubeconfig(directory: Path) -> Path | None:
    if os.environ.get("CLUSTER") == "kind":
        kind = subprocess.run(["kind", "get", "kubeconfig"], stdout=subprocess.PIPE, text=True, check=True)
        directory.mkdir(parents=True, exist_ok=True)
        file = directory / "kubeconfig"
        file.touch(mode=0o600)
        file.write_text(kind.stdout)
        return file
    named = os.environ.get("KUBECONFIG")
    return Path(named).absolute() if named else None


@contextmanager
def _other_cluster(kubeconfig: Path) -> Iterator[Cluster]:
    """Reach a cluster's gateway and Prometheus as ``kubectl port-forward`` does."""
    with ExitStack() as stack:
        gateway = stack.enter_context(port_forward(kubeconfig, "gateway", "traefik", 80))
        prometheus = stack.enter_context(port_forward(kubeconfig, "monitoring", "prometheus", 9090))
        yield Cluster(kubeconfig, Endpoints("", gateway, prometheus))


@contextmanager
def port_forward(kubeconfig: Path, namespace: str, service: str, port: int) -> Iterator[str]:
    """Give the URL on this machine of a port of a Service."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        local = free.getsockname()[1]
    kubectl = [str(tools() / "bin" / "cluster"), "kubectl", "--kubeconfig", str(kubeconfig), "-n", namespace]
    command = [*kubectl, "port-forward", f"service/{service}", f"{local}:{port}"]
    forward = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        _await_port(local, f"port-forward to {service}.{namespace}", forward)
        yield f"http://127.0.0.1:{local}"
    finally:
        forward.terminate()
        forward.wait(timeout=10)


def _await_port(port: int, what: str, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + PORT_SECONDS
    while True:
        with socket.socket() as client:
            if client.connect_ex(("127.0.0.1", port)) == 0:
                return
        if process.poll() is not None or time.monotonic() > end:
            raise ClusterError(f"{what} does not answer; does the cluster have this Service?")
        time.sleep(0.05)
