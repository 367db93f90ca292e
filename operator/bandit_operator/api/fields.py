"""What the models of the API have in common: the base model and the types of their fields."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from bandit_operator.api.rules import DecimalString, PatternString, Rule

MAX_ARMS = 20
"""More arms than this share too little traffic to be told apart; it also bounds CEL's cost."""


class ApiModel(BaseModel):
    """Base of every model of the API: camelCase outside, frozen, documented by docstrings.

    Unknown fields are ignored, because an object may have been written for a newer schema
    than this operator's; the API server itself refuses fields that its schema lacks.
    """

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        extra="ignore",
        frozen=True,
        use_attribute_docstrings=True,
    )
    RULES: ClassVar[tuple[Rule, ...]] = ()
    """CEL rules over several fields of the model."""


def list_map(key: str) -> dict[str, Any]:
    """Return the schema extension of a list whose items are told apart by ``key``."""
    return {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": [key]}


ATOMIC_LIST: dict[str, Any] = {"x-kubernetes-list-type": "atomic"}
"""Schema extension of a list that is replaced as a whole."""
ATOMIC_MAP: dict[str, Any] = {"x-kubernetes-map-type": "atomic"}
"""Schema extension of a map that is replaced as a whole."""
DATE_TIME: dict[str, Any] = {"format": "date-time"}
"""Schema extension of a string that is a time as RFC 3339 writes it."""

ArmName = Annotated[
    str,
    PatternString(
        "[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?",
        "a name of lower-case letters, digits and inner hyphens, at most 63 characters",
        "logistic-v2",
        max_length=63,
    ),
]
ObjectName = Annotated[
    str,
    PatternString(
        "[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?",
        "the name of an object: lower-case letters, digits, hyphens and dots",
        "income-logistic",
    ),
]
Namespace = Annotated[
    str,
    PatternString("[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", "the name of a namespace", "models", max_length=63),
]
ApiGroup = Annotated[
    str,
    PatternString(
        "[a-z0-9.-]{0,253}",
        "an API group without version, or empty for the core group",
        "inference.networking.k8s.io",
    ),
]
ApiVersion = Annotated[
    str,
    PatternString(
        "([a-z0-9.-]{1,253}/)?v[0-9a-z]{1,31}", "an API group and version", "apps/v1", max_length=285
    ),
]
Kind = Annotated[
    str,
    PatternString(
        "[A-Z][A-Za-z0-9]{0,62}", "a kind, which begins with a capital letter", "Deployment", max_length=63
    ),
]
LabelName = Annotated[
    str,
    PatternString("[a-zA-Z_][a-zA-Z0-9_]{0,127}", "the name of a Prometheus label", "arm", max_length=128),
]
HttpAddress = Annotated[
    str,
    PatternString(
        "https?://[^\\s/?#@]+(/[^\\s?#]*)?",
        "an http or https address without user, query or fragment",
        "http://prometheus.monitoring:9090",
        max_length=2048,
    ),
]
CounterSelector = Annotated[
    str,
    PatternString(
        "\\s*[a-zA-Z_:][a-zA-Z0-9_:]*\\s*([{](.|\\s)*[}])?\\s*|\\s*[{](.|\\s)*[}]\\s*",
        "a selector of a counter, without functions, ranges or operators",
        'model_reward_trials_total{route="income"}',
        max_length=2048,
    ),
]
PromQL = Annotated[str, Field(min_length=1, max_length=4096)]

Share = Annotated[str, DecimalString("0", "1", example="0.1")]
ErrorRate = Annotated[str, DecimalString("0", "0.5", exclusive_minimum=True, example="0.05")]
Number = Annotated[str, DecimalString(example="0.712")]
