"""What a template says is read as the Gateway API means it, defaults included."""

from __future__ import annotations

from typing import Any

from bandit_operator.api.references import route_in, route_of
from bandit_operator.api.route_template import DeletionPolicy, RouteSpec, plain
from bandit_operator.api.v1alpha1 import parse

FULL: dict[str, Any] = {
    "parentRefs": [{"name": "main", "namespace": "gateway", "sectionName": "http", "port": 80}],
    "hostnames": ["*.example.com"],
    "matches": [
        {
            "path": {"type": "RegularExpression", "value": "/v[12]"},
            "headers": [{"type": "Exact", "name": "x-team", "value": "fraud"}],
            "queryParams": [{"type": "RegularExpression", "name": "model", "value": ".+"}],
            "method": "POST",
        }
    ],
    "filters": [
        {"type": "RequestHeaderModifier", "requestHeaderModifier": {"add": [{"name": "a", "value": "b"}]}},
        {"type": "ResponseHeaderModifier", "responseHeaderModifier": {"remove": ["server"]}},
        {
            "type": "URLRewrite",
            "urlRewrite": {"path": {"type": "ReplacePrefixMatch", "replacePrefixMatch": "/v2"}},
        },
        {"type": "URLRewrite", "urlRewrite": {"path": {"type": "ReplaceFullPath", "replaceFullPath": "/v2"}}},
    ],
    "timeouts": {"request": "10s", "backendRequest": "2s"},
}


def templated(manifest: dict[str, Any], **template: Any) -> dict[str, Any]:
    """The manifest with a template in the place of the route's name."""
    manifest["spec"]["traffic"] = {"routeTemplate": {"spec": {"parentRefs": [{"name": "main"}]}, **template}}
    for arm in manifest["spec"]["arms"]:
        arm["backendRef"]["port"] = 80
    return manifest


def test_everything_that_a_template_can_say_comes_back_as_it_was_written() -> None:
    spec = RouteSpec.model_validate(FULL)
    parent = {"group": "gateway.networking.k8s.io", "kind": "Gateway", **FULL["parentRefs"][0]}
    assert plain(spec) == {**FULL, "parentRefs": [parent]}
    assert spec.matches is not None
    assert spec.filters is not None
    assert spec.timeouts is not None
    (match,) = spec.matches
    assert match.query_params is not None
    added, removed, prefix, full = spec.filters
    assert added.request_header_modifier is not None
    assert removed.response_header_modifier is not None
    assert prefix.url_rewrite is not None
    assert prefix.url_rewrite.path is not None
    assert prefix.url_rewrite.path.replace_prefix_match == "/v2"
    assert full.url_rewrite is not None
    assert full.url_rewrite.path is not None
    assert full.url_rewrite.path.replace_full_path == "/v2"
    assert spec.timeouts.backend_request == "2s"


def test_a_match_without_a_path_takes_all_paths() -> None:
    spec = RouteSpec.model_validate({"parentRefs": [{"name": "main"}], "matches": [{"method": "GET"}]})
    assert plain(spec.matches) == [{"path": {"type": "PathPrefix", "value": "/"}, "method": "GET"}]


def test_the_route_has_the_name_of_the_resource_unless_another_is_said(manifest: dict[str, Any]) -> None:
    resource = parse(templated(manifest, deletionPolicy="Orphan"))
    template = resource.spec.traffic.route_template
    assert template is not None
    assert template.deletion_policy is DeletionPolicy.ORPHAN
    assert (route_of(resource).kind, route_of(resource).name) == ("HTTPRoute", "good")
    assert route_of(parse(templated(manifest, name="income"))).name == "income"


def test_the_route_is_the_same_for_a_resource_that_was_not_parsed(manifest: dict[str, Any]) -> None:
    assert route_in(manifest) == route_of(parse(manifest))
    for template in ({}, {"name": "income"}):
        body = templated(manifest, **template)
        assert route_in(body) == route_of(parse(body))
