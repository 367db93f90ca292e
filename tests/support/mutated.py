"""Documents that are nearly valid: valid ones, changed in a few places."""

from __future__ import annotations

import copy
import os
from collections.abc import Callable, Sequence
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

CASES = int(os.environ.get("CASES", "1000"))
"""How many documents each target is given; the environment may say otherwise (``make fuzz``)."""
many = settings(
    max_examples=CASES,
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
ODD: tuple[Any, ...] = (
    None,
    True,
    False,
    0,
    1,
    -1,
    0.5,
    -0.0,
    10**6 + 1,
    2**63,
    10**400,
    1e308,
    float("inf"),
    float("nan"),
    "",
    " ",
    "0",
    "-1",
    "1e999",
    "NaN",
    "nan",
    "0.05",
    "24h",
    "-5s",
    "2030-01-01T00:00:00.000Z",
    "9999-12-31T23:59:59.999Z",
    "0000-00-00T00:00:00Z",
    "AAAA",
    "a b{c='d'}",
    "\x00",
    "\ud800",
    "ä" * 300,
    "x" * 70_000,
    [],
    {},
    [[]],
    [{}],
    {"": None},
    [1, "1", None],
)
"""What may stand where something else belongs."""
Place = tuple[Any, Any]
"""A list or an object, and the index or key of something in it."""


def _places(document: Any) -> list[Place]:
    found: list[Place] = []
    if isinstance(document, dict | list):
        keys = document if isinstance(document, dict) else range(len(document))
        for key in keys:
            found += [(document, key), *_places(document[key])]
    return found


def _remove(place: Place, _: Any, __: int) -> None:
    del place[0][place[1]]


def _replace(place: Place, other: Any, _: int) -> None:
    place[0][place[1]] = copy.deepcopy(other)


def _repeat(place: Place, _: Any, number: int) -> None:
    if isinstance(place[0], list):
        place[0].insert(number % (len(place[0]) + 1), copy.deepcopy(place[0][place[1]]))
    else:
        place[0][f"{place[1]}{number}"] = copy.deepcopy(place[0][place[1]])


def _alter(place: Place, other: Any, number: int) -> None:
    """A text with some of it cut out or put in, a number that is another one."""
    value = place[0][place[1]]
    if isinstance(value, str):
        at = number % (len(value) + 1)
        put_in = other if isinstance(other, str) and len(other) < 100 else ""
        place[0][place[1]] = value[:at] + put_in + value[at + number % 3 :]
    elif isinstance(value, int | float) and not isinstance(value, bool):
        place[0][place[1]] = value * (number - 50) if abs(value) < 1e300 else -value


EDITS: tuple[Callable[[Place, Any, int], None], ...] = (_remove, _replace, _replace, _repeat, _alter, _alter)


@st.composite
def mutated(draw: st.DrawFn, documents: Sequence[Any]) -> Any:
    """One of the documents with one to four edits, which put in odd values or other parts of it."""
    document = {"": copy.deepcopy(draw(st.sampled_from(documents)))}
    for _ in range(draw(st.integers(1, 4))):
        places = _places(document)
        if not places:
            break
        at, number = draw(st.integers(0, 10_000)), draw(st.integers(0, 100))
        place = places[at * 7919 % len(places)]
        other = ODD[number % len(ODD)]
        if number % 4 == 0:
            parent, key = places[(at + number) % len(places)]
            other = parent[key]
        draw(st.sampled_from(EDITS))(place, other, number)
    return document.get("")
