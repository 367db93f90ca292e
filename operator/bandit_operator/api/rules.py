"""CEL rules and string formats of the API, each enforced twice with one message.

The API server runs the CEL rule at admission; the operator runs the same check in Python
when it reads an object that reached it another way, such as a file or an older schema. One
row, a ``Rule`` or a ``StringFormat``, holds both checks and the one message. The tests refuse
one list of bad manifests by both.

What differs, and why:

- A rule about a change, which names ``oldSelf``, needs the object as it was. Only the API server
  has that.
- What the structure refuses, such as a missing field or a word that is not in an enumeration,
  is refused by both at the same field, each in its own words.
- Rules over several fields are checked in Python once each of the fields is good by itself, by the
  API server at once, which may therefore name a fault more.
- Two references that name one object in different words, as where one leaves out the resource's own
  namespace, are refused here alone (``parse``): a rule does not see the namespace.
- Unknown fields are ignored here: the object may have been written for a newer schema.

References: Kubernetes API reference, JSONSchemaProps ``x-kubernetes-validations``; CEL in
Kubernetes, https://kubernetes.io/docs/reference/using-api/cel/.
"""

from __future__ import annotations

import dataclasses
import json
import math
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from pydantic import BaseModel, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, InitErrorDetails, PydanticCustomError, core_schema

from bandit_operator.core.quantities import DURATION_PATTERN, format_duration, parse_duration

DECIMAL_PATTERN = "^-?[0-9]{1,12}([.][0-9]{1,9})?%?$"
"""Also as percent, which YAML takes for a string without quotes."""

_LARGEST_NUMBER = 1e12  # what nobody can have meant is not written otherwise


_PLACEHOLDER = re.compile("[{]([a-zA-Z][a-zA-Z0-9.]*)[}]")


@dataclass(frozen=True, slots=True)
class Term:
    """Part of a message that must be computed: in CEL, and in Python from the model."""

    cel: str
    python: Callable[[Any], str]


@dataclass(frozen=True, slots=True)
class Rule:
    """One relation between fields of a model: a row that both enforcers are made from.

    ``field`` is the path, relative to where the rule stands, that the error names. ``forbidden``
    marks a field that must be absent, which the API server then reports as "Forbidden" rather
    than "Invalid value".
    """

    rule: str
    """CEL that is true of a good object, called ``self``."""
    message: str
    """What is wrong and how to put it right. ``{self.maxStep}`` stands for the value of a field,
    and any other name in braces for one of ``terms``.
    """
    holds: Callable[[Any], bool] | None
    """The same as ``rule`` in Python, of the model. None where the rule is about a change
    (``oldSelf``), which cannot be seen in one object.
    """
    field: str | None = None
    forbidden: bool = False
    terms: Mapping[str, Term] = dataclasses.field(default_factory=dict)

    def schema(self) -> dict[str, str]:
        """Return the entry of ``x-kubernetes-validations``."""
        entry = {"rule": self.rule}
        if _PLACEHOLDER.search(self.message):
            entry["messageExpression"] = self._message_expression()
        else:
            entry["message"] = self.message
        if self.field is not None:
            entry["fieldPath"] = self.field
        if self.forbidden:
            entry["reason"] = "FieldValueForbidden"
        return entry

    def fault(self, model: BaseModel) -> InitErrorDetails | None:
        """Return the error at its field where ``model`` breaks the rule, or None."""
        if self.holds is None or self.holds(model):
            return None
        text = _PLACEHOLDER.sub(lambda match: self._value(match[1], model), self.message)
        return fault_at(tuple((self.field or "").split(".")[1:]), text)

    def _message_expression(self) -> str:
        """The message as CEL: texts and values by turns."""
        pieces = _PLACEHOLDER.split(self.message)
        for index, piece in enumerate(pieces):
            is_text = index % 2 == 0
            if is_text:
                pieces[index] = cel_text(piece) if piece else ""
            elif piece in self.terms:
                pieces[index] = self.terms[piece].cel
        return " + ".join(piece for piece in pieces if piece)

    def _value(self, name: str, model: BaseModel) -> str:
        if name in self.terms:
            return self.terms[name].python(model)
        value: Any = model
        for part in name.split(".")[1:]:
            value = next(
                getattr(value, attribute)
                for attribute, about in type(value).model_fields.items()
                if part in (attribute, about.alias)
            )
        return str(value)


def fault_at(place: tuple[int | str, ...], text: str) -> InitErrorDetails:
    """Return an error for pydantic that says ``text`` of what is at ``place`` in the value at hand."""
    return InitErrorDetails(type=PydanticCustomError("rule", text), loc=place, input=None)


def cel_number(path: str) -> str:
    """CEL for the number that the decimal string at ``path`` stands for."""
    return f"({path}.endsWith('%') ? double({path}.replace('%', '')) / 100.0 : double({path}))"


