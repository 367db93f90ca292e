"""Frozen values that the core takes and returns.

Times are seconds since the Unix epoch, durations are seconds, shares are fractions of
the arms' traffic in [0, 1], and weights are the integers that a route carries.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from bandit_operator.core.reasons import VERDICTS_SUSPENDED

WEIGHT_TOTAL = 10_000
"""Sum of all arms' weights in a rule without other backends; beside others see ``core.weights.unit_of``."""


class RewardType(StrEnum):
    """What one reward is, which decides the posterior and the e-value."""

    BERNOULLI = "Bernoulli"
    BOUNDED = "Bounded"
    GAUSSIAN = "Gaussian"
    RATIO = "Ratio"

    @property
    def bounded(self) -> bool:
        """Whether one reward lies in [0, 1]; otherwise it may be any number."""
        return self in (RewardType.BERNOULLI, RewardType.BOUNDED)


class ValidationScale(StrEnum):
    """What a validation score measures."""

    REWARD = "Reward"
    """The mean reward itself: arms differ in production by as much as their scores do."""
    RANKING = "Ranking"
    """Something else, such as an AUC: only the order of the scores says anything."""


class Mode(StrEnum):
    """How far the operator may go: act, only decide, or neither."""

    ACTIVE = "Active"
    OBSERVE = "Observe"
    PAUSED = "Paused"


class PromotionAction(StrEnum):
    """What follows when one arm is proven better than all others."""

    HOLD = "Hold"
    PROMOTE = "Promote"


@dataclass(frozen=True, slots=True)
class Backend:
    """Which object a backendRef names; a route leaves out what is the default here."""

    group: str
    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong: one of ``core.reasons``, and a sentence, with the fix where there is one."""

    reason: str
    message: str


# ---- settings: what the user asked for ------------------------------------------------


@dataclass(frozen=True, slots=True)
class Arm:
    """One version of the model."""

    name: str
    validation_score: float | None = None
    """The offline score, higher is better; None where the user gave none."""
    validation_error: float | None = None
    """Standard error of the score, at least 0, in its units; None where the user gave none."""
    out: bool = False
    """Whether the user wants it to be out of the traffic."""
    onboards_in_shadow: bool = False
    """Whether, when new or tried again, it serves nobody before the shadow has shown it to be no worse."""


@dataclass(frozen=True, slots=True)
class Delay:
    """How late labels come: the times by which half and 95 % of them have arrived."""

    median: float
    p95: float


@dataclass(frozen=True, slots=True)
class Shadow:
    """How a sample of the requests is scored by every arm, whoever serves them."""

    share: float
    """Share of the requests of which a copy is scored, in (0, 1]."""
    margin: float = 0.01
    """By how much less in the mean than the baseline an arm may earn and still pass for no worse."""


@dataclass(frozen=True, slots=True)
class Guardrails:
    """Bounds on how traffic moves, whatever the strategy wants."""

    min_trials: float = 200
    """Trials that an arm needs before it may gain more than ``new_arm_share``; to lose it needs none."""
    max_step: float = 0.2
    """Most that one arm's share may grow in one tick beyond what it has carried before."""
    min_share: float | None = None
    """Share that every eligible arm keeps, so that its evidence goes on; None: as ``weights.least_share``."""
    min_change: float = 0.005
    """Weights are left alone while no share would change by more than this."""
    new_arm_share: float = 0.1
    """Largest share of an arm that has joined or returned, until it has ``min_trials``."""


SHORTEST_DRAIN = 3.0
"""Seconds that every drain takes: a gateway says that it accepts a route before it serves it so."""


@dataclass(frozen=True, slots=True)
class Rollback:
    """When a loser is taken out, and how."""

    error_rate: float = 0.05
    """Bound on P(ever rolling back an arm that is no worse than the baseline)."""
    drain: float = 60.0
    """Seconds that an arm keeps its replicas at weight 0, where no counter tells of its requests."""
    requests_counted: bool = False
    """Whether a counter tells when an arm's last requests are over."""
    scale_to_zero: bool = True
    retry_after: float | None = 86_400.0
    """After this long a rolled-back arm is tried again; None: only when its Pods change."""


