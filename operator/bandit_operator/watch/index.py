"""Which objects name an object."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator
from typing import Generic, TypeVar

Named = TypeVar("Named", bound=Hashable)
Naming = TypeVar("Naming", bound=Hashable)


class Index(Generic[Named, Naming]):
    """Who names what, for as long as somebody does: nothing is kept of names that have come and gone."""

    def __init__(self) -> None:
        self._naming: dict[Named, set[Naming]] = {}

    def __iter__(self) -> Iterator[Named]:
        return iter(self._naming)

    def move(self, naming: Naming, before: Iterable[Named], after: Iterable[Named]) -> None:
        """Somebody named what was before, and names what is after."""
        for left in before:
            others = self._naming.get(left, set())
            others.discard(naming)
            if not others:
                self._naming.pop(left, None)
        for named in after:
            self._naming.setdefault(named, set()).add(naming)

    def of(self, named: Named) -> frozenset[Naming]:
        """Who names it."""
        return frozenset(self._naming.get(named, ()))