def cel_is_duration(path: str) -> str:
    """CEL for whether what is at ``path`` is a duration as it must be written, whatever its bounds."""
    return f"type({path}) == string && {path}.matches('{DURATION_PATTERN}')"


def cel_text(text: str) -> str:
    """Return ``text`` as a CEL string literal."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


WRITTEN = "x-written"
"""Key under which the schema of a field says how it is written; the definition has it in its description."""


class StringFormat(ABC):
    """A string with a meaning: bounded in length, checked by one rule with one message.

    Subclasses say what CEL checks (``cel``), what Python checks (``accepts``), and how to
    put it right (``advice``). Used as ``Annotated[str, StringFormat(...)]``.
    """

    max_length: int
    min_length: int | None = None

    @property
    @abstractmethod
    def cel(self) -> str:
        """CEL that is true of a good value, called ``self``."""

    @property
    @abstractmethod
    def advice(self) -> str:
        """What must be written instead, to be read after the value."""

    @abstractmethod
    def accepts(self, value: str) -> bool:
        """Return whether ``value`` is good: the same as ``cel``."""

    def written(self, number: float) -> str:
        """How a bare number may have to be written; empty where it cannot have been meant."""
        return f'"{number}"'

    def refuse_number(self, value: Any) -> Any:
        """Return ``value``; the API server refuses a bare number as well, mostly without the fix.

        Raises:
            ValueError: if it is a number; the message says how to write it.
        """
        if isinstance(value, int | float) and not isinstance(value, bool):
            plausible = abs(value) < _LARGEST_NUMBER  # what is no number is not, either
            written = self.written(value) if plausible else ""
            raise ValueError(f"{value}: a number; write {written}" if written else f"{value}: {self.advice}")
        return value

    def check(self, value: str) -> str:
        """Return ``value``.

        Raises:
            ValueError: if it is not good; the message names it and says what to write.
        """
        if len(value) > self.max_length or not self.accepts(value):
            # Quoted as the API server quotes it, so that what cannot be seen is seen.
            quoted = json.dumps(value[:80], ensure_ascii=not value.isprintable())
            raise ValueError(f"{quoted}: {self.advice}")
        return value

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Run ``check`` after the value is known to be a string."""
        checked = core_schema.no_info_after_validator_function(self.check, handler(source))
        return core_schema.no_info_before_validator_function(self.refuse_number, checked)

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """Describe the string with its bounds and its CEL rule."""
        described = handler(schema)
        described["maxLength"] = self.max_length
        if self.min_length is not None:
            described["minLength"] = self.min_length
        # The API server puts path and value before the message by itself.
        described["x-kubernetes-validations"] = [{"rule": self.cel, **self.cel_message}]
        return described

    @property
    def cel_message(self) -> dict[str, str]:
        """What the API server says of a bad value: words, or CEL that makes them."""
        return {"message": self.advice}