@dataclass(frozen=True, slots=True)
class Promotion:
    """When a winner is named, and what follows."""

    error_rate: float = 0.05
    indifference: float = 0.005
    """Differences in mean reward below this do not matter to the user."""
    action: PromotionAction = PromotionAction.HOLD


# ---- facts: what was observed ---------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Observed:
    """What one arm earned in one window.

    ``trials`` counts labelled requests, ``rewards`` is the sum of their rewards. Squares and denominators
    serve Gaussian and Ratio rewards and are None elsewhere: missing, not zero.
    """

    trials: float
    rewards: float
    squares: float | None = None
    denominators: float | None = None
    denominator_squares: float | None = None
    cross_products: float | None = None


@dataclass(frozen=True, slots=True)
class NoData:
    """The source answered, and had no number for this arm."""

    reason: str = "NoSeries"


@dataclass(frozen=True, slots=True)
class SourceDown:
    """The source gave no answer for anyone; what it would have said is unknown."""

    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class NothingDue:
    """No window is due: this is a look between two ticks, or the first one of all."""

    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class Implausible:
    """The source had numbers for this arm that cannot be; nothing is learned from them."""

    reason: str
    """One of ``core.reasons``."""
    message: str


ArmReading = Observed | NoData | Implausible


@dataclass(frozen=True, slots=True)
class Paired:
    """What two arms earned on the same requests, in one window.

    Sums over the requests of which the shadow has both rewards; missing is not here at all, and not zero.
    """

    trials: float
    """Requests n."""
    difference: float
    """Σ(y − y'), the first arm's reward less the second's."""
    squares: float
    """Σ(y − y')²."""


PairReading = Paired | NoData | Implausible


@dataclass(frozen=True, slots=True)
class Shadowed:
    """What the shadow scored in one window."""

    arms: Mapping[str, ArmReading]
    """What each arm's answers in the shadow earned."""
    pairs: Mapping[tuple[str, str], PairReading]
    """By the names of two arms in the order of the spec; a pair without an entry has no data."""


def pair_name(first: str, second: str) -> str:
    """A pair of arms as one word; no name of an arm has a slash."""
    return f"{first}/{second}"


@dataclass(frozen=True, slots=True)
class Window:
    """What the arms earned in (start, end], both points of the interval's grid."""

    start: float
    end: float
    arms: Mapping[str, ArmReading]
    guards: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    """What the guards' queries yielded at its end, by guard and arm; an arm without a value is left out."""
    shadow: Shadowed | None = None
    """What the shadow scored in it; None where there is no shadow."""
    samples_apart: float | None = None
    """Seconds from one sample of the rewards to the next, None while that is not known."""
    quiet: float = 0.0
    """Seconds before its start without any reward, as while scrapes failed: it has those of then, too."""


Reading = Window | SourceDown | NothingDue


@dataclass(frozen=True, slots=True)
class ArmFacts:
    """What the cluster says of one arm now; None is "not known"."""

    weight: int
    """Weight that the route carries; 0 where its backend is not in the rule."""
    available: bool | None = None
    """Whether its scale target has an available replica."""
    replicas: int | None = None
    """Replicas asked for by the scale target."""
    template: str | None = None
    """Identifies the Pod template: a change means that another model is served."""
    requests: float | None = None
    """Requests that reached it in the newest window, where a counter for that is known."""
    ready_endpoints: int | None = None
    """Endpoints of its Service that are ready at the route's port; None for other kinds of backend."""
    in_rule: bool = True
    """Whether its backend is in the route's rule."""
    exists: bool = True
    """Whether its backend and its scale target exist."""
    resolved: bool | None = None
    """Whether the gateway resolves its backend at the route's present generation."""
    used_elsewhere: str | None = None
    """Who else gives traffic to its Pods or its Service: another route, rule or resource."""
    identity: str | None = None
    """Digest of backend, scale target and label: a change means that this is another arm."""
    updating: bool = False
    """Whether its scale target still has Pods of another template than its own."""
    unread: bool = False
    """Whether the API server did not show what tells that it can serve: its Service, endpoints or scale."""
    was_arm: bool = False
    """Whether it is new in the spec, and its backend is that of an arm which was taken out of it."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything that one decision is made from, besides the memory."""

    now: float
    reading: Reading
    """The newest window, or why there is none."""
    arms: Mapping[str, ArmFacts]
    route_generation: int
    route_accepted: bool
    """Whether the gateways have accepted the route at that generation."""
    route_programmed: bool = True
    """Whether none of them is known not to carry what it has accepted."""
    unresolved: str | None = None
    """The gateway's words where it cannot resolve some backend, and does not say which arm's."""
    contested: bool = False
    """Whether another writer keeps setting other weights."""
    sessions_persist: bool = False
    """Whether the gateway keeps each client with its arm, whatever the weights say."""
    restore: str | None = None
    """The arm that somebody asks to bring back now, though a verdict has taken it out."""

    @property
    def route_in_force(self) -> bool:
        """Whether requests go by the route as it is, as far as the gateways say."""
        return self.route_accepted and self.route_programmed

    @property
    def verdicts_suspended(self) -> bool:
        """Whether weights go by what was decided before: no verdict falls then, no loser is tried again."""
        return isinstance(self.reading, NothingDue) and self.reading.reason in VERDICTS_SUSPENDED


