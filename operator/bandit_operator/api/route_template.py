"""The HTTPRoute that the operator makes, as far as users say what is in it.

Names and meanings are those of the Gateway API (https://gateway-api.sigs.k8s.io/reference/spec/,
HTTPRoute), and so are the defaults, which the API server fills in there as well. The backends are
not said here: they are the arms.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field
from pydantic.alias_generators import to_snake

from bandit_operator.api.fields import (
    ATOMIC_LIST,
    ApiGroup,
    ApiModel,
    Kind,
    Namespace,
    ObjectName,
    SectionName,
)
from bandit_operator.api.kind import GROUP
from bandit_operator.api.rules import PatternString, Rule
from bandit_operator.routers import GATEWAY_API, GATEWAY_API_VERSION
from bandit_operator.routers.mirrored_for import MIRRORS

TEMPLATE_GROUP, TEMPLATE_VERSION, TEMPLATE_KIND = GATEWAY_API, GATEWAY_API_VERSION, "HTTPRoute"
"""Of the route that is made."""
MANAGED_BY = "app.kubernetes.io/managed-by"
"""Label of a route that the operator makes: its value is the operator's field manager."""
OWNER = f"{GROUP}/owner"
"""Annotation of such a route: the name of its BanditDeployment, in the same namespace."""

_KEY = "([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?"
KEY = PatternString(
    _KEY,
    "a key: letters, digits and inner -, _ and ., at most 63 of them, after a prefix and / if any",
    "example.com/team",
    max_length=317,
)
"""What Kubernetes takes for the key of a label or an annotation."""
Port = Annotated[int, Field(ge=1, le=65535, strict=True)]
Hostname = Annotated[
    str,
    PatternString(
        "([*][.])?[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*",
        "a host name, which may begin with *.",
        "models.example.com",
    ),
]
LabelValue = Annotated[
    str,
    PatternString(
        "([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?",
        "the value of a label: letters, digits and inner -, _ and .",
        "models",
        max_length=63,
    ),
]
HeaderName = Annotated[
    str,
    PatternString(
        "[A-Za-z0-9!#$%&'*+.^_|~-]{1,256}", "the name of an HTTP header", "x-version", max_length=256
    ),
]
RouteDuration = Annotated[
    str,
    PatternString(
        "([0-9]{1,5}(h|m|s|ms)){1,4}",
        "a duration as the Gateway API writes it, in whole numbers with the units h, m, s or ms",
        "30s",
        max_length=32,
    ),
]


class ParentRef(ApiModel):
    """A Gateway that is to serve the route."""

    group: ApiGroup = GATEWAY_API
    """API group of the parent."""
    kind: Kind = "Gateway"
    """Kind of the parent."""
    namespace: Namespace | None = None
    """Namespace of the parent. Default: that of this resource."""
    name: ObjectName
    """Name of the parent."""
    section_name: SectionName | None = None
    """Name of the Gateway's listener. Default: all that take the route."""
    port: Port | None = None
    """Port of the Gateway's listener. Default: any."""


class PathMatch(ApiModel):
    """Which paths match."""

    type: Literal["Exact", "PathPrefix", "RegularExpression"] = "PathPrefix"
    """How the path is compared: Exact, PathPrefix, or RegularExpression where the gateway knows it."""
    value: Annotated[str, Field(max_length=1024)] = "/"
    """What the path is compared with."""


ValueType = Literal["Exact", "RegularExpression"]
"""How a header or a query parameter is compared."""


class HeaderMatch(ApiModel):
    """A header that a request must have."""

    type: ValueType = "Exact"
    """How its value is compared."""
    name: HeaderName
    """Name of the header."""
    value: Annotated[str, Field(min_length=1, max_length=4096)]
    """What its value is compared with."""


class QueryParamMatch(ApiModel):
    """A query parameter that a request must have."""

    type: ValueType = "Exact"
    """How its value is compared."""
    name: HeaderName
    """Name of the parameter."""
    value: Annotated[str, Field(min_length=1, max_length=1024)]
    """What its value is compared with."""


Method = Literal["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"]


