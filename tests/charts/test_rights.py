"""The rights that the chart grants are those that the code declares."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from bandit_operator.routers import ROUTERS, Router

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


def test_the_chart_grants_nothing_on_routes_that_no_router_needs() -> None:
    groups = {router.group for router in ROUTERS.values()}
    needed = {(router.group, router.plural, verb) for router in ROUTERS.values() for verb in router.verbs}
    assert {right for right in granted() if right[0] in groups} <= needed
