"""What is wrong with a resource's structure, told as the rules tell theirs: field, value and fix.

pydantic names field and fault. What is meant by a value of the wrong kind can mostly be told from the value
and from what the field takes, so that the sentence ends with what to write.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo

LONGEST_VALUE = 60
"""Characters of a value that are shown."""
BOUNDS = {
    "greater_than_equal": ("ge", "at least"),
    "greater_than": ("gt", "above"),
    "less_than_equal": ("le", "at most"),
    "less_than": ("lt", "below"),
}
"""By the type of a fault: what pydantic calls the bound, and how it is told."""


def sentence(fault: Mapping[str, Any], root: type[BaseModel]) -> str:
    """One fault that pydantic found, as a sentence.

    Args:
        fault: one of ``ValidationError.errors()``.
        root: the model that was validated.
    """
    path = ""
    for part in fault["loc"]:
        path += f"[{part}]" if isinstance(part, int) else f".{part}"
    message = _wrong_kind(fault, root) or str(fault["msg"]).removeprefix("Value error, ")
    return f"{path.removeprefix('.')}: {message}" if path else message


def _wrong_kind(fault: Mapping[str, Any], root: type[BaseModel]) -> str | None:
    """The fault in words that end with the fix; None where pydantic's own must do."""
    value, context = fault["input"], fault.get("ctx", {})
    match fault["type"]:
        case "missing":
            return f"is missing; set {fault['loc'][-1]}"
        case "model_type" | "model_attributes_type" | "dict_type":
            return f"{_shown(value)}: {_kind(value)}; {_fields(_model_at(root, fault['loc']), value)}"
        case "list_type":
            return f'{_shown(value)}: {_kind(value)}; write a list, in which each item begins with "- "'
        case "literal_error" | "enum":
            choices = re.findall(r"'([^']*)'", str(context["expected"]))
            return f"{_shown(value)}: is not known; {_one_of(choices, value)}"
        case "bool_type" | "bool_parsing":
            return f"{_shown(value)}: {_kind(value)}; write true or false, without quotes"
        case "int_type" | "int_parsing" | "int_from_float":
            whole = isinstance(value, str) and value.strip().isdecimal()
            fix = f"{value.strip()} without quotes" if whole else "a whole number, such as 200"
            return f"{_shown(value)}: {_kind(value)}; write {fix}"
        case "string_type" if isinstance(value, (bool, int, float)):
            return f"{_shown(value)}: {_kind(value)}; write {json.dumps(json.dumps(value))}"
        case "string_type":
            [only] = value if isinstance(value, list) and len(value) == 1 else [None]
            return f"{_shown(value)}: {_kind(value)}; write {only if isinstance(only, str) else 'a string'}"
        case "string_too_short":
            return f"{_shown(value)}: is too short; write something, or leave {fault['loc'][-1]} out"
        case "string_too_long":
            return f"has {len(value)} of at most {context['max_length']} characters; shorten it"
        case "greater_than_equal" | "greater_than" | "less_than_equal" | "less_than" as bound:
            key, words = BOUNDS[bound]
            return f"{_shown(value)}: must be {words} {context[key]}"
        case "too_short" if "min_length" in context:
            return f"has {context['actual_length']} of at least {context['min_length']}; add to it"
        case "too_long" if "max_length" in context:
            return f"has {context['actual_length']} of at most {context['max_length']}; take some out"
    return None


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str, skipkeys=True)  # YAML has dates, also as keys
    return text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}…"


def _kind(value: Any) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "a truth value"
    if isinstance(value, (int, float)):
        return "a number"
    if isinstance(value, str):
        return "a string"
    return "a map of fields" if isinstance(value, Mapping) else "a list"


def _one_of(choices: Sequence[str], value: Any) -> str:
    """What to write instead of a word that is not one of those known."""
    lower = {choice.lower(): choice for choice in choices}
    near = difflib.get_close_matches(str(value).lower(), lower, n=1, cutoff=0.7)
    known = ", ".join(choices)
    if len(choices) == 1:
        return f"write {known}"
    return f"write {lower[near[0]]}, or another of {known}" if near else f"write one of {known}"


def _fields(model: type[BaseModel] | None, value: Any) -> str:
    """How to write what stands for the fields of a model."""
    if model is None:
        return "write a map of fields"
    meant = _meant(model, value)
    if meant is not None:
        return f"write {meant}"
    required = [_name(name, field) for name, field in model.model_fields.items() if field.is_required()]
    names = ", ".join(required or (_name(name, field) for name, field in model.model_fields.items()))
    return f"write its fields, {'at least' if required else 'some of'} {names}"


def _meant(model: type[BaseModel], value: Any) -> str | None:
    """The fields that a single word is meant for; None where that cannot be told."""
    if not isinstance(value, str):
        return None
    kind = model.model_fields.get("type")
    if kind is not None:
        choices = {str(choice).lower(): str(choice) for choice in get_args(kind.annotation)}
        return f"{{type: {choices[value.lower()]}}}" if value.lower() in choices else None
    required = [(name, field) for name, field in model.model_fields.items() if field.is_required()]
    if [field.annotation for _, field in required] == [str]:
        return f"{{{_name(*required[0])}: {value}}}"
    return None


def _name(name: str, field: FieldInfo) -> str:
    return field.alias or name


def _model_at(root: type[BaseModel], path: Sequence[int | str]) -> type[BaseModel] | None:
    """The model whose fields stand at a path; None where none does."""
    model: type[BaseModel] | None = root
    for part in path:
        if isinstance(part, str) and model is not None:
            fields = {_name(name, field): field for name, field in model.model_fields.items()}
            model = _model_in(fields[part].annotation) if part in fields else None
    return model


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """The first model that an annotation has."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for inner in get_args(annotation) if (found := _model_in(inner))), None)
