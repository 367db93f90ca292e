"""Plays the stream through the gateway, and reads what the operator made of it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from bandit_serving.replay import Answer
from bandit_study.engine.settings import DELAY_MEDIAN, DELAY_P95
from cluster.client import Cluster, ClusterError
from demo.replay.prepare import Prepared
from demo.rollbacks import rollbacks_of
from demo.traffic import Traffic
from demo.watching import Watched
from testbed import installation
from testbed.records import Records, ticks_of

TAKE_OVER_SECONDS, SETTLE_SECONDS = 60.0, 180.0
Result = dict[str, Any]
Progress = Callable[[str], None]
Served = Callable[[int], None]
"""Called with how many requests have been answered."""


class Tally:
    """Which arm answered which row, and what that earns by the study's arithmetic."""

    def __init__(self, prepared: Prepared) -> None:
        self._stream = prepared.stream
        self._lock = threading.Lock()
        self.answered = 0
        self.expected = dict.fromkeys(prepared.stream.names, 0.0)
        self.trials = dict.fromkeys(prepared.stream.names, 0)

    def add(self, answer: Answer) -> None:
        """Take in one answer."""
        if answer.failure is not None or answer.arm is None:
            return
        arm = self._stream.names.index(answer.arm)
        with self._lock:
            self.answered += 1
            self.trials[answer.arm] += 1
            self.expected[answer.arm] += float(self._stream.rewards[answer.row, arm])


def replay(
    cluster: Cluster, prepared: Prepared, rate: float, interval: float, progress: Progress, served: Served
) -> Result:
    """Install everything, send every row once in the order of time, and wait until all rewards are counted.

    Args:
        cluster: Where.
        prepared: What is served and sent.
        rate: Requests a second.
        interval: Seconds of a tick: a chunk of the study.
        progress: Called with each line worth showing.
        served: Called now and then with how many requests have been answered.

    Raises:
        ClusterError: the operator does not take the route over, or does not count every reward.
    """
    started = time.monotonic()
    progress("cluster: installing the models, the reward collector and, with helm, the operator")
    prepared.rollout.install_models(cluster)
    installation.install_operator(cluster)
    prepared.rollout.start(cluster)
    progress(f"cluster: everything serves, after {time.monotonic() - started:.0f} s")
    watched, tally = Watched(prepared.rollout.name), Tally(prepared)
    watched.start(cluster.kubeconfig)
    delay = f"lognormal:{DELAY_MEDIAN * interval:g}s,{DELAY_P95 * interval:g}s"
    requests = len(prepared.stream.target)
    traffic = Traffic(
        cluster, prepared.rollout.name, prepared.rows, rate, delay, requests=requests, on_answer=tally.add
    )
    try:
        _await(
            watched,
            lambda: watched.records.first_cursor is not None and traffic.routed,
            TAKE_OVER_SECONDS,
            "take the route over",
        )
        traffic.start()
        while not watched.wait(lambda: traffic.ended, 1.0):
            served(tally.answered)
            sent = traffic.replayer.counters.requests_total
            if sent >= requests and traffic.replayer.labels_waiting == 0:
                break
        if traffic.error is not None:
            raise ClusterError(f"the traffic broke off: {traffic.error!r}")
        counted = watched.records.trials
        sent = traffic.replayer.labels_sent
        _await(watched, lambda: counted() == sent, SETTLE_SECONDS, "count every reward")
    finally:
        traffic.finish(10.0)
        watched.stop()
    return _result(prepared, traffic, watched.records, tally, rate, interval)


def _await(watched: Watched, condition: Callable[[], bool], seconds: float, what: str) -> None:
    if not watched.wait(condition, seconds):
        raise ClusterError(f"the operator did not {what} within {seconds:g} s; its status: {watched.status}")


def _result(
    prepared: Prepared, traffic: Traffic, records: Records, tally: Tally, rate: float, interval: float
) -> Result:
    ticks = ticks_of(records)
    counted = {name: sum(tick["rewards"].get(name, 0.0) for tick in ticks) for name in prepared.stream.names}
    counters = traffic.replayer.counters
    return {
        "stream": prepared.stream.name,
        "months": prepared.months,
        "rate": rate,
        "interval": interval,
        "requests": counters.requests_total,
        "failed": counters.requests_failed,
        "failures": dict(counters.failures),
        "labels_sent": traffic.replayer.labels_sent,
        "rewards_counted": records.trials(),
        "served": tally.trials,
        "reward_by_operator": counted,
        "reward_by_study": tally.expected,
        "mean_reward": float(np.sum(list(counted.values())) / max(records.trials(), 1)),
        "windows_missing": records.gaps(),
        "rolled_back": rollbacks_of(records),
        "ticks": ticks,
    }
