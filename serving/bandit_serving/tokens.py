"""Bearer tokens that are kept in a file, for the collector that asks for one and for its clients."""

from __future__ import annotations

import hmac
import re
from pathlib import Path

from bandit_serving.errors import BadSetting
from bandit_serving.logs import get_logger

log = get_logger(__name__)

_TOKEN = re.compile(r"[\x21-\x7e]+")  # what a header can carry, without spaces
_Stamp = tuple[int, int, int]


class TokenFile:
    """The tokens of a file, one a line, read again when the file has changed.

    Two lines let a token be replaced without a gap: the collector takes either while its clients, which send
    the first, change one by one. No message holds a token.
    """

    def __init__(self, path: Path, option: str = "--token-file") -> None:
        """Read the file; ``option`` is what named it.

        Raises:
            BadSetting: It cannot be read, or holds no token.
        """
        self._path = path
        try:
            self._stamp, self._tokens = self._look(), self._read()
        except (OSError, ValueError) as error:
            raise BadSetting(f"{option} {path}: {_reason(error)}") from error

    @property
    def first(self) -> str:
        """The token to send."""
        self._refresh()
        return self._tokens[0]

    def accepts(self, authorization: str | None) -> bool:
        """Return whether a header ``Authorization`` carries one of the tokens, in constant time for each."""
        self._refresh()
        scheme, _, sent = (authorization or "").partition(" ")
        if scheme.lower() != "bearer":
            return False
        given = sent.strip().encode()
        return any(hmac.compare_digest(given, token.encode()) for token in self._tokens)

    def _refresh(self) -> None:
        """Read the file again if it has changed; what cannot be read leaves the tokens as they were."""
        try:
            stamp = self._look()
            if stamp == self._stamp:
                return
            self._stamp, self._tokens = stamp, self._read()
        except (OSError, ValueError) as error:
            log.error(
                "token file cannot be read: its last tokens stay", path=str(self._path), reason=_reason(error)
            )
        else:
            log.info("tokens read again", path=str(self._path), tokens=len(self._tokens))

    def _look(self) -> _Stamp:
        # Kubernetes replaces a Secret's file by a link to another one, whose inode differs.
        status = self._path.stat()
        return status.st_mtime_ns, status.st_ino, status.st_size

    def _read(self) -> list[str]:
        lines = [line.strip() for line in self._path.read_text(encoding="ascii").splitlines()]
        tokens = [line for line in lines if line]
        if not tokens:
            raise ValueError("it holds no token; write one a line")
        if not all(_TOKEN.fullmatch(token) for token in tokens):
            raise ValueError("a line has a space or a control character within; write one token a line")
        return tokens


def _reason(error: Exception) -> str:
    """Return what is wrong with a file, without any of what is in it."""
    if isinstance(error, OSError):
        return f"cannot be read: {error.strerror}"
    if isinstance(error, UnicodeDecodeError):
        return "it holds more than ASCII characters; write tokens that a header can carry"
    return str(error)
