"""Bank Account Fraud (Jesus et al., NeurIPS 2022): reads the user's own ``Base.csv``.

Its licence (CC BY-NC-ND 4.0) forbids shipping it; its authors' page has it. A
million applications for accounts over eight months, 1.1 % of them fraudulent.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np

from bandit_study.cache import file_digest
from bandit_study.data.folder import read_frame
from bandit_study.data.frame import to_table
from bandit_study.data.table import Table
from bandit_study.errors import DataError

NAME = "bank_account_fraud"
LABEL, TIME = "fraud_bool", "month"
COLUMNS = (
    LABEL,
    "income",
    "name_email_similarity",
    "prev_address_months_count",
    "current_address_months_count",
    "customer_age",
    "days_since_request",
    "intended_balcon_amount",
    "payment_type",
    "zip_count_4w",
    "velocity_6h",
    "velocity_24h",
    "velocity_4w",
    "bank_branch_count_8w",
    "date_of_birth_distinct_emails_4w",
    "employment_status",
    "credit_risk_score",
    "email_is_free",
    "housing_status",
    "phone_home_valid",
    "phone_mobile_valid",
    "bank_months_count",
    "has_other_cards",
    "proposed_credit_limit",
    "foreign_request",
    "source",
    "session_length_in_minutes",
    "device_os",
    "keep_alive_session",
    "device_fraud_count",
    TIME,
)
"""Columns that must be there; further ones are features too."""
MINUS_IS_MISSING = (
    "prev_address_months_count",
    "current_address_months_count",
    "intended_balcon_amount",
    "bank_months_count",
    "session_length_in_minutes",
    "device_distinct_emails_8w",
)
"""Columns in which a negative number says that the value is not known."""


def read_fraud(path: Path) -> Table:
    """Read ``Base.csv``, ordered by month; inside a month the order of the file stays.

    Raises:
        DataError: a column is missing, or the file cannot be read; names file, row and column.
    """
    frame = read_frame(path)
    for column in COLUMNS:
        if column not in frame.columns:
            raise DataError(
                path, "has no such column; give the Base.csv of the data set as it comes", 1, column
            )
    for column in MINUS_IS_MISSING:
        if column in frame.columns:
            frame[column] = frame[column].where(~(frame[column] < 0), np.nan)
    frame = frame[[name for name in frame.columns if name != LABEL] + [LABEL]].rename(
        columns={LABEL: "target"}
    )
    # Read before it is ordered, so that an error names the row of the file.
    table = to_table(path, frame, NAME, "month")
    months = frame[TIME].to_numpy(dtype=float)
    order = np.argsort(months, kind="stable")
    return dataclasses.replace(
        table,
        values=table.values[order],
        target=table.target[order],
        licence="CC BY-NC-ND 4.0",
        source="Bank Account Fraud, Base.csv, the user's own copy",
        digest=file_digest(path),
    )
