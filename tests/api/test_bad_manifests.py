"""``parse`` refuses what the API server refuses, with the same message.

The list is the one that ``tests/crds/test_bad_manifests.py`` tries on a real API server.
"""

from __future__ import annotations

import re
from itertools import product
from typing import Any

import pytest

from bandit_operator.api.crd import models_of
from bandit_operator.api.presets import SOFTWARE
from bandit_operator.api.presets.base import NotOffered
from bandit_operator.api.strategy import block_name
from bandit_operator.api.v1alpha1 import BanditDeployment, InvalidResource, parse
from bandit_operator.core.strategies import STRATEGIES, settings_of
from bandit_operator.routers import ROUTERS
from tests.support.manifests import bad_cases, made_bad

FIELD = re.compile(r"spec(?:[.][a-zA-Z0-9]+|\[[0-9]+\])*")
VERDICT = re.compile("(?<=: )(?:Invalid value|Forbidden): ")
"""What the API server puts between field and message."""


def cases(*tables: str) -> list[Any]:
    found = [case for table in tables for case in bad_cases(table) if "parse_accepts" not in case]
    return [pytest.param(case, id=case["case"].replace(" ", "-")) for case in found]


def refusal(manifest: dict[str, Any]) -> str:
    with pytest.raises(InvalidResource) as caught:
        parse(manifest)
    return str(caught.value)


@pytest.mark.parametrize("case", cases("formats", "relations"))
def test_it_is_refused_at_the_same_field_with_the_same_message(manifest: dict[str, Any], case: Any) -> None:
    assert VERDICT.sub("", case["message"], count=1) in refusal(made_bad(manifest, case))


@pytest.mark.parametrize("case", cases("structure"))
def test_what_breaks_the_structure_is_refused_at_the_same_field_in_words_of_its_own(
    manifest: dict[str, Any], case: Any
) -> None:
    field = FIELD.match(case["message"])
    assert field
    found = {
        place: bool(words) for place, _, words in map(parts, refusal(made_bad(manifest, case)).split("; "))
    }
    assert found.get(field[0]), found


def parts(fault: str) -> tuple[str, str, str]:
    return fault.partition(": ")


ACCEPTED = [
    case
    for table in ("structure", "formats", "relations")
    for case in bad_cases(table)
    if "parse_accepts" in case
]


@pytest.mark.parametrize("case", ACCEPTED, ids=[case["case"].replace(" ", "-") for case in ACCEPTED])
def test_what_only_the_api_server_can_refuse_has_a_reason(manifest: dict[str, Any], case: Any) -> None:
    parse(made_bad(manifest, case))
    assert len(case["parse_accepts"]) > 20


RULES = [rule for model in models_of(BanditDeployment) for rule in getattr(model, "RULES", ())]


def test_every_rule_but_those_about_changes_has_both_halves() -> None:
    assert len(RULES) > 30
    one_sided = [rule.rule for rule in RULES if rule.holds is None]
    assert one_sided == [rule.rule for rule in RULES if "oldSelf" in rule.rule]


def test_every_rule_refuses_some_bad_manifest(manifest: dict[str, Any]) -> None:
    refusals = [refusal(made_bad(manifest, case.values[0])) for case in cases("formats", "relations")]
    refusals += settings_of_another_type(manifest)
    refusals += presets_that_are_not_offered(manifest)
    refusals += routes_of_another_group(manifest)
    refusals += [case["message"] for case in ACCEPTED]
    untried = [
        rule.message for rule in RULES if not any(template(rule.message).search(text) for text in refusals)
    ]
    assert untried == []


def settings_of_another_type(manifest: dict[str, Any]) -> list[str]:
    """What is said of each strategy's settings beside the name of a strategy that has none."""
    blocks = [block_name(name) for name, strategy in STRATEGIES.items() if settings_of(strategy)]
    return [
        refusal(made_bad(manifest, {"set": {"spec.strategy": {"type": "Naive", block: {}}}}))
        for block in blocks
    ]


def presets_that_are_not_offered(manifest: dict[str, Any]) -> list[str]:
    """What is said of each preset that a software has no good metrics for."""
    return [
        refusal(made_bad(manifest, {"set": {"spec.reward": {"prometheus": reward}}}))
        for name, software in SOFTWARE.items()
        for preset, offer in software.offers().items()
        if isinstance(offer, NotOffered)
        for reward in [{"preset": preset, "implementation": name, "latencyTarget": "250ms"}]
    ]


def routes_of_another_group(manifest: dict[str, Any]) -> list[str]:
    """What is said of each kind of route beside the group of another."""
    groups, kinds = ({key[part] for key in ROUTERS} for part in (0, 1))
    pairs = sorted(set(product(groups, kinds)) - set(ROUTERS))
    return [
        refusal(
            made_bad(
                manifest, {"set": {"spec.traffic.routeRef": {"group": group, "kind": kind, "name": "a"}}}
            )
        )
        for group, kind in pairs
    ]


def template(message: str) -> re.Pattern[str]:
    """The message with anything at all in place of the values."""
    texts = re.split("[{][a-zA-Z][a-zA-Z0-9.]*[}]", message)
    return re.compile(".+".join(map(re.escape, texts)))
