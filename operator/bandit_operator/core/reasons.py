"""Every reason that a decision, an arm's state, a condition or an event can carry.

One constant each, so that status, events, logs and metrics use the same word, and a reader
of any of them finds here what it means.
"""

from __future__ import annotations

from typing import Final

# ---- decisions that leave the weights alone -------------------------------------------

FIRST_WINDOW: Final = "FirstWindow"
"""The resource is new: the cursor was set, rewards count from here on."""
TIMEOUT: Final = "Timeout"
"""The reward source gave no answer in time; nothing is known, so nothing moves."""
UNREACHABLE: Final = "Unreachable"
"""The reward source cannot be reached."""
BAD_ANSWER: Final = "BadAnswer"
"""The reward source refused the query, or its answer cannot be read."""
PARTIAL_ANSWER: Final = "PartialAnswer"
"""The reward source says that it has reached a part of the data only, so that its sums are too small."""
NO_ADDRESS: Final = "NoAddress"
"""Neither the resource nor the operator names a reward source."""
ADDRESS_NOT_ALLOWED: Final = "AddressNotAllowed"
"""The resource names a reward source that whoever installed the operator has not allowed."""
CLOCK_SET: Final = "ClockSet"
"""The machine's clock was set; windows are named by it, so they are read once it is trusted again."""
NO_DATA: Final = "NoData"
"""The reward source answered, and had no number for an arm that should have some."""
IMPOSSIBLE_NUMBER: Final = "ImpossibleNumber"
"""A count is negative or infinite, sums contradict each other, or a mean lies outside of what a reward can
be; or numbers could not be in a window just before."""
REWARDS_ABOVE_TRIALS: Final = "RewardsAboveTrials"
"""More rewards than trials, of rewards in [0, 1]."""
TOO_MANY_TRIALS: Final = "TooManyTrials"
"""More trials a second than reward.maxTrialsPerSecond allows."""
TRIALS_JUMPED: Final = "TrialsJumped"
"""A window holds many times the trials that windows usually hold."""
COUNTER_NOT_STEADY: Final = "CounterNotSteady"
"""A counter goes down and up again, or is reset in window after window: several processes behind one
address?"""
SCRAPED_TWICE: Final = "ScrapedTwice"
"""Several jobs or Prometheus servers scrape the same counter, so that each reward counts more than once."""
NO_REWARDS: Final = "NoRewards"
"""The counters are there and none of them moved."""
ROUTE_NOT_ACCEPTED: Final = "RouteNotAccepted"
"""No gateway has accepted the route at its present generation."""
GATEWAY_NOT_PROGRAMMED: Final = "GatewayNotProgrammed"
"""A gateway of the route does not carry what it has accepted, or is not there."""
NO_ARM_AVAILABLE: Final = "NoArmAvailable"
"""No arm can serve; taking weight from one would help nobody."""
SESSION_PERSISTENCE: Final = "SessionPersistence"
"""The rule keeps each client with its arm, so that arms are not compared on the same clients."""
NO_SHARE: Final = "NoShare"
"""Backends that are no arm have all of the rule's weight, or in mode Observe nobody has any, so there is none
to share among the arms."""
BELOW_MIN_CHANGE: Final = "BelowMinChange"
"""The strategy's shares are within guardrails.minChange of the weights."""
BETWEEN_TICKS: Final = "BetweenTicks"
"""Something was watched to change and no window is due yet."""
OBSERVE_ONLY: Final = "ObserveOnly"
"""spec.mode is Observe: the decision is reported and not acted on."""
PAUSED: Final = "Paused"
"""spec.mode is Paused: no rewards are read, nothing is decided, and route and replicas are left alone."""

# ---- decisions that move traffic ------------------------------------------------------

WARMING_UP: Final = "WarmingUp"
"""An arm below guardrails.minTrials is given the traffic it needs to be judged."""
WEIGHTS_MOVED: Final = "WeightsMoved"
"""The strategy's shares, inside the guardrails, became the weights."""
ROLLED_BACK: Final = "RolledBack"
"""The verdict is in: an arm is worse than the baseline and loses its traffic."""
AVAILABILITY_CHANGED: Final = "AvailabilityChanged"
"""An arm can no longer serve, or can again, and the weights follow."""

