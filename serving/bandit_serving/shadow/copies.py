"""Copies of requests: what is kept of them, and which are taken."""

from __future__ import annotations

import contextlib
import hashlib
import string
from collections.abc import Iterable
from typing import NamedTuple
from urllib.parse import quote

from bandit_serving.collector.events import MOST_CHARACTERS, MOST_NAME_BYTES, check_name
from bandit_serving.errors import BadRequest
from bandit_serving.web import SHADOW_HEADER

_OF_A_ROW = 16  # so that "/" and the number of a row fit behind
MOST_ID_CHARACTERS = MOST_CHARACTERS - _OF_A_ROW

# Headers of one connection (RFC 9110, section 7.6.1), and those that the client of the arm writes itself.
_OWN_HEADERS = frozenset(
    {
        *("connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection"),
        *("te", "trailer", "transfer-encoding", "upgrade", "expect"),
        *("host", "content-length", "accept-encoding", SHADOW_HEADER.lower()),
    }
)


Headers = list[tuple[str, str]]


class Copy(NamedTuple):
    """A copy of a request, as each arm is asked."""

    id: str
    """Id that the label will come with."""
    method: str
    target: str
    """Path and query as they came, percent-encoded."""
    headers: Headers
    body: bytes


class Dropped(BadRequest):
    """A copy that is not scored; ``reason`` is the word that it is counted under."""

    def __init__(self, reason: str, message: str, status: int = 400) -> None:
        super().__init__(message, status)
        self.reason = reason


def passed_on(headers: Iterable[tuple[bytes, bytes]]) -> Headers:
    """Return the headers that an arm is sent: those that came, without those of the connection.

    Args:
        headers: Pairs of name and value as they came; a value that is no UTF-8 is left out.
    """
    came = []
    for name, value in headers:
        with contextlib.suppress(UnicodeDecodeError):
            came.append((name.decode("ascii"), value.decode()))
    named = (value.split(",") for name, value in came if name.lower() == "connection")
    left = _OWN_HEADERS.union(part.strip().lower() for parts in named for part in parts)
    sent = [(name, value) for name, value in came if name.lower() not in left]
    return [*sent, (SHADOW_HEADER, "true")]


def target_of(path: bytes, query: bytes) -> str:
    """Return what to add to the base URL of an arm, from path and query as they came."""
    target = path + b"?" + query if query else path
    # Only the path may change where a request goes: a name behind the base URL would be another host.
    return "/" + quote(target.removeprefix(b"/"), safe=string.punctuation)


def id_in(headers: Iterable[tuple[bytes, bytes]], name: str) -> str | None:
    """Return the id that a header has, in UTF-8 as labels have it, else in Latin-1; None where there is none.

    Args:
        headers: Pairs of name and value as they came, names in lower case.
        name: Of the header, in any case.
    """
    wanted = name.lower().encode()
    for found, value in headers:
        if found == wanted:
            with contextlib.suppress(UnicodeDecodeError):
                return value.decode()
            return value.decode("latin-1")
    return None


def check_id(value: str | None, where: str) -> str:
    """Return the id of a request.

    Args:
        value: What was found.
        where: Where it was looked for, for the message.

    Raises:
        Dropped: There is none, or one that no label could come with.
    """
    if value is None:
        raise Dropped("no_id", f"no id, so no label could ever be joined; send one in {where}")
    if len(value) > MOST_ID_CHARACTERS:
        raise Dropped("bad_id", f"the id has {len(value)} characters; send at most {MOST_ID_CHARACTERS}")
    try:
        size = len(check_name("id", value).encode())
    except ValueError as error:
        raise Dropped("bad_id", str(error)) from error
    if size > MOST_NAME_BYTES - _OF_A_ROW:
        raise Dropped("bad_id", f"the id has {size} bytes; send at most {MOST_NAME_BYTES - _OF_A_ROW}")
    return value


def sampled(request_id: str, share: float) -> bool:
    """Return whether a request is among a share of all, the same for whoever asks."""
    drawn = int.from_bytes(hashlib.sha256(request_id.encode()).digest()[:8])
    return drawn < share * 2**64