class RouteMatch(ApiModel):
    """Requests that the rule takes: those for which all of this holds."""

    path: PathMatch = Field(default_factory=PathMatch)
    """Which paths."""
    headers: Annotated[
        list[HeaderMatch] | None, Field(min_length=1, max_length=16, json_schema_extra=ATOMIC_LIST)
    ] = None
    """Which headers; all of them."""
    query_params: Annotated[
        list[QueryParamMatch] | None, Field(min_length=1, max_length=16, json_schema_extra=ATOMIC_LIST)
    ] = None
    """Which query parameters; all of them."""
    method: Method | None = None
    """Which method. Default: any."""


class Header(ApiModel):
    """A header and its value."""

    name: HeaderName
    """Name of the header."""
    value: Annotated[str, Field(min_length=1, max_length=4096)]
    """Value of the header."""


class HeaderModifier(ApiModel):
    """Headers that are changed on their way."""

    set: Annotated[list[Header] | None, Field(min_length=1, max_length=16, json_schema_extra=ATOMIC_LIST)] = (
        None
    )
    """Headers that get this value, whatever they had."""
    add: Annotated[list[Header] | None, Field(min_length=1, max_length=16, json_schema_extra=ATOMIC_LIST)] = (
        None
    )
    """Headers that get this value besides what they have."""
    remove: Annotated[
        list[HeaderName] | None, Field(min_length=1, max_length=16, json_schema_extra=ATOMIC_LIST)
    ] = None
    """Names of headers that are taken out."""


class PathRewriteType(StrEnum):
    """What of a path is replaced."""

    REPLACE_FULL_PATH = "ReplaceFullPath"
    REPLACE_PREFIX_MATCH = "ReplacePrefixMatch"


def _path_rule(kind: PathRewriteType, field: str) -> Rule:
    """The new path is there."""
    return Rule(
        f"self.type != '{kind}' || has(self.{field})",
        f"type {kind} needs {field}, the new path; set it, for example to /v2",
        holds=lambda path: path.type != kind or getattr(path, to_snake(field)) is not None,
    )


class PathRewrite(ApiModel):
    """What the backend sees in the place of the path."""

    RULES: ClassVar = (
        _path_rule(PathRewriteType.REPLACE_FULL_PATH, "replaceFullPath"),
        _path_rule(PathRewriteType.REPLACE_PREFIX_MATCH, "replacePrefixMatch"),
    )

    type: PathRewriteType
    """What is replaced: the whole path, or the prefix that matched."""
    replace_full_path: Annotated[str | None, Field(max_length=1024)] = None
    """The whole path."""
    replace_prefix_match: Annotated[str | None, Field(max_length=1024)] = None
    """What comes in the place of the prefix that matched."""


class UrlRewrite(ApiModel):
    """What the backend sees in the place of host name and path."""

    hostname: Hostname | None = None
    """Host name that the backend sees."""
    path: PathRewrite | None = None
    """Path that the backend sees."""


class FilterType(StrEnum):
    """What a filter does."""

    REQUEST_HEADER_MODIFIER = "RequestHeaderModifier"
    RESPONSE_HEADER_MODIFIER = "ResponseHeaderModifier"
    URL_REWRITE = "URLRewrite"


def _filter_rule(kind: FilterType, field: str) -> Rule:
    """A filter has the block of its type and no other."""
    return Rule(
        f"(self.type == '{kind}') == has(self.{field})",
        f"{field} goes with type {kind}; type is {{self.type}}: set the block of that type and no other",
        holds=lambda one: (one.type == kind) == (getattr(one, to_snake(field)) is not None),
    )


class RouteFilter(ApiModel):
    """Something that is done to requests or responses on their way."""

    RULES: ClassVar = (
        _filter_rule(FilterType.REQUEST_HEADER_MODIFIER, "requestHeaderModifier"),
        _filter_rule(FilterType.RESPONSE_HEADER_MODIFIER, "responseHeaderModifier"),
        _filter_rule(FilterType.URL_REWRITE, "urlRewrite"),
    )

    type: FilterType
    """What it does; the field of the same name says more."""
    request_header_modifier: HeaderModifier | None = None
    """Headers of the request that are changed."""
    response_header_modifier: HeaderModifier | None = None
    """Headers of the response that are changed."""
    url_rewrite: UrlRewrite | None = None
    """Host name and path that the backend sees."""


