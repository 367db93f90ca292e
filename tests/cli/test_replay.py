"""``bandit-operator replay`` on what kubectl prints."""

from __future__ import annotations

import asyncio
import copy
import json
import os
import threading
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

from bandit_operator.api.record import packed
from bandit_operator.cli import main
from tests.support.process import Process


@pytest.fixture(scope="module")
def resource() -> dict[str, Any]:
    """A resource with a dozen decisions, one of them a rollback."""
    return played(Process(), bad=50.0)


def played(one: Process, bad: float) -> dict[str, Any]:
    """A resource after 15 ticks, in all but the first of which good earns 400 of 500, and bad so much."""

    async def play() -> None:
        await one.look(tick=True)
        one.earning = {"good": (500.0, 400.0), "bad": (500.0, bad)}
        await one.tick(14)

    asyncio.run(play())
    return {**one.api.objects[one.path], "status": one.status}


@pytest.mark.parametrize("strategy", ["ContrastThompson", "Thompson", "KLUCB"])
def test_decisions_that_weighed_validation_scores_agree_and_other_scores_are_seen(strategy: str) -> None:
    one = Process(strategy={"type": strategy}, validationScale="Ranking")
    arms = copy.deepcopy(one.spec["arms"])
    arms[0] |= {"validationScore": "0.8", "validationSamples": 400}
    arms[1] |= {"validationScore": "0.7", "validationStandardError": "0.05"}
    one.update_spec(arms=arms)
    resource = played(one, bad=398.0)
    assert float(resource["status"]["scoresTrust"]) > 0
    assert replay(json.dumps(resource)).exit_code == 0
    resource["spec"]["arms"][0]["validationScore"] = "0.2"
    assert replay(json.dumps(resource)).exit_code == 1


def replay(text: str, *options: str) -> Result:
    return CliRunner().invoke(main, ["replay", *options, "-"], input=text)


def test_a_resource_is_read_from_a_pipe_as_a_shell_makes_it_of_another_command(
    resource: dict[str, Any], tmp_path: Path
) -> None:
    pipe = tmp_path / "63"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_text, args=(json.dumps(resource),))
    writer.start()
    found = CliRunner().invoke(main, ["replay", str(pipe)])
    writer.join()
    assert found.exit_code == 0, found.output
    assert found.output == replay(json.dumps(resource)).output


def test_the_record_is_read_as_the_api_server_holds_it(resource: dict[str, Any]) -> None:
    stored = {**resource, "status": packed(resource["status"])}
    assert "history" not in stored["status"]
    assert replay(json.dumps(stored)).output == replay(json.dumps(resource)).output


@pytest.mark.parametrize("dump", [json.dumps, yaml.safe_dump], ids=["JSON", "YAML"])
def test_decisions_that_agree_are_listed_and_end_with_zero(resource: dict[str, Any], dump: Any) -> None:
    result = replay(dump(resource))
    assert result.exit_code == 0, result.output
    assert "RolledBack" in result.output
    lines = result.output.splitlines()
    assert sum("  agrees " in line for line in lines) >= 10
    assert lines[-1].endswith("the memory comes out as stored")


def test_a_decision_that_differs_is_shown_with_both_values_and_ends_with_one(
    resource: dict[str, Any],
) -> None:
    changed = copy.deepcopy(resource)
    changed["status"]["history"][-1]["weights"] = {"good": 1, "bad": 9999}
    result = replay(json.dumps(changed))
    assert result.exit_code == 1
    assert "differs" in result.output
    assert "9999" in result.output


def test_it_can_be_read_by_programs(resource: dict[str, Any]) -> None:
    found = json.loads(replay(json.dumps(resource), "--json").output)
    assert found["agrees"]
    assert found["memoryAgrees"]
    assert len(found["decisions"]) >= 10


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda body: body.pop("status"), "no history yet"),
        (lambda body: body["metadata"].update(generation=9), "the spec was changed"),
        (lambda body: body["status"].pop("checkpoint"), "no checkpoint"),
        (lambda body: body.pop("spec"), "no BanditDeployment"),
        (lambda body: body["spec"].update(baseline="nobody"), "nobody"),
    ],
    ids=["no status", "another generation", "no checkpoint", "another kind", "spec that cannot be read"],
)
def test_what_cannot_be_made_again_is_said_and_ends_with_two(
    resource: dict[str, Any], change: Any, said: str
) -> None:
    body = copy.deepcopy(resource)
    change(body)
    result = replay(json.dumps(body))
    assert result.exit_code == 2
    assert said in result.output


