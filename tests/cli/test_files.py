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
    assert "3 faults; not checked here: that spec.traffic.routeRef is not changed" in result.output


def test_a_rule_over_several_fields_is_checked_too() -> None:
    body = good()
    body["spec"]["arms"][0]["state"] = "Out"
    assert "the state of logistic is Out, and it is the baseline" in lint(yaml.safe_dump(body)).output


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: [", "neither YAML nor JSON"),
        ("kind: Pod", "has no BanditDeployment"),
        ("kind: BanditDeployment", "spec: Field required"),
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


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--route", "nothing"], '--route "nothing": there is no HTTPRoute models/nothing'),
        (["--route", "income", "--rule", "other"], "the rules with names are predict"),
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