@dataclass(frozen=True)
class OneOf:
    """A string that is one of the names of a registry: ``Annotated[str, OneOf(("a", "b"))]``."""

    names: tuple[str, ...]

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Admit the names and nothing else; in the definition they are an enumeration."""
        return core_schema.literal_schema(list(self.names))


@dataclass(frozen=True)
class DecimalString(StringFormat):
    """A decimal number as a string, so that no reader or writer rounds it; ``5%`` stands for ``0.05``.

    Bounds are decimals as strings as well; an exclusive minimum is not allowed itself.
    """

    minimum: str | None = None
    maximum: str | None = None
    exclusive_minimum: bool = False
    example: str = "0.1"
    max_length: int = 24

    @property
    def cel(self) -> str:
        """CEL that is true of a good value, called ``self``."""
        terms, value = [f"self.matches('{DECIMAL_PATTERN}')"], cel_number("self")
        if self.minimum is not None:
            terms.append(f"{value} {'>' if self.exclusive_minimum else '>='} double('{self.minimum}')")
        if self.maximum is not None:
            terms.append(f"{value} <= double('{self.maximum}')")
        return " && ".join(terms)

    @property
    def advice(self) -> str:
        """What must be written instead, to be read after the value."""
        bounds = []
        if self.minimum is not None:
            bounds.append(f"{'above' if self.exclusive_minimum else 'of at least'} {self.minimum}")
        if self.maximum is not None:
            bounds.append(f"of at most {self.maximum}")
        what = " ".join(["a decimal", " and ".join(bounds)]).strip()
        percent = f", or {self._percent(self.example)}" if self.maximum is not None else ""
        return f'must be {what}, in quotes, for example "{self.example}"{percent}'

    def written(self, number: float) -> str:
        """In quotes, or as percent, whichever is within the bounds."""
        text = str(number)
        ways = [f'"{text}" in quotes'] if self.accepts(text) else []
        percents = (self._percent(text), f"{text}%")  # 5 may be meant as 5 %
        ways += [one for one in percents if self.accepts(one)][:1]
        return ", or ".join(ways)

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """Say how it is written: of a bare number the API server names the type alone, not the fix."""
        percent = "" if self.maximum is None else f", or {self._percent(self.example)}"
        return super().__get_pydantic_json_schema__(schema, handler) | {
            WRITTEN: f'A bare number is refused: write it in quotes, such as "{self.example}"{percent}.'
        }

    @staticmethod
    def _percent(decimal: str) -> str:
        return f"{(100 * Decimal(decimal)).normalize():f}%"

    def accepts(self, value: str) -> bool:
        """Return whether ``value`` is good: the same as ``cel``."""
        if not re.fullmatch(DECIMAL_PATTERN, value):
            return False
        number = Decimal(value.removesuffix("%")) / (100 if value.endswith("%") else 1)
        if self.minimum is not None:
            low = Decimal(self.minimum)
            if number < low or (self.exclusive_minimum and number == low):
                return False
        return self.maximum is None or number <= Decimal(self.maximum)


@dataclass(frozen=True)
class DurationString(StringFormat):
    """A length of time such as ``30s``, ``1h30m`` or ``500ms``, between two bounds.

    ``or_zero`` admits ``0s`` below the minimum, where zero turns something off. In the definition it is an
    integer or a string, so that the API server asks the rule about ``interval: 30`` as well, and whoever
    forgot the unit reads how to write it; of a type that it does not know it would name the types alone.
    """

    minimum: str = "0s"
    maximum: str = "8760h"
    or_zero: bool = False
    example: str = "30s"
    max_length: int = 24

    @property
    def cel(self) -> str:
        """CEL that is true of a good value, called ``self``."""
        low = f"duration(self) >= duration('{self.minimum}')"
        if self.or_zero:
            low = f"(duration(self) == duration('0s') || {low})"
        high = f"duration(self) <= duration('{self.maximum}')"
        return f"{cel_is_duration('self')} && {low} && {high}"

    @property
    def cel_message(self) -> dict[str, str]:
        """What to write, where it is a number the same number with a unit."""
        low, high = math.ceil(parse_duration(self.minimum)), math.floor(parse_duration(self.maximum))
        in_bounds = f"self >= {low} && self <= {high}"
        if self.or_zero:
            in_bounds = f"(self == 0 || {in_bounds})"
        with_unit = "'a number; write ' + string(self) + 's'"
        return {
            "messageExpression": f"type(self) == int && {in_bounds} ? {with_unit} : {cel_text(self.advice)}"
        }

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """Describe it as what an integer may be mistaken for."""
        described = super().__get_pydantic_json_schema__(schema, handler)
        del described["type"]
        return described | {"x-kubernetes-int-or-string": True}

    @property
    def advice(self) -> str:
        """What must be written instead, to be read after the value."""
        zero = "0s or " if self.or_zero else ""
        return (
            f"must be {zero}a duration from {self.minimum} to {self.maximum}, "
            f"in whole numbers with the units h, m, s or ms, for example {self.example}"
        )

    def written(self, number: float) -> str:
        """With the unit that it most probably has, where that is within the bounds."""
        if number < 0:
            return ""
        text = f"{number}s" if isinstance(number, int) else format_duration(number)
        return text if self.accepts(text) else ""

    def accepts(self, value: str) -> bool:
        """Return whether ``value`` is good: the same as ``cel``."""
        if not re.fullmatch(DURATION_PATTERN, value):
            return False
        length = parse_duration(value)
        if self.or_zero and length == 0:
            return True
        return parse_duration(self.minimum) <= length <= parse_duration(self.maximum)


@dataclass(frozen=True)
class PatternString(StringFormat):
    """A string that a pattern describes; ``what`` says in words what the pattern means.

    The pattern must match the whole value. It keeps to what RE2, which the API server uses, and
    Python read alike, so blanks are written out (each has its own idea of them), and to what Python
    matches in polynomial time: no repetition of alternatives that overlap.
    """

    pattern: str
    what: str
    example: str
    max_length: int = 253

    @property
    def cel(self) -> str:
        """CEL that is true of a good value, called ``self``."""
        pattern = cel_text(f"^({self.pattern})$")
        return f"self.matches({pattern})"

    @property
    def advice(self) -> str:
        """What must be written instead, to be read after the value."""
        return f"must be {self.what}, for example {self.example}"

    def accepts(self, value: str) -> bool:
        """Return whether ``value`` is good: the same as ``cel``."""
        return re.fullmatch(self.pattern, value) is not None
