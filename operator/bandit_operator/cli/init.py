"""``bandit-operator init``: a manifest to begin with, from a route that is there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click
import yaml

from bandit_operator.adapters.documents import Dumper
from bandit_operator.api.kind import GROUP, KIND, VERSION
from bandit_operator.api.references import ROUTE_KINDS, routes_of
from bandit_operator.api.route_template import MANAGED_BY, OWNER, TEMPLATE_KIND
from bandit_operator.api.v1alpha1 import faults_of
from bandit_operator.cli.cluster import Cluster, cluster_options
from bandit_operator.cli.output import say


@click.command()
@click.option("--route", required=True, help="Name of the route whose traffic is to be moved.")
@click.option("--kind", type=click.Choice(ROUTE_KINDS), default=TEMPLATE_KIND, show_default=True)
@click.option("--rule", help="Name of the rule in the route. Default: the only one with several backends.")
@click.option("--baseline", help="Backend that is the baseline. Default: the one with the largest weight.")
@click.option("--template", is_flag=True, help="Put the route inside, so that the operator keeps it.")
@cluster_options()
def init(
    route: str, kind: str, rule: str | None, baseline: str | None, *, template: bool, cluster: Cluster
) -> None:
    """Write a BanditDeployment for a route, to be looked over and applied.

    \b
      kubectl bandit init --route income > income.yaml
      kubectl bandit init --route income --template > income.yaml
      kubectl bandit lint -f income.yaml
    """  # noqa: D301 - the mark that keeps click from wrapping lines is the character, not its escape
    body = cluster.route(kind, routes_of(kind), route)
    say(manifest(body, kind, rule, baseline, template=template))


def manifest(
    route: Mapping[str, Any], kind: str, rule: str | None, baseline: str | None, *, template: bool = False
) -> str:
    """The manifest, with a note of what to look at.

    Raises:
        ClickException: No rule can be chosen, the baseline is none of its backends, or a template
            cannot say what the route does.
    """
    name, namespace = route["metadata"]["name"], route["metadata"]["namespace"]
    chosen = _rule(route, rule)
    backends = chosen["backendRefs"]
    services = [str(one["name"]) for one in backends]
    if baseline is not None and baseline not in services:
        raise click.ClickException(
            f'--baseline "{baseline}" is no backend of the rule; name one of {", ".join(services)}'
        )
    arms = dict(zip(services, _arm_names(services), strict=True))
    heaviest = max(backends, key=lambda one: one.get("weight", 1))["name"]
    ref = {"kind": kind, "name": name} | ({"sectionName": chosen["name"]} if chosen.get("name") else {})
    counters = {part: f'model_reward_{part}_total{{route="{name}"}}' for part in ("successes", "trials")}
    body = {
        "apiVersion": f"{GROUP}/{VERSION}",
        "kind": KIND,
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "mode": "Observe",
            "traffic": {"routeTemplate": _template(route, kind)} if template else {"routeRef": ref},
            "baseline": arms[baseline or heaviest],
            "arms": [_arm(arms[str(one["name"])], one, port=template) for one in backends],
            "reward": {"prometheus": counters},
        },
    }
    note = (
        "# Look at: baseline; the names of the arms, which are the values of the label arm in the metrics;\n"
        "# reward.prometheus. mode Observe only reports: set it to Active once the status is as you expect.\n"
    )
    faults = faults_of(body)
    if faults and template:
        raise click.ClickException(f"--template: a template cannot say what {name} does: {faults[0]}")
    note += "".join(f"# Correct first: {' '.join(fault.split())}\n" for fault in faults)
    if template:
        note += (
            f"# The {kind} that is there stays as it is until it is handed over. Once it is out of Git:\n"
            f"#   kubectl annotate {kind.lower()} {name} {OWNER}={name}\n"
        )
    text: str = yaml.dump(body, Dumper=Dumper, sort_keys=False)
    return note + text.rstrip()


_IN_RULE = {"backendRefs", "filters", "matches", "name", "timeouts"}
_IN_BACKEND = {"group", "kind", "name", "namespace", "port", "weight"}
_OF_TOOLS = ("argocd.argoproj.io/", "kubectl.kubernetes.io/", "kustomize.toolkit.fluxcd.io/")
"""Prefixes of labels and annotations by which tools know what they apply."""


def _template(route: Mapping[str, Any], kind: str) -> dict[str, Any]:
    """The route without its backends.

    Raises:
        ClickException: There is more in it than a template can say.
    """
    name, rules = route["metadata"]["name"], _rules(route)
    if kind != TEMPLATE_KIND:
        raise click.ClickException(f"--template: {kind} {name} cannot be put inside, only a {TEMPLATE_KIND}")
    if len(rules) != 1:
        raise click.ClickException(
            f"--template: {name} has {len(rules)} rules, and a template has one; put the others into a route "
            f"of their own first"
        )
    more = rules[0].keys() - _IN_RULE
    more |= {part for one in rules[0]["backendRefs"] for part in one.keys() - _IN_BACKEND}
    if more:
        raise click.ClickException(
            f"--template: {name} has {', '.join(sorted(more))}, which a template cannot say; take that out, "
            f"or leave --template out"
        )
    spec = {part: route["spec"][part] for part in ("parentRefs", "hostnames") if part in route["spec"]}
    spec |= {part: rules[0][part] for part in ("matches", "filters", "timeouts") if part in rules[0]}
    kept = {field: _kept(route["metadata"].get(field) or {}) for field in ("labels", "annotations")}
    metadata = {field: texts for field, texts in kept.items() if texts}
    return ({"metadata": metadata} if metadata else {}) | {"spec": spec}


def _kept(texts: Mapping[str, str]) -> dict[str, str]:
    own = (MANAGED_BY, OWNER)
    return {name: text for name, text in texts.items() if name not in own and not name.startswith(_OF_TOOLS)}


def _rule(route: Mapping[str, Any], wanted: str | None) -> Mapping[str, Any]:
    """The rule with several backends, or the one of them that is wanted.

    Raises:
        ClickException: There is none, or several and it is not said which.
    """
    able = [one for one in _rules(route) if len(one.get("backendRefs") or []) >= 2]
    rules = able if wanted is None else [one for one in able if one.get("name") == wanted]
    if len(rules) == 1:
        return rules[0]
    which = f"--rule {wanted}: " if wanted else ""
    count = f"{which}{len(rules)} rules of {route['metadata']['name']} have two backends or more"
    named = ", ".join(str(one["name"]) for one in able if one.get("name"))
    if not able:
        raise click.ClickException(f"{count}; give a rule in the route a backend for each version")
    if not named:
        raise click.ClickException(f"{count}, and no name; give one a name in the route, for --rule")
    raise click.ClickException(f"{count}; pass --rule with one that has, of {named}")


def _rules(route: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return list(route["spec"].get("rules") or [])


def _arm_names(services: list[str]) -> list[str]:
    """The names of the services without what all of them begin with, as far as that leaves names."""
    parts = [service.split("-") for service in services]
    shared = next((at for at, column in enumerate(zip(*parts, strict=False)) if len(set(column)) > 1), 0)
    cut = sum(len(part) + 1 for part in parts[0][:shared])
    short = [service[cut:].replace(".", "-") for service in services]
    return (
        short if all(short) and len(set(short)) == len(short) else [one.replace(".", "-") for one in services]
    )


def _arm(name: str, backend: Mapping[str, Any], *, port: bool) -> dict[str, Any]:
    parts = ("group", "kind", "name", "namespace", *(("port",) if port else ()))
    kept = {part: backend[part] for part in parts if backend.get(part)}
    if kept.get("kind") == "Service":
        del kept["kind"]
    return {"name": name, "backendRef": kept}
