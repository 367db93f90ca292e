from __future__ import annotations

from collections import Counter
from functools import partial

import httpx
import pytest

from cluster.client import Namespace
from testbed.waiting import wait_until

from .objects import deployment, route, server, service

pytestmark = pytest.mark.cluster


def serve_two_arms(space: Namespace) -> None:
    for name in "many", "few":
        space.apply(deployment(name, 1, server(name)), service(name))
    for name in "many", "few":
        space.kubectl("rollout", "status", f"deployment/{name}", "--timeout=30s")


def test_requests_are_split_exactly_by_weight(space: Namespace) -> None:
    serve_two_arms(space)
    space.apply(route("HTTPRoute", space.name, {"many": 900_000, "few": 100_000}))
    # Any change of any route starts all rounds again, also the removal of other tests' routes.
    wait_until(lambda: len(space.get("httproutes", "-A")["items"]) == 1, "no other route is left")
    with httpx.Client(base_url=space.endpoints.gateway, headers={"Host": f"{space.name}.test"}) as client:
        wait_until(lambda: client.get("/").status_code == 200, "the route is in force")
        answers = Counter(client.get("/").text for _ in range(2001))
    assert answers["many"] + answers["few"] == 2001
    assert abs(answers["many"] - 1801) <= 1, "nine of each ten in turn, wherever in a round the count starts"


def answers(client: httpx.Client, name: str) -> bool:
    """Whether the next request is answered by an arm."""
    return client.get("/").text == name


def test_changed_weights_are_in_force_within_seconds(space: Namespace) -> None:
    serve_two_arms(space)
    space.apply(route("HTTPRoute", space.name, {"many": 1, "few": 0}))
    with httpx.Client(base_url=space.endpoints.gateway, headers={"Host": f"{space.name}.test"}) as client:
        wait_until(lambda: client.get("/").text == "many", "the first weights are in force")
        for name in "few", "many", "few":
            weights = {"many": 0, "few": 0} | {name: 1}
            space.apply(route("HTTPRoute", space.name, weights))
            wait_until(partial(answers, client, name), f"weights of {name}", seconds=5)


@pytest.mark.parametrize("kind", ["HTTPRoute", "GRPCRoute"])
def test_route_is_accepted_and_its_backends_resolved(space: Namespace, kind: str) -> None:
    serve_two_arms(space)
    space.apply(route(kind, space.name, {"many": 9, "few": 1}))

    def conditions() -> dict[str, str]:
        parents = space.get(kind, space.name).get("status", {}).get("parents", [])
        return {c["type"]: c["status"] for p in parents for c in p["conditions"]}

    wanted = {"Accepted": "True", "ResolvedRefs": "True"}
    wait_until(lambda: conditions() == wanted, f"a {kind} with conditions {wanted}")


def test_request_metrics_name_the_service(space: Namespace) -> None:
    serve_two_arms(space)
    space.apply(route("HTTPRoute", space.name, {"many": 1, "few": 1}))
    with httpx.Client(base_url=space.endpoints.gateway, headers={"Host": f"{space.name}.test"}) as client:
        for name in "many", "few":
            wait_until(partial(answers, client, name), f"{name} gets a request")
    query = f'sum by (service) (traefik_service_requests_total{{service=~"httproute-{space.name}-.*"}})'

    def services() -> set[str]:
        return {name for labels, _ in space.query(query) for name in ("many", "few")
                if f"-svc-{space.name}-{name}-" in labels["service"]}  # fmt: skip

    wait_until(lambda: services() == {"many", "few"}, "Prometheus has requests of both")
