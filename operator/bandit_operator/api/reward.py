"""The reward part of the API: what one reward is, and where Prometheus has it."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, ClassVar, Literal, Self

from pydantic import model_validator

from bandit_operator.api.fields import (
    ApiModel,
    CounterSelector,
    HttpAddress,
    LabelName,
    PromQL,
)
from bandit_operator.api.rules import DURATION_PATTERN, DurationString, Rule, parse_duration


class Preset(StrEnum):
    """Rewards that need no metric of the model's own."""

    GATEWAY_SUCCESS = "GatewaySuccess"


class Prometheus(ApiModel):
    """Where the rewards are, in exactly one of three ways.

    Counters (successes and trials) are read exactly: no reward is lost or counted twice.
    A query with samples takes any PromQL. A preset reads the gateway's own counters.
    """

    RULES: ClassVar = (
        Rule(
            "has(self.successes) == has(self.trials)",
            expression="has(self.trials)"
            " ? 'successes is missing: trials needs the counter of successes beside it'"
            " : 'trials is missing: successes needs the counter of trials beside it'",
        ),
        Rule(
            "has(self.query) == has(self.samples)",
            expression="has(self.samples)"
            " ? 'query is missing: samples needs the query of the mean reward beside it'"
            " : 'samples is missing: query needs the number of samples of each arm beside it'",
        ),
        Rule(
            "(has(self.successes) || has(self.trials) ? 1 : 0)"
            " + (has(self.query) || has(self.samples) ? 1 : 0) + (has(self.preset) ? 1 : 0) == 1",
            message="set exactly one of: successes with trials (counters), query with samples, or preset",
        ),
        Rule(
            "!has(self.samples) || self.samples.contains('$window')",
            message="samples must count the rewards of one window only, or some are counted twice;"
            " use $window as its range, as in sum by (arm) (increase(trials_total[$window]))",
            field=".samples",
        ),
    )

    address: HttpAddress | None = None
    """Address of the Prometheus server, such as http://prometheus.monitoring:9090.

    Default: the address that the operator was installed with.
    """
    successes: CounterSelector | None = None
    """Selector of the counter of rewards, one series or more an arm, such as
    model_reward_successes_total{route="income"}. For Bernoulli rewards it counts successes,
    for Bounded rewards it sums values in [0, 1].

    A plain selector: the operator adds ranges and functions itself, and so reads each
    increase exactly once, restarts of Pods included. Needs trials.
    """
    trials: CounterSelector | None = None
    """Selector of the counter of rewarded requests, such as
    model_reward_trials_total{route="income"}. Needs successes.
    """
    query: PromQL | None = None
    """PromQL that yields one value an arm: the mean reward in the window, in [0, 1].

    $window stands for the length of the window as a PromQL duration, such as 30s; the query
    is evaluated at the end of the window. For example
    sum by (arm) (increase(ok_total[$window])) / sum by (arm) (increase(all_total[$window])).
    Needs samples.
    """
    samples: PromQL | None = None
    """PromQL that yields one value an arm: how many rewards the mean of query is made from.

    It must use $window as its range, so that no reward counts in two windows; for example
    sum by (arm) (increase(all_total[$window])). Needs query.
    """
    preset: Preset | None = None
    """Rewards without a metric of the model's own. GatewaySuccess: a request is a trial, and a
    success unless the gateway answered it with 5xx, by Traefik's counter
    traefik_service_requests_total, which needs metrics.prometheus.addServicesLabels.
    """
    arm_label: LabelName = "arm"
    """Label whose value is the name of the arm. A preset has its own and ignores it."""
    settle: Annotated[str, DurationString(maximum="1h", example="30s")] = "30s"
    """How long after the end of a window its counters are complete in Prometheus: about two
    scrape intervals.
    """

    @model_validator(mode="after")
    def _has_exactly_one_mode(self) -> Self:
        pairs = ((self.successes, self.trials), (self.query, self.samples))
        modes = sum(first is not None and second is not None for first, second in pairs)
        halves = any((first is None) != (second is None) for first, second in pairs)
        if halves or modes + (self.preset is not None) != 1:
            raise ValueError("set exactly one of: successes with trials, query with samples, or preset")
        return self


class Delay(ApiModel):
    """How late labels come after the request that they judge.

    With it, trials must count the requests served, and successes the rewards as they come: an
    arm's mean is taken over the labels expected by now rather than over all requests served,
    so that a new arm is not mistaken for a bad one while its labels are due. Leave it out where
    trials count only requests whose label has come.
    """

    RULES: ClassVar = (
        Rule(
            f"!self.median.matches('{DURATION_PATTERN}') || !self.p95.matches('{DURATION_PATTERN}')"
            " || duration(self.median) <= duration(self.p95)",
            expression="'median ' + self.median + ' is longer than p95 ' + self.p95 + '; raise p95'",
            field=".median",
        ),
    )

    median: Annotated[str, DurationString(maximum="2160h", example="2h")]
    """Time by which half of the labels have come."""
    p95: Annotated[str, DurationString("1ms", "2160h", example="24h")]
    """Time by which 95 % of the labels have come."""

    @model_validator(mode="after")
    def _is_ordered(self) -> Self:
        if parse_duration(self.median) > parse_duration(self.p95):
            raise ValueError(f"median {self.median} is longer than p95 {self.p95}; raise p95")
        return self


class Reward(ApiModel):
    """What one reward is, and where to read it."""

    RULES: ClassVar = (
        Rule(
            "!has(self.prometheus.preset) || self.type == 'Bernoulli'",
            expression="'preset counts successes, which are Bernoulli rewards, but type is ' + self.type"
            " + '; set type to Bernoulli'",
            field=".type",
        ),
    )

    type: Literal["Bernoulli", "Bounded"] = "Bernoulli"
    """What one reward is. Bernoulli: success or not. Bounded: any value in [0, 1]."""
    prometheus: Prometheus
    """The Prometheus server and the metrics that hold the rewards."""
    delay: Delay | None = None
    """How late labels come; leave it out where each reward is known within the settle time."""
    stale_after: Annotated[str, DurationString("5s", "168h", example="5m")] = "5m"
    """With no newer rewards than this, weights are held until there are some. At least
    interval + prometheus.settle.
    """
