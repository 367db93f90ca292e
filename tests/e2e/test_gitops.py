"""Git applies route and Deployment again and again, as docs/gitops.md says: the weights are left alone."""

from __future__ import annotations

import copy
import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from cluster.client import Cluster
from testbed.programs import BROKEN_PROMETHEUS
from testbed.rollout import Rollout
from testbed.waiting import wait_until
from tests.e2e.conftest import program

pytestmark = pytest.mark.cluster

PAGE = (Path(__file__).parents[2] / "docs" / "gitops.md").read_text(encoding="utf-8")
SECONDS = 2.0
"""Between two applies; Flux and Argo CD take minutes."""


def ignored_paths() -> list[list[str]]:
    """Return the JSON pointers that the page tells Flux to ignore, as their parts."""
    snippets = [yaml.safe_load(one) for one in re.findall(r"```yaml\n(.*?)```", PAGE, flags=re.DOTALL)]
    (flux,) = (one for one in snippets if one["kind"] == "Kustomization")
    return [path.split("/")[1:] for rule in flux["spec"]["ignore"] for path in rule["paths"]]


def at(document: Any, parts: list[str]) -> Any:
    """Return what a JSON pointer leads to; None where it leads nowhere."""
    for part in parts:
        if isinstance(document, list):
            if int(part) >= len(document):
                return None
            document = document[int(part)]
        else:
            document = document[part]
    return document


class Git:
    """Somebody who applies the same manifests for ever."""

    def __init__(self, one: Rollout, route: dict[str, Any], *others: dict[str, Any]) -> None:
        self.one, self.route, self.others = one, route, others
        self.seen: list[dict[str, int]] = []
        """Weights that an apply has left, one after the other."""
        self.failed: Exception | None = None
        self._over = threading.Event()

    def apply(self) -> None:
        """Apply everything, with the cluster's own values where the page says so."""
        wanted, live = copy.deepcopy(self.route), self.one.route()
        for *holder, field in ignored_paths():
            if at(wanted, holder) is not None:
                at(wanted, holder)[field] = at(live, holder)[field]
        self.one.cluster.kubectl(
            "apply", "--server-side", "--force-conflicts", "--field-manager=git", "-f", "-",
            stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": [wanted, *self.others]}),
        )  # fmt: skip
        self.seen.append(self.one.weights())

    @contextmanager
    def looping(self) -> Iterator[None]:
        """Apply every few seconds while the block runs."""
        thread = threading.Thread(target=self._loop, name="git", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._over.set()
            thread.join()
        assert self.failed is None, self.failed

    def _loop(self) -> None:
        while not self._over.wait(SECONDS):
            try:
                self.apply()
            except Exception as failed:  # for the test's own thread, which asks for it
                self.failed = failed
                return


@pytest.fixture
def loser(rollout: Callable[..., Rollout], steer: Callable[..., None]) -> Rollout:
    """A rollout whose arm bad is clearly worse."""
    one = rollout()
    steer(one.name, good=(60, 0.9), bad=(60, 0.1))
    return one


def test_git_goes_round_and_the_weights_move_and_a_loser_stays_at_zero(
    operator: Cluster, loser: Rollout
) -> None:
    assert operator
    bad = f"{loser.name}-bad"
    config, deployment, service = program(bad, BROKEN_PROMETHEUS, 9090)
    del deployment["spec"]["replicas"]
    good, _ = loser.services()
    target = {"name": "bad", "backendRef": {"name": bad}, "scaleTargetRef": {"name": bad}}
    arms = [{"name": "good", "backendRef": {"name": good["metadata"]["name"]}}, target]
    resource = loser.resource(arms=arms, rollback={"drain": "3s", "retryAfter": "0s"})
    loser.cluster.apply(good, service, config, loser.route_object(), deployment)
    loser.cluster.kubectl("wait", "--for=condition=Available", f"deploy/{bad}", "--timeout=60s")
    git = Git(loser, loser.route_object(), deployment, resource)
    git.apply()
    with git.looping():
        loser.wait_for_move()
        wait_until(lambda: loser.arm("bad").get("state") == "RolledBack", "the loser is rolled back", 60)
        since = len(git.seen)
        wait_until(lambda: git.failed or len(git.seen) >= since + 5, "Git went round five times more", 40)
    assert all(weights == {"good": 10000, "bad": 0} for weights in git.seen[since:])
    assert loser.cluster.get("deployment", bad)["spec"]["replicas"] == 0
    assert loser.condition("TrafficInSync")["reason"] != "WeightsContested"
