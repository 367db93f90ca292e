"""What a moment of the operator belongs to, by its stack."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path

import bandit_operator

ROOT = Path(bandit_operator.__file__).parent
"""Folder of the operator's package."""
STEPS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("log", ("structlog/", "logging/")),
    ("metrics", ("prometheus_client/", "runtime/telemetry.py", "watch/exposed.py")),
    ("query", ("adapters/prometheus.py", "adapters/batches.py", "adapters/joined.py", "sources/promql.py",
               "sources/binding.py", "adapters/access.py")),
    ("parse", ("adapters/answers.py", "bandit_operator/sources/", "reconcile/observe.py",
               "reconcile/window_ends.py", "reconcile/causes.py", "reconcile/windows.py")),
    ("learn", ("core/inference/", "core/memory/", "core/learn.py", "core/plausib")),
    ("decide", ("bandit_operator/core/", "core/strategies/")),
    ("status", ("bandit_operator/status/", "reconcile/rivals.py")),
    ("write", ("adapters/kubernetes.py", "reconcile/apply.py", "reconcile/writes.py",
               "reconcile/route_writes.py")),
    ("cache", ("bandit_operator/watch/", "watch/web/", "bandit_operator/routers/", "reconcile/placement.py",
               "reconcile/route_sync.py", "reconcile/ownership.py", "reconcile/mirror", "reconcile/former.py",
               "reconcile/route_plan.py", "reconcile/gateway_features.py", "reconcile/contest.py", "kopf/")),
    ("pass", ("bandit_operator/reconcile/", "bandit_operator/api/")),
    ("wake", ("runtime/scheduler.py", "runtime/shards.py")),
    ("election", ("runtime/election.py",)),
)  # fmt: skip
"""Steps by parts of their files' paths; the innermost frame that belongs to one says which it is.

What libraries do (numpy, pydantic, aiohttp) is the step's that called them.
"""
LOOP = "loop"
"""What no step has called: the event loop, and what it reads and writes for them."""


def step_of(stack: Sequence[str]) -> str:
    """The step that a stack belongs to, its frames as ``file:function``, the innermost first."""
    return next((step for frame in stack if (step := _step_of_frame(frame)) is not None), LOOP)


def functions_of(stack: Sequence[str]) -> set[str]:
    """Those of a stack's frames that belong to a step, each of them once."""
    return {frame for frame in stack if _step_of_frame(frame) is not None}


@cache  # a program has few functions, and is interrupted while they are looked up
def _step_of_frame(frame: str) -> str | None:
    return next((step for step, marks in STEPS if any(mark in frame for mark in marks)), None)
