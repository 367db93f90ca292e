"""The status of a BanditDeployment: what the operator reports, and what it must remember.

Decimals are strings, so that no reader rounds them; a number that is not known is left out.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import Field

from bandit_operator.api.acts import Act, TakenOut
from bandit_operator.api.fields import ATOMIC_LIST, ATOMIC_MAP, ApiModel, ListMap, Text, Time
from bandit_operator.core.model import ArmState

MAX_HISTORY = 30
"""Most decisions that the status keeps; older ones are in the operator's log."""
KEPT_HISTORY = 20
"""The newest decisions that stay whenever older ones go, which they do ten at a time."""

MAX_ACTS = 40
"""Most acts that the status keeps."""


class ConditionType(StrEnum):
    """The conditions that the operator keeps."""

    ACCEPTED = "Accepted"
    """The spec can run: the route, its rule and all backends are there, and no one else has them."""
    METRICS_AVAILABLE = "MetricsAvailable"
    """Prometheus answers, and with rewards of every serving arm."""
    TRAFFIC_IN_SYNC = "TrafficInSync"
    """The route carries the intended weights, and traffic follows them."""
    PROGRESSING = "Progressing"
    """Something is under way: evidence being gathered, an arm draining or returning."""
    DECIDED = "Decided"
    """A verdict stands: who is best, or that the best do not differ; or spec.maxDuration is over."""
    READY = "Ready"
    """All of the above that matter to users hold: traffic is where the operator wants it."""


class Phase(StrEnum):
    """The state of the whole in one word."""

    REJECTED = "Rejected"
    """The spec cannot run; condition Accepted says why."""
    PENDING = "Pending"
    """Accepted, and no window of rewards has been read yet."""
    LEARNING = "Learning"
    """Weights follow the evidence."""
    HOLDING = "Holding"
    """Weights are held; condition Ready says why."""
    ROLLING_BACK = "RollingBack"
    """A loser is being drained."""
    DECIDED = "Decided"
    """A winner is proven, or that the arms do not differ materially."""
    OBSERVING = "Observing"
    """Mode Observe: decisions are made and reported only."""
    PAUSED = "Paused"
    """Mode Paused."""
    PINNED = "Pinned"
    """spec.pin names the arm for all of the traffic."""


class Condition(ApiModel):
    """One aspect of the state, as the Kubernetes API conventions define it."""

    type: Annotated[str, Field(min_length=1, max_length=316)]
    """Accepted, MetricsAvailable, TrafficInSync, Progressing, Decided or Ready."""
    status: Literal["True", "False", "Unknown"]
    """Whether it holds."""
    observed_generation: int | None = None
    """Generation of the spec that this is about."""
    last_transition_time: Time
    """When the status changed last."""
    reason: Annotated[str, Field(min_length=1, max_length=1024)]
    """Why, in one CamelCase word."""
    message: Text
    """Why, for people: what is wrong, where, and what to do."""


class MeanInterval(ApiModel):
    """Central 95 % interval of a mean reward."""

    lower: Annotated[str, Field(max_length=32)]
    """Lower end."""
    upper: Annotated[str, Field(max_length=32)]
    """Upper end."""


