"""Presets: what they ask, and what they make of metrics in the form of each software."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import promql_parser
import pytest
from prometheus_client.parser import text_string_to_metric_families
from promql_parser import MatchOp

from bandit_operator.api.presets import SOFTWARE, Preset
from bandit_operator.api.presets.base import NotOffered
from bandit_operator.api.v1alpha1 import BanditDeployment, parse
from bandit_operator.core.model import NoData, Observed
from bandit_operator.routers import Located
from bandit_operator.sources import PRESETS, source_of
from bandit_operator.sources.base import Counter
from bandit_operator.sources.window_query import WindowQuery
from tests.sources import presets_page
from tests.support.golden import agrees

ByPreset = Callable[..., BanditDeployment]

HERE = Path(__file__).parent
LOCATED = Located(rule=1, positions={"logistic": 0, "boosting": 1}, weights={}, other_weights={})
"""The arms are the two backends of the second rule."""
FAST = {"logistic": Observed(100, 90), "boosting": Observed(50, 33)}
"""Within 250 or 300 ms: all failures, which do not count, and all answers but seven."""
SUCCESSFUL = {"logistic": Observed(100, 97), "boosting": Observed(50, 40)}
CASES = [pytest.param(*key, id="-".join(key)) for key in PRESETS]


@pytest.fixture
def preset(manifest: dict[str, Any]) -> ByPreset:
    """A resource that reads rewards by a preset."""

    def make(name: str, implementation: str | None = None, **more: str) -> Any:
        reward = {"preset": name, **more}
        if implementation is not None:
            reward["implementation"] = implementation
        if name.endswith("Latency"):
            without_300 = ("Istio", "MLServer")  # among the bounds of their histograms
            reward.setdefault("latencyTarget", "250ms" if implementation in without_300 else "300ms")
        manifest["spec"]["reward"] = {"prometheus": reward}
        return parse(manifest)

    return make


def samples(implementation: str) -> Iterator[tuple[str, Mapping[str, str], float]]:
    """Name, labels and value of every sample that Prometheus would have."""
    text = presets_page.exposition(implementation).read_text()
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            yield sample.name, sample.labels, sample.value


def parsed(counter: Counter) -> promql_parser.VectorSelector:
    selector = promql_parser.parse(counter.selector)
    assert isinstance(selector, promql_parser.VectorSelector)
    return selector


def matches(matcher: Any, labels: Mapping[str, str]) -> bool:
    value = labels.get(matcher.name, "")
    if matcher.op in (MatchOp.Re, MatchOp.NotRe):
        return (re.fullmatch(matcher.value, value) is not None) is bool(matcher.op == MatchOp.Re)
    return bool(value == matcher.value) is bool(matcher.op == MatchOp.Equal)


def counted(counter: Counter, implementation: str) -> dict[str, float]:
    """What a counter's selector finds, summed by arm, for counters that began in the window."""
    selector = parsed(counter)
    found: dict[str, float] = {}
    for name, labels, value in samples(implementation):
        if name == selector.name and all(matches(one, labels) for one in selector.matchers.matchers):
            arm = counter.label.arm_of(labels.get(counter.label.name, ""))
            assert arm is not None, f"{counter.selector} finds a stranger: {labels}"
            found[arm] = found.get(arm, 0.0) + value
    return found


def outcomes(resource: Any, implementation: str, without: str = "") -> dict[str, Any]:
    source = source_of(resource)
    values = {
        one.part: {} if one.part == without else counted(one, implementation)
        for one in source.counters(resource, LOCATED)
    }
    return source.readings(resource, values)


def test_the_registry_is_sorted_by_the_names_that_software_gives_itself() -> None:
    assert list(SOFTWARE) == sorted(SOFTWARE)
    assert list(SOFTWARE) == [software.name for software in SOFTWARE.values()]


def test_there_is_a_source_of_every_preset_that_is_offered_and_of_no_other() -> None:
    offered = {
        (preset, software.name)
        for software in SOFTWARE.values()
        for preset, offer in software.offers().items()
        if not isinstance(offer, NotOffered)
    }
    assert list(PRESETS) == sorted(offered)


def test_a_gateway_that_is_not_named_is_traefik(preset: ByPreset) -> None:
    resource = preset("GatewaySuccess")
    assert source_of(resource) is PRESETS[Preset.GATEWAY_SUCCESS, "Traefik"]


@pytest.mark.parametrize(("name", "implementation"), CASES)
def test_a_preset_makes_the_golden_query(preset: ByPreset, name: str, implementation: Any) -> None:
    resource = preset(name, implementation)
    counters = source_of(resource).counters(resource, LOCATED)
    promql = WindowQuery(counters, (), 1000.0, 1030.0).promql()
    promql_parser.parse(promql)
    made = "".join(f"{one.part}: {one.selector}\n" for one in counters)
    made += promql.replace(" or label_replace", "\nor label_replace") + "\n"
    golden = HERE / "golden" / "presets" / f"{name}-{implementation}.promql"
    assert agrees(made, golden), "run with UPDATE_GOLDEN=1 and read the difference"


