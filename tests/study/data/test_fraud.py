"""Bank Account Fraud is read from a made-up file of the same columns."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bandit_study.data import fraud
from bandit_study.errors import DataError

TEXTS = {
    "payment_type": "AA AB AC",
    "employment_status": "CA CB",
    "housing_status": "BA BB",
    "source": "INTERNET TELEAPP",
    "device_os": "linux windows other",
}


def made_up(rows: int = 600) -> pd.DataFrame:
    """Return a file of the data set's columns, whose months are not in order."""
    rng = np.random.default_rng(0)
    columns = {}
    for name in fraud.COLUMNS:
        if name in TEXTS:
            columns[name] = rng.choice(TEXTS[name].split(), rows)
        elif name == fraud.LABEL:
            columns[name] = (rng.random(rows) < 0.05).astype(int)
        elif name == fraud.TIME:
            columns[name] = rng.integers(0, 8, rows)
        elif name in fraud.MINUS_IS_MISSING:
            columns[name] = rng.integers(-1, 50, rows)
        else:
            columns[name] = rng.random(rows).round(3)
    return pd.DataFrame(columns)


def test_the_file_is_read_in_the_order_of_months_and_minus_one_is_missing(tmp_path: Path) -> None:
    frame = made_up()
    path = tmp_path / "Base.csv"
    frame.to_csv(path, index=False)
    table = fraud.read_fraud(path)
    order = np.argsort(frame["month"].to_numpy(), kind="stable")
    assert table.target.tolist() == frame["fraud_bool"].to_numpy()[order].tolist()
    assert "month" not in table.features
    assert "fraud_bool" not in table.features
    assert len(table.features) == len(fraud.COLUMNS) - 2
    months = table.values[:, table.features.index("bank_months_count")]
    given = frame["bank_months_count"].to_numpy()[order]
    assert np.array_equal(np.isnan(months), given < 0)
    texts = {name for name, flag in zip(table.features, table.categorical, strict=True) if flag}
    assert texts == set(TEXTS)
    assert (table.name, table.ordered) == ("bank_account_fraud", True)


def test_a_missing_column_and_a_wrong_value_are_named(tmp_path: Path) -> None:
    path = tmp_path / "Base.csv"
    made_up().drop(columns="device_os").to_csv(path, index=False)
    with pytest.raises(DataError, match=r"Base\.csv, row 1, column 'device_os': has no such column"):
        fraud.read_fraud(path)
    frame = made_up().astype({"income": object})
    frame.loc[10, "income"] = "rich"
    frame.to_csv(path, index=False)
    with pytest.raises(DataError, match=r"Base\.csv, row 12, column 'income': is 'rich'"):
        fraud.read_fraud(path)
