"""Which Prometheus servers may be asked, and which of them gets the operator's token.

Anybody who may create a resource may write an address into it. So only addresses that whoever
installed the operator has named are asked, and the token goes to the one that it was installed with.
"""

from __future__ import annotations

from dataclasses import dataclass
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
    """What the operator was installed with.

    ``installed`` is its own Prometheus server, ``allowed`` are the others that resources may name,
    and ``token_file`` holds a bearer token, one line, for the installed one only.
    """

    installed: Origin | None = None
    allowed: frozenset[Origin] = frozenset()
    token_file: Path | None = None

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
            f"spec.reward.prometheus.address out, or let who runs the operator add {shown(str(origin))} to "
            f"the chart's prometheus.allowedAddresses (--prometheus-allowed-addresses)",
        )

    def headers(self, address: str) -> dict[str, str] | SourceDown:
        """The headers that identify the operator at an address, for one request, or why there are none.

        The file is read each time, because a token in it may be replaced. No message repeats it.
        """
        if self.token_file is None or Origin.of(address) != self.installed:
            return {}
        try:
            token = self.token_file.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is no text"
            return SourceDown(
                reasons.UNREACHABLE,
                f"the bearer token for Prometheus cannot be read: {why}; look at prometheus.tokenSecret",
            )
        if not token or not token.isascii() or not token.isprintable() or " " in token:
            return SourceDown(
                reasons.UNREACHABLE,
                "the file of the bearer token for Prometheus does not hold one line of printable characters "
                "without blanks; look at prometheus.tokenSecret",
            )
        return {"Authorization": f"Bearer {token}"}


def shown(text: str) -> str:
    """Another's words as a message may repeat them: short, on one line."""
    clean = "".join(character if character.isprintable() else " " for character in text)
    return clean if len(clean) <= LONGEST_SHOWN else f"{clean[:LONGEST_SHOWN]}…"
