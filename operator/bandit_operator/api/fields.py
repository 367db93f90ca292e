"""What the models of the API have in common: the base model and the types of their fields."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    ValidationError,
    ValidationInfo,
    model_validator,
)
from pydantic.alias_generators import to_camel
from pydantic_core import CoreSchema, core_schema

from bandit_operator.api.rules import DecimalString, PatternString, Rule, fault_at

MAX_ARMS = 20
"""More arms than this share too little traffic to be told apart; it also bounds CEL's cost."""


WITHOUT_RULES = {"rules": False}
"""Context in which models check the structure alone."""


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
    """Rules over several fields of the model."""

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, data: Any) -> Any:
        """Take null as left out, as the API server does before it fills in defaults."""
        if isinstance(data, Mapping):
            return {name: value for name, value in data.items() if value is not None}
        return data

    @model_validator(mode="after")
    def _keeps_its_rules(self, info: ValidationInfo) -> Self:
        """Check what the API server checks by ``x-kubernetes-validations``, unless ``WITHOUT_RULES``."""
        if info.context is WITHOUT_RULES:
            return self
        faults = [fault for rule in self.RULES if (fault := rule.fault(self)) is not None]
        if faults:
            raise ValidationError.from_exception_data(type(self).__name__, faults)
        return self


@dataclass(frozen=True)
class ListMap:
    """Annotates a list whose items are told apart by the field ``key``, of which no two are equal."""

    key: str

    def check(self, items: list[ApiModel]) -> list[ApiModel]:
        """Return ``items``.

        Raises:
            ValidationError: at the second of two items with one key.
        """
        keys = [str(getattr(item, self.key)) for item in items]
        faults = [
            fault_at((index,), f'{self.key} "{value}" is there already; give each a {self.key} of its own')
            for index, value in enumerate(keys)
            if value in keys[:index]
        ]
        if faults:
            raise ValidationError.from_exception_data("list", faults)
        return items

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Run ``check`` after the items are known to be good."""
        return core_schema.no_info_after_validator_function(self.check, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """Describe the list to the API server, which checks the same."""
        extension = {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": [self.key]}
        return {**handler(schema), **extension}


ATOMIC_LIST: dict[str, Any] = {"x-kubernetes-list-type": "atomic"}
"""Schema extension of a list that is replaced as a whole."""
Time = Annotated[str, Field(max_length=40, json_schema_extra={"format": "date-time"})]
"""A time as RFC 3339 writes it, in UTC."""
Text = Annotated[str, Field(max_length=32768)]
LONGEST_MESSAGE = 1024
"""Most characters of what the operator says in one place of a status, which has a bound as a whole."""
ShortText = Annotated[str, Field(max_length=LONGEST_MESSAGE)]
"""A reason, or the words of others that are part of a message."""


def cut(message: str) -> str:
    """The message, or as much of it as a status has room for."""
    return message[:LONGEST_MESSAGE]


ArmName = Annotated[
    str,
    PatternString(
        "[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?",
        "a name of lower-case letters, digits and inner hyphens, at most 63 characters",
        "logistic-v2",
        max_length=63,
    ),
]
LabelValue = Annotated[
    str,
    PatternString(
        r"[^\x00-\x20\x7f]([^\x00-\x1f\x7f]{0,126}[^\x00-\x20\x7f])?",
        "the value of a label, at most 128 characters, without control characters or blanks around it",
        "v1.2.0",
        max_length=128,
    ),
]
"""A value of a label of Prometheus', which may be any text; these can be meant."""
ObjectName = Annotated[
    str,
    PatternString(
        "[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?",
        "the name of an object: lower-case letters, digits, hyphens and dots",
        "income-logistic",
    ),
]
SectionName = Annotated[
    str,
    PatternString(
        "[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*",
        "the name of a rule: lower-case letters, digits, inner hyphens and inner dots",
        "predict.v1",
    ),
]
"""What the Gateway API takes for the name of a rule (SectionName)."""
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
    PatternString(
        "[a-zA-Z_][a-zA-Z0-9_.:/-]{0,127}", "the name of a Prometheus label", "arm", max_length=128
    ),
]
"""Beside the classic names those that OpenTelemetry gives, such as service.name."""
DEFAULT_ARM_LABEL = "arm"
"""Label of the arms' series where the user names none."""
_BLANKS = " \\t\\n\\f\\r"
"""What RE2 means by ``\\s``, for the inside of a class."""
_MATCHERS = "[{](?s:.)*[}]"
"""Anything in braces: what is inside is for Prometheus to judge."""
HttpAddress = Annotated[
    str,
    PatternString(
        f"https?://[^{_BLANKS}/?#@]+(/[^{_BLANKS}?#]*)?",
        "an http or https address without user, query or fragment",
        "http://prometheus.monitoring:9090",
        max_length=2048,
    ),
]
CounterSelector = Annotated[
    str,
    PatternString(
        f"[{_BLANKS}]*([a-zA-Z_:][a-zA-Z0-9_:]*[{_BLANKS}]*)?{_MATCHERS}[{_BLANKS}]*"
        f"|[{_BLANKS}]*[a-zA-Z_:][a-zA-Z0-9_:]*[{_BLANKS}]*",
        "a selector of a counter, without functions, ranges or operators",
        'model_reward_trials_total{route="income"}',
        max_length=2048,
    ),
]
PromQL = Annotated[str, Field(min_length=1, max_length=4096)]

Share = Annotated[str, DecimalString("0", "1", example="0.1")]
ErrorRate = Annotated[str, DecimalString("0", "0.5", exclusive_minimum=True, example="0.05")]
Number = Annotated[str, DecimalString(example="0.712")]
PositiveNumber = Annotated[str, DecimalString("0", exclusive_minimum=True, example="200")]
