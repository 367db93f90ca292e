"""The reference of the API: every field of a BanditDeployment, from its definition."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from bandit_operator.api.crd import crd

Schema = Mapping[str, Any]
_BOUNDS = {
    "minimum": "at least {}",
    "maximum": "at most {}",
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "minItems": "at least {} items",
    "maxItems": "at most {} items",
    "maxProperties": "at most {} entries",
}


def page() -> str:
    """Return the page, in Markdown."""
    definition = crd()["spec"]
    (version,) = definition["versions"]
    root = version["schema"]["openAPIV3Schema"]
    lines = [
        "# API reference",
        f"`{definition['group']}/{version['name']}`, kind `{definition['names']['kind']}`, made from the "
        "definition that is installed. Decimals are strings, so that no reader rounds them.",
        root["description"],
        "`kubectl get bd` shows these columns, those in italics with `-o wide` only:",
        _columns(version["additionalPrinterColumns"]),
    ]
    for part in ("spec", "status"):
        lines += _object(part, root["properties"][part])
    return "\n\n".join(lines) + "\n"


def _columns(columns: list[Schema]) -> str:
    rows = [
        f"| {'*' * bool(column.get('priority'))}{column['name']}{'*' * bool(column.get('priority'))} "
        f"| {column['description']} | `{column['jsonPath'].replace('|', chr(92) + '|')}` |"
        for column in columns
    ]
    return "\n".join(["| column | what it says | from |", "|---|---|---|", *rows])


def _object(path: str, schema: Schema) -> Iterator[str]:
    """Yield an object's section: itself, its fields, then the objects inside it."""
    yield f"## {path} {{#{path}}}"
    yield from _said(schema)
    inside = []
    for name, field in schema["properties"].items():
        yield f"### {path}.{name} {{#{path}.{name}}}"
        yield _facts(field, required=name in schema.get("required", ()))
        inner, at = _inner(field, f"{path}.{name}")
        if "properties" in inner:
            yield f"Its fields: [{at}](#{at})."
            inside.append((at, inner))
            if inner is field:
                continue
        yield from _said(field)
    for at, inner in inside:
        yield from _object(at, inner)


def _inner(field: Schema, path: str) -> tuple[Schema, str]:
    """What a list or a map holds, and its path; the field itself where it is neither."""
    if "items" in field:
        return field["items"], f"{path}[]"
    if isinstance(field.get("additionalProperties"), Mapping):
        return field["additionalProperties"], f"{path}[name]"
    return field, f"{path}"


def _facts(field: Schema, *, required: bool) -> str:
    """Type, default, bounds, and whether it must be there, on one line."""
    facts = [_type(field), *(["required"] if required else [])]
    if "default" in field:
        facts.append(f"default `{json.dumps(field['default'], ensure_ascii=False)}`")
    facts += _bounds(field)
    if "x-kubernetes-list-map-keys" in field:
        facts.append(f"told apart by `{', '.join(field['x-kubernetes-list-map-keys'])}`")
    return " · ".join(facts)


def _type(field: Schema) -> str:
    inner, _ = _inner(field, "")
    if "items" in field:
        return f"list of {_type(inner)}"
    if inner is not field:
        return f"map of names to {', '.join([_type(inner), *_bounds(inner)])}"
    named = str(field.get("type", "string"))  # a number, too, is let in to be refused by a rule that helps
    return f"{named} ({field['format']})" if "format" in field else named


def _bounds(field: Schema) -> list[str]:
    bounds = [text.format(f"{field[name]:,}") for name, text in _BOUNDS.items() if name in field]
    if "enum" in field:
        bounds.append(f"one of {', '.join(f'`{value}`' for value in field['enum'])}")
    return bounds


def _said(schema: Schema) -> Iterator[str]:
    """Yield what a field means, and what must hold of it or of what it contains."""
    if "description" in schema:
        yield str(schema["description"]).replace("\n- ", "\n\n- ", 1)
    inner, _ = _inner(schema, "")
    rules = list(schema.get("x-kubernetes-validations", ()))
    if inner is not schema and "properties" not in inner:
        rules += inner.get("x-kubernetes-validations", ())
    if rules:
        yield "\n".join(["Checked by the API server:", "", *map(_rule, rules)])


def _rule(rule: Schema) -> str:
    """One rule: what is said where it does not hold, and the rule itself."""
    said = rule["message"] if "message" in rule else _readable(rule["messageExpression"])
    return f"- {said}\n\n    ```text\n    {rule['rule']}\n    ```"


def _readable(expression: str) -> str:
    """A message that is computed, with what it is computed from in braces."""
    either = re.fullmatch(r"type\(self\)[^']*? \? (.+?) : ('.+')", expression)  # by what was written
    if either:
        return ", or ".join(map(_readable, either.groups()))
    parts = []
    for part in re.split(r"('(?:[^'\\]|\\.)*')", expression):
        term = part.strip("+ ")
        if part.startswith("'"):
            parts.append(part[1:-1])
        elif term:
            parts.append(f"`{{{term}}}`")
    return "".join(parts)
