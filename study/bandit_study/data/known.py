"""What is known of single data sets beyond their files: columns that are no features, breaks to inject."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True)
class Known:
    """What to heed in one data set."""

    drop: tuple[str, ...] = ()
    """Columns that leak the label, number the rows or count the time."""
    months: float | None = None
    """Length of the whole stream, where it has one; models meet six months or more of it."""
    skew: bool = False
    """Whether it also runs with an injected break."""


KNOWN: dict[str, Known] = {
    "acs_employment_ma_2015_2018": Known(drop=("id", "year"), months=48, skew=True),
    "acs_income_2018": Known(drop=("orig_index", "region")),
    "adult": Known(drop=("uci_split", "fnlwgt")),
    "bank_account_fraud": Known(drop=("month",), months=8),
    # The length of a call is known only after it.
    "bank_marketing_additional": Known(drop=("duration",), months=30, skew=True),
    "beijing_pm25": Known(drop=("year",), months=60, skew=True),
    "census_income_kdd": Known(drop=("uci_split", "instance weight", "year"), months=24),
    "credit_default_taiwan": Known(drop=("ID",)),
    "creditcard_ulb_sample": Known(drop=("Time",)),
    "diabetes130": Known(drop=("encounter_id", "patient_nbr"), months=120),
    "elec2": Known(months=31, skew=True),
    "noaa_weather": Known(months=600, skew=True),
    "noaa_weather_injected": Known(months=600),
    "nyc_temperature": Known(drop=("month", "day"), months=12, skew=True),
    "nycflights13": Known(drop=("month", "day", "flight"), months=12, skew=True),
    "online_shoppers": Known(drop=("Month",), months=10),
}


def known(name: str) -> Known:
    """Return what is known of a set; nothing of one that is not listed."""
    return KNOWN.get(name, Known())
