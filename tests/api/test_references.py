from __future__ import annotations

import promql_parser
import pytest
from bandit_operator.api.references import (
    BackendKey,
    Counters,
    Queries,
    RouteReference,
    ScaleTarget,
    backends_of,
    requests_of,
    route_of,
    scale_targets_of,
    source_of,
)
from bandit_operator.api.v1alpha1 import parse

TRAEFIK_3_7 = (
    "httproute-models-income-gw-gateway-main-ep-web-0-0a1b2c-svc-models-income-logistic-0@kubernetesgateway"
)
TRAEFIK_3_6 = "models-income-logistic-80@kubernetesgateway"


def test_the_route_is_in_the_resources_own_namespace(manifest):
    expected = RouteReference("gateway.networking.k8s.io", "HTTPRoute", "models", "income", "predict")
    assert route_of(parse(manifest)) == expected


def test_a_rule_that_is_not_named_is_none(smallest):
    assert route_of(parse(smallest)).section is None


def test_backends_are_services_of_that_namespace_unless_said(manifest):
    manifest["spec"]["arms"][1]["backendRef"]["namespace"] = "shared"
    assert backends_of(parse(manifest)) == {
        "logistic": BackendKey("", "Service", "models", "income-logistic"),
        "boosting": BackendKey("inference.networking.k8s.io", "InferencePool", "shared", "income-boosting"),
    }


def test_an_arm_without_a_scale_target_has_none(manifest):
    del manifest["spec"]["arms"][0]["scaleTargetRef"]
    assert scale_targets_of(parse(manifest)) == {
        "boosting": ScaleTarget("apps", "v1", "StatefulSet", "models", "income-boosting")
    }


def test_a_scale_target_of_the_core_group_has_no_group(manifest):
    manifest["spec"]["arms"][0]["scaleTargetRef"] = {
        "apiVersion": "v1",
        "kind": "ReplicationController",
        "name": "a",
    }
    assert scale_targets_of(parse(manifest))["logistic"] == ScaleTarget(
        "", "v1", "ReplicationController", "models", "a"
    )


def test_counters_are_told_apart_by_the_arm_label(manifest):
    source = source_of(parse(manifest))
    assert source.address == "http://prometheus.monitoring:9090"
    assert source.settle == 30.0
    assert source.reader == Counters(
        successes='model_reward_successes_total{route="income"}',
        trials='model_reward_trials_total{route="income"}',
    )
    assert [source.label.arm_of(value) for value in ("logistic", "boosting", "forest")] == [
        "logistic",
        "boosting",
        None,
    ]


@pytest.mark.parametrize(("seconds", "window"), [(30.0, "30s"), (0.5, "500ms"), (86400.0, "86400s")])
def test_a_query_gets_the_length_of_the_window(with_prometheus, seconds, window):
    manifest = with_prometheus(
        query="avg_over_time(a[$window])", samples="sum by (arm) (increase(b[$window]))"
    )
    reader = source_of(parse(manifest)).reader
    assert isinstance(reader, Queries)
    ready = reader.for_window(seconds)
    assert ready == Queries(f"avg_over_time(a[{window}])", f"sum by (arm) (increase(b[{window}]))")
    promql_parser.parse(ready.mean)


def test_the_preset_counts_requests_without_5xx_by_traefiks_counter(with_prometheus):
    source = source_of(parse(with_prometheus(preset="GatewaySuccess")))
    assert isinstance(source.reader, Counters)
    assert source.label.name == "service"
    assert source.reader.successes.startswith('traefik_service_requests_total{service=~"')
    assert source.reader.successes.endswith('",code!~"5.."}')
    for selector in (source.reader.successes, source.reader.trials):
        promql_parser.parse(selector)


@pytest.mark.parametrize("service", [TRAEFIK_3_7, TRAEFIK_3_6])
def test_traefiks_name_of_a_backend_is_traced_to_its_arm(with_prometheus, service):
    label = source_of(parse(with_prometheus(preset="GatewaySuccess"))).label
    assert label.arm_of(service) == "logistic"


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
def test_a_strangers_backend_belongs_to_no_arm(with_prometheus, service):
    label = source_of(parse(with_prometheus(preset="GatewaySuccess"))).label
    assert label.arm_of(service) is None


def test_a_dot_in_a_name_is_a_hyphen_in_traefiks(with_prometheus):
    manifest = with_prometheus(preset="GatewaySuccess")
    manifest["spec"]["arms"][0]["backendRef"]["name"] = "income.v2--x"
    assert source_of(parse(manifest)).label.arm_of("models-income-v2-x-80@kubernetesgateway") == "logistic"


def test_requests_counted_by_traefik_are_told_apart_by_service(manifest):
    counter = requests_of(parse(manifest))
    assert counter is not None
    assert (counter.selector, counter.label.name) == ("traefik_service_requests_total", "service")


def test_requests_counted_by_others_are_told_apart_by_the_arm_label(manifest):
    manifest["spec"]["rollback"]["requests"] = 'model_requests_total{route="income"}'
    counter = requests_of(parse(manifest))
    assert counter is not None
    assert (counter.label.name, counter.label.arm_of("boosting")) == ("arm", "boosting")


def test_requests_are_not_counted_unless_asked_for(smallest):
    assert requests_of(parse(smallest)) is None
