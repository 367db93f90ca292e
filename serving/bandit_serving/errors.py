"""Errors that a client or a user of the command line can act on.

ServingError
├── BadRequest      a request that cannot be served as it stands (HTTP 4xx)
├── Overloaded      try again later (HTTP 429)
└── BadSetting      an option, setting or file that cannot be used
"""

from __future__ import annotations


class ServingError(Exception):
    """Base of all errors raised on purpose; its text names the field, the value and the fix."""


class BadRequest(ServingError):
    """A request that cannot be served as it stands; ``status`` is the HTTP status that says so."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


class Overloaded(ServingError):
    """More was sent than can be written now; the client is asked to wait ``retry_after`` seconds."""

    def __init__(self, message: str, retry_after: float = 1.0) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class BadSetting(ServingError):
    """An option, setting or file that cannot be used."""
