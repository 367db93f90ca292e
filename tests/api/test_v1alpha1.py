from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from bandit_operator.api.v1alpha1 import InvalidResource, faults_of, parse, to_experiment
from bandit_operator.core import model as core
from bandit_operator.core.experiment import Experiment, Guard
from bandit_operator.core.strategies import STRATEGIES
from bandit_operator.core.strategies.thompson import Thompson
from tests.support.manifests import made_bad


def test_a_manifest_becomes_the_cores_experiment(manifest: dict[str, Any]) -> None:
    assert to_experiment(parse(manifest)) == Experiment(
        uid="2c1b",
        arms=(
            core.Arm("logistic", validation_score=0.712),
            core.Arm("boosting", validation_score=0.741),
        ),
        baseline="logistic",
        strategy=Thompson(half_life=21600.0),
        interval=30.0,
        mode=core.Mode.ACTIVE,
        reward_type=core.RewardType.BERNOULLI,
        delay=core.Delay(median=7200.0, p95=86400.0),
        stale_after=300.0,
        guardrails=core.Guardrails(200, 0.2, 0.01, 0.005, 0.1),
        rollback=core.Rollback(0.05, 60.0, True, True, 86400.0),
        promotion=core.Promotion(0.05, 0.005, core.PromotionAction.HOLD),
        guards=(Guard("errors", 0.05, above=True, windows=2),),
    )


def test_samples_and_a_standard_error_say_the_same_of_a_score(manifest: dict[str, Any]) -> None:
    first, second = manifest["spec"]["arms"][:2]
    first |= {"validationScore": "80%", "validationSamples": 1600}
    second |= {"validationScore": "0.5", "validationStandardError": "1.25%"}
    manifest["spec"]["validationScale"] = "Ranking"
    experiment = to_experiment(parse(manifest))
    assert experiment.validation_scale is core.ValidationScale.RANKING
    assert experiment.arms[0].validation_error == pytest.approx(0.01, rel=1e-3)
    assert experiment.arms[1].validation_error == 0.0125


def test_a_score_without_a_single_miss_is_not_exact(manifest: dict[str, Any]) -> None:
    manifest["spec"]["arms"][0] |= {"validationScore": "1", "validationSamples": 10}
    error = to_experiment(parse(manifest)).arms[0].validation_error
    assert error == pytest.approx((0.5 / 11 * 10.5 / 11 / 10) ** 0.5)


def test_no_drain_is_shorter_than_a_gateway_takes_from_accepting_a_route_to_serving_it(
    smallest: dict[str, Any],
) -> None:
    smallest["spec"]["rollback"] = {"drain": "0s"}
    assert to_experiment(parse(smallest)).rollback.drain == core.SHORTEST_DRAIN == 3.0


def test_what_is_left_out_gets_the_cores_own_defaults(smallest: dict[str, Any]) -> None:
    experiment = to_experiment(parse(smallest))
    defaults = Experiment("", (), "", STRATEGIES["ContrastThompson"]())
    for field in (
        "interval",
        "mode",
        "reward_type",
        "delay",
        "stale_after",
        "guardrails",
        "rollback",
        "promotion",
    ):
        assert getattr(experiment, field) == getattr(defaults, field), field
    assert experiment.strategy == defaults.strategy
    assert experiment.arms == (core.Arm("logistic"), core.Arm("boosting"))


def test_retry_after_zero_means_only_when_the_pods_change(manifest: dict[str, Any]) -> None:
    manifest["spec"]["rollback"]["retryAfter"] = "0s"
    assert to_experiment(parse(manifest)).rollback.retry_after is None


def test_a_broken_status_does_not_stop_the_resource(manifest: dict[str, Any]) -> None:
    manifest["status"] = {"arms": "what?"}
    assert parse(manifest).status is None


def test_parsing_leaves_the_object_as_it_was(manifest: dict[str, Any]) -> None:
    before = copy.deepcopy(manifest)
    parse(manifest)
    assert manifest == before


def test_a_field_of_a_newer_schema_is_ignored(manifest: dict[str, Any]) -> None:
    manifest["spec"]["tomorrow"] = True
    assert parse(manifest).spec.baseline == "logistic"


def test_every_fault_is_named_with_its_field(manifest: dict[str, Any]) -> None:
    manifest["spec"]["interval"] = "1s"
    manifest["spec"]["arms"][1]["validationScore"] = "good"
    with pytest.raises(InvalidResource) as caught:
        parse(manifest)
    first, second = str(caught.value).split("; ")
    assert first.startswith('spec.interval: "1s": must be a duration from 5s to 24h')
    assert second.startswith('spec.arms[1].validationScore: "good": must be a decimal')


def test_null_is_left_out_and_gets_its_default_as_in_the_api_server(manifest: dict[str, Any]) -> None:
    manifest["spec"] |= {"interval": None, "guardrails": None}
    spec = parse(manifest).spec
    assert (spec.interval, spec.guardrails.max_step) == ("30s", "0.2")


