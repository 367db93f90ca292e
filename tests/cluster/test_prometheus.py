from __future__ import annotations

import pytest

from cluster.client import Namespace
from testbed.waiting import wait_until

from .objects import deployment, server

pytestmark = pytest.mark.cluster


def annotated(name: str, **more: str) -> dict[str, object]:
    return deployment(name, 1, server(name), **{"prometheus.io/scrape": "true"}, **more)


def test_annotated_pods_are_scraped_and_labelled(space: Namespace) -> None:
    space.apply(
        annotated("declared"),
        annotated("port", **{"prometheus.io/port": "8000"}),
        annotated("path", **{"prometheus.io/path": "/nothing"}),
        deployment("silent", 1, server("silent")),
    )
    query = f'server_answers{{namespace="{space.name}"}}'
    wait_until(lambda: {m["app"] for m, _ in space.query(query)} == {"declared", "port"}, "metrics of two")
    for labels, value in space.query(query):
        assert value == 42
        assert labels["pod"].startswith(labels["app"])
        assert labels["job"] == "pods"
    # The one with another path is asked there, where the answer is no metric.
    up = f'up{{namespace="{space.name}"}}'
    targets = {"declared", "port", "path"}
    wait_until(lambda: {m["app"] for m, _ in space.query(up)} == targets, f"targets {targets}")


def test_samples_are_a_second_apart(space: Namespace) -> None:
    space.apply(annotated("web"))
    query = f'count_over_time(server_answers{{namespace="{space.name}"}}[5s])'
    wait_until(lambda: any(v >= 4 for _, v in space.query(query)), "a sample each second")


def test_cpu_and_memory_of_containers_are_known(space: Namespace) -> None:
    space.apply(deployment("web", 1, server("web")))

    def value(metric: str) -> float:
        found = space.query(f'{metric}{{namespace="{space.name}",container="server"}}')
        return sum(v for _, v in found)

    wait_until(lambda: 1e6 < value("container_memory_working_set_bytes") < 1e9, "memory of a Python process")
    wait_until(lambda: 0 < value("container_cpu_usage_seconds_total") < 30, "its CPU time")
