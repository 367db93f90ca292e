"""The spec of a BanditDeployment: what the user asks for."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field
from pydantic.alias_generators import to_snake

from bandit_operator.api.arm import Arm, arms_rules
from bandit_operator.api.fields import (
    MAX_ARMS,
    ApiModel,
    ArmName,
    CounterSelector,
    ErrorRate,
    ListMap,
    Share,
)
from bandit_operator.api.guard import Guard
from bandit_operator.api.pin import Pin, pin_rules
from bandit_operator.api.reward import Reward
from bandit_operator.api.reward_counters import BOUNDED_TYPES
from bandit_operator.api.route_rules import backend_limit_rules, port_rules
from bandit_operator.api.rules import (
    DECIMAL_PATTERN,
    DecimalString,
    DurationString,
    Rule,
    Term,
    cel_is_duration,
    cel_number,
)
from bandit_operator.api.shadow import Shadow, shadow_rules
from bandit_operator.api.strategy import Strategy, share_maps
from bandit_operator.api.traffic import Traffic
from bandit_operator.api.validation import validation_rules
from bandit_operator.core.model import Mode, PromotionAction, ValidationScale
from bandit_operator.core.quantities import parse_decimal, parse_duration
from bandit_operator.core.windows import FIRST_SETTLE


class Guardrails(ApiModel):
    """Bounds on how traffic moves, whatever the strategy wants."""

    RULES: ClassVar = (
        Rule(
            f"!has(self.minShare) || !self.newArmShare.matches('{DECIMAL_PATTERN}')"
            f" || !self.minShare.matches('{DECIMAL_PATTERN}')"
            f" || {cel_number('self.newArmShare')} >= {cel_number('self.minShare')}",
            "newArmShare {self.newArmShare} is below minShare {self.minShare};"
            " raise newArmShare or lower minShare",
            holds=lambda guardrails: (
                guardrails.min_share is None
                or parse_decimal(guardrails.new_arm_share) >= parse_decimal(guardrails.min_share)
            ),
            field=".newArmShare",
        ),
        Rule(
            f"!self.minChange.matches('{DECIMAL_PATTERN}') || !self.maxStep.matches('{DECIMAL_PATTERN}')"
            f" || {cel_number('self.minChange')} <= {cel_number('self.maxStep')}",
            "minChange {self.minChange} is above maxStep {self.maxStep},"
            " so no weight could ever move; lower minChange",
            holds=lambda guardrails: (
                parse_decimal(guardrails.min_change) <= parse_decimal(guardrails.max_step)
            ),
            field=".minChange",
        ),
    )

    min_trials: Annotated[int, Field(ge=0, le=1_000_000_000, strict=True)] = 200
    """Trials that an arm needs before it may gain more than newArmShare. It may lose traffic before. With
    spec.shadow, requests that both it and the baseline have answered count by what they tell of the
    difference, more or less than a trial each; none count while the shadow is contradicted.
    """
    max_step: Annotated[str, DecimalString("0", "1", exclusive_minimum=True, example="0.2")] = "0.2"
    """Most that one arm's share of the traffic may grow at once beyond what it has carried before. An arm
    that does worse loses its share at once, as far as others may take it.
    """
    min_share: Share | None = None
    """Share of the traffic that every serving arm keeps, so that its evidence goes on. Where it is not set:
    0.01, and less from four arms on, so that all but one of them keep no more than 0.02 together. With
    spec.shadow it may be 0, because the evidence goes on there.
    """
    min_change: Share = "0.005"
    """Weights are left alone while no share would change by more than this. A change must also be worth
    a write: large beside the share, or expected to earn something.
    """
    new_arm_share: Annotated[str, DecimalString("0", "1", exclusive_minimum=True, example="0.1")] = "0.1"
    """Largest share of an arm that has just joined or returned, until it has minTrials, of its own or by what
    its answers in the shadow are worth.
    """


class Rollback(ApiModel):
    """When a loser is taken out, and how."""

    error_rate: ErrorRate = "0.05"
    """Bound on the probability of ever rolling back an arm that is no worse than the baseline,
    over the whole life of this resource.

    No worse means: in no stretch of time do its requests earn less in the mean than the baseline's
    would have, with requests routed at random. An arm that is worse for hours and better for
    hours may be rolled back while it is worse; it is tried again, see retryAfter.
    """
    drain: Annotated[str, DurationString("0s", "24h", example="60s")] = "60s"
    """How long an arm keeps its replicas at weight 0, for its last requests, where requests names no counter.

    It is 3 seconds at the least, because gateways accept a route before they serve it. With a counter it is
    not used: the replicas stay until a whole window has had no request.
    """
    requests: CounterSelector | None = None
    """Selector of the counter of requests that reach the backends, such as
    traefik_service_requests_total or model_requests_total{route="income"}. With it an arm is
    scaled down only once its requests have ended; without it, once drain has passed.

    Series are told apart by reward.prometheus.armLabel, those of Traefik by their service.
    """
    scale_to_zero: Annotated[bool, Field(strict=True)] = True
    """Whether a rolled-back arm is scaled to zero replicas. The baseline and the last healthy
    arm never are. Turned on later, it holds for arms that are out already, after a drain; turned
    off, an arm at zero stays there, and gets its replicas back when it returns.
    """
    retry_after: Annotated[str, DurationString("1m", "8760h", or_zero=True, example="24h")] = "24h"
    """Longest wait until a rolled-back arm is tried again with a small share. The first trial comes
    after 1h, and each that fails doubles the wait up to this; 0s: only when its Pod template
    changes.
    """


class Promotion(ApiModel):
    """When a winner is named, and what follows."""

    error_rate: ErrorRate = "0.05"
    """Bound on the probability of ever naming an arm that is not the best."""
    indifference: Annotated[str, DecimalString("0", example="0.005")] = "0.005"
    """Differences of mean reward below this do not matter to you: arms proven to be closer
    than this count as equal. In the units of the mean: below 1 for Bernoulli and Bounded
    rewards; for Gaussian ones in units of the reward, for Ratio of the ratio, where the
    default may be far too small or too large.
    """
    action: PromotionAction = PromotionAction.HOLD
    """What follows once a winner is proven. Hold: it is named in the status, and the strategy
    goes on. Promote: it gets all traffic but the other arms' minShare.
    """


def _share_map_rule(type_name: str, block: str, field: str) -> Rule:
    """Every name of a map of shares is an arm's."""
    path = f"self.strategy.{block}"
    unset = f"!has({path}) || !has({path}.{field})"
    unknown = f"{path}.{field}.filter(n, !self.arms.exists(a, a.name == n))"

    def unknown_names(spec: Spec) -> list[str]:
        settings = getattr(spec.strategy, block)
        shares = {} if settings is None else getattr(settings, to_snake(field))
        return [name for name in shares if name not in {arm.name for arm in spec.arms}]

    return Rule(
        f"{unset} || {path}.{field}.all(n, self.arms.exists(a, a.name == n))",
        f'"{{unknown}}" in {field} of {type_name} is not the name of an arm; use names of spec.arms',
        holds=lambda spec: not unknown_names(spec),
        field=f".strategy.{block}.{field}",
        terms={"unknown": Term(f"{unknown}[0]", lambda spec: unknown_names(spec)[0])},
    )