# ---- decisions: what follows ----------------------------------------------------------


class ArmState(StrEnum):
    """Where an arm stands between serving and rolled back."""

    ACTIVE = "Active"
    """It serves and its weight follows the strategy."""
    SHADOWING = "Shadowing"
    """It is new or back, and answers copies only: no weight until the shadow shows it to be no worse."""
    JOINING = "Joining"
    """It is new or back: a small weight until it has enough trials."""
    UNAVAILABLE = "Unavailable"
    """It cannot serve now; no weight, its evidence stays."""
    DRAINING = "Draining"
    """It was found worse, or set out: weight 0, waiting for its last requests."""
    ROLLED_BACK = "RolledBack"
    """It was found worse, or set out, and is out."""
    RESTORING = "Restoring"
    """It is being scaled up again; no weight before it can serve."""


SERVING_STATES = frozenset({ArmState.ACTIVE, ArmState.JOINING})
"""States in which an arm may carry weight."""
OUT_STATES = frozenset({ArmState.DRAINING, ArmState.ROLLED_BACK, ArmState.RESTORING})
"""States of an arm that a verdict or the user has taken out and that has not come back."""
DOWN_STATES = frozenset({ArmState.DRAINING, ArmState.ROLLED_BACK})
"""Those of them in which it is not on its way back."""


@dataclass(frozen=True, slots=True)
class ArmStanding:
    """What must be remembered of an arm's state from tick to tick."""

    state: ArmState
    since: float
    """When it entered the state."""
    reason: str
    template: str | None = None
    """Pod template that its evidence is about."""
    previous_replicas: int | None = None
    """What to scale back to; None where it was not scaled down."""
    quiet_since: float | None = None
    """Since when a gateway has accepted weight 0 for it, while it drains."""
    identity: str | None = None
    """Backend, scale target and label that its evidence is about."""
    up_since: float | None = None
    """Since when it can serve again, while it is Unavailable."""
    outages: int = 0
    """How often it could not serve in the present trouble."""
    idle_since: float | None = None
    """Since when it carries no weight; None while it carries some."""
    carried: float = 0.0
    """Largest share of the arms' traffic that it has carried since it began to serve."""
    rollbacks: int = 0
    """How often it was found worse since it is what it is."""
    set_out: bool = False
    """Whether it is out because the user wants so; no time and no other Pod template brings it back."""
    beyond: Mapping[str, int] = field(default_factory=dict)
    """For how many windows running its guards have been beyond their bounds, by guard; none that is 0."""
    baseline_until: float | None = None
    """When another arm became the baseline in its place; None where it never was."""
    mixed: bool = False
    """Whether Pods of another template still serve beside those that its evidence is about."""
    gained_at: float | None = None
    """When its share grew last, so that labels of before are for a smaller one; None where it never did."""
    last_share: float | None = None
    """Share that the strategy gave it last, also while it cannot serve; None once others have set it."""
