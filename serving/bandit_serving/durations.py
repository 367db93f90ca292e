"""Durations as people write them."""

from __future__ import annotations

import re

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def parse_duration(text: str) -> float:
    """Return the seconds of a duration such as 500ms, 2s, 1.5m, 24h or 14d; a bare number is seconds.

    Raises:
        ValueError: The text is no duration.
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)?", text.strip())
    if match is None:
        raise ValueError(f"{text!r} is not a duration such as 500ms, 2s, 5m or 24h")
    return float(match[1]) * _UNITS[match[2] or "s"]
