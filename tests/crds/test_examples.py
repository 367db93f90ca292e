"""The examples are accepted as they are, and come back with every default filled in but those of lists."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from bandit_operator.api.v1alpha1 import BanditDeployment, parse, to_experiment
from bandit_operator.core.strategies import STRATEGIES
from cluster.client import Namespace

EXAMPLES = sorted((Path(__file__).parents[2] / "crds" / "examples").glob("*.yaml"))
pytestmark = pytest.mark.cluster


def read(example: Path) -> dict[str, Any]:
    manifest: dict[str, Any] = yaml.safe_load(example.read_text())
    return manifest


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_is_stored_with_all_defaults_visible(api: Namespace, example: Any) -> None:
    api.kubectl("apply", "--server-side", "-f", str(example))
    stored = yaml.safe_load(api.kubectl("get", "-o", "yaml", "-f", str(example)))
    written = read(example)
    spec = BanditDeployment.model_validate(written).spec
    expected = spec.model_dump(by_alias=True, exclude_none=True, mode="json")
    template = written["spec"]["traffic"].get("routeTemplate", {"spec": {}})
    for name, value in template["spec"].items():
        if isinstance(value, list):  # one value: with more in it it would be another
            expected["traffic"]["routeTemplate"]["spec"][name] = value
    assert stored["spec"] == expected


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_runs(example: Any) -> None:
    experiment = to_experiment(parse(read(example)))
    assert experiment.baseline in experiment.names


def test_there_is_an_example_of_every_strategy() -> None:
    assert {read(example)["spec"]["strategy"]["type"] for example in EXAMPLES} == set(STRATEGIES)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_begins_by_saying_what_it_is_for(example: Any) -> None:
    assert example.read_text().startswith("# ")
    assert "Choose it" in example.read_text() or example.stem == "grpcroute"


def test_a_field_set_to_null_gets_its_default_again(api: Namespace, good: dict[str, Any]) -> None:
    manifest = {
        **good,
        "metadata": {"name": "nulls"},
        "spec": {**good["spec"], "interval": None, "guardrails": None},
    }
    api.kubectl("apply", "--server-side", "-f", "-", stdin=yaml.dump(manifest))
    spec = yaml.safe_load(api.kubectl("get", "bd", "nulls", "-o", "yaml"))["spec"]
    assert spec["interval"] == "30s"
    assert spec["guardrails"]["maxStep"] == "0.2"
