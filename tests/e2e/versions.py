"""Every version of a resource, and whether its rewards are those that Prometheus has seen."""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Mapping, Sequence
from typing import Any, Self

import pytest

from bandit_operator.api.timestamps import from_timestamp
from cluster.client import tools
from testbed.records import Records
from testbed.reward_truth import truth
from testbed.rollout import Rollout
from tests.e2e import NAMESPACE


class Versions:
    """Every version of a resource that a watch brings, from its own process, until its block ends."""

    def __init__(self, rollout: Rollout) -> None:
        command = [
            str(tools() / "bin" / "cluster"),
            "kubectl",
            "--kubeconfig",
            str(rollout.cluster.kubeconfig),
        ]
        command += ["-n", NAMESPACE, "get", "bd", rollout.name, "--watch", "-o", "json"]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.bodies: list[dict[str, Any]] = []
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        decoder, text = json.JSONDecoder(), ""
        while line := self._process.stdout.readline():
            text += line
            if line.rstrip() == "}":
                body, _ = decoder.raw_decode(text)
                self.bodies.append(body)
                text = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(timeout=10)
        self._thread.join(timeout=10)
        assert self._process.stdout is not None
        self._process.stdout.close()


def assert_counted_once(
    rollout: Rollout, bodies: Sequence[Mapping[str, Any]], fields: Mapping[str, str]
) -> dict[str, dict[str, float]]:
    """Fail where a window is missing, or a counter has grown by another amount than was counted.

    Args:
        rollout: The resource.
        bodies: All versions of it.
        fields: Field of an observation by the counter that it is read from.

    Returns:
        What was counted, by field and arm.
    """
    records = Records()
    for body in bodies:
        records.add(body.get("status", {}))
    assert records.gaps() == []
    assert records.first_cursor is not None
    start, end = records.first_cursor, from_timestamp(records.ticks[-1]["window"]["end"])
    result = {}
    for metric, field in fields.items():
        counted: dict[str, float] = {}
        for record in records.ticks:
            for arm, seen in record.get("observations", {}).items():
                counted[arm] = counted.get(arm, 0.0) + float(seen[field])
        # Sums of rewards without bounds are rounded by the order in which they are added up.
        assert counted == pytest.approx(truth(rollout.cluster, rollout.name, metric, start, end), rel=1e-12)
        result[field] = counted
    return result
