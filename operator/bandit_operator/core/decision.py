"""What one tick starts from, and what it comes to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeVar

from bandit_operator.core.evaluate import Known
from bandit_operator.core.inference.changes import Change, ChangeKind
from bandit_operator.core.last_shares import forgotten
from bandit_operator.core.memory import Memory
from bandit_operator.core.model import WEIGHT_TOTAL, ArmStanding, ArmState
from bandit_operator.core.outcomes import Outcome, Scaled
from bandit_operator.core.shadow_report import ShadowReport

Kind = TypeVar("Kind", bound=Outcome)
_ABSENT = (ArmState.UNAVAILABLE, ArmState.RESTORING, ArmState.SHADOWING)
"""States of arms with which a winner is not compared, though no verdict is against them."""


@dataclass(frozen=True, slots=True)
class Intention:
    """What was decided before: the arms' standings and the weights the route should carry.

    ``weights`` are integers in units of ``total``; both come from the last committed status,
    or from the route itself for a resource that has none yet.
    """

    standings: Mapping[str, ArmStanding]
    weights: Mapping[str, int]
    total: int = WEIGHT_TOTAL
    announced: str | None = None
    """The arm that was named as the winner last, if one was."""
    no_material_difference: bool = False
    """Whether it was announced that the best arms do not differ."""
    change: tuple[ChangeKind, str | None] | None = None
    """The change in the rewards that was announced last: its kind and its arm."""
    pinned: str | None = None
    """The arm that had all of the traffic by the user's wish."""
    baseline: str | None = None
    """The arm that the others were compared with; None before the first decision."""

    def shares(self) -> dict[str, float]:
        """Share of the arms' traffic that each arm has; 0 for all where no arm has weight."""
        total = sum(self.weights.values())
        return {arm: weight / total if total else 0.0 for arm, weight in self.weights.items()}

    def without_weights(self) -> Intention:
        """The intention that gives the weights up: whoever sets them sets where it goes on from."""
        unwatched = self.unwatched()
        return replace(unwatched, weights={}, standings=forgotten(unwatched.standings))

    def without_findings(self) -> Intention:
        """The intention without what was found of evidence that is gone."""
        return replace(self, announced=None, no_material_difference=False, change=None)

    def unwatched(self) -> Intention:
        """The intention while nobody looks at the route: whether an arm that drains is quiet is not known."""
        quiet = {arm: one for arm, one in self.standings.items() if one.quiet_since is not None}
        anew = {arm: replace(one, quiet_since=None) for arm, one in quiet.items()}
        return replace(self, standings={**self.standings, **anew}) if anew else self


@dataclass(frozen=True, slots=True)
class ArmReport:
    """One arm's line in the status."""

    trials: float
    rewards: float
    mean: float | None
    interval: tuple[float, float] | None
    """Central 95 % interval of the mean reward."""
    probability_best: float | None
    evidence: float | None
    """e-value that the baseline is better; None for the baseline itself."""
    shadow: ShadowReport | None = None
    """What the shadow has shown of it; None where there is no shadow."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What one tick comes to, doing nothing included."""

    weights: Mapping[str, int]
    """Intended weight of every arm; equal to the route's where nothing shall change."""
    standings: Mapping[str, ArmStanding]
    outcomes: tuple[Outcome, ...]
    """What happened, in the order in which it was decided; empty where nothing did."""
    reports: Mapping[str, ArmReport]
    memory: Memory
    reason: str
    """One of ``bandit_operator.core.reasons``."""
    message: str
    threshold: float
    """e-value at which an arm is rolled back."""
    total: int = WEIGHT_TOTAL
    """What the weights add up to."""
    promoted: str | None = None
    """The arm proven better than all others, if one is."""
    announced: str | None = None
    """The arm that was named as the winner last; it stays while evidence dips below the bar."""
    no_material_difference: bool = False
    """Whether the arms are proven to lie within the indifference."""
    delay_profile_suspect: bool = False
    """Whether the rewards contradict the delay of labels that the user gave."""
    scores_trust: float | None = None
    """Weight that validation scores have beside rewards, in [0, 1]; None where they are not used."""
    change: Change | None = None
    """What changed lately in the rewards, if anything did."""
    shadow_contradicted: str | None = None
    """The arm whose served rewards and those in the shadow differ beyond chance, if one's do: no verdict
    rests on the shadow then.
    """
    pinned: str | None = None
    """The arm that the user has pinned."""
    baseline: str | None = None
    """The arm that the others are compared with."""
    samples_apart: float | None = None
    """Seconds from one sample of the rewards to the next; None where no window says so."""
    known: Known | None = field(default=None, compare=False, repr=False)
    """What the next decision need not find again."""

    @property
    def win(self) -> str:
        """That an arm is proven best, in words: of those that could be compared. Empty where none is."""
        if self.promoted is None:
            return ""
        absent = [arm for arm, standing in self.standings.items() if standing.state in _ABSENT]
        said = f"{self.promoted} is proven better than all other arms"
        return f"{said} but {', '.join(absent)}, of which nothing is known now" if absent else said

    @property
    def scales(self) -> tuple[Scaled, ...]:
        """Replicas to set."""
        return tuple(self.of(Scaled))

    @property
    def intention(self) -> Intention:
        """What the next decision starts from."""
        return Intention(
            standings=self.standings,
            weights=self.weights,
            total=self.total,
            announced=self.announced,
            no_material_difference=self.no_material_difference,
            change=None if self.change is None else (self.change.kind, self.change.arm),
            pinned=self.pinned,
            baseline=self.baseline,
        )

    def of(self, kind: type[Kind]) -> Iterator[Kind]:
        """The outcomes of one kind."""
        return (outcome for outcome in self.outcomes if isinstance(outcome, kind))
