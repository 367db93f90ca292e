"""An annotation that says for whom a route's requests are mirrored, and never costs another's."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

import jsonpatch
import pytest

from bandit_operator.routers import mirrored_for
from bandit_operator.routers.mirrored_for import MIRRORS, MOST, MirroredFor

INCOME = MirroredFor("models/shadow:8080", "predict", "uid-1")
FRAUD = MirroredFor("models/other:80", "", "uid-2")


def route(annotations: dict[str, str] | None = None) -> dict[str, Any]:
    """A route with these annotations."""
    metadata: dict[str, Any] = {"name": "predict", "namespace": "models", "resourceVersion": "7"}
    return {"metadata": metadata if annotations is None else {**metadata, "annotations": annotations}}


def said(**mirrored: MirroredFor) -> str:
    """The annotation's text."""
    return json.dumps({name: asdict(one) for name, one in mirrored.items()}, sort_keys=True)


@pytest.mark.parametrize("annotations", [None, {}, {"kept": "yes"}, {MIRRORS: said(fraud=FRAUD)}])
def test_what_is_mirrored_is_told_beside_what_others_say_and_taken_back(
    annotations: dict[str, str] | None,
) -> None:
    before = route(annotations)
    told = jsonpatch.apply_patch(before, mirrored_for.patch(before, "income", INCOME))
    assert mirrored_for.mirrored_for(told) == {**mirrored_for.mirrored_for(before), "income": INCOME}
    assert mirrored_for.patch(told, "income", INCOME) == []
    after = jsonpatch.apply_patch(told, mirrored_for.patch(told, "income", None))
    assert after["metadata"].get("annotations") == ({} if annotations is None else annotations)
    assert mirrored_for.patch(after, "income", None) == []


def test_first_annotations_of_another_are_not_overwritten() -> None:
    patch = mirrored_for.patch(route(), "income", INCOME)
    meanwhile = route({"theirs": "1"})
    meanwhile["metadata"]["resourceVersion"] = "8"
    with pytest.raises(jsonpatch.JsonPatchTestFailed):
        jsonpatch.apply_patch(meanwhile, patch)


def test_what_another_replica_has_told_meanwhile_is_not_overwritten() -> None:
    patch = mirrored_for.patch(route({MIRRORS: said(fraud=FRAUD)}), "income", INCOME)
    with pytest.raises(jsonpatch.JsonPatchTestFailed):
        jsonpatch.apply_patch(route({MIRRORS: said()}), patch)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no JSON",
        "[]",
        "7",
        "null",
        '{"income": 1}',
        '{"income": {"target": "models/shadow:8080"}}',
        '{"income": {"target": 8080, "rule": "", "uid": "u"}}',
        '{"income": {"target": "a", "rule": "", "uid": "u", "more": 1}}',
        said(**{"Upper": INCOME}),
        said(**{"a,metadata.namespace=b": INCOME}),
        said(**{"": INCOME}),
        said(**{f"name-{number}": INCOME for number in range(MOST + 1)}),
        "[" * 2048,
        '{"income": {"target": "models/sha',
    ],
)
def test_what_cannot_be_read_says_nothing_and_is_left_alone(text: str) -> None:
    unreadable = route({MIRRORS: text})
    assert mirrored_for.mirrored_for(unreadable) == {}
    assert mirrored_for.patch(unreadable, "income", INCOME) == []
    assert mirrored_for.patch(unreadable, "income", None) == []
