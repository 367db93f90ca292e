"""What docs/gitops.md shows can be parsed, and speaks of one rollout; tests/e2e/test_gitops.py plays it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from bandit_operator.adapters.kubernetes import FIELD_MANAGER
from bandit_operator.api.route_template import TEMPLATE_GROUP, TEMPLATE_KIND
from bandit_operator.api.v1alpha1 import parse
from bandit_operator.reconcile import generated
from bandit_operator.reconcile.contest import CONTEST_LONGEST, CONTEST_PATIENCE, CONTEST_SECONDS
from bandit_operator.routers import ROUTERS

PAGE = Path("docs/gitops.md").read_text(encoding="utf-8")
SNIPPETS: list[dict[str, Any]] = [
    yaml.safe_load(one) for one in re.findall(r"```yaml\n(.*?)```", PAGE, flags=re.DOTALL)
]


def snippet(kind: str) -> dict[str, Any]:
    (found,) = (one for one in SNIPPETS if one["kind"] == kind)
    return found


def test_there_is_a_snippet_for_each_way() -> None:
    assert [one["kind"] for one in SNIPPETS] == [
        "BanditDeployment",
        "Kustomization",
        "HTTPRoute",
        "Application",
        "ConfigMap",
        "Deployment",
    ]


def test_the_template_makes_the_route_that_the_page_shows() -> None:
    resource = parse(snippet("BanditDeployment"))
    template = resource.spec.traffic.route_template
    assert template is not None
    router = ROUTERS[TEMPLATE_GROUP, TEMPLATE_KIND]
    made = generated.wanted(resource, template, router, None, {}, ()).route
    shown = snippet("HTTPRoute")
    assert (made["apiVersion"], made["kind"]) == (shown["apiVersion"], shown["kind"])
    for route in (made, shown):
        names = {
            (ref["name"], ref["port"], ref["weight"]) for ref in route["spec"]["rules"][0]["backendRefs"]
        }
        assert names == {(f"spam-v{number}", 80, 1) for number in (1, 2, 3)}
    assert made["spec"]["rules"][0]["matches"] == shown["spec"]["rules"][0]["matches"]
    assert made["spec"]["parentRefs"][0].items() >= shown["spec"]["parentRefs"][0].items()


def test_flux_ignores_the_weight_of_each_backend_and_nothing_else() -> None:
    (rule,) = snippet("Kustomization")["spec"]["ignore"]
    rules = snippet("HTTPRoute")["spec"]["rules"]
    assert rule["target"]["name"] == snippet("HTTPRoute")["metadata"]["name"]
    assert rule["paths"] == [
        f"/spec/rules/{number}/backendRefs/{position}/weight"
        for number, one in enumerate(rules)
        for position in range(len(one["backendRefs"]))
    ]


def test_argo_cd_respects_what_it_ignores() -> None:
    spec = snippet("Application")["spec"]
    assert "RespectIgnoreDifferences=true" in spec["syncPolicy"]["syncOptions"]
    (ignored,) = spec["ignoreDifferences"]
    assert ignored["jqPathExpressions"] == [".spec.rules[].backendRefs[].weight"]
    assert ignored["name"] == snippet("HTTPRoute")["metadata"]["name"]


def test_a_deployment_says_nothing_about_replicas() -> None:
    assert "replicas" not in snippet("Deployment")["spec"]


def test_numbers_and_names_of_the_operator_are_its_own() -> None:
    assert f"managedFieldsManagers: [{FIELD_MANAGER}]" in PAGE
    assert (CONTEST_PATIENCE, CONTEST_SECONDS, CONTEST_LONGEST) == (5, 600.0, 300.0)
    assert "After five changes in ten minutes" in PAGE
    assert "up to five minutes" in PAGE


def test_its_links_lead_somewhere() -> None:
    local = [link for link in re.findall(r"\]\(([^)#]+)", PAGE) if not link.startswith("http")]
    assert local
    assert all((Path("docs") / link).exists() for link in local)