MAX_DURATION_REACHED: Final = "MaxDurationReached"
"""spec.maxDuration is over: the weights stay as they are, but for arms that are taken out."""
PINNED: Final = "Pinned"
"""spec.pin names an arm: it has all of the traffic while it can serve."""
RESUMED: Final = "Resumed"
"""spec.mode is Active again."""
UNPINNED: Final = "Unpinned"
"""spec.pin was removed: the strategy goes on from there, inside the guardrails."""

# ---- states of an arm -----------------------------------------------------------------

SERVING: Final = "Serving"
"""The arm serves its share."""
NEW_ARM: Final = "NewArm"
"""The arm was added to a running resource."""
NEW_POD_TEMPLATE: Final = "NewPodTemplate"
"""The arm's Pods run something else now: its evidence starts again."""
SHOWN_NO_WORSE: Final = "ShownNoWorse"
"""The shadow has shown the arm to earn no less than the baseline, but for shadow.margin: it joins."""
ROLLING_UPDATE: Final = "RollingUpdate"
"""The arm's Pods are being replaced: what old and new ones earn together is not learned."""
RETRY: Final = "Retry"
"""rollback.retryAfter has passed: the arm is tried again."""
NEW_BACKEND: Final = "NewBackend"
"""The arm's backend, scale target, name or label is another one: its evidence starts again."""
NO_AVAILABLE_REPLICA: Final = "NoAvailableReplica"
"""No replica of the arm's scale target is available."""
NO_READY_ENDPOINT: Final = "NoReadyEndpoint"
"""The arm's Service has no ready endpoint at the route's port; or a backend with weight that is no arm has
none.
"""
NO_REPLICAS: Final = "NoReplicas"
"""The arm's scale target asks for no replicas, and the operator did not scale it down."""
BACKEND_NOT_IN_RULE: Final = "BackendNotInRule"
"""The arm's backend is not in the route's rule."""
BACKEND_UNRESOLVED: Final = "BackendUnresolved"
"""The gateway cannot resolve the arm's backend, or some backend of the route."""
GUARD_TRIPPED: Final = "GuardTripped"
"""One of spec.guards says that the arm is unwell; it comes back by itself after a while."""
STAYING_UP: Final = "StayingUp"
"""The arm can serve again, and after several outages must stay up for a while first."""
NO_OTHER_ARM: Final = "NoOtherArm"
"""No other arm can serve, so one that was taken out serves again."""
BASELINE: Final = "Baseline"
"""The arm was made the baseline while it was out, and is brought back."""
BASELINE_CHANGED: Final = "BaselineChanged"
"""Another arm is the baseline; the one before is not rolled back for an hour."""
SET_OUT: Final = "SetOut"
"""spec.arms[].state of the arm is Out: it is drained in the usual order."""
SET_IN: Final = "SetIn"
"""spec.arms[].state of the arm is In again: it is brought back."""
RESTORE_REQUESTED: Final = "RestoreRequested"
"""Somebody asked to bring back the arm that a verdict had taken out."""
FOUND_AT_ZERO: Final = "FoundAtZero"
"""The arm is new, or the resource is, and it was found without Pods, which are brought back."""
WORSE_THAN_BASELINE: Final = "WorseThanBaseline"
"""The e-value that the baseline is better has crossed the threshold."""
WAITING_FOR_ROUTE: Final = "WaitingForRoute"
"""The arm drains: the gateway has yet to accept weight 0."""
WAITING_FOR_REQUESTS: Final = "WaitingForRequests"
"""The arm drains: requests still reach it, or the drain time runs."""
REQUESTS_UNKNOWN: Final = "RequestsUnknown"
"""The arm drains, and rollback.requests has no series for it: whether requests go on cannot be known."""
SCALING_TO_ZERO: Final = "ScalingToZero"
"""The arm has drained and its Pods are being taken down."""
SCALED_TO_ZERO: Final = "ScaledToZero"
"""The arm has drained and has no Pods."""
DRAINED: Final = "Drained"
"""The arm has drained and keeps its Pods."""
PODS_IN_USE: Final = "PodsInUse"
"""The arm has drained and keeps its Pods, because another route, rule or resource uses them."""
PODS_KEPT: Final = "PodsKept"
"""The arm is out and has its Pods, because another writer keeps giving it weight."""
SCALED_BY_OTHERS: Final = "ScaledByOthers"
"""The arm is out, and something else has given it Pods again."""

