"""The kinds of events and the checks that they must pass."""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable, Sequence
from typing import Any, NamedTuple, TypeVar

from bandit_serving.errors import BadRequest
from bandit_serving.rewards import RewardFunction, RouteRewards
from bandit_serving.rewards.base import is_finite

MOST_CHARACTERS = 256  # of an id or a name
MOST_NAME_BYTES = 800  # of one in UTF-8: three together are less than a key of PostgreSQL may have, 2,704
LATEST = 1e11  # seconds, the year 5138: whatever is later was given in another unit


class Prediction(NamedTuple):
    """An arm's answer to one request."""

    route: str
    """Name under which the arms of one model are compared."""
    id: str
    """Id of the request, unique within the route."""
    arm: str
    """The arm that answered."""
    outputs: str
    """JSON object of its outputs by name."""
    time: float
    """Unix time of the answer, in seconds."""


class Shadow(NamedTuple):
    """An arm's answer to a copy of a request, which no user saw."""

    route: str
    """As in the prediction."""
    id: str
    """Id of the request that was copied."""
    arm: str
    """As in the prediction; has no slash, which joins the names of a pair of arms."""
    outputs: str
    """As in the prediction."""
    time: float
    """As in the prediction."""


class Label(NamedTuple):
    """What turned out to be true for one request."""

    route: str
    """As in the prediction."""
    id: str
    """As in the prediction."""
    label: str
    """JSON value."""
    time: float
    """Unix time at which the label was known, in seconds."""


class RequestKey(NamedTuple):
    """What a request is known by."""

    route: str
    id: str


Event = Prediction | Shadow | Label
Kind = TypeVar("Kind", Prediction | Shadow, Label)
_Event = TypeVar("_Event", Prediction, Shadow, Label)
_Key = TypeVar("_Key", bound=Hashable)


def parse_predictions(body: Any, rewards: RouteRewards, now: float) -> list[Prediction | Shadow]:
    """Check an array of ``{id, route, arm, outputs, time, shadow}``.

    ``time`` is now and ``shadow`` false unless given.

    Raises:
        BadRequest: Naming the first faulty event; none of the batch is taken then.
    """

    def parse(item: dict[str, Any]) -> Prediction | Shadow:
        route, request_id, arm = (_text(item, name) for name in ("route", "id", "arm"))
        reward = _reward_function(rewards, route)
        outputs = item.get("outputs")
        if not isinstance(outputs, dict):
            raise ValueError(f"outputs: {outputs!r:.80} is not an object of outputs by name")
        text = _compact("outputs", outputs)
        _named("outputs", reward.check_outputs, outputs)
        kind = Shadow if _is_shadow(item, arm) else Prediction
        return kind(route, request_id, arm, text, _time(item, now))

    return _parse(body, parse)


def parse_labels(body: Any, rewards: RouteRewards, now: float) -> list[Label]:
    """Check an array of ``{id, route, label, time}``; ``time`` is now unless given.

    Raises:
        BadRequest: Naming the first faulty event; none of the batch is taken then.
    """

    def parse(item: dict[str, Any]) -> Label:
        route, request_id = (_text(item, name) for name in ("route", "id"))
        if item.get("label") is None:
            raise ValueError("label: missing; send what turned out to be true")
        text = _compact("label", item["label"])
        _named("label", _reward_function(rewards, route).check_label, item["label"])
        return Label(route, request_id, text, _time(item, now))

    return _parse(body, parse)


def first_of_each(
    events: Sequence[_Event], key_of: Callable[[_Event], _Key]
) -> tuple[dict[_Key, _Event], list[_Event]]:
    """Return the first event of each key, and the others."""
    first: dict[_Key, _Event] = {}
    again = []
    for event in events:
        key = key_of(event)
        if key in first:
            again.append(event)
        else:
            first[key] = event
    return first, again


def _is_shadow(item: dict[str, Any], arm: str) -> bool:
    value = item.get("shadow", False)
    if not isinstance(value, bool):
        raise ValueError(f"shadow: {value!r:.80} is neither true nor false")
    if value and "/" in arm:
        raise ValueError(
            f"arm: {arm!r} has a slash, which joins the names of two arms that shadows compare; take another"
        )
    return value


def _parse(body: Any, parse: Callable[[dict[str, Any]], Kind]) -> list[Kind]:
    if not isinstance(body, list):
        raise BadRequest("the body must be a JSON array of events")
    events = []
    for i, item in enumerate(body):
        try:
            if not isinstance(item, dict):
                raise ValueError(f"{item!r:.80} is not an object")
            events.append(parse(item))
        except ValueError as error:
            raise BadRequest(f"event {i}: {error}; none of the batch was taken") from error
    return events


def _named(field: str, check: Callable[[Any], None], value: Any) -> None:
    try:
        check(value)
    except ValueError as error:
        raise ValueError(f"{field}: {error}") from error


def _reward_function(rewards: RouteRewards, route: str) -> RewardFunction:
    reward = rewards.find(route)
    if reward is None:
        raise ValueError(
            f"route: {route!r} has no reward function; the routes of --routes are {', '.join(rewards.routes)}"
        )
    return reward


def _text(item: dict[str, Any], field: str) -> str:
    return check_name(field, item.get(field))


def check_name(field: str, value: Any) -> str:
    """Return an id or a name.

    Raises:
        ValueError: It is none; the text names the field.
    """
    if not isinstance(value, str) or not 0 < len(value) <= MOST_CHARACTERS:
        raise ValueError(f"{field}: {value!r:.80} is not a string of 1 to {MOST_CHARACTERS} characters")
    if "\0" in value or (not value.isascii() and _lone_surrogates(value)):
        raise ValueError(f"{field}: {value!r:.80} has characters that no database takes; send others")
    if len(value) > MOST_NAME_BYTES // 4 and len(value.encode()) > MOST_NAME_BYTES:
        raise ValueError(f"{field}: {value!r:.80} has more than {MOST_NAME_BYTES} bytes in UTF-8; send fewer")
    return value


def _lone_surrogates(value: str) -> bool:
    return any("\ud800" <= character <= "\udfff" for character in value)


def _time(item: dict[str, Any], now: float) -> float:
    value = item.get("time")
    if value is None:
        return now
    if isinstance(value, bool) or not isinstance(value, int | float) or not is_finite(value):
        raise ValueError(f"time: {value!r:.80} is not a Unix time in seconds")
    if not 0 <= value <= LATEST:
        raise ValueError(f"time: {value!r:.80} is no Unix time of these centuries; send it in seconds")
    return float(value)


def _compact(field: str, value: Any) -> str:
    """Return a value as JSON, which knows no infinity: that is what a number beyond all floats came as."""
    try:
        try:
            return json.dumps(value, separators=(",", ":"), allow_nan=False)
        except ValueError as error:
            where = _first_infinite(field, value)
            raise ValueError(f"{where}: a number beyond ±1.8e308; send finite numbers") from error
    except RecursionError as error:
        raise ValueError(f"{field}: its lists or objects are nested too deep; send flatter ones") from error


def _first_infinite(path: str, value: Any) -> str:
    """Return the path of the first number that is not finite, else the path itself."""
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, part in parts:
        inner = f"{path}.{name}" if isinstance(value, dict) else f"{path}[{name}]"
        if isinstance(part, float) and not is_finite(part):
            return inner[:MOST_CHARACTERS]
        if (where := _first_infinite(inner, part)) != inner:
            return where
    return path
