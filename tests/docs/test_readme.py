"""What README.md leads to is there, and it says what the chart says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from bandit_operator.api.v1alpha1 import parse, to_experiment
from bandit_operator.routers import ROUTERS

PAGES = (
    *("README.md", "CONTRIBUTING.md", "docs/beside-others.md", "docs/own-models.md", "docs/install.md"),
    "docs/web.md",
)
README = Path("README.md").read_text(encoding="utf-8")
WORDS_A_MINUTE = 240
"""Of somebody who reads a technical text."""


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    links = re.findall(r"\]\(([^)#\s]+)[^)]*\)", Path(page).read_text(encoding="utf-8"))
    local = [link for link in links if not link.startswith("http")]
    assert local
    assert [link for link in local if not (Path(page).parent / link).exists()] == []


def test_kubernetes_is_asked_for_as_the_chart_does() -> None:
    chart = yaml.safe_load(Path("charts/bandit-operator/Chart.yaml").read_text(encoding="utf-8"))
    (version,) = re.findall(r"Kubernetes (1\.\d+) or newer", README)
    assert chart["kubeVersion"] == f">={version}.0-0"


def test_the_smallest_manifest_is_taken() -> None:
    (block,) = re.findall(r"```yaml\n(.*?)```", README, flags=re.DOTALL)
    to_experiment(parse(yaml.safe_load(block)))


def test_it_has_as_many_versions_at_once_as_a_rule_carries() -> None:
    assert f"| up to {min(one.max_backends for one in ROUTERS.values())}, as many as a rule" in README


def test_the_words_of_the_glossary_are_in_order() -> None:
    words = re.findall(r"^\| ([^|]+?) \|", Path("docs/glossary.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert words[2:] == sorted(words[2:])
    assert len(words) > 30


def test_the_operator_has_no_right_that_the_line_denies() -> None:
    rules = Path("charts/bandit-operator/templates/_helpers.tpl").read_text(encoding="utf-8")
    assert "it reads no Secrets and no Pods" in README
    named = {name for line in re.findall(r"resources: \[(.*?)\]", rules) for name in re.split(r",\s*", line)}
    assert {"httproutes", "services"} <= named
    assert not {"secrets", "pods", "configmaps"} & named


def test_it_is_read_before_the_promises_in_three_minutes() -> None:
    prose = re.sub(r"```.*?```|\]\([^)]*\)|!\[[^\]]*\]|^\|.*$", "", README, flags=re.DOTALL | re.MULTILINE)
    assert len(prose.partition("## What it promises")[0].split()) <= 3 * WORDS_A_MINUTE


def test_it_counts_the_faults_that_were_injected() -> None:
    chaos = Path("docs/chaos.md").read_text(encoding="utf-8")
    (injected,) = re.findall(r"^\| faults \| (\d+), of which", chaos, flags=re.MULTILINE)
    assert f"[what happened under {injected} faults](docs/chaos.md)" in README
