"""The verbs that show a resource."""

from __future__ import annotations

import asyncio
import copy
import dataclasses
import importlib
import json
from collections.abc import Callable
from typing import Any

import pytest

from bandit_operator.api.status import ShadowArmStatus
from bandit_operator.api.timestamps import from_timestamp
from bandit_operator.cli.plan import world_of
from bandit_operator.cli.screens import now, one
from bandit_operator.core import reasons
from bandit_operator.status.document import read_status
from bandit_operator.status.showing import sentences
from bandit_operator.status.showing.view import unattended, view_of
from bandit_operator.status.showing.words import meaning
from tests.support.command_line import Run, runner
from tests.support.playing import WORSE, learned, until_state
from tests.support.process import Process
from tests.support.shadows import MANUAL


async def rolled_back() -> Process:
    one = await learned(Process, rollback={"drain": "20s", "retryAfter": "0s"})
    one.earning = WORSE
    await until_state(one, "bad", "RolledBack")
    await one.tick()
    return one


@pytest.fixture(scope="module")
def played() -> Process:
    """A rollout with a rollback."""
    return asyncio.run(rolled_back())


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, played: Process) -> Run:
    return runner(monkeypatch, played)[0]


def test_status_says_who_leads_how_surely_and_what_is_next(run: Run) -> None:
    output = run("status", "income").output
    assert output.startswith("models/income: Learning\nLeads:  good, the best with probability 100.0%")
    assert "Next: " in output
    row = next(line for line in output.splitlines() if line.startswith("bad"))
    assert row.split()[1] == "0.0%"
    assert "RolledBack (ScaledToZero)" in row
    assert "Done lately:" in output


@pytest.mark.parametrize("trust", [None, "0.052"])
def test_status_says_how_much_validation_scores_are_still_trusted(played: Process, trust: str | None) -> None:
    body = played.api.objects[played.path]
    view = view_of({**body, "status": {**body["status"], "scoresTrust": trust}})
    assert ("\nScores: validation is trusted 5.2%, by" in one(view, 0.0)) == (trust is not None)


@pytest.mark.parametrize("kind", ["bd", "BanditDeployment", "banditdeployments.bandit-operator.dev"])
def test_a_name_may_have_its_kind_before_it_as_kubectl_prints_it(run: Run, kind: str) -> None:
    assert run("status", f"{kind}/income").output == run("status", "income").output


@pytest.mark.parametrize(
    ("given", "name"), [("models/income", "income"), ("bd/", "NAME"), ("/x/income", "income")]
)
@pytest.mark.parametrize("verb", ["status", "pause", "replay"])
def test_a_name_with_a_namespace_before_it_is_answered_with_what_to_write(
    run: Run, verb: str, given: str, name: str
) -> None:
    answer = run(verb, given)
    assert answer.exit_code == 2
    assert f"{given}: not a name; write {name}, and its namespace with -n" in answer.output


def test_who_leads_is_not_said_as_if_nothing_had_been_earned_while_nothing_is_read(played: Process) -> None:
    body = played.api.objects[played.path]
    status = {key: value for key, value in body["status"].items() if key != "leader"}
    assert (
        sentences.leads(view_of({**body, "status": {**status, "phase": "Paused"}})) == "not said while Paused"
    )


def test_status_without_a_name_has_a_line_for_each(run: Run) -> None:
    headings, line = run("status").output.splitlines()
    assert headings.split() == ["NAMESPACE", "NAME", "PHASE", "LEADER", "SHARE", "CERTAINTY", "ACTED"]
    assert line.split()[:4] == ["models", "income", "Learning", "good"]
    assert run("status", "-A").output == run("status", "-n", "models").output
    assert run("status", "-n", "empty").output == "there is no BanditDeployment in namespace empty\n"


