"""The delay that is fitted to the collector's histogram."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from typing import Any

import httpx
import numpy as np
import pytest
import yaml
from click.testing import CliRunner

from bandit_serving.cli import main
from bandit_serving.collector.counters import DELAY_BUCKETS
from bandit_serving.collector.delay_fit import Bucket, duration, fit, read_histograms


def histogram_of(delays: np.ndarray) -> list[Bucket]:
    ends = (*DELAY_BUCKETS, math.inf)
    return [(end, float((delays <= end).sum())) for end in ends]


@pytest.mark.parametrize("median", [0.5, 40.0, 7200.0, 3 * 86400.0])
@pytest.mark.parametrize("shape", [0.5, 1.0, 2.0])
def test_the_weibull_distribution_that_delays_come_from_is_found_again(median: float, shape: float) -> None:
    scale = median / math.log(2) ** (1 / shape)
    delays = scale * np.random.default_rng(3).weibull(shape, 20_000)
    found = fit(histogram_of(delays))
    assert found.labels == 20_000
    assert found.median == pytest.approx(median, rel=0.05)
    assert found.p95 == pytest.approx(scale * math.log(20) ** (1 / shape), rel=0.08)


def test_delays_that_all_fall_in_one_bucket_give_times_within_it() -> None:
    found = fit(histogram_of(np.full(100, 20.0)))
    assert 10 <= found.median <= found.p95 <= 30


def test_delays_beyond_the_last_bucket_are_no_less_than_its_end() -> None:
    found = fit(histogram_of(np.full(100, 80 * 86400.0)))
    assert found.median >= 30 * 86400


def test_too_few_labels_say_so() -> None:
    with pytest.raises(ValueError, match="19 labels, at least 20 are needed"):
        fit(histogram_of(np.full(19, 1.0)))


def test_arms_are_added_up_route_by_route() -> None:
    lines = [
        f'model_reward_delay_seconds_bucket{{route="{route}",arm="{arm}",le="{end}"}} {count}'
        for route, arm, end, count in (
            ("r", "a", "1.0", 3),
            ("r", "a", "+Inf", 5),
            ("r", "b", "1.0", 10),
            ("r", "b", "+Inf", 20),
            ("other", "a", "+Inf", 1),
        )
    ]
    text = "\n".join(["# TYPE model_reward_delay_seconds histogram", *lines, ""])
    assert read_histograms(text) == {"other": [(math.inf, 1.0)], "r": [(1.0, 13.0), (math.inf, 25.0)]}


@pytest.mark.parametrize(
    ("labels", "message"), [('arm="a",le="1.0"', "has no label route"), ('route="r"', "has no label le")]
)
def test_a_histogram_of_that_name_that_is_not_the_collectors_is_told(labels: str, message: str) -> None:
    lines = ["# TYPE model_reward_delay_seconds histogram"]
    lines += [f"model_reward_delay_seconds_bucket{{{labels}}} 3", ""]
    with pytest.raises(ValueError, match=message):
        read_histograms("\n".join(lines))


@pytest.mark.parametrize(
    ("seconds", "written"),
    [(0.0001, "1ms"), (9.9, "9900ms"), (42.4, "42s"), (7800, "130m"), (345_600, "96h"), (1e9, "2160h")],
)
def test_a_time_is_written_as_the_api_takes_it(seconds: float, written: str) -> None:
    assert duration(seconds) == written


def test_the_verb_prints_what_goes_into_the_manifest(start: Callable[..., Any], tmp_path: Any) -> None:
    collector = start("collector", "--database", str(tmp_path / "db"))
    delays = np.random.default_rng(1).exponential(60, 400)
    events = [{"id": str(i), "route": "income", "time": 1000.0} for i in range(len(delays))]
    predictions = [{**event, "arm": "ab"[i % 2], "outputs": {"predict": 1}} for i, event in enumerate(events)]
    late = zip(events, delays.tolist(), strict=True)
    labels = [{**event, "time": 1000 + delay, "label": 1} for event, delay in late]
    for kind, batch in (("predictions", predictions), ("labels", labels)):
        assert httpx.post(f"{collector.url}/v1/{kind}", json=batch).status_code == 200
    result = CliRunner().invoke(main, ["delay", "--from", f"{collector.url}/metrics", "--route", "income"])
    assert result.exit_code == 0, result.output
    assert "# route income: 400 labels" in result.output
    found = yaml.safe_load(result.output)["delay"]
    assert 35 <= int(found["median"].removesuffix("s")) <= 50  # 60 · ln 2 = 42
    assert 150 <= int(found["p95"].removesuffix("s")) <= 215  # 60 · ln 20 = 180


def test_the_name_of_a_route_is_no_command_to_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    metrics = """
# TYPE model_reward_delay_seconds histogram
model_reward_delay_seconds_bucket{route="\x1b[2Jx\\ndelay: {}",arm="a",le="+Inf"} 3
model_reward_delay_seconds_count{route="\x1b[2Jx\\ndelay: {}",arm="a"} 3
model_reward_delay_seconds_sum{route="\x1b[2Jx\\ndelay: {}",arm="a"} 3
"""
    monkeypatch.setattr(sys.modules["bandit_serving.cli.delay"], "_fetch", lambda _: metrics)
    shown = CliRunner().invoke(main, ["delay", "--from", "http://rewards:8081/metrics"]).output
    assert shown.startswith('# route "\\u001b[2Jx\\ndelay: {}": ')
    assert "\x1b" not in shown


def test_a_route_without_labels_and_an_address_without_metrics_are_told(
    start: Callable[..., Any], tmp_path: Any
) -> None:
    collector = start("collector", "--database", str(tmp_path / "db"))
    arguments = ["delay", "--from", f"{collector.url}/metrics", "--route", "income"]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 2
    assert "no label of it has come; routes with labels: none yet" in " ".join(result.output.split())
    result = CliRunner().invoke(main, ["delay", "--from", f"{collector.url}/metrics"])
    assert result.exit_code == 2
    assert "it has no histogram model_reward_delay_seconds; give the" in " ".join(result.output.split())
    result = CliRunner().invoke(main, ["delay", "--from", f"{collector.url}/nothing"])
    assert result.exit_code == 2
    assert "HTTP Error 404: Not Found; give the URL of /metrics" in " ".join(result.output.split())
