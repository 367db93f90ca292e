"""Figures of the status, as people read them."""

from __future__ import annotations


def figure(value: float | None) -> str | None:
    """Six significant digits, and whole numbers in full; None where there is none."""
    return None if value is None else f"{value:.6g}" if value % 1 or abs(value) >= 1e15 else str(int(value))