_STALE_AFTER, _INTERVAL = "self.reward.staleAfter", "self.interval"
_SETTLE = f"(has(self.reward.prometheus.settle) ? self.reward.prometheus.settle : '{FIRST_SETTLE:g}s')"


def _settle(spec: Spec) -> str:
    return spec.reward.prometheus.settle or f"{FIRST_SETTLE:g}s"


_INDIFFERENCE = "self.promotion.indifference"


class Spec(ApiModel):
    """What to move, between which arms, by which rewards, how boldly."""

    RULES: ClassVar = (
        Rule(
            "self.arms.exists(a, a.name == self.baseline)",
            '"{self.baseline}" is not the name of an arm; set baseline to one of'
            ' spec.arms[*].name, such as "{first}"',
            holds=lambda spec: spec.baseline in {arm.name for arm in spec.arms},
            field=".baseline",
            terms={"first": Term("self.arms[0].name", lambda spec: str(spec.arms[0].name))},
        ),
        *arms_rules(),
        Rule(
            f"!has(self.guardrails.minShare) || !self.guardrails.minShare.matches('{DECIMAL_PATTERN}')"
            f" || {cel_number('self.guardrails.minShare')} * double(size(self.arms)) <= 1.0",
            "minShare {self.guardrails.minShare} for every arm adds up to more than 1;"
            " lower minShare to at most 1 divided by the number of arms",
            holds=lambda spec: (
                spec.guardrails.min_share is None
                or parse_decimal(spec.guardrails.min_share) * len(spec.arms) <= 1.0
            ),
            field=".guardrails.minShare",
        ),
        Rule(
            " || ".join(f"!({cel_is_duration(path)})" for path in (_STALE_AFTER, _INTERVAL, _SETTLE))
            + f" || duration({_STALE_AFTER}) >= duration({_INTERVAL}) + duration({_SETTLE})",
            f"staleAfter {{{_STALE_AFTER}}} is shorter than interval {{{_INTERVAL}}}"
            f" plus settle {{settle}}, so every reward would be stale; raise staleAfter",
            holds=lambda spec: (
                parse_duration(spec.reward.stale_after)
                >= parse_duration(spec.interval) + parse_duration(_settle(spec))
            ),
            terms={"settle": Term(_SETTLE, lambda spec: _settle(spec))},
            field=".reward.staleAfter",
        ),
        Rule(
            f"!(self.reward.type in {BOUNDED_TYPES})"
            f" || !{_INDIFFERENCE}.matches('{DECIMAL_PATTERN}') || {cel_number(_INDIFFERENCE)} < 1.0",
            f"indifference {{{_INDIFFERENCE}}} is not below 1, but {{self.reward.type}} rewards"
            " lie in [0, 1], so no difference would matter; lower indifference",
            holds=lambda spec: (
                not spec.reward.type.bounded or parse_decimal(spec.promotion.indifference) < 1.0
            ),
            field=".promotion.indifference",
        ),
        *backend_limit_rules(),
        *port_rules(),
        *validation_rules(),
        *pin_rules(),
        *shadow_rules(),
        *(_share_map_rule(*share_map) for share_map in share_maps()),
    )

    interval: Annotated[str, DurationString("5s", "24h", example="30s")] = "30s"
    """Time between two decisions, from 5s to 24h."""
    max_duration: Annotated[str, DurationString("1m", "87600h", example="168h")] | None = None
    """How long after its creation this resource may move weights. After that they stay as they are,
    verdict or not, and condition Decided is True; losers are taken out all the same. Default: for ever.
    """
    mode: Mode = Mode.ACTIVE
    """How far the operator may go. Active: it moves weights and replicas. Observe: it decides
    and reports, and changes nothing else. Paused: neither.
    """
    traffic: Traffic
    """Which traffic is moved."""
    baseline: ArmName
    """Name of the arm that the others are compared with. It is never scaled to zero."""
    arms: Annotated[list[Arm], Field(min_length=2, max_length=MAX_ARMS), ListMap("name")]
    """The versions of the model, 2 to 20, told apart by name, and no more than one rule of the
    route can have backends, which the Gateway API limits to 16.
    """
    validation_scale: ValidationScale = ValidationScale.REWARD
    """What the arms' validationScores measure, for strategies that learn. Reward: the mean reward itself, so
    that arms differ in production by about as much as their scores do. Ranking: something else, such as an
    AUC, of which only the order counts. Rewards of type Ratio are compared with a ranking only.
    """
    pin: Pin | None = None
    """One arm that is to have all of the traffic, until this is taken out again."""
    reward: Reward
    """What one reward is, and where to read it."""
    shadow: Shadow | None = None
    """Learn from copies of requests, too, which every arm answers and no user sees."""
    strategy: Strategy = Field(default_factory=Strategy)
    """How the next weights are chosen."""
    guards: Annotated[list[Guard] | None, Field(max_length=8), ListMap("name")] = None
    """Signs that an arm is unwell, such as its share of errors: it loses its traffic at once."""
    guardrails: Guardrails = Field(default_factory=Guardrails)
    """Bounds on how traffic moves, whatever the strategy wants."""
    rollback: Rollback = Field(default_factory=Rollback)
    """When a loser is taken out, and how."""
    promotion: Promotion = Field(default_factory=Promotion)
    """When a winner is named, and what follows."""
