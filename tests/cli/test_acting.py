"""The verbs that change a resource, and what follows from them in the operator."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable

import pytest
import yaml

from bandit_operator.cli.acting import ACTING
from bandit_operator.cli.cluster import BANDITS
from tests.support.command_line import FakeKubeconfig, Run, runner
from tests.support.playing import WORSE, learned, until_state
from tests.support.process import Process

Ran = tuple[Run, Process, FakeKubeconfig]


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> Ran:
    """A command line on a rollout of three arms that has seen a window."""
    one = asyncio.run(learned(Process, arms=("good", "bad", "fair")))
    run, config = runner(monkeypatch, one)
    return run, one, config


def look(one: Process) -> None:
    """Let the operator see what was written: the first pass may find that the resource has changed."""
    asyncio.run(one.look())
    asyncio.run(one.look())


def newest(one: Process) -> tuple[str, str | None, str | None, str | None]:
    """Kind, arm, who and why of the newest act that somebody asked for."""
    act = next(act for act in one.status["acts"] if "askedAt" in act)
    return act["kind"], act.get("arm"), act.get("by"), act.get("message")


def test_pin_and_unpin_are_obeyed_and_told_with_who_and_why(ran: Ran) -> None:
    run, one, _ = ran
    result = run("pin", "income", "bad", "--reason", "latency", "--by", "alice")
    assert (result.exit_code, result.output) == (
        0,
        "banditdeployment.bandit-operator.dev/income is pinned to bad\n",
    )
    look(one)
    assert one.weights() == {"good": 0, "bad": 10000, "fair": 0}
    assert newest(one) == ("Pinned", "bad", "alice", "latency")
    assert run("unpin", "income", "--by", "bob").exit_code == 0
    look(one)
    assert newest(one) == ("Unpinned", "bad", "bob", None)
    assert "pin" not in one.api.objects[one.path]["spec"]


def test_rollback_and_restore_take_an_arm_out_and_bring_it_back(ran: Ran) -> None:
    run, one, _ = ran
    assert run("rollback", "income", "bad", "--reason", "leaks", "--by", "alice").exit_code == 0
    asyncio.run(until_state(one, "bad", "RolledBack"))
    assert one.replicas("bad") == 0
    assert run("restore", "income", "bad", "--by", "bob").exit_code == 0
    look(one)
    assert one.replicas("bad") == 2
    assert newest(one) == ("Restored", "bad", "bob", None)


def test_restore_brings_an_arm_back_that_a_verdict_took_out_each_time_it_is_asked(ran: Ran) -> None:
    run, one, _ = ran
    one.update_spec(rollback={"drain": "20s", "retryAfter": "0s"})
    for _ in range(2):
        one.earning = {**WORSE, "fair": (500.0, 400.0)}
        asyncio.run(until_state(one, "bad", "RolledBack"))
        assert run("restore", "income", "bad").exit_code == 0
        look(one)
        assert one.replicas("bad") == 2


def test_pause_and_resume(ran: Ran) -> None:
    run, one, _ = ran
    assert run("pause", "income", "--reason", "incident", "--by", "alice").exit_code == 0
    look(one)
    assert one.status["phase"] == "Paused"
    assert newest(one) == ("Paused", None, "alice", "incident")
    assert run("resume", "income").exit_code == 0
    look(one)
    assert one.status["phase"] == "Learning"


def test_a_pause_of_what_only_observes_ends_in_observing_and_a_further_resume_lets_it_act(ran: Ran) -> None:
    run, one, _ = ran
    one.update_spec(mode="Observe")
    look(one)
    assert run("pause", "income").exit_code == 0
    look(one)
    assert "goes on in mode Observe and moves nothing" in run("resume", "income").output
    look(one)
    assert one.status["phase"] == "Observing"
    assert "goes on, and moves the traffic" in run("resume", "income").output
    look(one)
    assert one.status["phase"] == "Learning"
    run("pause", "income")
    run("resume", "income")
    assert one.api.objects[one.path]["spec"]["mode"] == "Active"


def test_promote_makes_an_arm_the_baseline(ran: Ran) -> None:
    run, one, _ = ran
    assert run("promote", "income", "bad", "--by", "alice").exit_code == 0
    look(one)
    assert newest(one) == ("BaselineChanged", "bad", "alice", None)
    assert one.status["baseline"] == "bad"


def test_a_dry_run_asks_the_server_and_writes_nothing(ran: Ran) -> None:
    run, one, config = ran
    before = one.api.objects[one.path]
    result = run("pin", "income", "bad", "--dry-run")
    assert "dry run" in result.output
    assert len(config.dry) == 1
    assert one.api.objects[one.path] == before


def test_the_changed_resource_can_be_written_for_programs(ran: Ran) -> None:
    run, _, _ = ran
    assert json.loads(run("pin", "income", "bad", "-o", "json").output)["spec"]["pin"] == {"arm": "bad"}
    assert yaml.safe_load(run("pin", "income", "fair", "-o", "yaml").output)["spec"]["pin"] == {"arm": "fair"}
    assert run("unpin", "income", "-o", "name").output == "banditdeployment.bandit-operator.dev/income\n"


def nothing(_: Process) -> None:
    """Leave it as it is."""


REFUSED: list[tuple[list[str], Callable[[Process], None], str]] = [
    (["pin", "nobody", "bad"], nothing, "there is no BanditDeployment models/nobody; there are income"),
    (["pin", "income", "best"], nothing, '"best" is not an arm of income; name one of good, bad, fair'),
    (["pin", "income", "bad"], lambda one: one.set_state("bad", "Out"), "kubectl bandit restore income bad"),
    (["pin", "income", "bad", "--reason", "x" * 257], nothing, "it has 257 characters; shorten it to 256"),
    (["unpin", "income"], nothing, "no arm of income is pinned"),
    (["promote", "income", "good"], nothing, "good is the baseline of income already"),
    (["promote", "income", "bad"], lambda one: one.set_state("bad", "Out"), "restore income bad"),
    (["rollback", "income", "good"], nothing, "promote another arm first"),
    (["rollback", "income", "bad"], lambda one: one.update_spec(pin={"arm": "bad"}), "unpin it first"),
    (["rollback", "income", "bad"], lambda one: one.set_state("bad", "Out"), "set out already"),
    (["restore", "income", "bad"], nothing, "bad is not out, its state is Active"),
    (["resume", "income"], nothing, "income is active already"),
    (["pause", "income"], lambda one: one.update_spec(mode="Paused"), "income is paused already"),
]


@pytest.mark.parametrize(
    ("arguments", "change", "said"), REFUSED, ids=[" ".join(one[0])[:40] for one in REFUSED]
)
def test_what_makes_no_sense_is_refused_with_what_to_do_and_nothing_is_written(
    ran: Ran, arguments: list[str], change: Callable[[Process], None], said: str
) -> None:
    run, one, _ = ran
    change(one)
    before = one.api.objects[one.path]
    result = run(*arguments)
    assert result.exit_code != 0
    assert said in result.output
    assert one.api.objects[one.path] == before


def test_an_arm_that_moved_in_the_list_meanwhile_is_not_taken_for_another(ran: Ran) -> None:
    run, one, config = ran
    stale = config.get(BANDITS, "models", "income")
    arms = one.api.objects[one.path]["spec"]["arms"]
    one.update_spec(arms=[arms[0], arms[2], arms[1]])
    config.get = lambda *_: stale  # type: ignore[method-assign]  # what was read before
    assert run("rollback", "income", "bad").exit_code != 0
    assert all(arm["state"] == "In" for arm in one.api.objects[one.path]["spec"]["arms"])


@pytest.mark.parametrize("verb", ACTING)
def test_each_verb_teaches_by_an_example(ran: Ran, verb: str) -> None:
    run, _, _ = ran
    assert f"kubectl bandit {verb} income" in run(verb, "--help").output


@pytest.mark.parametrize("error", [KeyError("getpwuid(): uid not found: 1000"), OSError("No username set")])
def test_a_user_without_a_name_in_the_system_is_called_by_the_number(
    ran: Ran, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    run, one, _ = ran

    def nobody() -> str:
        raise error

    monkeypatch.setattr("getpass.getuser", nobody)
    monkeypatch.setattr("os.getuid", lambda: 4711)
    result = run("pin", "income", "bad")
    assert result.exit_code == 0, result.output
    look(one)
    assert newest(one) == ("Pinned", "bad", "uid 4711", None)


def test_a_reason_that_would_write_to_the_terminal_is_told_without_its_commands(ran: Ran) -> None:
    run, one, _ = ran
    assert (
        run("pin", "income", "bad", "--reason", "\x1b]0;owned\x07\x1b[2J", "--by", "\x1b[1m").exit_code == 0
    )
    look(one)
    assert newest(one) == ("Pinned", "bad", "�[1m", "�]0;owned��[2J")
    assert "\x1b" not in json.dumps([one.status["conditions"], one.status["acts"]], ensure_ascii=False)