class ArmStatus(ApiModel):
    """What is known of one arm."""

    name: Annotated[str, Field(max_length=63)]
    """Name of the arm."""
    state: ArmState | None = None
    """Active: it serves. Joining: it is new or back, with a small share. Unavailable: it cannot
    serve now. Draining: it was found worse and gets no new requests. RolledBack: it is out.
    Restoring: it is being scaled up again.
    """
    since: Time | None = None
    """When it entered the state."""
    reason: Annotated[str | None, Field(max_length=1024)] = None
    """Why it is in the state, in one CamelCase word."""
    weight: Annotated[int | None, Field(ge=0, le=1_000_000)] = None
    """Weight that it is meant to have in the route; those of all arms add up to 10000."""
    realised_share: Annotated[str | None, Field(max_length=32)] = None
    """Share of the requests that really reached it in the newest window."""
    trials: Annotated[str | None, Field(max_length=32)] = None
    """Rewarded requests that its evidence stands on."""
    rewards: Annotated[str | None, Field(max_length=32)] = None
    """Sum of their rewards."""
    mean: Annotated[str | None, Field(max_length=32)] = None
    """Mean reward; for Ratio the sum of rewards divided by the sum of denominators."""
    interval: MeanInterval | None = None
    """Central 95 % interval of the mean reward."""
    probability_best: Annotated[str | None, Field(max_length=32)] = None
    """Probability that its mean reward is the highest of all arms."""
    evidence: Annotated[str | None, Field(max_length=32)] = None
    """e-value of the claim that it is worse than the baseline: the higher, the surer. Once it
    reaches threshold the arm is rolled back. The baseline has none.
    """
    threshold: Annotated[str | None, Field(max_length=32)] = None
    """Evidence at which the arm is rolled back: (arms - 1) / rollback.errorRate."""
    template: Annotated[str | None, Field(max_length=253)] = None
    """Identifies the Pod template that its evidence is about; another one starts it afresh."""
    previous_replicas: Annotated[int | None, Field(ge=0)] = None
    """Replicas to come back to, while it is scaled to zero."""
    quiet_since: Time | None = None
    """Since when a gateway has accepted weight 0 for it, while it drains."""
    taken_out: TakenOut | None = None
    """Why, when and on what figures it was taken out last, by a verdict or by hand."""
    identity: Annotated[str | None, Field(max_length=253)] = None
    """Identifies the backend, scale target and label that its evidence is about."""
    up_since: Time | None = None
    """Since when it can serve again, while it is Unavailable."""
    outages: Annotated[int | None, Field(ge=0)] = None
    """How often it could not serve in the present trouble."""
    beyond: dict[str, Annotated[int, Field(ge=0, le=100)]] | None = None
    """For how many windows running its guards have been beyond their bounds, by guard."""
    idle_since: Time | None = None
    """Since when it carries no weight."""
    carried: Annotated[str | None, Field(max_length=32)] = None
    """Largest share of the arms' traffic that it has carried since it began to serve: it may go up to
    there at once.
    """
    rollbacks: Annotated[int | None, Field(ge=0, le=1_000_000)] = None
    """How often it was found worse: each time it waits longer until it is tried again."""
    set_out: bool | None = None
    """True while it is out because its state in the spec is Out."""
    baseline_until: Time | None = None
    """When another arm became the baseline in its place; no verdict takes it out for an hour after that."""
    mixed: bool | None = None
    """True while Pods of another template serve beside its own: what is counted meanwhile is not learned."""


class WindowStatus(ApiModel):
    """A span of time whose rewards were read, without its start, with its end."""

    start: Time
    """Where it starts."""
    end: Time
    """Where it ends: a point of the interval's grid."""


class Observation(ApiModel):
    """What one arm earned in one window."""

    trials: Annotated[str, Field(max_length=32)]
    """Rewarded requests."""
    rewards: Annotated[str, Field(max_length=32)]
    """Sum of their rewards."""
    squares: Annotated[str | None, Field(max_length=32)] = None
    """Sum of their squared rewards, for Gaussian and Ratio."""
    denominators: Annotated[str | None, Field(max_length=32)] = None
    """Sum of their denominators, for Ratio."""
    denominator_squares: Annotated[str | None, Field(max_length=32)] = None
    """Sum of their squared denominators, for Ratio."""
    cross_products: Annotated[str | None, Field(max_length=32)] = None
    """Sum of reward times denominator, for Ratio."""


class ImplausibleNumbers(ApiModel):
    """Why the source's numbers of one arm were not believed."""

    reason: Annotated[str, Field(max_length=1024)]
    """Why, in one CamelCase word."""
    message: Text
    """Why, for people, with the numbers."""


