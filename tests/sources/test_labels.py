"""Which arm a series belongs to."""

from __future__ import annotations

from typing import Any

import promql_parser
import pytest

from bandit_operator.api.presets import SOFTWARE
from bandit_operator.api.presets.base import ArmLabel
from bandit_operator.api.v1alpha1 import parse
from bandit_operator.sources import Sample, source_of
from bandit_operator.sources.labels import own_label, software_label
from bandit_operator.sources.promql import PART
from bandit_operator.sources.window_query import WindowQuery

TRAEFIK_3_7 = (
    "httproute-models-income-gw-gateway-main-ep-web-0-0a1b2c-svc-models-income-logistic-0@kubernetesgateway"
)
TRAEFIK_3_6 = "models-income-logistic-80@kubernetesgateway"


def traefik_label(resource: Any) -> ArmLabel:
    return software_label(SOFTWARE["Traefik"], resource)


def test_the_models_own_counters_are_told_apart_by_the_arm_label(manifest: dict[str, Any]) -> None:
    manifest["spec"]["reward"]["prometheus"]["armLabel"] = "version"
    label = own_label(parse(manifest))
    assert label.name == "version"
    assert [label.arm_of(value) for value in ("logistic", "boosting", "forest")] == [
        "logistic",
        "boosting",
        None,
    ]


def test_a_label_value_says_which_series_are_an_arms(manifest: dict[str, Any]) -> None:
    manifest["spec"]["arms"][0]["labelValue"] = "v1.2+(beta) \\d"
    manifest["spec"]["arms"][1]["labelValue"] = 'Modèle "A"'
    label = own_label(parse(manifest))
    values = ("v1.2+(beta) \\d", "v1x2+(beta) \\d", 'Modèle "A"', "logistic", "boosting")
    assert [label.arm_of(value) for value in values] == ["logistic", None, "boosting", None, None]
    promql_parser.parse(f'answers_total{{{label.name}=~"{label.any_arm}"}}')


def test_the_pattern_of_all_arms_can_stand_in_promql(manifest: dict[str, Any]) -> None:
    label = traefik_label(parse(manifest))
    promql_parser.parse(f'traefik_service_requests_total{{{label.name}=~"{label.any_arm}"}}')


@pytest.mark.parametrize("service", [TRAEFIK_3_7, TRAEFIK_3_6])
def test_traefiks_name_of_a_backend_is_traced_to_its_arm(manifest: dict[str, Any], service: Any) -> None:
    label = traefik_label(parse(manifest))
    assert label.arm_of(service) == "logistic"


@pytest.mark.parametrize(
    ("software", "value"),
    [
        ("Traefik", TRAEFIK_3_7.replace("income-logistic", "income-shadow")),
        ("Istio", "income-shadow.models.svc.cluster.local"),
    ],
)
def test_the_service_that_requests_are_mirrored_to_belongs_to_no_arm(
    manifest: dict[str, Any], software: str, value: str
) -> None:
    label = software_label(SOFTWARE[software], parse(manifest))
    assert label.arm_of(value) is None
    assert label.arm_of(value.replace("income-shadow", "income-logistic")) == "logistic"


@pytest.mark.parametrize(
    "service",
    [
        TRAEFIK_3_7.replace("models-income-gw", "models-other-gw"),
        TRAEFIK_3_7.replace("income-logistic", "income-logistic-next"),
        TRAEFIK_3_6.replace("models-", "other-"),
        TRAEFIK_3_6.replace("kubernetesgateway", "file"),
    ],
    ids=["another-route", "a-longer-name", "another-namespace", "another-provider"],
)
def test_a_strangers_backend_belongs_to_no_arm(manifest: dict[str, Any], service: Any) -> None:
    label = traefik_label(parse(manifest))
    assert label.arm_of(service) is None


def test_a_dot_in_a_name_is_a_hyphen_in_traefiks(manifest: dict[str, Any]) -> None:
    manifest["spec"]["arms"][0]["backendRef"]["name"] = "income.v2--x"
    assert traefik_label(parse(manifest)).arm_of("models-income-v2-x-80@kubernetesgateway") == "logistic"


@pytest.mark.parametrize(("name", "written"), [("arm", "(arm)"), ("service.name", '("service.name")')])
def test_a_label_is_quoted_where_promql_needs_it(manifest: dict[str, Any], name: str, written: str) -> None:
    manifest["spec"]["reward"]["prometheus"]["armLabel"] = name
    resource = parse(manifest)
    query = WindowQuery(source_of(resource).counters(resource), (), 1000.0, 1030.0).promql()
    promql_parser.parse(query)
    assert f"sum by {written} " in query
    assert f"count by {written} " in query


def test_a_model_servers_label_is_quoted_in_selectors_too(manifest: dict[str, Any]) -> None:
    manifest["spec"]["reward"] = {
        "prometheus": {"preset": "ServerSuccess", "implementation": "Triton", "armLabel": "service.name"}
    }
    resource = parse(manifest)
    for counter in source_of(resource).counters(resource):
        assert '{"service.name"=~"logistic|boosting"}' in counter.selector
        promql_parser.parse(counter.selector)


def test_the_answer_is_read_by_the_name_without_quotes(manifest: dict[str, Any]) -> None:
    manifest["spec"]["reward"]["prometheus"]["armLabel"] = "service.name"
    resource = parse(manifest)
    query = WindowQuery(source_of(resource).counters(resource), (), 1000.0, 1030.0)
    sample = Sample({PART: "trials", "service.name": "logistic"}, 5.0)
    assert query.values([sample])["trials"] == {"logistic": 5.0}