def test_status_can_be_read_by_programs(run: Run) -> None:
    found = json.loads(run("status", "income", "-o", "json").output)
    assert (found["leader"], found["phase"]) == ("good", "Learning")
    names = [found, *found["arms"], found["ready"], *found["acts"]]
    assert not [name for one in names for name in one if "_" in name]  # as in the API
    assert run("status", "-o", "name").output == "banditdeployment.bandit-operator.dev/income\n"


def test_status_of_a_resource_that_was_never_looked_at(played: Process) -> None:
    body = {name: part for name, part in played.api.objects[played.path].items() if name != "status"}
    view = view_of(body)
    assert view.next == "the operator has not looked at it yet"
    assert [arm.state for arm in view.arms] == [None, None]


@pytest.mark.parametrize(
    ("interval", "seconds", "stale"),
    [("5s", 170.0, False), ("5s", 190.0, True), ("1h", 10_000.0, False), ("1h", 11_000.0, True)],
)
def test_what_nobody_has_looked_at_for_long_is_shown_as_of_then(
    played: Process, interval: str, seconds: float, stale: bool
) -> None:
    body = played.api.objects[played.path]
    view = view_of({**body, "spec": {**body["spec"], "interval": interval}})
    assert view.looked_at is not None
    now = from_timestamp(view.looked_at) + seconds
    assert (unattended(view, now) is not None) == stale
    assert ("\nStale:  nobody has looked at it for" in one(view, now)) == stale


@pytest.mark.parametrize("looked_at", [None, "yesterday", "0000-01-01T00:00:00Z"])
def test_when_it_was_looked_at_last_may_not_be_known(played: Process, looked_at: str | None) -> None:
    body = played.api.objects[played.path]
    view = dataclasses.replace(view_of(body), looked_at=looked_at)
    assert unattended(view, played.now + 1e6) is None


def decided(reason: str, message: str) -> dict[str, Any]:
    return {
        "type": "Decided",
        "status": "True",
        "reason": reason,
        "message": message,
        "lastTransitionTime": "2026-01-01T00:00:00Z",
    }


NEXT: list[tuple[dict[str, Any], dict[str, Any], str]] = [
    ({"mode": "Paused"}, {}, "nothing, until: kubectl bandit resume income"),
    ({"pin": {"arm": "good"}}, {}, "until: kubectl bandit unpin income"),
    ({"baseline": "bad"}, {"winner": "good"}, "make it the baseline: kubectl bandit promote income good"),
    ({}, {"winner": "good"}, "take the other arms out of spec.arms"),
    ({}, {"conditions": [decided("NoMaterialDifference", "")]}, "do not differ materially"),
    (
        {},
        {"conditions": [decided("MaxDurationReached", "")]},
        "nothing is proven; promote an arm, or lengthen",
    ),
    ({}, {"evidence": "bad 25 of 40"}, "nearest to a rollback is bad 25 of 40"),
]


@pytest.mark.parametrize(("spec", "status", "said"), NEXT, ids=[one[2][:30] for one in NEXT])
def test_what_comes_next_follows_from_what_is(
    played: Process, spec: dict[str, Any], status: dict[str, Any], said: str
) -> None:
    body = played.api.objects[played.path]
    changed = {**body, "spec": {**body["spec"], **spec}, "status": {**body["status"], **status}}
    assert said in view_of(changed).next


def test_explain_says_why_in_words(run: Run) -> None:
    output = run("explain", "income").output
    assert "bad is RolledBack since" in output
    assert "bad is worse than good: e-value" in output
    assert "trials, the baseline's 0." in output
    assert "The newest decision:" in output


def test_explain_says_that_the_interval_is_too_short(played: Process) -> None:
    body = copy.deepcopy(played.api.objects[played.path])
    for condition in body["status"]["conditions"]:
        if condition["type"] == "MetricsAvailable":
            condition |= {"status": "True", "reason": "IntervalTooShort", "message": "decisions in bursts"}
    status, _ = read_status(body)
    assert "\nMetricsAvailable is True: decisions in bursts. [IntervalTooShort: " in now(body, status)


