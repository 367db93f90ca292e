"""The API server itself refuses manifests that cannot run, and says what to write instead."""

from __future__ import annotations

import json
from typing import Any

import pytest

from cluster.client import Namespace
from tests.support.manifests import bad_cases, made_bad

pytestmark = pytest.mark.cluster
CASES = [*bad_cases("structure"), *bad_cases("formats"), *bad_cases("relations")]


def test_there_are_enough_bad_manifests_to_cover_the_rules() -> None:
    assert len(CASES) >= 80
    assert len({case["case"] for case in CASES}) == len(CASES)


def test_the_manifest_that_the_bad_ones_are_made_from_is_good(api: Namespace, good: dict[str, Any]) -> None:
    api.kubectl("apply", "--dry-run=server", "-f", "-", stdin=json.dumps(good))


@pytest.fixture(scope="module")
def stored(api: Namespace, good: dict[str, Any]) -> dict[str, Any]:
    """A good manifest that is in the API server, to be changed."""
    manifest = {**good, "metadata": {"name": "stored"}}
    api.kubectl("apply", "-f", "-", stdin=json.dumps(manifest))
    return manifest


@pytest.mark.parametrize("case", CASES, ids=[case["case"].replace(" ", "-") for case in CASES])
def test_a_bad_manifest_is_refused_with_a_message_that_helps(
    api: Namespace, good: dict[str, Any], stored: dict[str, Any], case: Any
) -> None:
    before = stored
    if "before" in case:
        before = made_bad({**good, "metadata": {"name": "stored-before"}}, {"set": case["before"]})
        api.kubectl("delete", "bd", "stored-before", "--ignore-not-found")
        api.kubectl("apply", "-f", "-", stdin=json.dumps(before))
    manifest = made_bad(before if "update" in case else good, case)
    refusal = api.kubectl_fails("apply", "--dry-run=server", "-f", "-", stdin=json.dumps(manifest)).stderr
    assert case["message"] in refusal
    assert "type conversion error" not in refusal
