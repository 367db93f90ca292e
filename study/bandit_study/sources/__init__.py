"""Where data sets come from without a folder: one file a source, in alphabetical order.

A new source is one file here and one line in the list.
"""

from __future__ import annotations

from bandit_study.sources import (
    acs,
    census,
    digits,
    flights,
    openml,
    patients,
    rainfall,
    temperature,
    tumours,
)
from bandit_study.sources.base import Source

SOURCES: tuple[Source, ...] = (
    acs.SOURCE,
    census.SOURCE,
    digits.SOURCE,
    flights.SOURCE,
    patients.SOURCE,
    rainfall.SOURCE,
    temperature.SOURCE,
    tumours.SOURCE,
    *openml.SOURCES,
)

__all__ = ["SOURCES", "Source"]
