"""Which cluster the command line is about, and what is said where that cannot be known."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bandit_operator.adapters.kubeconfig import ClusterFault, Kubeconfig


@pytest.fixture
def path(tmp_path: Path) -> str:
    """A kubeconfig of a cluster that does not answer, with two contexts."""
    here: dict[str, Any] = {"cluster": "away", "user": "me"}
    config = {
        "current-context": "plain",
        "clusters": [{"name": "away", "cluster": {"server": "http://127.0.0.1:1"}}],
        "users": [{"name": "me", "user": {}}],
        "contexts": [
            {"name": "plain", "context": here},
            {"name": "models", "context": {**here, "namespace": "models"}},
        ],
    }
    file = tmp_path / "kubeconfig"
    file.write_text(json.dumps(config))
    return str(file)


def test_the_namespace_is_that_of_the_context(path: str) -> None:
    assert Kubeconfig(path).namespace == "default"
    assert Kubeconfig(path, "models").namespace == "models"


@pytest.mark.parametrize(("file", "context"), [("/nowhere", None), (None, "other")])
def test_a_file_or_a_context_that_is_not_there_is_named_with_what_to_do(
    path: str, file: str | None, context: str | None
) -> None:
    with pytest.raises(ClusterFault, match="kubectl config get-contexts") as raised:
        Kubeconfig(file or path, context)
    assert (file or str(context)) in str(raised.value)


def test_a_cluster_that_does_not_answer_is_said_to_be_so(path: str) -> None:
    with pytest.raises(ClusterFault, match="does not answer"):
        Kubeconfig(path).get(("bandit-operator.dev", "v1alpha1", "banditdeployments"), "models", "income")