class SeenArm(ApiModel):
    """What the cluster said of one arm when a decision was made; what was not known is left out."""

    weight: int
    """Weight in the route."""
    available: bool | None = None
    """Whether it could serve."""
    replicas: int | None = None
    """Replicas asked for."""
    template: Annotated[str | None, Field(max_length=253)] = None
    """Its Pod template."""
    requests: Annotated[str | None, Field(max_length=32)] = None
    """Requests that reached it in the window, while it drains."""
    ready_endpoints: int | None = None
    """Ready endpoints of its Service; of more than one it says 1."""
    in_rule: bool | None = None
    """False where its backend was not in the rule."""
    exists: bool | None = None
    """False where its backend or scale target did not exist."""
    resolved: bool | None = None
    """Whether the gateway resolved its backend."""
    used_elsewhere: Annotated[str | None, Field(max_length=1024)] = None
    """Who else gave traffic to its Pods, while it drains or is out."""
    identity: Annotated[str | None, Field(max_length=253)] = None
    """Its backend, scale target and label."""
    updating: bool | None = None
    """True where its scale target had Pods of another template, too."""


class Seen(ApiModel):
    """What the cluster said when a decision was made that changed something."""

    generation: int
    """Generation of the route."""
    accepted: bool
    """Whether a gateway had accepted it."""
    total: int = 10_000
    """What the arms' weights were to add up to."""
    arms: dict[str, SeenArm]
    """The arms."""
    unresolved: Annotated[str | None, Field(max_length=1024)] = None
    """The gateway's words where it could not resolve some backend."""
    contested: bool | None = None
    """True where another writer kept setting other weights."""
    restore: Annotated[str | None, Field(max_length=63)] = None
    """Arm that somebody asked to bring back."""


class DecisionRecord(ApiModel):
    """One decision, with what is needed to make it again."""

    time: Time
    """When it was made."""
    window: WindowStatus | None = None
    """Window of rewards that it is based on."""
    generation: int | None = None
    """Generation of the spec that it is based on."""
    seen: Seen | None = None
    """What else it is based on; left out where it is as in the record before."""
    observations: dict[str, Observation] | None = None
    """What each arm earned in the window; an arm without data is left out."""
    missing: dict[str, Annotated[str, Field(max_length=1024)]] | None = None
    """Why arms have no data in the window."""
    guards: dict[str, dict[str, Annotated[str, Field(max_length=32)]]] | None = None
    """What the guards measured at the window's end, by guard and arm."""
    implausible: dict[str, ImplausibleNumbers] | None = None
    """Arms whose numbers the source itself found not to be believed."""
    weights: dict[str, int] | None = None
    """Weight of each arm that it came to."""
    actions: list[Text] | None = None
    """What was done besides, such as "scale boosting from 3 to 0"."""
    reason: Annotated[str, Field(max_length=1024)]
    """Why, in one CamelCase word."""
    message: Text
    """Why, for people."""


class DecisionCounts(ApiModel):
    """How often what was decided since the resource was made."""

    total: Annotated[int, Field(ge=0)] = 0
    """Windows decided on."""
    moves: Annotated[int, Field(ge=0)] = 0
    """Decisions that changed weights."""
    holds: Annotated[int, Field(ge=0)] = 0
    """Decisions that held weights, because a guard asked for it."""
    rollbacks: Annotated[int, Field(ge=0)] = 0
    """Arms rolled back."""
    restores: Annotated[int, Field(ge=0)] = 0
    """Arms brought back."""
    promotions: Annotated[int, Field(ge=0)] = 0
    """Winners proven."""


