"""What the operator asks about its own rights before it watches anything."""

from __future__ import annotations

from typing import Any

import pytest
from structlog.testing import capture_logs

from bandit_operator.errors import APIError, APIUnreachable
from bandit_operator.watch.handlers import watch_settings
from bandit_operator.watch.scanning import SELF_REVIEWS, may_scan

DEFINITIONS = ["list customresourcedefinitions", "watch customresourcedefinitions"]
NAMESPACES = ["list namespaces", "watch namespaces"]


class Server:
    """An API server that grants some rights; it is away for as many questions as asked for."""

    def __init__(self, granted: list[str], away: int = 0) -> None:
        self.granted, self.away = granted, away

    async def review(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        assert path == SELF_REVIEWS
        if self.away:
            self.away -= 1
            raise APIUnreachable("connection refused")
        asked = body["spec"]["resourceAttributes"]
        return {"status": {"allowed": f"{asked['verb']} {asked['resource']}" in self.granted}}


async def answer(server: Any, *, everywhere: bool) -> tuple[bool, list[str]]:
    """Whether it may, and the rights that the log says are missing."""
    with capture_logs() as logs:
        may = await may_scan(server, everywhere=everywhere, retry_seconds=0)
    return may, [right for line in logs for right in line.get("missing_rights", [])]


@pytest.mark.parametrize(
    ("granted", "everywhere", "missing"),
    [
        (DEFINITIONS + NAMESPACES, False, []),
        (DEFINITIONS, True, []),
        (DEFINITIONS, False, NAMESPACES),
        (NAMESPACES, False, DEFINITIONS),
        ([], True, DEFINITIONS),
    ],
)
async def test_rights_that_are_missing_are_named_and_not_used(
    granted: list[str], everywhere: Any, missing: list[str]
) -> None:
    assert await answer(Server(granted), everywhere=everywhere) == (not missing, missing)
    assert watch_settings(scanning=not missing).scanning.disabled == bool(missing)


async def test_a_server_that_is_away_is_waited_for() -> None:
    assert await answer(Server(DEFINITIONS, away=3), everywhere=True) == (True, [])


async def test_a_server_that_answers_no_such_question_counts_as_a_refusal() -> None:
    class Refusing:
        async def review(self, *_: Any) -> dict[str, Any]:
            raise APIError(403, "forbidden")

    may, missing = await answer(Refusing(), everywhere=True)
    assert (may, missing) == (False, DEFINITIONS)