class RouteTimeouts(ApiModel):
    """How long requests may take."""

    request: RouteDuration | None = None
    """How long a request may take as a whole."""
    backend_request: RouteDuration | None = None
    """How long one attempt at a backend may take."""


class RouteSpec(ApiModel):
    """The route's parents and host names, and its one rule but for the backends, which are the arms."""

    parent_refs: Annotated[list[ParentRef], Field(min_length=1, max_length=8, json_schema_extra=ATOMIC_LIST)]
    """The Gateways that are to serve it, 1 to 8."""
    hostnames: Annotated[
        list[Hostname] | None, Field(min_length=1, max_length=16, json_schema_extra=ATOMIC_LIST)
    ] = None
    """Host names of the requests that it takes. Default: those of the Gateway's listeners."""
    matches: Annotated[
        list[RouteMatch] | None, Field(min_length=1, max_length=8, json_schema_extra=ATOMIC_LIST)
    ] = None
    """Requests that its rule takes: those for which one of these holds. Default: all."""
    filters: Annotated[
        list[RouteFilter] | None, Field(min_length=1, max_length=8, json_schema_extra=ATOMIC_LIST)
    ] = None
    """What is done to them on their way."""
    timeouts: RouteTimeouts | None = None
    """How long they may take. Default: what the gateway takes."""


def _key_rule(field: str) -> Rule:
    return Rule(
        f"!has(self.{field}) || self.{field}.all(k, k.matches('^({_KEY})$'))",
        f"a key of {field} is none: write letters, digits and inner -, _ and ., at most 63 of them, after"
        " a prefix such as example.com/ if any",
        holds=lambda metadata: all(map(KEY.accepts, getattr(metadata, field) or {})),
        field=f".{field}",
    )


def _own_key_rule(field: str, key: str) -> Rule:
    return Rule(
        f"!has(self.{field}) || !('{key}' in self.{field})",
        f"{key} is set by the operator, which knows its own work by it; take it out",
        holds=lambda metadata: key not in (getattr(metadata, field) or {}),
        field=f".{field}",
    )


class RouteMetadata(ApiModel):
    """Labels and annotations of the route."""

    RULES: ClassVar = (
        _key_rule("labels"),
        _key_rule("annotations"),
        _own_key_rule("labels", MANAGED_BY),
        _own_key_rule("annotations", OWNER),
        _own_key_rule("annotations", MIRRORS),
    )

    labels: Annotated[dict[str, LabelValue] | None, Field(max_length=16)] = None
    """Labels that it has besides those that others set."""
    annotations: Annotated[dict[str, Annotated[str, Field(max_length=2048)]] | None, Field(max_length=16)] = (
        None
    )
    """Annotations that it has besides those that others set."""


class DeletionPolicy(StrEnum):
    """What becomes of the route when this resource is deleted."""

    DELETE = "Delete"
    """It is deleted by the garbage collector."""
    ORPHAN = "Orphan"
    """It stays as it is, and serves with the weights that it has."""


class RouteTemplate(ApiModel):
    """An HTTPRoute that the operator makes and keeps as it is said here."""

    RULES: ClassVar = (
        Rule(
            "has(self.name) == has(oldSelf.name) && (!has(self.name) || self.name == oldSelf.name)",
            "name of routeTemplate cannot be changed, because the route under the old name would be left"
            " behind; create another BanditDeployment",
            holds=None,
        ),
    )

    name: ObjectName | None = None
    """Name of the route, in the namespace of this resource; it cannot be changed later. Default: the
    name of this resource.
    """
    deletion_policy: DeletionPolicy = DeletionPolicy.DELETE
    """What becomes of the route when this resource is deleted. Delete: it is deleted as well. Orphan: it
    stays, and serves with the weights that it has.
    """
    metadata: RouteMetadata | None = None
    """Labels and annotations of the route; others may set more."""
    spec: RouteSpec
    """What the route says, but for its backends, which are the arms."""


def plain(value: Any) -> Any:
    """A part of the template as the API server is sent it."""
    if isinstance(value, ApiModel):
        return value.model_dump(by_alias=True, exclude_none=True, mode="json")
    return [plain(item) for item in value] if isinstance(value, list) else value
