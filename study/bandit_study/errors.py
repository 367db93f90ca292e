"""What can go wrong, said so that the user can fix it."""

from __future__ import annotations


class StudyError(Exception):
    """Something that the user can fix; the text names the file or option, what is wrong, and the fix."""


class DataError(StudyError):
    """A data set cannot be read: names the file, and the row and column where there are some."""

    def __init__(self, file: object, what: str, row: int | None = None, column: str | None = None) -> None:
        place = str(file)
        if row is not None:
            place += f", row {row}"
        if column is not None:
            place += f", column {column!r}"
        super().__init__(f"{place}: {what}")
