"""What a user sees of the resource through kubectl."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from bandit_operator.api.crd import crd, schema
from bandit_operator.api.record import RecordedArm, RecordedStatus, packed, unpacked
from bandit_operator.api.status import Condition, Phase
from cluster.client import Namespace

pytestmark = pytest.mark.cluster
NOW = "2026-03-01T12:00:00Z"


def objects(node: dict[str, Any], path: str = "bd") -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the path and the properties of every object in the schema that has some."""
    node = node.get("items") or (node.get("additionalProperties") or node)
    if "properties" in node:
        yield path, node["properties"]
        for name, child in node["properties"].items():
            if name != "metadata":
                yield from objects(child, f"{path}.{name}")


def words(text: str) -> str:
    """Return the text without line breaks and indents, which kubectl sets again."""
    return " ".join(text.split())


OBJECTS = dict(objects(schema()))


@pytest.mark.parametrize("path", OBJECTS)
def test_kubectl_explain_tells_what_every_field_is_for(api: Namespace, path: Any) -> None:
    told = words(api.kubectl("explain", path, "--api-version=bandit-operator.dev/v1alpha1"))
    for name, field in OBJECTS[path].items():
        if name in ("apiVersion", "kind", "metadata"):
            continue  # these have texts of Kubernetes' own
        assert words(field["description"]) in told, name


@pytest.fixture(scope="module")
def running(api: Namespace, good: dict[str, Any]) -> str:
    """Return the name of a resource with a status as the operator writes it."""
    api.kubectl(
        "apply", "--server-side", "-f", "-", stdin=json.dumps({**good, "metadata": {"name": "running"}})
    )
    condition = {"observed_generation": 1, "last_transition_time": NOW, "message": "All is well."}
    status = RecordedStatus(
        observed_generation=1,
        phase=Phase.LEARNING,
        leader="boosting",
        leader_share="92.5%",
        certainty="96.0%",
        last_act=NOW,
        conditions=[Condition(type="Ready", status="True", reason="Learning", **condition)],
        arms=[
            RecordedArm(name="logistic", weight=750, template="v1", trials="1000", mean="0.41"),
            RecordedArm(name="boosting", weight=9250, trials="9000", mean="0.47"),
        ],
        memory={"version": 1, "state": {"alpha": [0.5, 1e-9]}},
        cursor=NOW,
    )
    patch = {"status": packed(status.model_dump(by_alias=True, exclude_none=True, mode="json"))}
    api.kubectl("patch", "bd", "running", "--subresource=status", "--type=merge", "-p", json.dumps(patch))
    return "running"


def test_kubectl_get_answers_who_is_winning_since_when_and_whether_it_is_safe(
    api: Namespace, running: str
) -> None:
    header, row = api.kubectl("get", "bd", running).splitlines()
    columns = ["NAME", "PHASE", "LEADER", "SHARE", "CERTAINTY", "READY", "REASON", "ACTED", "AGE"]
    assert header.split() == columns
    assert row.split()[:7] == ["running", "Learning", "boosting", "92.5%", "96.0%", "True", "Learning"]


def test_kubectl_get_wide_adds_the_strategy(api: Namespace, running: str) -> None:
    header, row = api.kubectl("get", "bd", running, "-o", "wide").splitlines()
    assert "STRATEGY" in header.split()
    assert "Thompson" in row.split()


def test_kubectl_wait_sees_the_ready_condition(api: Namespace, running: str) -> None:
    api.kubectl("wait", "bd", running, "--for=condition=Ready", "--timeout=5s")


def test_resources_are_found_by_their_route(api: Namespace, running: str) -> None:
    found = api.kubectl("get", "bd", "--field-selector", "spec.traffic.routeRef.name=income", "-o", "name")
    assert f"banditdeployment.bandit-operator.dev/{running}" in found.splitlines()
    none = api.kubectl("get", "bd", "--field-selector", "spec.traffic.routeRef.name=other", "-o", "name")
    assert none == ""


def test_kubectl_get_all_lists_the_resource(api: Namespace, running: str) -> None:
    assert f"banditdeployment.bandit-operator.dev/{running}" in api.kubectl("get", "all", "-o", "name")


def test_a_status_comes_back_as_it_was_written(api: Namespace, running: str) -> None:
    stored = json.loads(api.kubectl("get", "bd", running, "-o", "json"))["status"]
    read = RecordedStatus.model_validate(unpacked(stored))
    assert read.memory == {"version": 1, "state": {"alpha": [0.5, 1e-9]}}
    assert read.arms is not None
    assert [(arm.weight, arm.template) for arm in read.arms] == [(750, "v1"), (9250, None)]


def test_what_the_operator_remembers_is_one_line_of_describe(api: Namespace, running: str) -> None:
    lines = api.kubectl("describe", "bd", running).splitlines()
    assert sum(line.strip().startswith("Record:") for line in lines) == 1
    assert not any("Memory" in line for line in lines)


def test_a_change_of_the_status_leaves_the_generation_alone(api: Namespace, running: str) -> None:
    before = api.kubectl("get", "bd", running, "-o", "jsonpath={.metadata.generation}")
    api.kubectl(
        "patch",
        "bd",
        running,
        "--subresource=status",
        "--type=merge",
        "-p",
        '{"status": {"leader": "logistic"}}',
    )
    assert api.kubectl("get", "bd", running, "-o", "jsonpath={.metadata.generation}") == before


def test_another_manager_can_add_an_arm_by_server_side_apply(api: Namespace, good: dict[str, Any]) -> None:
    name = "shared"
    api.kubectl("apply", "--server-side", "-f", "-", stdin=json.dumps({**good, "metadata": {"name": name}}))
    arm = {"name": "forest", "backendRef": {"name": "income-forest"}}
    more = {key: good[key] for key in ("apiVersion", "kind")}
    more |= {"metadata": {"name": name}, "spec": {"arms": [arm]}}
    api.kubectl(
        "apply",
        "--server-side",
        "--field-manager=other",
        "--validate=false",
        "-f",
        "-",
        stdin=json.dumps(more),
    )
    arms = api.kubectl("get", "bd", name, "-o", "jsonpath={.spec.arms[*].name}")
    assert arms.split() == ["logistic", "boosting", "forest"]


def test_the_short_name_is_bd() -> None:
    assert crd()["spec"]["names"]["shortNames"] == ["bd"]
    assert re.fullmatch("[a-z]+", crd()["spec"]["names"]["plural"])
