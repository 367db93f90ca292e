"""What SECURITY.md names is there."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from bandit_operator.api import crd
from bandit_serving.cli.collector import collector

PAGE = Path("SECURITY.md").read_text(encoding="utf-8")
LINKING = ("README.md", "charts/bandit-operator/README.md", "docs/rewards.md")


@pytest.mark.parametrize("page", LINKING)
def test_pages_that_promise_it_lead_to_it(page: str) -> None:
    links = re.findall(r"\]\(([./]*SECURITY\.md)\)", Path(page).read_text(encoding="utf-8"))
    assert links
    assert all((Path(page).parent / link).exists() for link in links)


def test_its_links_lead_somewhere() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", PAGE)
    assert [link for link in links if not Path(link).exists()] == []


def test_every_option_is_one_of_the_collector() -> None:
    known = {name for option in collector.params for name in option.opts}
    named = set(re.findall(r"(?<![\w-])(--[a-z][a-z-]+)", PAGE)) - {"--hard"}
    assert named <= known


def test_every_field_is_one_of_the_resource() -> None:
    text = json.dumps(crd.crd())
    for field in re.findall(r"`(?:reward|guardrails|rollback)\.(\w+)", PAGE):
        assert f'"{field}"' in text, field
