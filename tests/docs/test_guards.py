"""The queries of the page are PromQL, about a window, and what it shows of a spec is accepted."""

from __future__ import annotations

import re
from pathlib import Path

import promql_parser
import pytest
import yaml

from bandit_operator.api.guard import Guard

PAGE = (Path(__file__).parents[2] / "docs" / "guards.md").read_text()
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("text", [text for kind, text in BLOCKS if kind == "promql"])
def test_a_query_of_the_page_is_promql_about_the_window(text: str) -> None:
    assert "[$window]" in text
    promql_parser.parse(text.replace("$window", "30s"))


@pytest.mark.parametrize("text", [text for kind, text in BLOCKS if kind == "yaml"])
def test_a_spec_of_the_page_is_accepted(text: str) -> None:
    for body in yaml.safe_load(text)["spec"]["guards"]:
        guard = Guard.model_validate(body)
        if guard.query is not None:
            promql_parser.parse(guard.query.replace("$window", "30s"))
