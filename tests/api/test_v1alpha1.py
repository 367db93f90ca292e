from __future__ import annotations

import copy

import pytest

from bandit_operator.api.v1alpha1 import InvalidResource, parse, to_experiment
from bandit_operator.core import model as core
from bandit_operator.core.experiment import Experiment
from bandit_operator.core.strategies import STRATEGIES
from tests.support.manifests import bad_cases, made_bad


def test_a_manifest_becomes_the_cores_experiment(manifest):
    assert to_experiment(parse(manifest)) == Experiment(
        uid="2c1b",
        arms=(
            core.Arm("logistic", validation_score=0.712),
            core.Arm("boosting", validation_score=0.741),
        ),
        baseline="logistic",
        strategy=STRATEGIES["Thompson"](half_life=21600.0),
        interval=30.0,
        mode=core.Mode.ACTIVE,
        reward_type=core.RewardType.BERNOULLI,
        delay=core.Delay(median=7200.0, p95=86400.0),
        stale_after=300.0,
        guardrails=core.Guardrails(200, 0.2, 0.01, 0.005, 0.1),
        rollback=core.Rollback(0.05, 60.0, True, True, 86400.0),
        promotion=core.Promotion(0.05, 0.005, core.PromotionAction.HOLD),
    )


def test_what_is_left_out_gets_the_cores_own_defaults(smallest):
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


def test_retry_after_zero_means_only_when_the_pods_change(manifest):
    manifest["spec"]["rollback"]["retryAfter"] = "0s"
    assert to_experiment(parse(manifest)).rollback.retry_after is None


def test_a_broken_status_does_not_stop_the_resource(manifest):
    manifest["status"] = {"arms": "what?"}
    assert parse(manifest).status is None


def test_parsing_leaves_the_object_as_it_was(manifest):
    before = copy.deepcopy(manifest)
    parse(manifest)
    assert manifest == before


def test_a_field_of_a_newer_schema_is_ignored(manifest):
    manifest["spec"]["tomorrow"] = True
    assert parse(manifest).spec.baseline == "logistic"


def test_every_fault_is_named_with_its_field(manifest):
    manifest["spec"]["interval"] = "1s"
    manifest["spec"]["arms"][1]["validationScore"] = "good"
    with pytest.raises(InvalidResource) as caught:
        parse(manifest)
    first, second = str(caught.value).split("; ")
    assert first.startswith('spec.interval: "1s": must be a duration from 5s to 24h')
    assert second.startswith('spec.arms[1].validationScore: "good": must be a decimal')


FORMATS = bad_cases("formats")


@pytest.mark.parametrize("case", FORMATS, ids=[case["case"].replace(" ", "-") for case in FORMATS])
def test_a_value_that_the_api_server_refuses_is_refused_here_with_the_same_advice(manifest, case):
    with pytest.raises(InvalidResource) as caught:
        parse(made_bad(manifest, case))
    path, _, advice = case["message"].partition(": ")
    if advice.startswith("Invalid value: "):
        assert f"{path}: {advice.removeprefix('Invalid value: ')}" in str(caught.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda spec: spec.update(baseline="forest"),
            'baseline "forest" is not the name of an arm; use one of logistic, boosting',
        ),
        (lambda spec: spec["arms"][1].update(name="logistic"), "two arms have the same name"),
        (
            lambda spec: spec["arms"][1].update(backendRef={"name": "income-logistic"}),
            "two arms have the same backendRef",
        ),
        (lambda spec: spec["reward"]["prometheus"].pop("trials"), "set exactly one of"),
        (lambda spec: spec["reward"]["prometheus"].update(preset="GatewaySuccess"), "set exactly one of"),
        (
            lambda spec: spec["reward"].update(delay={"median": "2h", "p95": "1h"}),
            "median 2h is longer than p95 1h",
        ),
        (
            lambda spec: spec["reward"].update(type="Gaussian"),
            r"type Gaussian needs the counter prometheus\.squares, the sum of squared rewards; set it",
        ),
        (
            lambda spec: spec["reward"]["prometheus"].update(losses="losses_total"),
            r"prometheus\.losses belongs to type Gaussian, but type is Bernoulli; remove losses",
        ),
        (
            lambda spec: (
                spec["reward"].update(type="Gaussian"),
                spec["reward"]["prometheus"].update(squares="squares_total"),
            ),
            "delay does not go with type Gaussian",
        ),
        (
            lambda spec: spec["reward"].update(
                type="Ratio", prometheus={"query": "m", "samples": "increase(n[$window])"}
            ),
            "type Ratio needs counters; set successes and trials",
        ),
        (
            lambda spec: spec["promotion"].update(indifference="1"),
            r"promotion\.indifference 1 is not below 1, but Bernoulli rewards lie in \[0, 1\]",
        ),
    ],
    ids=[
        "baseline",
        "name",
        "backend",
        "half-a-source",
        "two-sources",
        "delay",
        "squares",
        "losses",
        "late",
        "means",
        "indifference",
    ],
)
def test_a_file_that_no_api_server_has_seen_is_checked_too(manifest, change, message):
    change(manifest["spec"])
    with pytest.raises(InvalidResource, match=message):
        parse(manifest)
