"""The reward part of the API: what one reward is, and where Prometheus has it."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from bandit_operator.api.fields import (
    ApiModel,
    CounterSelector,
    HttpAddress,
    LabelName,
    PositiveNumber,
    PromQL,
)
from bandit_operator.api.preset_rules import NAMES, description, preset_rules
from bandit_operator.api.presets import Preset
from bandit_operator.api.reward_counters import BOUNDED_TYPES, counter_rules
from bandit_operator.api.rules import DurationString, Rule, cel_is_duration
from bandit_operator.core.model import RewardType
from bandit_operator.core.quantities import parse_duration


def _needs(given: str, missing: str, meaning: str) -> Rule:
    """The field ``given`` does not stand without the field ``missing``."""
    return Rule(
        f"has(self.{missing}) || !has(self.{given})",
        f"{missing} is missing: {given} needs {meaning} beside it",
        holds=lambda prometheus: (
            getattr(prometheus, missing) is not None or getattr(prometheus, given) is None
        ),
    )


def _of_one_window(field: str, message: str) -> Rule:
    """The PromQL of a field is about the window."""
    return Rule(
        f"!has(self.{field}) || self.{field}.contains('$window')",
        message,
        holds=lambda prometheus: "$window" in (getattr(prometheus, field) or "$window"),
        field=f".{field}",
    )


class Prometheus(ApiModel):
    """Where the rewards are, in exactly one of three ways.

    Counters (successes and trials) are read exactly: no reward is lost or counted twice.
    A query with samples takes any PromQL. A preset reads the gateway's or the model server's
    own counters.
    """

    RULES: ClassVar = (
        _needs("trials", "successes", "the counter of successes"),
        _needs("successes", "trials", "the counter of trials"),
        _needs("samples", "query", "the query of the mean reward"),
        _needs("query", "samples", "the number of samples of each arm"),
        Rule(
            "(has(self.successes) || has(self.trials) ? 1 : 0)"
            " + (has(self.query) || has(self.samples) ? 1 : 0) + (has(self.preset) ? 1 : 0) == 1",
            "set exactly one of: successes with trials (counters), query with samples, or preset",
            holds=lambda prometheus: prometheus.ways() == 1,
        ),
        _of_one_window(
            "samples",
            "samples must count the rewards of one window only, or some are counted twice;"
            " use $window as its range, as in sum by (arm) (increase(trials_total[$window]))",
        ),
        _of_one_window(
            "query",
            "query must be the mean of one window only, or what happened once counts in several windows;"
            " use $window as its ranges, as in sum by (arm) (increase(ok_total[$window])) /"
            " sum by (arm) (increase(all_total[$window]))",
        ),
        Rule(
            "!has(self.successes) || !has(self.trials) || self.successes != self.trials",
            "successes and trials are the same, so that each arm earns 1 whatever it does;"
            " name the counter of successes, or of the sum of rewards",
            holds=lambda prometheus: (
                prometheus.successes is None or prometheus.successes != prometheus.trials
            ),
            field=".successes",
        ),
        *preset_rules(),
    )

    address: HttpAddress | None = None
    """Address of the Prometheus server, such as http://prometheus.monitoring:9090.

    Default: the address that the operator was installed with. Any other must be allowed by whoever
    installed it.
    """
    successes: CounterSelector | None = None
    """Selector of the counter of rewards, one series or more an arm, such as
    model_reward_successes_total{route="income"}. For Bernoulli rewards it counts successes,
    for all others it sums the rewards: values in [0, 1] for Bounded, positive ones for Gaussian
    (losses has the others), numerators of at least 0 for Ratio.

    A plain selector: the operator adds ranges and functions itself, and so reads each
    increase exactly once, restarts of Pods included. Needs trials.
    """
    trials: CounterSelector | None = None
    """Selector of the counter of rewarded requests, such as
    model_reward_trials_total{route="income"}. Needs successes.
    """
    losses: CounterSelector | None = None
    """Selector of the counter that sums the sizes of negative rewards, such as
    model_reward_losses_total{route="income"}: a reward of -3 adds 3. It is subtracted from
    successes, because a counter cannot fall. For Gaussian rewards; leave it out where no
    reward is ever negative.
    """
    squares: CounterSelector | None = None
    """Selector of the counter that sums the squares of the rewards, such as
    model_reward_squares_total{route="income"}: a reward of 3 adds 9, and so does one of -3.
    From it comes how much rewards vary. Needed by, and only for, Gaussian and Ratio.
    """
    denominators: CounterSelector | None = None
    """Selector of the counter that sums the denominators x of the trials, such as
    model_reward_denominators_total{route="income"}: sessions, clicks or seconds, each at
    least 0. An arm's mean is successes divided by this. Needed by, and only for, Ratio.
    """
    denominator_squares: CounterSelector | None = None
    """Selector of the counter that sums the squares x² of the denominators, such as
    model_reward_denominator_squares_total{route="income"}. Needed by, and only for, Ratio.
    """
    cross_products: CounterSelector | None = None
    """Selector of the counter that sums reward times denominator of each trial, such as
    model_reward_cross_products_total{route="income"}. Needed by, and only for, Ratio.
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
    """Rewards without a metric of the model's own, read exactly like counters. One of:
    - GatewaySuccess: a request is a success unless the gateway answered it with 5xx.
    - GatewayLatency: it is a success if it was answered within latencyTarget as well.
    - ServerSuccess, ServerLatency: the same by the model server's own metrics, whose Pods
    Prometheus must scrape.
    """
    implementation: Annotated[str, NAMES] | None = Field(None, description=description())
    latency_target: Annotated[str, DurationString("1ms", "10m", example="250ms")] | None = None
    """Time within which an answer is a success, for GatewayLatency and ServerLatency. It must be
    a bound of the histogram's buckets; with any other the arms have no data, and a condition
    says so.
    """
    arm_label: LabelName | None = None
    """Label whose value is the name of the arm. Default: arm; for Server presets the label
    service that a ServiceMonitor adds, whose value is the name of the arm's backend. Gateway
    presets have labels of their own and ignore it. A name such as service.name, which has more than
    letters, digits and underscores, needs Prometheus 3.
    """
    settle: Annotated[str, DurationString(maximum="1h", example="30s")] | None = None
    """How long after the end of a window its counters are complete in Prometheus. Leave it out: it begins
    with 5s and doubles, up to 5m, whenever samples are seen to come later than that. They are counted
    with the next window either way.
    """

    def ways(self) -> int:
        """Return in how many of the three ways rewards are given, be it in part."""
        counters, query = (self.successes, self.trials), (self.query, self.samples)
        given = (any(one is not None for one in way) for way in (counters, query, (self.preset,)))
        return sum(given)


