"""Made-up versions of a BanditDeployment with its decisions."""

from __future__ import annotations

from typing import Any

ARMS = ("boosting", "logistic")


def stamp(second: int) -> str:
    """A time, so many seconds after the start of the story."""
    return f"2030-01-01T00:{second // 60:02d}:{second % 60:02d}.000Z"


def decision(
    end: int, trials: tuple[int, int], *, reason: str = "WeightsMoved", **more: Any
) -> dict[str, Any]:
    """A decision on the five seconds before ``end``, with as many trials of each arm, all rewarded."""
    seen = {
        arm: {"trials": repr(float(n)), "rewards": repr(float(n))}
        for arm, n in zip(ARMS, trials, strict=True)
    }
    return {
        "time": stamp(end + 4),
        "window": {"start": stamp(end - 5), "end": stamp(end)},
        "observations": seen,
        "weights": {"boosting": 7000, "logistic": 3000},
        "reason": reason,
        "message": f"at {end}",
        **more,
    }


def version(*decisions: dict[str, Any], evidence: str = "1", state: str = "Active") -> dict[str, Any]:
    """A BanditDeployment whose status holds these decisions, the newest first."""
    arms = [
        {"name": "boosting", "state": state, "weight": 7000, "evidence": evidence, "threshold": "20"},
        {"name": "logistic", "state": "Active", "weight": 3000, "mean": "0.8"},
    ]  # fmt: skip
    status: dict[str, Any] = {"cursor": stamp(0), "history": list(decisions), "arms": arms}
    if decisions:
        status["window"] = decisions[0].get("window", {"start": stamp(0), "end": stamp(0)})
    return {"metadata": {"name": "income"}, "spec": {"baseline": "logistic"}, "status": status}
