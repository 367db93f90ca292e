"""Signs that an arm is unwell, which take its traffic at once and without statistics."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from bandit_operator.api.fields import ApiModel, ArmName, Number, PromQL
from bandit_operator.api.preset_rules import NAMES, description, preset_rules
from bandit_operator.api.presets import Preset
from bandit_operator.api.rules import DurationString, Rule


class Guard(ApiModel):
    """A measurement of each arm, and the bound beyond which the arm is unwell.

    An arm that is beyond it for so many windows running has weight 0 for ten intervals, and twice as
    long after each further time within ten minutes, at most an hour. That is no verdict: it comes back
    by itself, with newArmShare. Where no other arm is well it keeps its traffic. A window without a
    value counts neither way.
    """

    RULES: ClassVar = (
        Rule(
            "has(self.above) != has(self.below)",
            "set exactly one of above and below: the bound beyond which an arm is unwell",
            holds=lambda guard: (guard.above is None) != (guard.below is None),
        ),
        Rule(
            "has(self.query) != has(self.preset)",
            "set exactly one of query and preset: what is measured of each arm",
            holds=lambda guard: (guard.query is None) != (guard.preset is None),
        ),
        *preset_rules(),
    )

    name: ArmName
    """Name of the guard, for messages."""
    query: PromQL | None = None
    """PromQL that yields one value an arm, told apart by reward.prometheus.armLabel; $window stands for
    the length of the window. For example
    sum by (arm) (increase(errors_total[$window])) / sum by (arm) (increase(requests_total[$window])).
    """
    preset: Preset | None = None
    """In place of query: the share of the arm's requests that succeeded, by the counters of the gateway or
    the model server, as in reward.prometheus.preset. Set below, for example to 95%. A window without
    requests has no value.
    """
    implementation: Annotated[str, NAMES] | None = Field(None, description=description())
    latency_target: Annotated[str, DurationString("1ms", "10m", example="250ms")] | None = None
    """Time within which an answer is a success, for GatewayLatency and ServerLatency. It must be a bound of
    the histogram's buckets; with any other there is no value.
    """
    above: Number | None = None
    """The arm is unwell while its value is higher than this."""
    below: Number | None = None
    """The arm is unwell while its value is lower than this."""
    windows: Annotated[int, Field(ge=1, le=100)] = 2
    """How many windows running it must be so."""
