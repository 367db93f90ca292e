from __future__ import annotations

from typing import Any

import pytest

from bench.overhead.reaction import BREAKS


def _path(shift: float, writes: int) -> dict[str, Any]:
    latencies = {"p50": 1 + shift, "p99": 4 + shift, "p99.9": 9 + shift}
    counted = {"failed": 0, "requests": 20, "route_writes": writes}
    return {"count": 10, **latencies, "throughput": 1000 - shift, **counted}


def _line(resources: int, interval: int | None, weights: str, **others: Any) -> dict[str, Any]:
    ticks = 60 * resources / interval if interval else 0.0
    counted = {"lag_mean": 0.01, "lag_p99": 0.1, "pass_ms": 5.0, "queries": 1.0, "api_reads": 0.0}
    counted |= {"api_writes": 2.0 if weights == "moving" else 0.1, "events": 0.0, "etcd_writes": 0.2}
    line = {
        "resources": resources, "interval": interval, "weights": weights, "ticks": ticks, "seconds": 60.0,
        "cores": 0.004 + 0.001 * ticks / 60, "api_cores": 0.1, "memory_mib": 80.0 + resources / 10,
        "scrape_ms": 30.0, "scrape_kib": 800.0, "caught_up": 0.0,
        **(counted if ticks else dict.fromkeys(counted)), **others,
    }  # fmt: skip
    return line


@pytest.fixture
def parts() -> dict[str, Any]:
    """All six parts as they are measured, with figures that are made up."""
    rounds = [
        {"direct": _path(k, 0), "static": _path(k + 0.5, 0), "moved": _path(k + 0.55, 3)} for k in range(3)
    ]
    near = {"count": 5, "p50": 1.0, "p99": 4.0, "p99.9": 9.0}
    latency = {
        "seconds": 300.0,
        "plan": {
            "interval": 5.0, "rounds": 3, "seconds": 10, "rate": 300, "full_seconds": 5, "workers": 16
        },
        "rounds": rounds,
        "after_write": {"writes": 9, "near": near, "far": near},
    }  # fmt: skip
    lines = [_line(0, None, "none")]
    lines += [_line(number, every, "settled") for number in (1, 1000) for every in (10, 60)]
    lines.append(_line(200, 10, "moving"))
    for line in lines[1:]:
        line["replayed"] = {"resources": line["resources"], "decisions": 10 * line["resources"], "differ": 0}
    shares = [(0.0, 0.2), (6.0, 0.05), (12.0, 0.0)]
    harm = {"start": 0.2, "harmed": 210, "half": 6.0, "out": 12.0, "failed": 0, "shares": shares}
    gain = {"first": 4.0, "nearly": 55.0, "lost": 380.0, "failed": 0, "shares": [(0.0, 0.0), (55.0, 0.99)]}
    reaction = {
        "seconds": 1500.0,
        "plan": {"rounds": 3, "seconds": 150, "better_seconds": 200},
        "breaks": [{"case": case, **harm} for case in BREAKS for _ in range(3)],
        "better": [gain for _ in range(3)],
    }
    return {
        "latency": latency,
        "scale": {
            "seconds": 600.0,
            "plan": {"seconds": 60},
            "lines": lines,
            "start_up": {"first": 4.2, "all": 9.5},
        },
        "fleet": {
            "seconds": 900.0,
            "plan": {"resources": 5000, "interval": 60, "shards": 3, "seconds": 120},
            **_line(5000, 60, "settled", seconds=120.0, ticks=10_000.0),
        },
        "shares": {
            "seconds": 300.0,
            "plan": {"numbers": (0, 200), "seconds": 90},
            "lines": [
                {
                    "resources": resources,
                    "requests": 1080,
                    "failed": 0,
                    "share": 0.05 - resources / 40_000,
                    "writes": 9 * resources,
                    "seconds_with_a_write": 9,
                    "seconds": 90.0,
                }
                for resources in (0, 200)
            ],
        },
        "reaction": reaction,
        "shadow": {
            "seconds": 150.0,
            "plan": {"pairs": 12, "block": 200, "rate": 50.0, "arms": 3, "cores": 2},
            "figures": [
                {"share": share, "percentile": percentile, "ratio": 1.1, "lowest": 0.9, "highest": 1.5}
                for share in (0.1, 1.0)
                for percentile in (50.0, 99.0)
            ],
        },
    }
