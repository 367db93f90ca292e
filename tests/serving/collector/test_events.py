"""The checks that events must pass."""

from __future__ import annotations

import pytest

from bandit_serving import web
from bandit_serving.collector.events import parse_labels, parse_predictions
from bandit_serving.errors import BadRequest
from bandit_serving.rewards import RouteRewards, make_reward

REWARDS = RouteRewards({}, make_reward("revenue", {}))


@pytest.mark.parametrize("leaf", ["1", "1e999"])
@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
def test_an_event_is_taken_or_refused_however_deep_its_values_are_nested(
    leaf: str, opening: str, closing: str
) -> None:
    for depth in range(850, 1000):  # on either side of what Python takes
        deep = opening * depth + leaf + closing * depth
        outputs = f'[{{"id": "1", "route": "r", "arm": "a", "outputs": {{"x": {deep}}}}}]'
        label = f'[{{"id": "1", "route": "r", "label": {deep}}}]'
        for parse, body in ((parse_predictions, outputs), (parse_labels, label)):
            try:
                parse(web.parse_json(body.encode()), REWARDS, 0.0)
            except BadRequest:
                continue