def test_explain_finds_the_decision_of_a_moment(run: Run, played: Process) -> None:
    verdict = next(one for one in played.status["history"] if one["reason"] == reasons.ROLLED_BACK)
    output = run("explain", "income", "--tick", verdict["time"]).output
    assert output.startswith(f"{verdict['time']}  RolledBack: The verdict is in")
    assert "bad: " in output
    assert "Weights: good 100.0%, bad 0.0%" in output


@pytest.mark.parametrize(
    ("tick", "said"),
    [("noon", "is no time; write it as"), ("1999-01-01T00:00:00Z", "the oldest that income")],
)
def test_a_moment_that_cannot_be_explained_is_said_with_what_can(run: Run, tick: str, said: str) -> None:
    result = run("explain", "income", "--tick", tick)
    assert result.exit_code == 1
    assert said in result.output


def test_history_has_the_acts_oldest_first(run: Run, played: Process) -> None:
    lines = run("history", "income").output.splitlines()
    assert [line.split()[0] for line in lines] == [act["time"] for act in played.status["acts"]][::-1]
    assert "good 50.0%→" in lines[0]
    assert any("RolledBack bad: " in line for line in lines)
    assert json.loads(run("history", "income", "-o", "json").output)[0]["kind"] == "Moved"


def test_replay_takes_a_name(run: Run) -> None:
    result = run("replay", "income")
    assert result.exit_code == 0, result.output
    assert "the memory comes out as stored" in result.output


@pytest.mark.parametrize("options", [(), ("-A",)])
def test_replay_takes_all_where_no_name_is_given(run: Run, options: tuple[str, ...]) -> None:
    result = run("replay", *options)
    assert result.exit_code == 0, result.output
    assert "models/income" in result.output
    assert result.output.splitlines()[-1].endswith("resource agree")


def test_replay_of_a_name_in_all_namespaces_is_refused(run: Run) -> None:
    result = run("replay", "income", "-A")
    assert result.exit_code == 2
    assert "leave out --all-namespaces" in result.output


def test_plan_answers_from_what_was_seen(run: Run, played: Process) -> None:
    result = run("plan", "income")
    assert "of income good has rewards and serves; it takes the baseline good and another" in result.output
    body = played.api.objects[played.path]
    arms = [{**arm, "state": "Active"} for arm in body["status"]["arms"]]
    played.api.objects[played.path] = {**body, "status": {**body["status"], "arms": arms}}
    try:
        output = run("plan", "income", "--hours", "1", "--seeds", "5").output
    finally:
        played.api.objects[played.path] = body
    assert output.startswith("supposing ")
    assert "Thompson: a verdict came in" in output


def test_plan_refuses_hours_that_are_no_number(run: Run) -> None:
    result = run("plan", "income", "--hours", "nan")
    assert result.exit_code == 2
    assert "nan is no number in the range 0<x<=8760" in result.output


async def paid_in_money() -> Process:
    """Ten windows of 500 requests an arm, of which a single reward varies by 40 about 31 and 33."""
    money = {"losses": "lost_total", "squares": "squares_total"}
    prometheus = {"trials": "trials_total", "successes": "earned_total", **money}
    one = Process(("good", "bad"), reward={"type": "Gaussian", "prometheus": prometheus})
    await one.look(tick=True)
    one.earning = {
        "good": (500.0, 500.0 * 31.0, 500.0 * (31.0**2 + 40.0**2)),
        "bad": (500.0, 500.0 * 33.0, 500.0 * (33.0**2 + 40.0**2)),
    }
    for _ in range(10):
        await one.tick()
    return one


def test_plan_takes_from_the_newest_decisions_how_much_money_varies() -> None:
    one = asyncio.run(paid_in_money())
    body = one.api.objects[one.path]
    world = world_of(body, read_status(body)[0], 1.0)
    assert world.rates[0] == pytest.approx([31.0, 33.0])
    assert world.spread is not None
    assert world.spread.deviations == pytest.approx([40.0, 40.0], rel=0.01)
    assert world.requests[0] == pytest.approx(1000.0)


