"""Webhooks of the installed chart: what a Secret lists is told, and nothing of the Secret is shown."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import yaml

from cluster.client import Cluster
from testbed.installation import OPERATOR_NAMESPACE, install_operator
from testbed.rollout import Rollout
from testbed.waiting import wait_until
from tests.e2e import ADDRESSES, NAMESPACE
from tests.e2e.conftest import PROGRAMS, program

pytestmark = pytest.mark.cluster

RECEIVER = "webhook-receiver"
ADDRESS = f"http://{RECEIVER}.{NAMESPACE}.svc"
SECRET_PATH, TOKEN = "/services/T000-secret", "token-of-the-pager"
SECRET = {
    "apiVersion": "v1",
    "kind": "Secret",
    "metadata": {"name": "bandit-webhooks", "namespace": OPERATOR_NAMESPACE},
    "stringData": {
        "config.yaml": yaml.safe_dump(
            [
                {"name": "team", "urlFile": "team-url", "format": "slack", "kinds": ["RolledBack"]},
                {
                    "name": "pager",
                    "url": f"{ADDRESS}/pager",
                    "headersFile": "pager-headers",
                    "kinds": ["RolledBack", "ByHand"],
                },
            ]
        ),
        "team-url": f"{ADDRESS}{SECRET_PATH}",
        "pager-headers": f"Authorization: Bearer {TOKEN}\n",
    },
}


@pytest.fixture(scope="module")
def notifying(operator: Cluster) -> Iterator[Cluster]:
    """The operator with a list of webhooks, which a Pod of these tests receives; afterwards without."""
    operator.apply(SECRET, *program(RECEIVER, PROGRAMS / "receiver.py", 8080))
    operator.namespace(NAMESPACE).kubectl(
        "wait", "--for=condition=Available", f"deploy/{RECEIVER}", "--timeout=60s"
    )
    install_operator(operator, ADDRESSES, "notifications.secretName=bandit-webhooks")
    yield operator
    install_operator(operator, ADDRESSES)


def received(cluster: Cluster, path: str, name: str) -> list[dict[str, Any]]:
    """What was sent to a path about a resource, oldest first."""
    logged = cluster.kubectl("logs", "-n", NAMESPACE, f"deploy/{RECEIVER}", "--tail=-1").splitlines()
    lines: list[dict[str, Any]] = [json.loads(line) for line in logged]
    return [one for one in lines if one["path"] == path and name in json.dumps(one["body"])]


def test_each_thing_is_told_to_whom_it_concerns_until_it_is_taken(
    notifying: Cluster, rollout: Callable[..., Rollout], steer: Callable[..., None]
) -> None:
    one = rollout()
    steer(one.name, good=(200, 0.9), bad=(200, 0.2))
    one.create(rollback={"drain": "1s"})

    def told(path: str, attempts: int) -> list[dict[str, Any]]:
        sent = received(notifying, path, one.name)
        assert len(sent) >= attempts, (sent, one.status().get("recentActs"))
        return sent

    wait_until(lambda: told("/pager", 2), "the pager is told of the rollback", 90)
    one.patch({"mode": "Paused"})
    sent = wait_until(lambda: told("/pager", 4), "the pager is told of the pause", 60)
    assert [attempt["code"] for attempt in sent] == [503, 200, 503, 200]
    rolled_back, rolled_back_again, paused, paused_again = (attempt["body"] for attempt in sent)
    assert (rolled_back, paused) == (rolled_back_again, paused_again)
    assert rolled_back["type"] == "dev.bandit-operator.RolledBack"
    assert (paused["type"], paused["data"]["reason"]) == ("dev.bandit-operator.ByHand", "Paused")
    assert {attempt["headers"]["Authorization"] for attempt in sent} == {f"Bearer {TOKEN}"}
    assert {attempt["headers"]["Content-Type"] for attempt in sent} == {
        "application/cloudevents+json; charset=utf-8"
    }
    begins = f"*{NAMESPACE}/{one.name}* WorseThanBaseline: arm bad is rolled back"
    assert [attempt["body"]["text"].startswith(begins) for attempt in told(SECRET_PATH, 2)] == [True, True]


def test_nothing_of_the_secret_is_logged_or_measured(notifying: Cluster) -> None:
    deployment = f"{OPERATOR_NAMESPACE}", "deploy/bandit-operator"
    logged = notifying.kubectl("logs", "-n", *deployment, "--tail=-1")
    [pod] = notifying.get("pods", "-n", OPERATOR_NAMESPACE, "-l", "app.kubernetes.io/name=bandit-operator")[
        "items"
    ]
    measured = notifying.kubectl(
        "get",
        "--raw",
        f"/api/v1/namespaces/{OPERATOR_NAMESPACE}/pods/{pod['metadata']['name']}:8080/proxy/metrics",
    )
    assert 'bandit_operator_notifications_total{outcome="retried"} ' in measured
    for text in (logged, measured):
        assert SECRET_PATH not in text
        assert TOKEN not in text
