"""Which step a moment of the operator belongs to."""

from __future__ import annotations

from bench.profile import steps

PASS = ("bandit_operator/reconcile/reconciler.py:_pass", "bandit_operator/runtime/scheduler.py:_look")
LEARN = (
    "numpy/_core/_methods.py:_sum",
    "core/inference/pairs.py:update",
    "bandit_operator/core/learn.py:learn",
)


def test_what_a_library_does_is_the_step_that_called_it() -> None:
    assert steps.step_of((*LEARN, *PASS)) == "learn"


def test_the_innermost_step_counts() -> None:
    assert steps.step_of(("bandit_operator/status/writer.py:write", *PASS)) == "status"
    assert steps.step_of(PASS) == "pass"


def test_what_no_step_has_called_is_the_loop() -> None:
    assert steps.step_of(("lib/python3.11/selectors.py:select", "asyncio/base_events.py:_run_once")) == "loop"


def test_a_function_that_calls_itself_is_counted_once() -> None:
    assert steps.functions_of((*LEARN, *PASS, *PASS)) == {*LEARN[1:], *PASS}


def test_every_mark_of_a_step_is_a_path_that_is_there() -> None:
    ours = [mark for _, marks in steps.STEPS for mark in marks if "bandit_operator/" in mark]
    assert ours
    assert all((steps.ROOT / mark.removeprefix("bandit_operator/")).exists() for mark in ours)
