"""HTTP/1.1 that goes on where a client offers another protocol, as RFC 9110, section 7.8, lets a server do.

The client of Java offers HTTP/2 (``Upgrade: h2c``) with the first request of a connection, whatever that
is. The fast parser, httptools, takes such an offer for accepted and what follows the head for the other
protocol, so that the request arrives without its body. h11 knows that nothing has been accepted yet.
Offers of a request that is sent before the one ahead of it was answered are not looked for: clients that
offer wait.
"""

from __future__ import annotations

import re
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_OFFER = re.compile(rb"\r\nupgrade[ \t]*:", re.IGNORECASE)
_END_OF_HEAD = b"\r\n\r\n"
_LONGEST_HEAD = 64 * 1024  # bytes that are waited for


class _Deaf(H11Protocol):
    """h11, which says nothing of an offer that it leaves: no user can do anything about it."""

    def _unsupported_upgrade_warning(self) -> None:
        pass


class Connection(HttpToolsProtocol):
    """A connection read by httptools, up to the first request that offers another protocol."""

    _within = False
    """Whether a request has begun and not ended: its body may look like anything."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._head = bytearray()  # what has come of the next request's head

    def on_message_begin(self) -> None:
        """Note that a request begins."""
        self._within = True
        super().on_message_begin()

    def on_message_complete(self) -> None:
        """Note that it has ended."""
        self._within = False
        super().on_message_complete()

    def data_received(self, data: bytes) -> None:
        """Read what has come, or hand it and all that follows to h11."""
        if self._within or self.pipeline or not (self.cycle is None or self.cycle.response_complete):
            super().data_received(data)
            return
        self._unset_keepalive_if_required()
        searched = max(len(self._head) - len(_END_OF_HEAD), 0)
        self._head += data
        goes_on = self._head.find(_END_OF_HEAD, searched) < 0 and len(self._head) < _LONGEST_HEAD
        if goes_on and self._head[:1].isalpha():  # as a method does, and TLS does not
            return  # an offer may still come in it
        data = bytes(self._head)
        self._head.clear()
        if _OFFER.search(data.partition(_END_OF_HEAD)[0]) is None:
            super().data_received(data)
            return
        self.connections.discard(self)
        other = _Deaf(config=self.config, server_state=self.server_state, app_state=self.app_state)
        other.connection_made(self.transport)
        self.transport.set_protocol(other)
        other.data_received(data)
