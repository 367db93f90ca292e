"""Which Prometheus servers may be asked, and which of them gets what identifies the operator.

Anybody who may create a resource may write an address into it. So only addresses that whoever
installed the operator has named are asked, and token, password and further headers go to the one that it
was installed with.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from bandit_operator.core import reasons
from bandit_operator.core.model import SourceDown

_PORTS = {"http": 80, "https": 443}
"""Ports of addresses that name none."""
LONGEST_SHOWN = 200
"""Characters of an address, or of another's words, that a message repeats."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Scheme, host and port of an address: what decides who answers."""

    scheme: str
    host: str
    port: int

    @classmethod
    def of(cls, address: str) -> Origin:
        """The origin of an http or https address.

        Raises:
            ValueError: It is no such address, or has a user in it.
        """
        parts = urlsplit(address)
        # urlsplit leaves some of these out; whoever connects may not.
        if any(letter.isspace() or not letter.isprintable() for letter in address):
            raise ValueError("it has a blank or a line's end in it")
        if parts.scheme not in _PORTS or not parts.hostname or "@" in parts.netloc:
            raise ValueError("it is no http or https address without a user")
        port = _PORTS[parts.scheme] if parts.port is None else parts.port
        return cls(parts.scheme, parts.hostname.rstrip("."), port)

    @classmethod
    def exactly(cls, entry: str) -> Origin:
        """The origin that is written out as scheme://host:port, and nothing beside it.

        Raises:
            ValueError: The entry is not written so.
        """
        origin, parts = cls.of(entry), urlsplit(entry)
        if parts.port is None or entry != f"{parts.scheme}://{parts.netloc}":
            raise ValueError("it must have scheme, host and port, and nothing else")
        return origin

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Access:
    """What the operator was installed with."""

    installed: Origin | None = None
    """Its own Prometheus server: only this one gets token, password and headers."""
    allowed: frozenset[Origin] = frozenset()
    """The others that resources may name."""
    token_file: Path | None = None
    """A file with a bearer token, one line."""
    basic_auth: Path | None = None
    """A folder with the files ``username`` and ``password``, one line each, for HTTP basic authentication."""
    further: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Further headers, such as the tenant's for a Prometheus that holds several."""

    def refusal(self, address: str) -> SourceDown | None:
        """Why an address may not be asked, or None where it may."""
        try:
            origin = Origin.of(address)
        except ValueError as error:
            return SourceDown(reasons.ADDRESS_NOT_ALLOWED, f"{shown(address)} cannot be asked: {error}")
        if origin == self.installed or origin in self.allowed:
            return None
        return SourceDown(
            reasons.ADDRESS_NOT_ALLOWED,
            f"{shown(address)} is not the address that the operator was installed with; leave "
            f"spec.reward.prometheus.address out, or ask whoever runs the operator to add "
            f"{shown(str(origin))} to the chart's prometheus.allowedAddresses "
            f"(--prometheus-allowed-addresses)",
        )

    def headers(self, address: str) -> dict[str, str] | SourceDown:
        """The headers that identify the operator at an address, for one request, or why there are none.

        Files are read each time, because what is in them may be replaced. No message repeats it.
        """
        if Origin.of(address) != self.installed:
            return {}
        authorization: str | SourceDown | None = None
        if self.token_file is not None:
            authorization = _bearer(self.token_file)
        elif self.basic_auth is not None:
            authorization = _basic(self.basic_auth)
        if isinstance(authorization, SourceDown):
            return authorization
        return {**self.further, **({} if authorization is None else {"Authorization": authorization})}


def _bearer(file: Path) -> str | SourceDown:
    token = _line_of(file, "the bearer token", "prometheus.tokenSecret")
    if isinstance(token, SourceDown):
        return token
    if not token.isascii() or " " in token:
        return SourceDown(
            reasons.UNREACHABLE,
            "the bearer token for Prometheus has blanks or characters that no header takes; look at "
            "prometheus.tokenSecret",
        )
    return f"Bearer {token}"


def _basic(folder: Path) -> str | SourceDown:
    """HTTP basic authentication (RFC 7617, in UTF-8)."""
    username = _line_of(folder / "username", "the user name", "prometheus.basicAuth")
    password = _line_of(folder / "password", "the password", "prometheus.basicAuth")
    if isinstance(username, SourceDown) or isinstance(password, SourceDown):
        return username if isinstance(username, SourceDown) else password
    if ":" in username:
        return SourceDown(
            reasons.UNREACHABLE,
            "the user name for Prometheus has a colon, which basic authentication cannot carry; look at "
            "prometheus.basicAuth",
        )
    return f"Basic {base64.b64encode(f'{username}:{password}'.encode()).decode()}"


def _line_of(file: Path, what: str, value: str) -> str | SourceDown:
    """The one line of a file, without what surrounds it."""
    try:
        line = file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no text"
        return SourceDown(
            reasons.UNREACHABLE, f"{what} for Prometheus cannot be read: {why}; look at {value}"
        )
    if not line or not line.isprintable():
        return SourceDown(
            reasons.UNREACHABLE,
            f"the file of {what} for Prometheus does not hold one line of printable characters; look at "
            f"{value}",
        )
    return line


_OWN_HEADERS = frozenset(
    {"authorization", "connection", "content-length", "content-type", "host", "transfer-encoding"}
)
"""Headers that are set here or by HTTP itself."""


def further_headers(named: Mapping[str, object], taken: frozenset[str] = _OWN_HEADERS) -> dict[str, str]:
    """Headers that may be sent beside those that are ``taken``, in lower case.

    Raises:
        ValueError: One may not; the message has its name, and not its value.
    """
    for name, value in named.items():
        if not re.fullmatch(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}", name) or name.lower() in taken:
            raise ValueError(f"{shown(name)!r} is no header that can be set; name another")
        if not isinstance(value, str) or not value.isascii() or not value.isprintable():
            raise ValueError(f"the value of header {name} is no text of printable ASCII characters")
    return {name: str(value) for name, value in named.items()}


def shown(text: str) -> str:
    """Another's words as a message may repeat them: short, on one line."""
    clean = "".join(character if character.isprintable() else " " for character in text)
    return clean if len(clean) <= LONGEST_SHOWN else f"{clean[:LONGEST_SHOWN]}…"
