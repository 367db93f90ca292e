"""The rights that the chart grants are those that the code declares."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path

import pytest
import yaml

from bandit_operator.routers import GATEWAY_API, ROUTERS, Router, parents
from tests.charts.conftest import Chart

HELPERS = "charts/bandit-operator/templates/_helpers.tpl"
GRANT = re.compile("^- apiGroups: (.+)\n  resources: (.+)\n  verbs: (.+)$", re.MULTILINE)


def granted() -> set[tuple[str, str, str]]:
    """(group, resource, verb) of every rule of the helpers that is written without a variable."""
    rules = [match.groups() for match in GRANT.finditer(Path(HELPERS).read_text())]
    lists = [[yaml.safe_load(part) for part in rule] for rule in rules if "{{" not in "".join(rule)]
    return {
        (group, resource, verb)
        for groups, resources, verbs in lists
        for group in groups
        for resource in resources
        for verb in verbs
    }


@pytest.mark.parametrize("router", ROUTERS.values(), ids=[router.kind for router in ROUTERS.values()])
def test_the_chart_grants_what_a_router_needs(router: Router) -> None:
    needed = {(router.group, router.plural, verb) for verb in router.verbs}
    assert needed <= granted(), (
        f"write into {HELPERS}, below `bandit-operator.rules`:\n"
        f"- apiGroups: [{router.group}]\n  resources: [{router.plural}]\n"
        f"  verbs: [{', '.join(router.verbs)}]\n"
        "and then run `make golden`"
    )


def test_the_chart_grants_nothing_on_routes_and_gateways_that_is_not_needed() -> None:
    groups = {router.group for router in ROUTERS.values()}
    needed = {(router.group, router.plural, verb) for router in ROUTERS.values() for verb in router.verbs}
    needed |= {(GATEWAY_API, parents.PLURAL, verb) for verb in ("get", "list", "watch")}
    assert {right for right in granted() if right[0] in groups} <= needed


CONDITIONS = {
    "`watchNamespaces`": "watchNamespaces={models}",
    "`web.enabled`": "web.enabled=true",
    "`shards`": "shards=3",
}
"""What the values of a page are to be set to for the rights that it tells of them."""
OPERATORS = {"bandit-operator", "bandit-operator-lease"}


def held(chart: Chart, *values: str) -> dict[str, set[str]]:
    """Return the verbs that the operator's account has on each resource."""
    rights: defaultdict[str, set[str]] = defaultdict(set)
    for made in chart.objects(*values):
        if made["kind"] in ("Role", "ClusterRole") and made["metadata"]["name"] in OPERATORS:
            for rule in made["rules"]:
                for resource in rule["resources"]:
                    rights[resource] |= set(rule["verbs"])
    return rights


@pytest.mark.cluster
def test_the_page_about_security_has_every_right_and_no_other_and_says_when_there_is_one(
    chart: Chart,
) -> None:
    section = Path("SECURITY.md").read_text(encoding="utf-8").partition("## What the operator holds")[2]
    usual = held(chart)
    by_value = {name: held(chart, "--set", value) for name, value in CONDITIONS.items()}
    told: dict[str, set[str]] = {}
    for places, rights in re.findall(r"^\| (`.*) \| (.*) \|$", section, re.MULTILINE):
        names, _, condition = places.partition(", with ")
        for resource in re.findall(r"`([a-z/]+)`", names):
            told[resource] = set(re.findall(r"\b(get|list|watch|create|patch|update|delete)\b", rights))
            assert (resource in usual) == (not condition), resource
            assert not condition or resource in by_value[condition], resource
    every: defaultdict[str, set[str]] = defaultdict(set)
    for one in (usual, *by_value.values()):
        for resource, verbs in one.items():
            every[resource] |= verbs
    assert told == every


@pytest.mark.cluster
def test_the_readme_names_every_resource_on_which_the_operator_has_a_right_by_default(chart: Chart) -> None:
    (line,) = re.findall(r"\*\*It may\*\*.*", Path("README.md").read_text(encoding="utf-8"))
    said = line.lower()
    for resource, verbs in held(chart).items():
        kind, _, part = resource.partition("/")
        assert f" {kind}" in said, resource
        assert part in said
        assert "create" not in verbs or re.search(f"(make|post|hold) {kind}", said), resource
