"""What the page shows of a spec is accepted, and what it names is there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from bandit_operator.api.v1alpha1 import faults_of
from bandit_operator.core import reasons
from bandit_operator.watch.exposed import GAUGES
from bandit_serving.cli.shadow import shadow

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "shadow.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
EXAMPLE = DOCS.parent / "crds" / "examples" / "shadow.yaml"


def merged(whole: Any, part: Any) -> Any:
    """The manifest with what a block of the page says; items of lists by their names."""
    if isinstance(part, dict):
        return {**whole, **{key: merged(whole.get(key, {}), value) for key, value in part.items()}}
    if isinstance(part, list):
        named = {one["name"]: one for one in part}
        return [merged(one, named.get(one["name"], {})) for one in whole]
    return part


@pytest.mark.parametrize("text", BLOCKS)
def test_a_spec_of_the_page_is_accepted(text: str) -> None:
    manifest, block = yaml.safe_load(EXAMPLE.read_text()), yaml.safe_load(text)
    if "collector" not in text and "prometheus" in text:
        del manifest["spec"]["shadow"]["prometheus"]
    assert faults_of(merged(manifest, block)) == []


def test_the_mirror_leads_to_the_port_at_which_the_server_listens() -> None:
    (port,) = (option.default for option in shadow.params if option.name == "port")
    for text in (BLOCKS[0], EXAMPLE.read_text()):
        assert yaml.safe_load(text)["spec"]["shadow"]["backendRef"]["port"] == port
    chart = DOCS.parent / "charts" / "bandit-operator" / "templates" / "shadow.yaml"
    assert f"    port: {port}\n    targetPort: http\n" in chart.read_text()


def test_there_are_blocks_of_all_that_can_be_said() -> None:
    assert len(BLOCKS) == 3


def test_the_reasons_metrics_and_files_that_it_names_are_there() -> None:
    known = {value for name, value in vars(reasons).items() if name.isupper() and isinstance(value, str)}
    named = set(re.findall(r"\[(\w+)\]\(runbooks\.md#", PAGE))
    assert named == {one for one in known if "Shadow" in one or "Mirror" in one}
    gauges = {f"bandit_operator_{one.name}" for one in GAUGES if "shadow" in one.name}
    assert set(re.findall(r"`(bandit_operator_\w+)`", PAGE)) == gauges
    links = re.findall(r"\]\(([^)#]+)[)#]", PAGE)
    assert [link for link in links if not (DOCS / link).exists()] == []
