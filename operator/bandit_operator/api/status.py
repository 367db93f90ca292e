"""The status of a BanditDeployment: what the operator reports, and what it must remember.

Decimals are strings, so that no reader rounds them; a number that is not known is left out.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from bandit_operator.api.acts import Act, TakenOut
from bandit_operator.api.fields import ATOMIC_LIST, LONGEST_MESSAGE, ApiModel, ListMap, ShortText, Text, Time
from bandit_operator.core.model import ArmState

RECENT_ACTS = 3
"""Acts that are shown; the record keeps more."""
MAX_RECORD = 1_000_000
"""Most characters of a packed record."""


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
    SHADOW_AVAILABLE = "ShadowAvailable"
    """Copies are made, and their rewards come and can be believed; only where spec.shadow is."""
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
    """A winner is proven, or that the arms do not differ materially, or spec.maxDuration is over; condition
    Decided says which."""
    OBSERVING = "Observing"
    """Mode Observe: decisions are made and reported only."""
    PAUSED = "Paused"
    """Mode Paused."""
    PINNED = "Pinned"
    """spec.pin names the arm for all of the traffic."""


class Condition(ApiModel):
    """One aspect of the state, as the Kubernetes API conventions define it."""

    type: Annotated[str, Field(min_length=1, max_length=316)]
    """Accepted, MetricsAvailable, TrafficInSync, Progressing, Decided, ShadowAvailable or Ready."""
    status: Literal["True", "False", "Unknown"]
    """Whether it holds."""
    observed_generation: int | None = None
    """Generation of the spec that this is about."""
    last_transition_time: Time
    """When the status changed last."""
    reason: Annotated[str, Field(min_length=1, max_length=LONGEST_MESSAGE)]
    """Why, in one CamelCase word."""
    message: Text
    """Why, for people: what is wrong, where, and what to do."""


class MeanInterval(ApiModel):
    """Central 95 % interval of a mean reward."""

    lower: Annotated[str, Field(max_length=32)]
    """Lower end."""
    upper: Annotated[str, Field(max_length=32)]
    """Upper end."""


class ShadowArmStatus(ApiModel):
    """What the shadow has shown of one arm since its evidence began."""

    trials: Annotated[str, Field(max_length=32)]
    """Requests of which its answer in the shadow was rewarded."""
    mean: Annotated[str | None, Field(max_length=32)] = None
    """Mean of these rewards."""
    difference: Annotated[str | None, Field(max_length=32)] = None
    """Mean reward less the baseline's on the same requests. The baseline has none."""
    low: Annotated[str | None, Field(max_length=32)] = None
    """Lower end of the interval of the difference, which holds at all times together but for
    rollback.errorRate.
    """
    high: Annotated[str | None, Field(max_length=32)] = None
    """Upper end of the same interval."""
    evidence: Annotated[str | None, Field(max_length=32)] = None
    """e-value, of the shadow alone, of the claim that it is worse than the baseline, which has none."""
    shown_in: Annotated[str | None, Field(max_length=32)] = None
    """For an arm that is Shadowing: in about how long it will have been shown to be no worse, if it goes on
    like this. Left out where that is not to be expected.
    """


class ArmStatus(ApiModel):
    """What is known of one arm."""

    name: Annotated[str, Field(max_length=63)]
    """Name of the arm."""
    state: ArmState | None = None
    """Active: it serves. Shadowing: it is new or back, and answers copies alone. Joining: it is new or
    back, with a small share. Unavailable: it cannot serve now. Draining: it was found worse, or set
    out, and gets no new requests. RolledBack: it is out. Restoring: it is being scaled up again.
    """
    since: Time | None = None
    """When it entered the state."""
    reason: ShortText | None = None
    """Why it is in the state, in one CamelCase word."""
    weight: Annotated[int | None, Field(ge=0, le=1_000_000)] = None
    """Weight that it is meant to have in the route. Those of all arms add up to 10000, and to another sum
    where the rule has other backends, which keep their share."""
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
    shadow: ShadowArmStatus | None = None
    """What the shadow has shown of it; only with spec.shadow."""
    previous_replicas: Annotated[int | None, Field(ge=0)] = None
    """Replicas to come back to, while it is scaled to zero."""
    taken_out: TakenOut | None = None
    """Why, when and on what figures it was taken out last, by a verdict or by hand."""


class WindowStatus(ApiModel):
    """A span of time whose rewards were read, without its start, with its end."""

    start: Time
    """Where it starts."""
    end: Time
    """Where it ends: a point of the interval's grid."""


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
    looked_at: Time | None = None
    """When the operator looked at it, as of the last time that it wrote this: once a minute, or with each
    look where these are rarer. Where that is long ago nobody looks, and what is said here, Ready
    included, is as it was then.
    """
    winner: Annotated[str | None, Field(max_length=63)] = None
    """Arm that is proven better than all others, if one is."""
    conditions: Annotated[list[Condition], Field(max_length=16), ListMap("type")] | None = None
    """Accepted, MetricsAvailable, TrafficInSync, Progressing, Decided and Ready, and with spec.shadow
    ShadowAvailable. Ready is true when traffic is where the operator wants it; Decided is what a
    pipeline may wait for.
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
    recent_acts: Annotated[list[Act] | None, Field(max_length=RECENT_ACTS, json_schema_extra=ATOMIC_LIST)] = (
        None
    )
    """What was done last, newest first; ``kubectl bandit history`` shows more of it."""
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
    record: Annotated[str | None, Field(max_length=MAX_RECORD)] = None
    """What decisions rest on, packed: the memory, the newest decisions, and what was done. For the operator,
    ``kubectl bandit explain``, ``history`` and ``replay``; its form changes between versions.
    """
