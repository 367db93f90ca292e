"""Manifests: what is wrong with one, and one to begin with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

from bandit_operator.api.v1alpha1 import parse, to_experiment
from bandit_operator.cli import main
from tests.support.command_line import runner
from tests.support.manifests import good
from tests.support.process import Process

EXAMPLES = sorted(Path("crds/examples").glob("*.yaml"))


def lint(text: str) -> Result:
    return CliRunner().invoke(main, ["lint", "-f", "-"], input=text)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: str(path.stem))
def test_the_examples_have_no_fault(path: Path) -> None:
    result = lint(path.read_text())
    assert (result.exit_code, result.output[:9]) == (0, "no faults"), result.output


def test_every_fault_is_named_with_field_value_and_fix() -> None:
    body = good()
    body["spec"]["interval"] = "1s"
    body["spec"]["guardrails"]["maxStep"] = 0.2
    body["spec"]["arms"][0]["scaletargetRef"] = {}
    result = lint(yaml.safe_dump(body))
    assert result.exit_code == 1
    assert 'good: spec.interval: "1s": must be a duration from 5s to 24h' in result.output
    assert 'spec.guardrails.maxStep: 0.2: a number; write "0.2" in quotes, or 20%' in result.output
    assert "spec.arms[0].scaletargetRef: there is no such field; write scaleTargetRef" in result.output
    assert "3 faults; not checked here: that the route in spec.traffic is not changed" in result.output


def test_a_rule_over_several_fields_is_checked_too() -> None:
    body = good()
    body["spec"]["arms"][0]["state"] = "Out"
    assert "the state of logistic is Out, and it is the baseline" in lint(yaml.safe_dump(body)).output


AROUND: list[tuple[dict[str, Any], str]] = [
    (
        {"apiVersion": "bandit-operator.dev/v1"},
        'apiVersion: "bandit-operator.dev/v1": is not known; write bandit-',
    ),
    ({"apiVersion": None}, "apiVersion: is missing; set apiVersion"),
    ({"kind": "banditdeployment"}, 'kind: "banditdeployment": is not known; write BanditDeployment'),
    ({"metadata": {"name": "Income"}}, 'metadata.name: "Income": must be the name of an object'),
    ({"metadata": {"name": "income", "labels": {"v": 1}}}, 'metadata.labels.v: 1: a number; write "1"'),
    ({"metadata": {"generateName": "income-"}}, "metadata.name: is missing; set name"),
    ({"metadata": None}, "metadata: is missing; set metadata"),
]


@pytest.mark.parametrize(("wrong", "said"), AROUND, ids=[said[:40] for _, said in AROUND])
def test_what_the_api_server_would_refuse_outside_of_the_spec_is_told_once(
    wrong: dict[str, Any], said: str
) -> None:
    result = lint(yaml.safe_dump({**good(), **wrong}))
    assert result.exit_code == 1
    assert said in result.output
    assert "\n1 fault; " in result.output


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: [", "neither YAML nor JSON"),
        ("kind: Pod", "has no BanditDeployment"),
        ("kind: BanditDeployment", "spec: is missing; set spec"),
        ("kind: BanditDeployment\nmetadata: 3\nspec: []", "without a name: "),
    ],
)
def test_what_is_no_manifest_is_said(text: str, said: str) -> None:
    result = lint(text)
    assert result.exit_code == 1
    assert said in result.output


def route(*backends: dict[str, Any], **rule: Any) -> dict[str, Any]:
    """A route with one rule."""
    return {
        "metadata": {"name": "income", "namespace": "models"},
        "spec": {"rules": [{"backendRefs": list(backends), **rule}]},
    }


ROUTE = route({"name": "income-old", "weight": 90}, {"name": "income-new", "weight": 10}, name="predict")


@pytest.fixture
def one() -> Process:
    process = Process()
    process.api.put(process.route_path, ROUTE)
    return process


def test_init_writes_a_manifest_that_can_be_applied(monkeypatch: pytest.MonkeyPatch, one: Process) -> None:
    run, _ = runner(monkeypatch, one)
    result = run("init", "--route", "income")
    assert lint(result.output).exit_code == 0
    body = yaml.safe_load(result.output)
    assert to_experiment(parse(body)).names == ("old", "new")
    assert (body["spec"]["baseline"], body["spec"]["mode"]) == ("old", "Observe")
    assert body["spec"]["traffic"]["routeRef"]["sectionName"] == "predict"
    chosen = yaml.safe_load(run("init", "--route", "income", "--baseline", "income-new").output)
    assert chosen["spec"]["baseline"] == "new"


def whole(**rule: Any) -> dict[str, Any]:
    """The route with a port at each backend, a parent, and what tools write into it."""
    refs = [{**one, "port": 80} for one in ROUTE["spec"]["rules"][0]["backendRefs"]]
    body = route(*refs, name="predict", matches=[{"path": {"type": "Exact", "value": "/v2"}}], **rule)
    body["metadata"] |= {
        "labels": {"team": "models", "app.kubernetes.io/managed-by": "Helm"},
        "annotations": {"kubectl.kubernetes.io/last-applied-configuration": "{}"},
    }
    body["spec"]["parentRefs"] = [{"name": "main", "namespace": "gateway"}]
    return body


def test_init_puts_the_route_inside_where_asked(monkeypatch: pytest.MonkeyPatch, one: Process) -> None:
    one.api.put(one.route_path, whole(timeouts={"request": "5s"}))
    result = runner(monkeypatch, one)[0]("init", "--route", "income", "--template")
    assert lint(result.output).exit_code == 0
    assert "kubectl annotate httproute income bandit-operator.dev/owner=income" in result.output
    spec = yaml.safe_load(result.output)["spec"]
    assert spec["traffic"] == {
        "routeTemplate": {
            "metadata": {"labels": {"team": "models"}},
            "spec": {
                "parentRefs": [{"name": "main", "namespace": "gateway"}],
                "matches": [{"path": {"type": "Exact", "value": "/v2"}}],
                "timeouts": {"request": "5s"},
            },
        }
    }
    assert [arm["backendRef"] for arm in spec["arms"]] == [
        {"name": "income-old", "port": 80},
        {"name": "income-new", "port": 80},
    ]


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ({"retry": {"attempts": 2}}, "income has retry, which a template cannot say"),
        ({"filters": [{"type": "RequestMirror"}]}, "spec.traffic.routeTemplate.spec.filters[0].type"),
    ],
)
def test_what_a_template_cannot_say_is_not_left_out_in_silence(
    monkeypatch: pytest.MonkeyPatch, one: Process, rule: dict[str, Any], said: str
) -> None:
    one.api.put(one.route_path, whole(**rule))
    result = runner(monkeypatch, one)[0]("init", "--route", "income", "--template")
    assert result.exit_code == 1
    assert said in result.output


def test_a_route_of_several_rules_is_not_put_inside(monkeypatch: pytest.MonkeyPatch, one: Process) -> None:
    body = whole()
    body["spec"]["rules"].append({"backendRefs": [{"name": "docs", "port": 80}]})
    one.api.put(one.route_path, body)
    result = runner(monkeypatch, one)[0]("init", "--route", "income", "--template")
    assert result.exit_code == 1
    assert "has 2 rules, and a template has one" in result.output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--route", "nothing"], '--route "nothing": there is no HTTPRoute models/nothing'),
        (["--route", "income", "--rule", "other"], "pass --rule with one that has, of predict"),
        (["--route", "income", "--baseline", "best"], "name one of income-old, income-new"),
    ],
)
def test_what_init_cannot_find_is_said_with_what_there_is(
    monkeypatch: pytest.MonkeyPatch, one: Process, arguments: list[str], said: str
) -> None:
    result = runner(monkeypatch, one)[0]("init", *arguments)
    assert result.exit_code == 1
    assert said in result.output


def test_names_that_have_nothing_in_common_stay_as_they_are(
    monkeypatch: pytest.MonkeyPatch, one: Process
) -> None:
    one.api.put(one.route_path, route({"name": "forest"}, {"name": "income.v2"}))
    body = yaml.safe_load(runner(monkeypatch, one)[0]("init", "--route", "income").output)
    assert [arm["name"] for arm in body["spec"]["arms"]] == ["forest", "income-v2"]


def changed(**spec: Any) -> dict[str, Any]:
    """The good manifest with other fields in its spec."""
    body = good()
    return {**body, "spec": {**body["spec"], **spec}}


COUNTERS = {"successes": "earned_total", "trials": "asked_total"}
GUARD = {"name": "errors", "above": "0.1"}
UNREAD: list[tuple[dict[str, Any], str]] = [
    (
        {"guards": [{**GUARD, "query": "sum("}]},
        "spec.guards[0].query: it cannot be read as PromQL: unclosed left parenthesis",
    ),
    (
        {"reward": {"prometheus": {**COUNTERS, "trials": 'asked_total{a="b",,}'}}},
        "spec.reward.prometheus.trials: it cannot be read as PromQL",
    ),
    (
        {"reward": {"prometheus": {**COUNTERS, "successes": 'earned_total{a=~"("}'}}},
        "spec.reward.prometheus.successes: it cannot be read as PromQL: illegal regex",
    ),
    (
        {"reward": {"prometheus": {"query": "avg(x[$window", "samples": "sum(increase(x[$window]))"}}},
        "spec.reward.prometheus.query: it cannot be read as PromQL",
    ),
    ({"rollback": {"requests": "asked_total{a=}"}}, "spec.rollback.requests: it cannot be read as PromQL"),
]


@pytest.mark.parametrize(("spec", "said"), UNREAD, ids=[said[:40] for _, said in UNREAD])
def test_promql_that_cannot_be_read_is_a_fault(spec: dict[str, Any], said: str) -> None:
    result = lint(yaml.safe_dump(changed(**spec)))
    assert result.exit_code == 1
    assert f"good: {said}" in result.output
    assert "\n1 fault; " in result.output


def test_what_only_hinders_that_a_query_is_bound_to_a_namespace_is_no_fault() -> None:
    query = " + ".join(["sum by (arm) (increase(errors_total[$window]))"] * 40)
    result = lint(yaml.safe_dump(changed(guards=[{**GUARD, "query": query}])))
    assert (result.exit_code, result.output[:9]) == (0, "no faults"), result.output


@pytest.mark.parametrize(
    ("around", "said"),
    [
        ({"specs": 1}, "specs: there is no such field; write spec"),
        ({"metadata": {"name": "a", "lables": {}}}, "metadata.lables: there is no such field; write labels"),
        (
            {"metadata": {"name": "a", "labels": {"a b": "c"}}},
            'metadata.labels: "a b": must be a key: letters, digits and inner -, _ and .',
        ),
        (
            {"metadata": {"name": "a", "annotations": {"/x": "c"}}},
            'metadata.annotations: "/x": must be a key',
        ),
        (
            {"metadata": {"name": "a", "labels": {"team": "a b"}}},
            'metadata.labels.team: "a b": must be the value of a label',
        ),
        ({"metadata": {"name": "a", "labels": {"team": "x" * 64}}}, "must be the value of a label"),
    ],
    ids=lambda part: str(part)[:40],
)
def test_what_the_api_server_refuses_or_drops_around_the_spec_is_a_fault(
    around: dict[str, Any], said: str
) -> None:
    result = lint(yaml.safe_dump({**good(), **around}))
    assert result.exit_code == 1
    assert said in result.output
    assert "\n1 fault; " in result.output


def test_what_kubectl_adds_to_a_resource_is_no_fault() -> None:
    body = good()
    body["metadata"] |= {"uid": "1", "resourceVersion": "2", "generation": 3, "managedFields": [{"a": 1}]}
    result = lint(yaml.safe_dump({**body, "status": {"phase": "Learning"}}))
    assert (result.exit_code, result.output[:9]) == (0, "no faults"), result.output


def test_a_list_as_kubectl_prints_it_is_looked_through() -> None:
    bad = changed(interval="1s")
    bad["metadata"]["name"] = "bad"
    text = yaml.safe_dump({"apiVersion": "v1", "kind": "List", "metadata": {}, "items": [good(), bad]})
    result = lint(text)
    assert result.exit_code == 1
    assert 'standard input: bad: spec.interval: "1s"' in result.output
    assert "\n1 fault; " in result.output


def test_a_key_that_is_there_twice_is_a_fault_with_its_line() -> None:
    result = lint("kind: BanditDeployment\nspec:\n  baseline: a\n  baseline: b\n")
    assert result.exit_code == 1
    assert 'standard input: line 4: a key is there twice in one map ("baseline"); take one' in result.output


def test_a_date_where_a_string_belongs_is_taken_as_kubernetes_takes_it() -> None:
    body = yaml.safe_dump(good()).replace("name: good", "name: 2026-01-31")
    assert lint(body).output.startswith("no faults")


TWO = [{"name": "income-old"}, {"name": "income-new"}]


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        (
            [{"backendRefs": TWO}] * 2,
            "2 rules of income have two backends or more, and no name; give one",
        ),
        ([{"backendRefs": TWO, "name": "a"}, {"backendRefs": TWO}], "pass --rule with one that has, of a\n"),
        (
            [{"backendRefs": None}, {}],
            "0 rules of income have two backends or more; give a rule",
        ),
        (None, "0 rules of income have two backends or more; give a rule"),
    ],
    ids=["two without a name", "one with a name", "no backends", "no rules"],
)
def test_a_route_of_which_no_rule_can_be_chosen_is_told_with_what_to_change(
    monkeypatch: pytest.MonkeyPatch, one: Process, rules: Any, said: str
) -> None:
    body = {"metadata": ROUTE["metadata"], "spec": {"rules": rules}}
    one.api.put(one.route_path, body)
    result = runner(monkeypatch, one)[0]("init", "--route", "income")
    assert result.exit_code == 1
    assert said in result.output