@pytest.mark.parametrize(("name", "implementation"), CASES)
def test_a_preset_counts_the_arms_requests_and_nobody_elses(
    preset: ByPreset, name: str, implementation: Any
) -> None:
    found = outcomes(preset(name, implementation), implementation)
    if implementation == "VLLM" and name == "ServerLatency":
        # Its histogram has no reason why a request finished: what is fast counts.
        assert found == {"logistic": Observed(100, 93), "boosting": Observed(50, 43)}
    else:
        assert found == (FAST if name.endswith("Latency") else SUCCESSFUL)


@pytest.mark.parametrize(("name", "implementation"), CASES)
def test_without_any_series_there_is_no_data_and_the_metric_is_named(
    preset: ByPreset, name: str, implementation: Any
) -> None:
    resource = preset(name, implementation)
    source = source_of(resource)
    parts = source.counters(resource, LOCATED)
    found = source.readings(resource, {one.part: {} for one in parts})
    [reason] = {outcome.reason for outcome in found.values()}
    metric = reason.removeprefix("no series of ")
    assert metric in {parsed(one).name for one in parts}


@pytest.mark.parametrize(
    ("name", "implementation"), [key for key in PRESETS if key[0].endswith("Latency") and key[1] != "VLLM"]
)
def test_an_arm_that_only_fails_has_no_success_rather_than_no_data(
    preset: ByPreset, name: str, implementation: Any
) -> None:
    found = outcomes(preset(name, implementation), implementation, without="rewards")
    assert found == {"logistic": Observed(100, 0), "boosting": Observed(50, 0)}


@pytest.mark.parametrize(("name", "implementation"), [key for key in PRESETS if key[0].endswith("Latency")])
def test_a_target_between_two_bounds_is_no_data_and_says_what_to_set(
    preset: ByPreset, name: str, implementation: Any
) -> None:
    found = outcomes(preset(name, implementation, latencyTarget="299ms"), implementation)
    assert isinstance(found["logistic"], NoData)
    assert "has no bucket of 299ms; set latencyTarget to one of its bounds" in found["logistic"].reason


@pytest.mark.parametrize(
    ("target", "le"),
    [("1s", "1"), ("1s", "1.0"), ("300ms", "0.3"), ("1m", "60.0"), ("5ms", "0.005"), ("1s500ms", "1.5")],
)
def test_a_bound_is_found_however_it_is_written(preset: ByPreset, target: str, le: str) -> None:
    resource = preset("ServerLatency", "VLLM", latencyTarget=target)
    _, bucket = source_of(resource).counters(resource, None)
    [bound] = [one for one in parsed(bucket).matchers.matchers if one.name == "le"]
    assert re.fullmatch(bound.value, le)


def test_a_server_may_be_told_by_a_label_of_the_users(preset: ByPreset) -> None:
    resource = preset("ServerSuccess", "Triton", armLabel="version")
    for counter in source_of(resource).counters(resource, None):
        assert (counter.label.name, counter.label.arm_of("boosting")) == ("version", "boosting")
        assert "namespace" not in counter.selector


def test_services_of_one_name_in_two_namespaces_are_not_taken_for_each_other(
    preset: ByPreset, manifest: dict[str, Any]
) -> None:
    manifest["spec"]["arms"][0]["backendRef"] = {"name": "income", "namespace": "blue"}
    manifest["spec"]["arms"][1]["backendRef"] = {"name": "income", "namespace": "green"}
    resource = preset("ServerSuccess", "Triton")
    assert source_of(resource).counters(resource, None)[0].label.arm_of("income") is None


def test_envoys_clusters_belong_to_nobody_while_the_route_is_unknown(
    preset: ByPreset,
) -> None:
    resource = preset("GatewaySuccess", "EnvoyGateway")
    for counter in source_of(resource).counters(resource, None):
        assert counter.label.arm_of("httproute/models/income/rule/1/backend/0") is None
        parsed(counter)


@pytest.mark.parametrize("implementation", SOFTWARE)
def test_the_metrics_were_recorded_by_a_script_that_is_there(implementation: Any) -> None:
    of, by = presets_page.recorded(implementation)
    assert of
    assert by.exists(), f"write {by}, which records the metrics, or name the script that did"


def test_the_page_has_what_the_presets_declare() -> None:
    assert agrees(presets_page.made(), presets_page.PAGE), (
        "run `make golden`, which makes the table and the list of docs/presets.md from"
        " operator/bandit_operator/api/presets, and read the difference"
    )
