"""Errors that cross a layer.

::

    OperatorError
    ├── InvalidSpec       the resource cannot be run; the message names field, value and fix
    ├── APIError          the API server refused a request
    │   ├── Conflict      409, or 422 from a JSON Patch whose test failed: our view was old
    │   └── NotFound      404
    ├── APIUnreachable    no answer from the API server; whether a write happened is unknown
    └── NotLeading        another replica acts, or may: nothing may be written
"""

from __future__ import annotations


class OperatorError(Exception):
    """Base of all errors of this package."""


class InvalidSpec(OperatorError):
    """The resource passed the API server's validation and cannot be run all the same."""


class APIError(OperatorError):
    """The API server refused a request.

    ``status`` is the HTTP status, the text the server's own message.
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Conflict(APIError):
    """The object has changed since it was read; the write did not happen."""


class NotFound(APIError):
    """There is no such object, or no such kind."""


class APIUnreachable(OperatorError):
    """The API server did not answer in time. A write may or may not have happened."""


class NotLeading(OperatorError):
    """This replica does not hold the lease now."""