# ---- conditions -----------------------------------------------------------------------

ACCEPTED: Final = "Accepted"
"""The spec can be run."""
INVALID_SPEC: Final = "InvalidSpec"
"""The spec passed the API server and cannot be run; the message names field, value, fix."""
ROUTE_NOT_FOUND: Final = "RouteNotFound"
"""spec.traffic.routeRef names no route, or the one of spec.traffic.routeTemplate is not there now."""
ROUTE_NOT_OURS: Final = "RouteNotOurs"
"""There is a route of the name that spec.traffic.routeTemplate has, and the operator did not make it."""
TEMPLATE_NOT_KEPT: Final = "TemplateNotKept"
"""The API server drops or changes a part of what spec.traffic.routeTemplate says."""
RULE_NOT_FOUND: Final = "RuleNotFound"
"""No rule of the route carries all arms, or none has the sectionName."""
RULE_AMBIGUOUS: Final = "RuleAmbiguous"
"""Several rules carry all arms and sectionName does not choose one."""
BACKEND_NOT_FOUND: Final = "BackendNotFound"
"""An arm's backendRef is not in the rule, or there twice, or its Service does not exist."""
RULE_CONFLICT: Final = "RuleConflict"
"""An older BanditDeployment already moves the weights of this rule."""
LEFT_BEHIND: Final = "LeftBehind"
"""An edit of the spec leaves something as it was: a former route that still sends requests to arms, or Pods
that the operator had taken down.
"""
STATUS_NOT_KEPT: Final = "StatusNotKept"
"""The API server drops part of the status: the definition that is installed is older than the operator."""
BACKEND_REFUSED: Final = "BackendRefused"
"""The API server does not show an arm's Service or its endpoints: whether it can serve is not known."""
SCALE_TARGET_REFUSED: Final = "ScaleTargetRefused"
"""The operator may not read or set the scale of an arm's scaleTargetRef."""
SCALE_TARGET_MISMATCH: Final = "ScaleTargetMismatch"
"""An arm's Service sends requests to the Pods of something else than its scale target."""
SHARED_PODS: Final = "SharedPods"
"""Services of two arms with Pods of their own reach the same ones: weights do not choose who answers."""
SCALE_TARGET_NOT_FOUND: Final = "ScaleTargetNotFound"
"""An arm's scaleTargetRef names nothing."""
REWARDS_OBSERVED: Final = "RewardsObserved"
"""The reward source has fresh numbers."""
INTERVAL_TOO_SHORT: Final = "IntervalTooShort"
"""Rewards come, and spec.interval is shorter than the time between two samples: decisions come in bursts."""
DELAY_PROFILE_SUSPECT: Final = "DelayProfileSuspect"
"""Labels come earlier or later than spec.reward.delay says; evidence would be biased by it."""
REWARDS_CHANGED: Final = "RewardsChanged"
"""The rewards are no longer what they were; the message says whose, and how."""
WAITING: Final = "Waiting"
"""Nothing has been read yet."""
IN_SYNC: Final = "InSync"
"""The route carries the intended weights and a gateway has accepted them."""
WEIGHTS_CONTESTED: Final = "WeightsContested"
"""Someone else keeps changing the weights; they are put back at growing distances."""
WRITE_REFUSED: Final = "WriteRefused"
"""The API server refused a write; the message has its words."""
PINNED_ARM_CANNOT_SERVE: Final = "PinnedArmCannotServe"
"""The arm that spec.pin names cannot serve; others that can have the traffic meanwhile."""
BASELINE_UNAVAILABLE: Final = "BaselineUnavailable"
"""The baseline cannot serve: with nothing to compare it with, an arm that is worse may keep its share."""
NOT_FOLLOWED: Final = "TrafficNotFollowing"
"""Requests are shared out otherwise than the weights say."""
OTHER_OPERATOR: Final = "OtherOperator"
"""Another installation of the operator works on the same resource."""
DELETING: Final = "Deleting"
"""The resource is being deleted and waits for another's finalizer; nobody looks at its arms any more."""
INTERNAL_ERROR: Final = "InternalError"
"""The operator failed unexpectedly: a fault of its own. Nothing was changed."""
NO_SHADOW_DATA: Final = "NoShadowData"
"""The shadow's counters have no series of an arm, or have not moved for longer than reward.staleAfter."""
SHADOW_IMPLAUSIBLE: Final = "ShadowImplausible"
"""The shadow's counters have numbers that cannot be; nothing is learned from them."""
SHADOW_CONTRADICTED: Final = "ShadowContradicted"
"""An arm earns otherwise where it serves than in the shadow; verdicts rest on served answers alone."""
MIRROR_REFUSED: Final = "MirrorRefused"
"""A gateway, the API server or another writer does not let the mirror stand, and it was taken out again."""
MIRROR_SHARED: Final = "MirrorShared"
"""An older BanditDeployment mirrors to the same Service; copies of two routes would be mixed."""
MIRROR_UNSUPPORTED: Final = "MirrorUnsupported"
"""The route's gateways do not say that they can mirror, or the Gateway API that is installed cannot."""
PROGRESS_DEADLINE_EXCEEDED: Final = "ProgressDeadlineExceeded"
"""An arm has been on its way back for ten minutes, and none of its Pods can serve."""
EXPLORING: Final = "Exploring"
"""No arm is proven best yet."""
PROMOTED: Final = "Promoted"
"""One arm is proven better than all others."""
NO_MATERIAL_DIFFERENCE: Final = "NoMaterialDifference"
"""The arms are proven to lie within promotion.indifference of each other."""
EVIDENCE_RESET: Final = "EvidenceReset"
"""Evidence was dropped, or rewards were too old to count; the message says which and why."""
CAUGHT_UP: Final = "CaughtUp"
"""A window that was missed has been read and learned from; the newest one decides."""

