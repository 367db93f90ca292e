from __future__ import annotations

from typing import Any

from bandit_operator.api.references import (
    ScaleTargetReference,
    backends_of,
    identity_of,
    route_of,
    scale_targets_of,
)
from bandit_operator.api.v1alpha1 import parse
from bandit_operator.core.model import Backend
from bandit_operator.routers import RouteReference


def test_the_route_is_in_the_resources_own_namespace(manifest: dict[str, Any]) -> None:
    expected = RouteReference("gateway.networking.k8s.io", "HTTPRoute", "models", "income", "predict")
    assert route_of(parse(manifest)) == expected


def test_a_rule_that_is_not_named_is_none(smallest: dict[str, Any]) -> None:
    assert route_of(parse(smallest)).section is None


def test_backends_are_services_of_that_namespace_unless_said(manifest: dict[str, Any]) -> None:
    manifest["spec"]["arms"][1]["backendRef"]["namespace"] = "shared"
    assert backends_of(parse(manifest)) == {
        "logistic": Backend("", "Service", "models", "income-logistic"),
        "boosting": Backend("inference.networking.k8s.io", "InferencePool", "shared", "income-boosting"),
    }


def test_an_arm_without_a_scale_target_has_none(manifest: dict[str, Any]) -> None:
    del manifest["spec"]["arms"][0]["scaleTargetRef"]
    assert scale_targets_of(parse(manifest)) == {
        "boosting": ScaleTargetReference("apps", "v1", "StatefulSet", "models", "income-boosting")
    }


def test_a_scale_target_of_the_core_group_has_no_group(manifest: dict[str, Any]) -> None:
    manifest["spec"]["arms"][0]["scaleTargetRef"] = {
        "apiVersion": "v1",
        "kind": "ReplicationController",
        "name": "a",
    }
    assert scale_targets_of(parse(manifest))["logistic"] == ScaleTargetReference(
        "", "v1", "ReplicationController", "models", "a"
    )


def test_what_an_arms_evidence_is_about_changes_with_what_its_series_are_called(
    manifest: dict[str, Any],
) -> None:
    def identity() -> str:
        resource = parse(manifest)
        return identity_of(resource, "logistic", backends_of(resource)["logistic"], None)

    seen = {identity()}
    manifest["spec"]["arms"][1]["labelValue"] = "v1"  # of the other arm
    assert identity() in seen
    for value in ("v1.2.0", "v1.3.0"):
        manifest["spec"]["arms"][0]["labelValue"] = value
        assert identity() not in seen
        seen.add(identity())
    manifest["spec"]["reward"]["prometheus"]["armLabel"] = "service.name"
    assert identity() not in seen
