"""A few of the worst faults, on a cluster under a steady load."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bench.chaos.faults import FAULTS
from bench.chaos.play import play_all
from bench.chaos.scene import Stage, open_stage

pytestmark = pytest.mark.cluster

QUICK = [fault for fault in FAULTS if fault.quick]


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with pytest.MonkeyPatch.context() as patched:
        patched.delenv("KUBECONFIG", raising=False)
        with open_stage(tmp_path_factory.mktemp("chaos")) as one:
            yield one


def test_under_the_worst_faults_all_promises_are_kept(stage: Stage) -> None:
    rows = play_all(stage, QUICK, began=lambda _: None, ended=lambda _: None)
    assert {row["fault"]: row["problems"] for row in rows} == {fault.name: [] for fault in QUICK}
    assert all(row["requests"] > 500 for row in rows)
