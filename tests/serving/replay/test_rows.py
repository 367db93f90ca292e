"""Reading data sets to replay."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bandit_serving.errors import BadSetting
from bandit_serving.replay import load_rows


def test_a_table_of_a_spreadsheet_may_begin_with_a_mark(tmp_path: Path) -> None:
    file = tmp_path / "set.csv"
    file.write_bytes("\ufeffgröße,target\n1,0\n".encode())
    assert load_rows(file).features == ["größe"]


def test_a_csv_file_ends_in_the_target(tmp_path: Path) -> None:
    for name, opener in (("set.csv", open), ("set.csv.gz", gzip.open)):
        with opener(tmp_path / name, "wt") as file:
            file.write("a,b,target\n1,2.5,0\n3,4,1\n")
        rows = load_rows(tmp_path / name)
        assert rows.features == ["a", "b"]
        assert rows.values.tolist() == [[1, 2.5], [3, 4]]
        assert rows.labels == [0, 1]
        assert type(rows.labels[0]) is int


def test_an_npz_file_has_features_values_and_labels(tmp_path: Path) -> None:
    path = tmp_path / "set.npz"
    np.savez(path, features=["a"], values=[[1.0], [2.0]], labels=["yes", "no"])
    rows = load_rows(path)
    assert (rows.features, rows.values.tolist(), rows.labels) == (["a"], [[1.0], [2.0]], ["yes", "no"])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 1: the last column must be `target`"),
        ("a,b\n1,2\n", r"the last column must be `target`, it is \['b'\]"),
        ("a,target\n1,2\n1\n", "line 3: 1 values for 2 columns"),
        ("a,target\nx,2\n", "line 2, column 'a': 'x' is not a number; encode it first"),
        ("a,target\n", "has no rows"),
        ("a,target\nnan,1\n", "line 2, column 'a': 'nan' is not finite; take the row out"),
        ("a,target\n1,1\n2,inf\n", "line 3, column 'target': 'inf' is not finite"),
        (f"a,target\n{'1' * 200_000},1\n", "cannot be used: field larger than field limit"),
    ],
)
def test_a_faulty_file_is_refused_by_row_and_column(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "set.csv"
    path.write_text(text)
    with pytest.raises(BadSetting, match=message):
        load_rows(path)


def test_an_npz_file_with_arrays_that_do_not_fit_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "set.npz"
    np.savez(path, features=["a", "b"], values=[[1.0], [2.0]], labels=[1, 0])
    with pytest.raises(BadSetting, match=r"values has shape \(2, 1\), for 2 labels and 2 features"):
        load_rows(path)


@pytest.mark.parametrize("name", ["set.npz", "set.csv", "set.csv.gz"])
@pytest.mark.parametrize(
    "content",
    [b"PK\3\4garbage", b"\x1f\x8b\x08\0\0\0\0\0\0\0garbage garbage", b"\x93NUMPY", b"\xff\0", b""],
    ids=["zip", "gzip", "npy", "bytes", "empty"],
)
def test_a_file_that_is_broken_or_of_another_format_is_refused(
    tmp_path: Path, name: str, content: bytes
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(BadSetting, match=f"--data {path}: cannot be used: "):
        load_rows(path)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"features": ["a"], "values": [[1.0]], "labels": 1.0}, "labels is one value, 1.0"),
        ({"features": 3.0, "values": [[1.0], [2.0]], "labels": [1]}, "values has shape"),
        (
            {"features": ["a"], "values": [[1.0], [np.nan]], "labels": [1, 0]},
            r"values\[1\], column 'a': nan is not finite",
        ),
        ({"features": ["a"], "values": [[1.0]], "labels": [np.inf]}, r"labels\[0\]: inf is not finite"),
        ({"features": ["a"], "values": [[1.0]]}, "labels"),
    ],
)
def test_arrays_of_an_npz_file_that_no_request_can_carry_are_refused(
    tmp_path: Path, arrays: dict[str, Any], message: str
) -> None:
    path = tmp_path / "set.npz"
    np.savez(path, **arrays)
    with pytest.raises(BadSetting, match=message):
        load_rows(path)
