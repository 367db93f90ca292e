"""Which cluster a command is about, and what is said where it does not know what the command needs."""

from __future__ import annotations

from typing import Any

import pytest
from click.testing import CliRunner

from bandit_operator.adapters.kubeconfig import Missing
from bandit_operator.cli import cluster, main


class Bare:
    """A cluster without any definition: whatever is asked for, it answers 404."""

    namespace, context = "models", "staging"

    def get(self, *_: Any) -> dict[str, Any]:
        raise Missing("the API server refused: Not Found")

    list = get


@pytest.mark.parametrize(
    "command",
    [
        ("status",),
        ("status", "income"),
        ("explain", "income"),
        ("replay", "-A"),
        ("pause", "income"),
        ("pin", "income", "good"),
    ],
    ids=" ".join,
)
def test_a_cluster_without_the_definition_is_told_by_its_context_with_what_to_do(
    monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    monkeypatch.setattr(cluster, "Kubeconfig", lambda *_: Bare())
    found = CliRunner().invoke(main, [*command])
    assert found.exit_code == 1
    assert found.output == (
        'Error: the cluster of context "staging" has no banditdeployments.bandit-operator.dev of version'
        " v1alpha1; install the chart there, or name another cluster by --context\n"
    )


NO_NAMES = ("", "..", "../pods", "Income", "income?watch=true", "income-", "a b")
NAMING = ("status {}", "pin {} good", "replay {}", "init --route {}", "status -n {}")


@pytest.mark.parametrize(
    ("command", "name"),
    [(one, name) for one in NAMING for name in NO_NAMES if name or "-n" not in one],  # -n "" is the context's
)
def test_what_no_object_can_be_called_is_refused_before_anything_is_asked(
    monkeypatch: pytest.MonkeyPatch, command: str, name: str
) -> None:
    monkeypatch.setattr(cluster, "Kubeconfig", lambda *_: Bare())
    found = CliRunner().invoke(main, [part.format(name) for part in command.split()])
    assert found.exit_code == 2
    assert "no object can have this name" in found.output or "not a name; write" in found.output


def test_a_cluster_without_the_gateway_api_is_not_told_to_create_a_route(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(cluster, "Kubeconfig", lambda *_: Bare())
    found = CliRunner().invoke(main, ["init", "--route", "income"])
    assert found.exit_code == 1
    assert 'context "staging" has no httproutes.gateway.networking.k8s.io of version v1' in found.output
    assert "install the Gateway API there" in found.output