def test_text_that_is_no_document_is_refused() -> None:
    assert replay("{").exit_code == 2


@pytest.fixture
def several(resource: dict[str, Any]) -> dict[str, Any]:
    """As kubectl prints all of a namespace: one that agrees, one that does not, and one that is new."""
    changed, new = copy.deepcopy(resource), copy.deepcopy(resource)
    changed["metadata"]["name"], new["metadata"]["name"] = "changed", "new"
    changed["status"]["history"][-1]["weights"] = {"good": 1, "bad": 9999}
    del new["status"]
    return {"apiVersion": "v1", "kind": "List", "items": [resource, changed, new]}


def test_of_a_list_each_resource_has_a_line_and_only_what_differs_is_shown(several: dict[str, Any]) -> None:
    result = replay(json.dumps(several))
    assert result.exit_code == 1
    lines = result.stdout.splitlines()
    assert [line.split()[0] for line in lines if line.startswith("models/")] == [
        "models/income",
        "models/changed",
        "models/new",
    ]
    assert "nothing to replay: the status has no history yet" in lines[-2]
    assert lines[-1].endswith("decisions of 2 resources agree")
    assert sum("differs" in line for line in lines) == 1
    assert not any("  agrees " in line for line in lines)


def test_a_list_that_agrees_ends_with_zero_and_counts_all_decisions(several: dict[str, Any]) -> None:
    one, _, new = several["items"]
    result = replay(yaml.safe_dump({**several, "items": [one, new]}))
    assert result.exit_code == 0, result.output
    count = len(json.loads(replay(json.dumps(one), "--json").output)["decisions"])
    assert result.stdout.splitlines()[-1] == f"{count} of {count} decisions of 1 resource agree"


def test_a_list_can_be_read_by_programs(several: dict[str, Any]) -> None:
    found = json.loads(replay(json.dumps(several), "--json").stdout)
    assert not found["agrees"]
    assert {name: one.get("agrees") for name, one in found["resources"].items()} == {
        "models/income": True,
        "models/changed": False,
        "models/new": None,
    }
    assert "no history yet" in found["resources"]["models/new"]["nothingToReplay"]


@pytest.mark.parametrize(
    ("keep", "said"), [([2], "models/new: the status has no history"), ([], "the list is empty")]
)
def test_a_list_with_nothing_to_make_again_ends_with_two(
    several: dict[str, Any], keep: list[int], said: str
) -> None:
    result = replay(json.dumps({**several, "items": [several["items"][at] for at in keep]}))
    assert result.exit_code == 2
    assert said in result.output


def test_a_list_of_something_else_is_refused(several: dict[str, Any]) -> None:
    result = replay(json.dumps({**several, "items": [{"kind": "Namespace"}]}))
    assert result.exit_code == 2
    assert "no BanditDeployment" in result.output


@pytest.mark.parametrize(
    "body",
    [
        {"spec": {}, "metadata": None},
        {"items": 5, "spec": {}},
        {"items": [{"spec": 1, "metadata": None}]},
        {"items": [{"spec": {}}]},
        {"items": [3]},
        [],
        None,
    ],
    ids=str,
)
def test_what_only_looks_like_a_resource_is_refused(body: Any) -> None:
    result = replay(json.dumps(body))
    assert result.exit_code == 2
    assert "is no BanditDeployment; write kubectl get bd NAME -o json" in result.output


@pytest.mark.parametrize("name", ["incme.json", "incme.yaml", "./incme.yml", "/nope/income.json"])
def test_a_file_that_is_not_there_is_not_asked_of_a_cluster(name: str) -> None:
    result = CliRunner().invoke(main, ["replay", name])
    assert result.exit_code == 2
    assert f"{name}: it cannot be read: No such file or directory" in result.output


def test_a_path_that_is_neither_a_file_nor_a_name_is_said_to_be_neither() -> None:
    result = CliRunner().invoke(main, ["replay", "recorded/income"])
    assert result.exit_code == 2
    assert "recorded/income: not a name; write income" in result.output
    assert "there is no file of that name, either" in result.output