class Status(ApiModel):
    """What the operator reports, and what it must remember."""

    observed_generation: int | None = None
    """Generation of the spec that the rest is about."""
    phase: Phase | None = None
    """The state of the whole in one word: Rejected, Pending, Learning, Holding, RollingBack,
    Decided, Observing, Paused or Pinned.
    """
    leader: Annotated[str | None, Field(max_length=63)] = None
    """Arm that leads: the one most probably best."""
    scores_trust: Annotated[str | None, Field(max_length=16)] = None
    """How much the validation scores are still trusted beside the rewards seen, from 0 to 1; absent
    where the strategy does not weigh them.
    """
    leader_share: Annotated[str | None, Field(max_length=16)] = None
    """Share of the traffic that the leader is meant to have, such as 92.5%."""
    certainty: Annotated[str | None, Field(max_length=16)] = None
    """Probability that the leader is the best of the arms that serve, such as 97.3%."""
    evidence: Annotated[str | None, Field(max_length=128)] = None
    """The arm that is nearest to a rollback: its evidence, and that at which it is rolled back."""
    last_act: Time | None = None
    """When anything was done last."""
    winner: Annotated[str | None, Field(max_length=63)] = None
    """Arm that is proven better than all others, if one is."""
    conditions: Annotated[list[Condition], Field(max_length=16), ListMap("type")] | None = None
    """Accepted, MetricsAvailable, TrafficInSync, Progressing, Decided and Ready. Ready is true when
    traffic is where the operator wants it; Decided is what a pipeline may wait for.
    """
    arms: Annotated[list[ArmStatus], Field(max_length=64), ListMap("name")] | None = None
    """What is known of each arm."""
    change: Text | None = None
    """What changed lately in the rewards: one arm, all arms together, or who is best. Left out
    where nothing did.
    """
    window: WindowStatus | None = None
    """The newest window of rewards that was decided on."""
    decisions: DecisionCounts | None = None
    """How often what was decided."""
    foreign_weight_changes: Annotated[int | None, Field(ge=0)] = None
    """How often another writer changed the weights and the operator set them again."""
    history: Annotated[
        list[DecisionRecord] | None, Field(max_length=MAX_HISTORY, json_schema_extra=ATOMIC_LIST)
    ] = None
    """The newest decisions, newest first, the last 20 to 30; those that did nothing included."""
    acts: Annotated[list[Act] | None, Field(max_length=MAX_ACTS, json_schema_extra=ATOMIC_LIST)] = None
    """What was done, newest first, at most 40; decisions that did nothing are in the history alone."""
    route: Annotated[str | None, Field(max_length=253)] = None
    """Name of the route whose weights are moved: the one that is named, or the one that was made."""
    operator: Annotated[str | None, Field(max_length=512)] = None
    """Lease of the operator that wrote this, as NAMESPACE/NAME; all of its replicas share it."""
    mode: Annotated[str | None, Field(max_length=16)] = None
    """Mode that was in force at the last look."""
    pinned: Annotated[str | None, Field(max_length=63)] = None
    """Arm that was pinned at the last decision."""
    baseline: Annotated[str | None, Field(max_length=63)] = None
    """Arm that the others were compared with at the last decision."""
    restored: Annotated[str | None, Field(max_length=128)] = None
    """The newest request to bring an arm back that was obeyed, as ARM@TIME."""
    backends: Annotated[list[Text] | None, Field(max_length=64, json_schema_extra=ATOMIC_LIST)] = None
    """Backends of the rule that are arms or were, as KIND.GROUP/NAMESPACE/NAME."""
    cursor: Time | None = None
    """Rewards up to this point have been counted; the next window starts here."""
    rewards_until: Time | None = None
    """End of the newest window that held rewards."""
    memory: Annotated[dict[str, Any] | None, Field(json_schema_extra=ATOMIC_MAP)] = None
    """What the strategy and the verdicts must remember from one decision to the next. For the
    operator alone; its form changes between versions.
    """
    checkpoint: Annotated[dict[str, Any] | None, Field(json_schema_extra=ATOMIC_MAP)] = None
    """The memory from before the oldest decisions of the history, so that ``bandit-operator replay``
    can make them again. For the operator alone; its form changes between versions.
    """