# ---- kinds of reasons -----------------------------------------------------------------

NOTHING_DUE: Final = frozenset({BETWEEN_TICKS, FIRST_WINDOW})
"""Nothing is held up: no window is due."""
RULE_NOT_IDENTIFIED: Final = frozenset({BACKEND_NOT_FOUND, RULE_AMBIGUOUS, RULE_NOT_FOUND})
"""Reasons why the spec no longer identifies one rule of the route.

Until it does, no rewards are read, and the last identified rule keeps its weights.
"""
VERDICTS_SUSPENDED: Final = RULE_NOT_IDENTIFIED | {INVALID_SPEC, STATUS_NOT_KEPT}
"""Why the weights go by what was decided before: no verdict falls meanwhile, no loser is tried again."""
HELD_BY_THE_CLUSTER: Final = (
    frozenset({BACKEND_UNRESOLVED, NO_ARM_AVAILABLE, NO_SHARE, ROUTE_NOT_ACCEPTED, SESSION_PERSISTENCE})
    | VERDICTS_SUSPENDED
)
"""Holds that end as soon as the cluster shows something else, without a window of rewards."""
IMPLAUSIBLE: Final = frozenset(
    {
        COUNTER_NOT_STEADY,
        IMPOSSIBLE_NUMBER,
        REWARDS_ABOVE_TRIALS,
        SCRAPED_TWICE,
        TOO_MANY_TRIALS,
        TRIALS_JUMPED,
    }
)
"""Why an arm's numbers are not believed."""
SOURCE_FAULTS: Final = frozenset(
    {ADDRESS_NOT_ALLOWED, BAD_ANSWER, CLOCK_SET, NO_ADDRESS, PARTIAL_ANSWER, TIMEOUT, UNREACHABLE}
)
"""Why there is no answer from the reward source."""
