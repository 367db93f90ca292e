"""What is wrong with settings and files that people wrote, told with field, value and fix."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pydantic

LONGEST_VALUE = 60
"""Characters of a value that are shown."""


def told(error: pydantic.ValidationError, whole: str) -> str:
    """All that pydantic found, in one line.

    Args:
        error: what was found.
        whole: what the settings as a whole are called, where nothing inside of them is to blame.
    """
    return "; ".join(f"{_place(fault['loc']) or whole}: {_told(fault)}" for fault in error.errors())


def why(error: Exception) -> str:
    """Why a file cannot be read, without what is said of it anyway, and without numbers of errors."""
    if isinstance(error, UnicodeDecodeError):
        return "it is no text in UTF-8; save it as UTF-8"
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}; name another"
    return str(error)


def _place(path: tuple[int | str, ...]) -> str:
    return ".".join(str(part) for part in path if part != "[key]")


def _told(fault: Mapping[str, Any]) -> str:
    match fault["type"]:
        case "missing":
            return "is missing; add it"
        case "extra_forbidden":
            return "there is no such setting; take it out"
        case "dict_type" | "model_type" | "model_attributes_type":
            return f"{_shown(fault['input'])}: write a map, {{NAME: …}}"
        case "value_error":
            return str(fault["msg"]).removeprefix("Value error, ")
    return f"{_shown(fault['input'])}: {str(fault['msg']).replace('Input should', 'should')}"


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str, skipkeys=True)  # YAML has dates, also as keys
    return text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}…"