class Delay(ApiModel):
    """How late labels come after the request that they judge.

    With it, trials must count the requests served, and successes the rewards as they come: an
    arm's mean is taken over the labels expected by now rather than over all requests served,
    so that a new arm is not mistaken for a bad one while its labels are due. Leave it out where
    trials count only requests whose label has come.
    """

    RULES: ClassVar = (
        Rule(
            f"!({cel_is_duration('self.median')}) || !({cel_is_duration('self.p95')})"
            " || duration(self.median) <= duration(self.p95)",
            "median {self.median} is longer than p95 {self.p95}; raise p95",
            holds=lambda delay: parse_duration(delay.median) <= parse_duration(delay.p95),
            field=".median",
        ),
    )

    median: Annotated[str, DurationString(maximum="2160h", example="2h")]
    """Time by which half of the labels have come."""
    p95: Annotated[str, DurationString("1ms", "2160h", example="24h")]
    """Time by which 95 % of the labels have come."""


class Reward(ApiModel):
    """What one reward is, and where to read it."""

    RULES: ClassVar = (
        Rule(
            "!has(self.prometheus.preset) || self.type == 'Bernoulli'",
            "preset counts successes, which are Bernoulli rewards, but type is {self.type};"
            " set type to Bernoulli",
            holds=lambda reward: reward.prometheus.preset is None or reward.type == RewardType.BERNOULLI,
            field=".type",
        ),
        Rule(
            f"!has(self.prometheus.query) || self.type in {BOUNDED_TYPES}",
            "query gives means, from which the variance of type {self.type} cannot be known;"
            " give counters instead of query, or set type to Bounded",
            holds=lambda reward: reward.prometheus.query is None or reward.type.bounded,
            field=".type",
        ),
        Rule(
            f"!has(self.delay) || self.type in {BOUNDED_TYPES}",
            "a reward of type {self.type} is unknown while its label is late, and not 0;"
            " remove delay and count in trials only requests whose label has come",
            holds=lambda reward: reward.delay is None or reward.type.bounded,
            field=".delay",
            forbidden=True,
        ),
        *counter_rules(),
    )

    type: RewardType = RewardType.BERNOULLI
    """What one reward is, which decides the counters that it takes. One of:
    - Bernoulli: success or not; takes successes and trials.
    - Bounded: any value in [0, 1]; takes successes (their sum) and trials.
    - Gaussian: any number, such as money or a score without bounds; takes squares as well,
    and losses where rewards can be negative. Arms are compared by their mean reward.
    - Ratio: a reward y for each x, such as revenue per session with several requests a
    session; takes squares, denominators, denominatorSquares and crossProducts as well. Arms
    are compared by the sum of y divided by the sum of x. A numerator that can be negative is
    exposed as y + c·x, which adds c to every arm's ratio.
    """
    prometheus: Prometheus
    """The Prometheus server and the metrics that hold the rewards."""
    delay: Delay | None = None
    """How late labels come; leave it out where each reward is known within the settle time.
    For Bernoulli and Bounded rewards only: the others are unknown while they are late.
    """
    max_trials_per_second: PositiveNumber | None = None
    """Most trials that one arm can have in a second. A window with more is not believed: whoever can
    write rewards can move traffic by them, and this bounds how fast. Default: no bound.
    """
    stale_after: Annotated[str, DurationString("5s", "168h", example="5m")] = "5m"
    """With no newer rewards than this, weights are held until there are some. At least
    interval + prometheus.settle.
    """
