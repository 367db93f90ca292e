"""A real Prometheus server on the loopback address that takes samples of any time."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx

from cluster.toolbox.programs import Programs
from cluster.toolbox.store import Store, cache_folder
from testbed.waiting import wait_until

CONFIGURATION = """\
otlp: {translation_strategy: NoTranslation}
storage: {tsdb: {out_of_order_time_window: 7d}}
"""


class PrometheusServer:
    """A server that is up."""

    def __init__(self, address: str) -> None:
        self.address = address

    def write(
        self, metric: str, labels: Mapping[str, str], samples: Sequence[tuple[float, float | None]]
    ) -> None:
        """Store (time, value) samples of one counter; None is a staleness marker."""
        attributes = [{"key": key, "value": {"stringValue": value}} for key, value in labels.items()]
        points: list[dict[str, Any]] = [
            {
                "attributes": attributes,
                "timeUnixNano": str(round(time * 1e9)),
                "asDouble": value or 0.0,
                "flags": int(value is None),  # "no recorded value"
            }
            for time, value in samples
        ]
        counter = {
            "name": metric,
            "sum": {"aggregationTemporality": 2, "isMonotonic": True, "dataPoints": points},
        }
        body = {"resourceMetrics": [{"resource": {}, "scopeMetrics": [{"metrics": [counter]}]}]}
        httpx.post(f"{self.address}/api/v1/otlp/v1/metrics", json=body).raise_for_status()

    def lose(self, matcher: str) -> None:
        """Delete all samples of some series, as where the data folder was lost."""
        deletion = f"{self.address}/api/v1/admin/tsdb/delete_series"
        httpx.post(deletion, params={"match[]": matcher}).raise_for_status()

    def is_ready(self) -> bool:
        """Whether it answers queries."""
        with contextlib.suppress(httpx.TransportError):
            return httpx.get(f"{self.address}/-/ready").is_success
        return False


@contextlib.contextmanager
def prometheus_server(*flags: str, configuration: str = "") -> Iterator[PrometheusServer]:
    """Run the embedded cluster's Prometheus alone, with further flags and lines of its configuration.

    It is built where it never was.
    """
    program = Programs(Store(cache_folder() / "cluster")).prometheus() / "prometheus"
    with tempfile.TemporaryDirectory(prefix="prometheus-") as name, socket.socket() as probe:
        folder = Path(name)
        (folder / "prometheus.yml").write_text(CONFIGURATION + configuration)
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
        probe.close()
        command: list[str | Path] = [
            program,
            f"--config.file={folder}/prometheus.yml",
            f"--storage.tsdb.path={folder}/data",
        ]
        command += [
            *flags,
            f"--web.listen-address={address}",
            "--web.enable-otlp-receiver",
            "--web.enable-admin-api",
        ]
        with (folder / "log").open("w") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            server = PrometheusServer(f"http://{address}")
            wait_until(server.is_ready, f"Prometheus is ready: {(folder / 'log').read_text()}")
            yield server
        finally:
            process.terminate()
            process.wait()
