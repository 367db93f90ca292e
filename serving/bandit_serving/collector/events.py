"""The two kinds of events and the checks that they must pass."""

import json
import math
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

from bandit_serving.errors import BadRequest
from bandit_serving.rewards import RewardFunction

MOST_CHARACTERS = 256  # of an id or a name


class Prediction(NamedTuple):
    """An arm's answer to one request.

    Attributes:
        route: Name under which the arms of one model are compared.
        id: Id of the request, unique within the route.
        arm: The arm that answered.
        outputs: JSON object of its outputs by name.
        time: Unix time of the answer, in seconds.
    """

    route: str
    id: str
    arm: str
    outputs: str
    time: float


class Label(NamedTuple):
    """What turned out to be true for one request.

    Attributes:
        route: As in the prediction.
        id: As in the prediction.
        label: JSON value.
        time: Unix time at which the label was known, in seconds.
    """

    route: str
    id: str
    label: str
    time: float


Event = Prediction | Label
Kind = TypeVar("Kind", Prediction, Label)


def parse_predictions(body: Any, reward: RewardFunction, now: float) -> list[Prediction]:
    """Check an array of `{id, route, arm, outputs, time}`; `time` is now unless given.

    Raises:
        BadRequest: Naming the first faulty event; none of the batch is taken then.
    """

    def parse(item: dict[str, Any]) -> Prediction:
        arm = _text(item, "arm")
        outputs = item.get("outputs")
        if not isinstance(outputs, dict):
            raise ValueError(f"outputs: {outputs!r:.80} is not an object of outputs by name")
        _named("outputs", reward.check_outputs, outputs)
        route, request_id = (_text(item, name) for name in ("route", "id"))
        return Prediction(route, request_id, arm, _compact(outputs), _time(item, now))

    return _parse(body, parse)


def parse_labels(body: Any, reward: RewardFunction, now: float) -> list[Label]:
    """Check an array of `{id, route, label, time}`; `time` is now unless given.

    Raises:
        BadRequest: Naming the first faulty event; none of the batch is taken then.
    """

    def parse(item: dict[str, Any]) -> Label:
        if item.get("label") is None:
            raise ValueError("label: missing; send what turned out to be true")
        _named("label", reward.check_label, item["label"])
        route, request_id = (_text(item, name) for name in ("route", "id"))
        return Label(route, request_id, _compact(item["label"]), _time(item, now))

    return _parse(body, parse)


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


def _text(item: dict[str, Any], field: str) -> str:
    value = item.get(field)
    if not isinstance(value, str) or not 0 < len(value) <= MOST_CHARACTERS:
        raise ValueError(f"{field}: {value!r:.80} is not a string of 1 to {MOST_CHARACTERS} characters")
    return value


def _time(item: dict[str, Any], now: float) -> float:
    value = item.get("time")
    if value is None:
        return now
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"time: {value!r:.80} is not a Unix time in seconds")
    return float(value)


def _compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))
