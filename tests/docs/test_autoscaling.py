"""docs/autoscaling.md shows what can be parsed; tests/e2e/test_autoscaling.py has what it says was tried."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from bandit_operator.core import reasons
from bandit_operator.core.lifecycle import MOST_RESTORED

PAGE = Path("docs/autoscaling.md").read_text(encoding="utf-8")
SNIPPETS: list[dict[str, Any]] = [
    yaml.safe_load(one) for one in re.findall(r"```yaml\n(.*?)```", PAGE, flags=re.DOTALL)
]


def test_both_autoscalers_scale_the_deployment_of_an_arm() -> None:
    assert [one["kind"] for one in SNIPPETS] == ["HorizontalPodAutoscaler", "ScaledObject"]
    assert {one["spec"]["scaleTargetRef"]["name"] for one in SNIPPETS} == {"spam-v2"}


def test_no_arm_is_scaled_by_the_requests_of_all() -> None:
    (trigger,) = SNIPPETS[1]["spec"]["triggers"]
    assert 'arm="v2"' in trigger["metadata"]["query"]


def test_the_reasons_that_it_names_exist_and_lead_to_their_sections() -> None:
    named = re.findall(r"\[`(\w+)`\]\(runbooks\.md#(\w+)\)", PAGE)
    assert {reason for reason, _ in named} == {
        reasons.SCALED_BY_OTHERS,
        reasons.SCALED_TO_ZERO,
        reasons.SCALING_TO_ZERO,
        reasons.NO_REPLICAS,
    }
    assert all(anchor == reason.lower() for reason, anchor in named)


def test_it_says_how_many_replicas_are_brought_back_at_most() -> None:
    assert f"{MOST_RESTORED} at most" in PAGE
