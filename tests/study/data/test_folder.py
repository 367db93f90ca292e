"""A folder is read, or the file, row and column that are wrong are named."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from bandit_study.data.folder import read_index, read_table
from bandit_study.data.table import Task
from bandit_study.errors import DataError


def test_a_set_becomes_numbers_with_its_categories_in_alphabetical_order(
    write_set: Callable[..., Path], rows_of: Callable[..., list[str]]
) -> None:
    lines = rows_of()
    lines[1] = ",?,1"
    entry = read_index(write_set(sales="\n".join(lines)))["sales"]
    table = read_table(entry)
    assert table.task is Task.CLASSIFICATION
    assert table.features == ("amount", "place")
    assert table.categorical.tolist() == [False, True]
    assert np.isnan(table.values[0]).all()
    assert table.values[1:4, 1].tolist() == [1, 2, 0]
    assert (table.time_order, table.licence, table.ordered) == ("daily", "CC0", True)


def test_a_target_of_other_numbers_makes_a_regression(
    write_set: Callable[..., Path], rows_of: Callable[..., list[str]]
) -> None:
    lines = [line + "5" if number else line for number, line in enumerate(rows_of())]
    table = read_table(read_index(write_set(sales="\n".join(lines)))["sales"])
    assert table.task is Task.REGRESSION


def test_columns_that_are_known_to_leak_are_dropped(
    write_set: Callable[..., Path], rows_of: Callable[..., list[str]]
) -> None:
    lines = rows_of()
    lines[0] = "amount,duration,target"
    name = "bank_marketing_additional"
    table = read_table(read_index(write_set(**{name: "\n".join(lines)}))[name])
    assert table.features == ("amount",)


@pytest.mark.parametrize(
    ("row", "line", "message"),
    [
        (7, "1.5,a,yes", "sales.csv.gz, row 7, column 'target': the target is 'yes'"),
        (9, "1.5,a,", "sales.csv.gz, row 9, column 'target': the target is missing"),
        (9, "1.5,a", "sales.csv.gz, row 9, column 'target': the target is missing"),
        (20, "1.5,a,1,8", "sales.csv.gz, row 20: has 4 fields where the header has 3"),
        (5, "about 3,a,1", "sales.csv.gz, row 5, column 'amount': is 'about 3' where the column has numbers"),
        (6, "inf,a,1", "sales.csv.gz, row 6, column 'amount': is infinite"),
        (1, "amount,place,label", "sales.csv.gz, row 1: the last column is 'label'; it must be named target"),
    ],
)
def test_what_cannot_be_read_is_named_by_file_row_and_column(
    write_set: Callable[..., Path], rows_of: Callable[..., list[str]], row: int, line: str, message: str
) -> None:
    lines = rows_of()
    lines[row - 1] = line
    entry = read_index(write_set(sales="\n".join(lines)))["sales"]
    with pytest.raises(DataError) as caught:
        read_table(entry)
    assert message in str(caught.value)


def test_a_set_without_two_classes_or_enough_rows_is_refused(
    write_set: Callable[..., Path], rows_of: Callable[..., list[str]]
) -> None:
    short = write_set(sales="\n".join(rows_of(20)))
    with pytest.raises(DataError, match="has 20 rows; the study needs 300"):
        read_table(read_index(short)["sales"])
    same = [rows_of()[0], *(line[:-1] + "1" for line in rows_of()[1:])]
    with pytest.raises(DataError, match="every target is 1"):
        read_table(read_index(write_set(sales="\n".join(same)))["sales"])


def test_a_file_that_is_cut_off_or_not_gzipped_is_named(
    write_set: Callable[..., Path], rows_of: Callable[..., list[str]], tmp_path: Path
) -> None:
    write_set(sales="\n".join(rows_of()))
    path = tmp_path / "sales.csv.gz"
    whole = path.read_bytes()
    for content in (whole[: len(whole) // 2], b"amount,target\n1,2\n", gzip.compress(b"")):
        path.write_bytes(content)
        with pytest.raises(DataError, match=r"sales\.csv\.gz"):
            read_table(read_index(tmp_path)["sales"])


def test_an_index_without_a_column_or_with_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"INDEX\.csv: cannot be read"):
        read_index(tmp_path)
    (tmp_path / "INDEX.csv").write_text("name,licence,source\n")
    with pytest.raises(DataError, match=r"INDEX\.csv, row 1, column 'time_order'"):
        read_index(tmp_path)
    (tmp_path / "INDEX.csv").write_text("name,time_order,licence,source\nsales,daily,CC0,here\n")
    with pytest.raises(DataError, match=r"INDEX\.csv, row 2, column 'name': there is no file sales\.csv\.gz"):
        read_index(tmp_path)
