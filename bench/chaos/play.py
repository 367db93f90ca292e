"""Plays faults, several beside each other where they allow it, and judges what was seen."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import httpx

from bench.chaos import judge
from bench.chaos.fault import Fault
from bench.chaos.judge import Facts, Rewards
from bench.chaos.live import LiveRollout, answers_by_arm, counted_by_arm, windows_left_out
from bench.chaos.scene import Scene, Stage
from cluster.client import ClusterError
from testbed.records import Records, parse_time
from testbed.reward_truth import truth

AT_ONCE = 5
"""Faults that are played beside each other, with two cores."""
AFTERWARDS = 9.0
"""Seconds after a fault is taken back that still belong to it: a window of them is read."""
EDGE = 2.0
"""Seconds by which a window of the operator and the time of an answer may differ: a scrape, and its way."""
TRIALS = "model_reward_trials_total"
Row = dict[str, Any]


def play_all(
    stage: Stage, faults: Sequence[type[Fault]], began: Callable[[str], None], ended: Callable[[Row], None]
) -> list[Row]:
    """Play faults: first those that allow others beside them, then each of the others alone.

    Args:
        stage: Where.
        faults: What to play.
        began: Called with the name of each as it begins.
        ended: Called with the figures of each as it ends.

    Returns:
        The figures, in the order of ``faults``.
    """

    def one(fault: type[Fault]) -> Row:
        began(fault.name)
        row = play(stage, fault())
        ended(row)
        return row

    together = [fault for fault in faults if not fault.alone]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        rows = list(pool.map(one, together))
    rows += [one(fault) for fault in faults if fault.alone]
    order = [fault.name for fault in faults]
    return sorted(rows, key=lambda row: order.index(row["fault"]))


def play(stage: Stage, fault: Fault) -> Row:
    """Play one fault, and return its figures."""
    began = time.time()
    scene = Scene(stage, fault.name)
    problems: list[str] = []
    observed = ""
    one: LiveRollout | None = None
    try:
        one = fault.prepare(scene)
        try:
            fault.inject(scene, one)
            observed = fault.observe(scene, one)
        except (AssertionError, ClusterError, httpx.HTTPError) as error:
            problems.append(f"not as expected: {error}")
        fault.undo(scene, one)
        scene.hold(AFTERWARDS)
    except Exception as error:  # a fault of the run itself is no reason to lose the other faults' figures
        where = traceback.extract_tb(error.__traceback__)[-1]
        problems.append(f"could not be played: {type(error).__name__} in {where.name}: {error}")
    until = time.time()
    row: Row = {
        "fault": fault.name, "injected": fault.injected, "expected": fault.expected, "observed": observed,
        "alone": fault.alone, "seconds": round(until - began, 1),
    }  # fmt: skip
    try:
        row |= figures(fault, scene, until)
    except Exception as error:  # as above
        problems.append(f"could not be judged: {type(error).__name__}: {error}")
    scene.clear()
    row["problems"] = problems + row.get("problems", [])
    row["ok"] = not row["problems"]
    return row


# ---- figures ----------------------------------------------------------------------------


def figures(fault: Fault, scene: Scene, until: float) -> Row:
    """Judge all rollouts of a scene together."""
    facts = {one.name: one.facts(scene.strokes, _counts_since(one), until) for one in scene.rollouts}
    rewards = {one.name: _rewards(fault, scene, one) for one in scene.rollouts if _counts_since(one)}
    must = {name: judge.failures(seen) for name, seen in facts.items()}
    failed = sum(len(times) for times, _ in must.values())
    answered = sum(sum(answers_by_arm(one.requests()).values()) for one in scene.rollouts)
    lost, doubled = (
        sum(
            one.beyond(fault.stated_lost * answered + left_out, fault.stated_doubled * answered)[which]
            for one, left_out in rewards.values()
        )
        for which in (0, 1)
    )
    false = [f"{name}/{arm}" for name, seen in facts.items() for arm in judge.false_rollbacks(seen)]
    broken = [
        f"{name}: Ready=True for {seconds:.1f} s while {what}"
        for name, seen in facts.items()
        for seconds, what in judge.ready_while_broken(seen)
    ]
    problems = list(broken)
    if failed:
        problems.append(f"{failed} requests failed while an arm could serve")
    if false:
        problems.append(f"taken out and never worse: {', '.join(false)}")
    if lost:
        problems.append(f"{lost:g} rewards lost beyond what is stated")
    if doubled:
        problems.append(f"{doubled:g} rewards counted twice")
    main = facts[scene.rollouts[0].name] if scene.rollouts else None
    return {
        "failed_requests": failed,
        "false_rollbacks": len(false),
        "rewards_lost": round(lost),
        "rewards_doubled": round(doubled),
        "ready_said": "" if main is None else judge.ready_said(main),
        "requests": sum(len(one.requests()) for one in scene.rollouts),
        "failed_at_first": sum(len(times) for _, times in must.values()),
        "rewards": round(sum(one.there for one, _ in rewards.values())),
        "rewards_counted": round(sum(one.counted for one, _ in rewards.values())),
        "stated": fault.stated,
        "problems": problems,
        "timeline": {} if main is None else _timeline(main, must[scene.rollouts[0].name]),
    }


def _counts_since(one: LiveRollout) -> float:
    """When the operator began to count, in seconds since 1970; 0 where it never did."""
    return one.records().first_cursor or 0.0


def _rewards(fault: Fault, scene: Scene, one: LiveRollout) -> tuple[Rewards, float]:
    """Compare what was counted with what there was; gives also how much was said to be left out."""
    if fault.counted == "not" or not one.counts:
        return judge.compare({}, {}), 0.0
    by_answers = fault.counted == "answers"
    if by_answers:
        one.send(0)
        time.sleep(fault.quiet)
    records = _last_records(one, quiet_since=time.time() if by_answers else 0.0)
    windows = [
        (parse_time(record["window"]["start"]), parse_time(record["window"]["end"]))
        for record in records.ticks
    ]
    if not windows or records.first_cursor is None:
        return judge.compare({}, {}), 0.0
    there: dict[str, float] = {}
    if by_answers:
        there = answers_by_arm(one.requests())
    else:
        whole = [(records.first_cursor, windows[-1][1])]
        for start, end in judge.merged(windows) if fault.begins_again else whole:
            for arm, grown in truth(scene.stage.cluster, one.name, TRIALS, start, end).items():
                if arm in one.backends:  # and not a backend of the rule that is no arm
                    there[arm] = there.get(arm, 0.0) + grown
    left_out = bool(fault.stated) and sum(
        start - EDGE <= request.sent <= end + EDGE and request.arm == arm
        for arm, spans in windows_left_out(records).items()
        for start, end in judge.merged(spans)
        for request in one.requests()
    )
    # What was read and not believed is in the records, too; the evidence's own trials are without it.
    learned = {arm: float(one.arm(arm).get("trials", 0.0)) for arm in one.arms}
    return judge.compare(learned if by_answers else counted_by_arm(records), there), float(left_out)


def _last_records(one: LiveRollout, quiet_since: float) -> Records:
    """Have the operator write what it has decided last, and return all decisions.

    A tick that changes nothing is written with the next that does, a minute later at the most, or when
    the spec changes. Where rewards are held to answers, all of them must be in windows that were read.
    """
    if quiet_since:
        with suppress(AssertionError):
            one.wait(
                "a window after the last request is written",
                lambda: parse_time(one.status().get("cursor", "1970-01-01T00:00:00Z")) > quiet_since,
                75,
            )
    with suppress(AssertionError, ClusterError):
        one.patch({"mode": "Paused"})
        one.wait("it is paused", lambda: one.status().get("phase") in ("Paused", "Rejected"), 15)
    return one.records()


def _timeline(facts: Facts, failed: tuple[list[float], list[float]]) -> Row:
    """What a picture needs, in seconds after the first stroke."""
    first = min(facts.strokes, default=facts.until)

    def after(at: float) -> float:
        return round(at - first, 2)

    spans = {
        status: [
            [after(max(start, first - 10)), after(end)]
            for start, end in facts.said.spans(facts.until, lambda said, status=status: said[0] == status)  # type: ignore[misc]  # mypy has no type for such a default
            if end > first - 10
        ]
        for status in ("True", "False", "Unknown")
    }
    return {
        "ready": spans,
        "strokes": sorted({after(at) for at in facts.strokes}),
        "failed": sorted({after(at) for at in failed[0]}),
        "failed_at_first": sorted({after(at) for at in failed[1]}),
        "end": after(facts.until),
    }