def test_every_relation_that_does_not_hold_is_named(manifest: dict[str, Any]) -> None:
    manifest["spec"] |= {"baseline": "forest", "interval": "10m"}
    manifest["spec"]["arms"][1]["scaleTargetRef"] = manifest["spec"]["arms"][0]["scaleTargetRef"]
    with pytest.raises(InvalidResource) as caught:
        parse(manifest)
    assert [fault.partition(": ")[0] for fault in str(caught.value).split("; spec")] == [
        "spec.baseline",
        ".arms",
        ".reward.staleAfter",
    ]


@pytest.mark.parametrize("name", ["predict.v1", "a" * 253, "0"])
def test_a_rule_may_have_any_name_that_the_gateway_api_takes(manifest: dict[str, Any], name: str) -> None:
    manifest["spec"]["traffic"]["routeRef"]["sectionName"] = name
    assert parse(manifest).spec.traffic.route_ref.section_name == name


def test_a_rule_is_full_with_16_arms(manifest: dict[str, Any]) -> None:
    assert len(parse(made_bad(manifest, {"arms": 16})).spec.arms) == 16


def test_percent_and_decimals_say_the_same(manifest: dict[str, Any]) -> None:
    guardrails = {"minShare": "2.5%", "maxStep": "20%", "newArmShare": "0.1", "minChange": "0.5%"}
    read = to_experiment(
        parse({**manifest, "spec": {**manifest["spec"], "guardrails": guardrails}})
    ).guardrails
    assert (read.min_share, read.max_step, read.new_arm_share, read.min_change) == (0.025, 0.2, 0.1, 0.005)


COLLECTOR = {"collector": {"route": "income"}}


def test_a_shadow_is_read_with_its_share_its_margin_and_the_arms_that_begin_in_it(
    smallest: dict[str, Any],
) -> None:
    smallest["spec"]["shadow"] = {"share": "25%", "margin": "0.02", "prometheus": COLLECTOR}
    smallest["spec"]["arms"][1]["onboarding"] = "Shadow"
    experiment = to_experiment(parse(smallest))
    assert experiment.shadow == core.Shadow(share=0.25, margin=0.02)
    assert [arm.onboards_in_shadow for arm in experiment.arms] == [False, True]


def test_a_shadow_has_the_cores_own_margin_and_leaves_filters_alone_unless_told(
    smallest: dict[str, Any],
) -> None:
    smallest["spec"]["shadow"] = {"prometheus": COLLECTOR}
    resource = parse(smallest)
    assert to_experiment(resource).shadow == core.Shadow(share=0.1)
    assert resource.spec.shadow is not None
    assert resource.spec.shadow.mirror == "Manual"


def test_without_a_shadow_there_is_none(smallest: dict[str, Any]) -> None:
    assert to_experiment(parse(smallest)).shadow is None


def test_an_arm_may_keep_no_share_at_all(smallest: dict[str, Any]) -> None:
    smallest["spec"]["guardrails"] = {"minShare": "0"}
    assert to_experiment(parse(smallest)).guardrails.min_share == 0.0


def own_namespace_written_out(spec: dict[str, Any]) -> None:
    spec["arms"][1]["backendRef"] = {"name": spec["arms"][0]["backendRef"]["name"], "namespace": "models"}


def another_version_of_the_target(spec: dict[str, Any]) -> None:
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "one"}
    spec["arms"][0]["scaleTargetRef"] = target
    spec["arms"][1]["scaleTargetRef"] = {**target, "apiVersion": "apps/v2"}


def copies_to_an_arm(spec: dict[str, Any]) -> None:
    ref = {"name": spec["arms"][0]["backendRef"]["name"], "namespace": "models", "port": 80}
    shadow = {"share": "10%", "prometheus": {"collector": {"route": "income"}}, "backendRef": ref}
    spec["shadow"] = {**shadow, "mirror": "Managed"}


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (own_namespace_written_out, "have the same backendRef, Service models/"),
        (another_version_of_the_target, "have the same scaleTargetRef, Deployment one"),
        (copies_to_an_arm, "spec.shadow.backendRef.name: it is the Service of arm"),
    ],
)
def test_one_object_in_two_ways_of_writing_is_one_object(
    manifest: dict[str, Any], edit: Callable[[dict[str, Any]], None], words: str
) -> None:
    manifest["spec"].pop("shadow", None)
    for arm in manifest["spec"]["arms"]:
        arm.pop("scaleTargetRef", None)
        arm.pop("onboarding", None)
    edit(manifest["spec"])
    with pytest.raises(InvalidResource, match=words):
        parse(manifest)
    [fault] = faults_of(manifest)
    assert words in fault


def test_one_name_in_two_namespaces_is_two_backends(smallest: dict[str, Any]) -> None:
    first, second, *_ = smallest["spec"]["arms"]
    second["backendRef"] = {"name": first["backendRef"]["name"], "namespace": "elsewhere"}
    assert faults_of(smallest) == []