def test_plan_plays_less_than_a_request_a_window_as_that() -> None:
    one = asyncio.run(paid_in_money())
    status, _ = read_status(one.api.objects[one.path])
    history = [
        record.model_copy(
            update={
                "observations": {
                    name: seen.model_copy(update={"trials": "0.1"})
                    for name, seen in (record.observations or {}).items()
                }
            }
        )
        for record in status.history or ()
    ]
    body = copy.deepcopy(one.api.objects[one.path])
    body["spec"]["reward"] = {"prometheus": {"successes": "s", "trials": "t"}}
    world = world_of(body, status.model_copy(update={"history": history}), 1.0)
    assert world.requests.sum() == pytest.approx(0.2 * world.ticks, abs=1.0)


def test_plan_plays_arms_that_serve_as_serving_though_they_began_in_the_shadow() -> None:
    one = asyncio.run(paid_in_money())
    body = copy.deepcopy(one.api.objects[one.path])
    body["spec"]["shadow"] = MANUAL
    body["spec"]["arms"][1]["onboarding"] = "Shadow"
    world = world_of(body, read_status(body)[0], 1.0)
    assert world.shadow is not None
    assert world.onboarded == (False, False)


@pytest.mark.parametrize(
    ("shown", "said"),
    [
        (ShadowArmStatus(trials="40"), "40 answers judged"),
        (
            ShadowArmStatus(trials="1200", difference="-0.013", low="-0.04", high="0.014"),
            "-0.013 (-0.04 to +0.014) on 1,200 requests",
        ),
        (
            ShadowArmStatus(trials="1200", difference="0.013", low="-0.02", high="0.04", shown_in="25 min"),
            "+0.013 (-0.02 to +0.04) on 1,200 requests, no worse in about 25 min",
        ),
    ],
)
def test_an_arm_in_the_shadow_says_what_it_has_shown_and_how_long_it_may_take(
    shown: ShadowArmStatus, said: str
) -> None:
    assert sentences.shadow(shown) == said


def test_every_reason_has_a_meaning_in_words() -> None:
    words = {value for name, value in vars(reasons).items() if name.isupper() and isinstance(value, str)}
    assert [word for word in words if meaning(word) == word] == []
    assert meaning("SomethingElse") == "SomethingElse"


def test_watching_shows_it_again_until_it_is_stopped(
    monkeypatch: pytest.MonkeyPatch, played: Process
) -> None:
    run, config = runner(monkeypatch, played)
    read: Callable[..., dict[str, Any]] = config.get
    times: list[int] = []

    def counted(*names: Any) -> dict[str, Any]:
        times.append(1)
        if len(times) > 2:
            raise KeyboardInterrupt
        return read(*names)

    monkeypatch.setattr(config, "get", counted)
    module = importlib.import_module("bandit_operator.cli.showing.status")
    monkeypatch.setattr(module, "REFRESH_SECONDS", 0.0)
    result = run("status", "income", "--watch")
    assert result.exit_code == 0
    assert len(times) == 3
    assert result.output.count("models/income: Learning") == 1  # where nothing can be drawn over, once


def test_what_comes_next_in_mode_observe_is_that_nothing_is_moved(
    monkeypatch: pytest.MonkeyPatch, played: Process
) -> None:
    run, _ = runner(monkeypatch, played)
    played.update_spec(mode="Observe")
    asyncio.run(played.tick())
    assert "nothing is moved in mode Observe" in " ".join(run("status", "income").output.split())


@pytest.mark.parametrize("output", ["json", "yaml", "name"])
def test_watching_for_programs_is_refused_with_what_to_type(run: Run, output: str) -> None:
    result = run("status", "income", "--watch", "-o", output)
    assert result.exit_code == 2
    assert f"leave out --watch, or --output {output}" in " ".join(result.output.split())
