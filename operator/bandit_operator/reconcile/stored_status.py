"""What the API server holds of a resource's status, as far as this process knows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bandit_operator.status import writer


@dataclass
class StoredStatus:
    """The status of one resource, as it was read or written last."""

    version: str
    """Version of the resource that the next status write must find."""
    status: Mapping[str, Any] | None
    """The status in that version; None where it has none."""
    unkept: tuple[str, ...] = ()
    """Names that lead to a part of the status that the API server does not keep, if there is one."""

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> StoredStatus:
        """The status of a resource that is read for the first time."""
        return cls(body["metadata"]["resourceVersion"], body.get("status"))

    def read(self, body: Mapping[str, Any]) -> None:
        """Take in a resource as it is now."""
        self.version, self.status = body["metadata"]["resourceVersion"], body.get("status")

    def observe(self, body: Mapping[str, Any]) -> None:
        """Take in that somebody has changed no more of the resource than its metadata, such as an annotation.

        The next write of the status is not refused for that: an arm that dies would wait for another pass.
        """
        if body.get("status") == self.status:
            self.version = body["metadata"]["resourceVersion"]

    def written(self, sent: Mapping[str, Any], answer: Mapping[str, Any]) -> None:
        """Take in whether a status was stored as it was sent; it may have less to keep than one before."""
        self.read(answer)
        lost = writer.lost_in(sent, self.status)
        if lost or writer.holds(sent, self.unkept):
            self.unkept = lost
