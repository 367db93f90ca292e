"""``bandit-operator run``: what it says where it cannot begin."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest
from click.testing import CliRunner
from kubernetes.aio.config import kube_config

from bandit_operator.cli import main


@pytest.mark.parametrize("content", [None, "clusters: [", "hello", "[1]", "{}"])
def test_the_operator_without_a_cluster_says_so_in_one_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: str | None
) -> None:
    # What a process sets up once would stay for the tests that come after.
    monkeypatch.setattr(
        importlib.import_module("bandit_operator.cli.run"), "configure_logging", lambda *_: None
    )
    file = tmp_path / "config"
    if content is not None:
        file.write_text(content)
    monkeypatch.setattr(kube_config, "KUBE_CONFIG_DEFAULT_LOCATION", str(file))
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    found = CliRunner().invoke(main, ["run", "--listen-address", "127.0.0.1:0"])
    assert found.exit_code == 1
    assert isinstance(found.exception, SystemExit)
    [line] = [line for line in found.output.splitlines() if line.startswith("Error: ")]
    assert "this is no Pod with a ServiceAccount" in line
    assert line.endswith("name one by KUBECONFIG, or run it in a Pod")


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("--listen-address", "0.0.0.0:99999", "has no port up to 65535; write it as 0.0.0.0:8080"),
        ("--listen-address", "0.0.0.0:²", "has no port up to 65535; write it as 0.0.0.0:8080"),
        ("--web-address", "8081:", "has no port up to 65535; write it as 0.0.0.0:8081"),
        ("--concurrency", "0", "0 is not in the range"),
        ("--prometheus-deadline", "-1", "-1.0 is not in the range"),
        ("--prometheus-deadline", "nan", "nan is no number in the range"),
        ("--lease-duration", "inf", "inf is not in the range"),
    ],
)
def test_a_setting_that_the_operator_cannot_run_with_is_refused_at_once(
    monkeypatch: pytest.MonkeyPatch, option: str, value: str, said: str
) -> None:
    monkeypatch.setattr(
        importlib.import_module("bandit_operator.cli.run"), "configure_logging", lambda *_: None
    )
    found = CliRunner().invoke(main, ["run", option, value])
    assert found.exit_code == 2
    assert said in " ".join(found.output.split())
