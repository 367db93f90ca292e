"""Decimals and durations as the resource writes them."""

from __future__ import annotations

import re
from decimal import Decimal

DURATION_PATTERN = "^([0-9]{1,6}(ms|s|m|h)){1,4}$"
"""The language of the API server's rules knows no days, so there are none."""
_UNIT_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


def parse_decimal(text: str) -> float:
    """Return the number that a decimal string such as ``0.05`` or ``5%`` stands for.

    Raises:
        ValueError: if ``text`` is no decimal.
    """
    return float(text.removesuffix("%")) / 100.0 if text.endswith("%") else float(text)


def format_decimal(number: float, digits: int = 9) -> str:
    """Return ``number`` as a plain decimal string of at most ``digits`` decimals.

    Raises:
        ValueError: if it is not finite; a missing number is left out, never written.
    """
    value = Decimal(repr(float(number)))
    if not value.is_finite():
        raise ValueError(f"{number} is not a finite number; leave the field out where there is none")
    text = f"{round(value, digits):f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


def parse_duration(text: str) -> float:
    """Return the seconds of a duration such as ``1h30m``.

    Raises:
        ValueError: if ``text`` is no duration.
    """
    if not re.fullmatch(DURATION_PATTERN, text):
        raise ValueError(
            f'"{text}": must be a duration, in whole numbers with the units h, m, s or ms, for example 1h30m'
        )
    return sum(int(number) * _UNIT_SECONDS[unit] for number, unit in re.findall("([0-9]+)(ms|s|m|h)", text))


def format_duration(seconds: float) -> str:
    """Return the shortest duration string of ``seconds``, rounded to a millisecond."""
    left = round(seconds * 1000)
    parts = []
    for unit, size in (("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)):
        number, left = divmod(left, size)
        if number:
            parts.append(f"{number}{unit}")
    return "".join(parts) or "0s"
