"""Who may see what: the API server's own answers, kept for a minute."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from collections.abc import Callable, Iterable

from cachetools import TTLCache

from bandit_operator.adapters.reviews import Person, Reviews
from bandit_operator.api.kind import GROUP, PLURAL
from bandit_operator.api.references import Key

KEPT_SECONDS = 60.0
"""How long an answer of the API server counts: a right that was taken away is seen that late."""
MOST_KEPT = 2048
"""Most answers of each kind that are kept."""
AT_ONCE = 4
"""Most reviews under way at once, so that visitors cannot delay the operator's own requests."""
TOKENS_AT_ONCE, TOKENS_A_SECOND = 40, 10.0
"""How many tokens that were not seen lately are asked about at once, and how many in the long run."""
LONGEST_TOKEN = 3500
"""Characters of the longest token; a browser's cookie holds no more."""
MOST_NAMESPACES = 100
"""Most namespaces that somebody who may not list all of them is looked up in for one page."""


class TooManyNamespaces(Exception):
    """Resources are in more namespaces than can be asked about one by one."""


class TooManyTokens(Exception):
    """More tokens that were not seen lately come in than the API server shall be asked about."""


class Gate:
    """Asks who somebody is and what they may read. Tokens are kept as digests only."""

    def __init__(self, reviews: Reviews, monotonic: Callable[[], float]) -> None:
        self._reviews = reviews
        self._people: TTLCache[bytes, Person | None] = TTLCache(MOST_KEPT, KEPT_SECONDS, monotonic)
        self._rights: TTLCache[tuple[Person, str, str, str], bool] = TTLCache(
            MOST_KEPT, KEPT_SECONDS, monotonic
        )
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._monotonic = monotonic
        self._left, self._left_at = float(TOKENS_AT_ONCE), monotonic()

    async def person(self, token: str) -> Person | None:
        """Whose token it is; None where it is nobody's, or has expired.

        Raises:
            TooManyTokens: Too many others are asked about now.
            APIError: The operator may not ask.
            APIUnreachable: The API server did not answer.
        """
        if not token or not token.isascii() or not token.isprintable() or len(token) > LONGEST_TOKEN:
            return None
        key = hashlib.sha256(token.encode()).digest()
        # Before there is a slot, so that nobody who is known waits for those who are not.
        with contextlib.suppress(KeyError):
            return self._people[key]
        async with self._slots:
            with contextlib.suppress(KeyError):
                return self._people[key]  # by now: somebody else has asked
            self._take_one()
            person = self._people[key] = await self._reviews.person(token)
            return person

    def _take_one(self) -> None:
        """Count one token that is asked about."""
        now = self._monotonic()
        self._left = min(TOKENS_AT_ONCE, self._left + (now - self._left_at) * TOKENS_A_SECOND)
        self._left_at = now
        if self._left < 1:
            raise TooManyTokens
        self._left -= 1

    async def may_get(self, person: Person, key: Key) -> bool:
        """Whether somebody may read one resource.

        Raises:
            APIError: The operator may not ask.
            APIUnreachable: The API server did not answer.
        """
        return await self._may(person, "get", *key)

    async def readable(self, person: Person, namespaces: Iterable[str]) -> list[str]:
        """The namespaces whose resources somebody may list.

        Args:
            person: Who.
            namespaces: Which are asked about.

        Raises:
            TooManyNamespaces: They may not list all, and there are too many to ask about.
            APIError: The operator may not ask.
            APIUnreachable: The API server did not answer.
        """
        wanted = sorted(set(namespaces))
        if await self._may(person, "list", ""):
            return wanted
        if len(wanted) > MOST_NAMESPACES:
            raise TooManyNamespaces
        allowed = await asyncio.gather(*(self._may(person, "list", one) for one in wanted))
        return [one for one, may in zip(wanted, allowed, strict=True) if may]

    async def _may(self, person: Person, verb: str, namespace: str, name: str = "") -> bool:
        key = (person, verb, namespace, name)
        with contextlib.suppress(KeyError):
            return self._rights[key]
        async with self._slots:
            with contextlib.suppress(KeyError):
                return self._rights[key]
            what = {"verb": verb, "group": GROUP, "resource": PLURAL, "namespace": namespace, "name": name}
            may = self._rights[key] = await self._reviews.may(person, what)
            return may
