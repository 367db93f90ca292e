from __future__ import annotations

from typing import Any

import pytest

from bench.chaos.faults import FAULTS


def row(name: str, **others: Any) -> dict[str, Any]:
    """A fault's figures, made up."""
    timeline = {
        "ready": {"True": [[-5.0, 1.0], [9.0, 20.0]], "False": [[1.0, 9.0]], "Unknown": []},
        "strokes": [0.0], "failed": [], "failed_at_first": [0.4], "end": 20.0,
    }  # fmt: skip
    return {
        "fault": name, "injected": "Something | is broken.", "expected": "It is said.", "observed": "said",
        "alone": False, "seconds": 30.0, "failed_requests": 0, "false_rollbacks": 0, "rewards_lost": 0,
        "rewards_doubled": 0, "ready_said": "True → False/NoData (+1.0 s) → True (+9.0 s)", "requests": 1200,
        "failed_at_first": 1, "rewards": 1199, "rewards_counted": 1199, "stated": "", "problems": [],
        "timeline": timeline, "ok": True, **others,
    }  # fmt: skip


@pytest.fixture
def report() -> dict[str, Any]:
    """A report of all faults, with figures that are made up."""
    rows = [row(fault.name) for fault in FAULTS]
    return {"seconds": 1800.0, "cores": 2, "rate": 40.0, "at_once": 5, "faults": rows}
