"""Alerts come when they should, and not before: Prometheus' own checker plays series against the rules."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import yaml

from cluster.client import tools
from monitoring.__main__ import FILES
from monitoring.alerts import ALERTS

CASES = Path(__file__).with_name("alerts.yaml")
pytestmark = pytest.mark.cluster  # the checker is built with the cluster's programs


def played(folder: Path, text: str) -> subprocess.CompletedProcess[str]:
    """What promtool says of the cases with the rules of a text; whoever reads an alert reads its words."""
    rules, cases = folder / "rules.yaml", folder / "cases.yaml"
    groups = yaml.safe_load(text)
    for rule in groups["groups"][0]["rules"]:
        del rule["annotations"]
    rules.write_text(yaml.safe_dump(groups))
    cases.write_text(CASES.read_text().replace("RULES", str(rules)))
    command = [str(tools("promtool") / "bin" / "promtool"), "test", "rules", str(cases)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_every_alert_comes_when_it_should_and_not_before(tmp_path: Path) -> None:
    answer = played(tmp_path, (FILES / "alerts.yaml").read_text())
    assert answer.returncode == 0, answer.stdout + answer.stderr


def test_a_rule_that_never_fires_would_be_noticed(tmp_path: Path) -> None:
    text = (FILES / "alerts.yaml").read_text().replace('state="RolledBack"', 'state="Gone"')
    answer = played(tmp_path, text)
    assert answer.returncode == 1
    assert "BanditArmRolledBack" in answer.stdout + answer.stderr


def test_each_alert_is_seen_to_come_and_to_stay_away() -> None:
    cases = yaml.safe_load(CASES.read_text())["tests"]
    looked = [one for case in cases for one in case["alert_rule_test"]]
    for come in (True, False):
        assert {one["alertname"] for one in looked if bool(one["exp_alerts"]) is come} == {
            alert.name for alert in ALERTS
        }
