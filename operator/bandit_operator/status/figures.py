"""Figures of the status, as people read them."""

from __future__ import annotations


def figure(value: float | None) -> str | None:
    """Six significant digits, and whole numbers in full; None where there is none."""
    return None if value is None else f"{value:.6g}" if value % 1 or abs(value) >= 1e15 else str(int(value))


def shown(text: str, form: str) -> str:
    """A figure of a status in a format of Python's, such as .4g; as it stands where it is no number.

    A status is input: whoever may write it may have written anything.
    """
    try:
        return format(float(text), form)
    except ValueError:
        return text


def number(text: str | None) -> float | None:
    """What a figure of a status comes to; None where there is none, or it is no number."""
    try:
        return None if text is None else float(text)
    except ValueError:
        return None
