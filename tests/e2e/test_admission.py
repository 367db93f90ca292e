"""What an admission webhook makes of a write: the API server answers 200 and has stored something else."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from testbed.certificates import authority, issued
from testbed.rollout import Rollout
from testbed.waiting import wait_until
from tests.e2e import NAMESPACE
from tests.e2e.conftest import PROGRAMS, program

pytestmark = pytest.mark.cluster
NAME = "keeping-webhook"


def configuration(one: Rollout, trusted: str) -> dict[str, Any]:
    """Ask the webhook about updates of the rollout's route; ``trusted`` is a certificate as PEM."""
    service = {"namespace": NAMESPACE, "name": NAME, "port": 80}
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "MutatingWebhookConfiguration",
        "metadata": {"name": NAME},
        "webhooks": [
            {
                "name": "keeps.example.org",
                "admissionReviewVersions": ["v1"],
                "sideEffects": "None",
                "failurePolicy": "Fail",
                "clientConfig": {"service": service, "caBundle": base64.b64encode(trusted.encode()).decode()},
                "rules": [
                    {
                        "apiGroups": ["gateway.networking.k8s.io"],
                        "apiVersions": ["*"],
                        "resources": ["httproutes"],
                        "operations": ["UPDATE"],
                    }
                ],
                "matchConditions": [{"name": "own", "expression": f"object.metadata.name == '{one.name}'"}],
            }
        ],
    }


@contextmanager
def webhook(one: Rollout, folder: Path) -> Iterator[None]:
    """For a while the rollout's route stays as it is, whoever writes it."""
    trusted = authority(folder, "authority")
    own = issued(trusted, folder, NAME, f"DNS:{NAME}.{NAMESPACE}.svc")
    one.cluster.apply(*program(NAME, PROGRAMS / "keeping_webhook.py", 8443, certificate=own))
    one.cluster.kubectl("wait", "--for=condition=Available", f"deploy/{NAME}", "--timeout=60s")
    one.cluster.apply(configuration(one, trusted.file.read_text()))
    try:
        wait_until(lambda: is_kept(one), "the API server asks the webhook", 30)
        yield
    finally:
        one.cluster.kubectl("delete", "mutatingwebhookconfiguration", NAME)
        objects = (f"{kind}/{NAME}" for kind in ("deployment", "service", "configmap"))
        one.cluster.kubectl("delete", *objects, "--wait=false")


def is_kept(one: Rollout) -> bool:
    """Whether a write of the route comes to nothing."""
    patch = [{"op": "replace", "path": "/spec/rules/0/backendRefs/0/weight", "value": 4242}]
    how = ("patch", "httproute", one.name, "--type=json", "--dry-run=server", "-o", "json")
    stored = json.loads(one.cluster.kubectl(*how, "-p", json.dumps(patch)))
    return bool(stored["spec"]["rules"][0]["backendRefs"][0]["weight"] != 4242)


def test_weights_that_a_webhook_keeps_are_said_to_be_refused_and_move_once_it_is_gone(
    rollout: Callable[..., Rollout], steer: Callable[..., None], tmp_path: Path
) -> None:
    one = rollout()
    steer(one.name, good=(60, 0.5), bad=(60, 0.5))
    one.create()
    one.wait_for("Ready", "True", "InSync")
    with webhook(one, tmp_path):
        before = one.weights()
        steer(one.name, good=(60, 0.2), bad=(60, 0.9))
        condition = one.wait_for("Ready", "False", "WriteRefused", 90)
        assert "admission webhook or policy" in condition["message"]
        assert one.weights() == before
        assert one.status()["foreignWeightChanges"] == 0
    wait_until(lambda: one.weights()["bad"] > one.weights()["good"], f"{one.name}: weights move", 60)
    one.wait_for("Ready", "True", "InSync")
    assert one.status()["foreignWeightChanges"] == 0
