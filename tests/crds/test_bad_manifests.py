"""The API server itself refuses manifests that cannot run, and says what to write instead."""

from __future__ import annotations

import copy
import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

TABLES = sorted((Path(__file__).parent / "bad").glob("*.yaml"))
pytestmark = pytest.mark.cluster
CASES = [case for table in TABLES for case in yaml.safe_load(table.read_text())]


def place(manifest: dict[str, Any], path: str) -> tuple[Any, Any]:
    """Return the parent and the key that a path such as ``spec.arms[1].name`` leads to."""
    keys = [int(key) if key.isdigit() else key for key in re.findall(r"[^.\[\]]+", path)]
    parent: Any = manifest
    for key in keys[:-1]:
        parent = parent[key]
    return parent, keys[-1]


def made_bad(good: dict[str, Any], case: dict[str, Any]) -> str:
    """Return the good manifest as JSON with what the case sets and removes."""
    manifest = copy.deepcopy(good)
    for path, value in {**case.get("set", {}), **case.get("update", {})}.items():
        parent, key = place(manifest, path)
        parent[key] = value
    for path in case.get("remove", []):
        parent, key = place(manifest, path)
        del parent[key]
    for i in range(2, case.get("arms", 0)):
        manifest["spec"]["arms"].append({"name": f"arm-{i}", "backendRef": {"name": f"arm-{i}"}})
    return json.dumps(manifest)


def test_there_are_enough_bad_manifests_to_cover_the_rules():
    assert len(CASES) >= 80
    assert len({case["case"] for case in CASES}) == len(CASES)


def test_the_manifest_that_the_bad_ones_are_made_from_is_good(api, good):
    api.kubectl("apply", "--dry-run=server", "-f", "-", stdin=json.dumps(good))


@pytest.fixture(scope="module")
def stored(api, good):
    """Return a good manifest that is in the API server, to be changed."""
    manifest = {**good, "metadata": {"name": "stored"}}
    api.kubectl("apply", "-f", "-", stdin=json.dumps(manifest))
    return manifest


@pytest.mark.parametrize("case", CASES, ids=[case["case"].replace(" ", "-") for case in CASES])
def test_a_bad_manifest_is_refused_with_a_message_that_helps(api, good, stored, case):
    manifest = made_bad(stored if "update" in case else good, case)
    refusal = api.kubectl_fails("apply", "--dry-run=server", "-f", "-", stdin=manifest).stderr
    assert case["message"] in refusal
    assert "type conversion error" not in refusal
