"""What a fault is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar, Literal

from bench.chaos.live import LiveRollout
from bench.chaos.scene import Scene


class Fault(ABC):
    """One way in which the world goes wrong; an instance plays it once.

    ``prepare`` brings a rollout to where the fault is to strike, ``inject`` makes it, ``observe`` waits
    for what is expected, and ``undo`` takes it back. What must hold under every fault (requests,
    verdicts, rewards, Ready) is seen by the scene's recorder and load, and judged afterwards.
    """

    name: ClassVar[str]
    """In words joined by hyphens."""
    injected: ClassVar[str]
    """What is done."""
    expected: ClassVar[str]
    """What the operator has to do, beside what it always has to."""
    alone: ClassVar[bool] = False
    """Whether it concerns everything on the cluster, so that no other fault may be played beside it."""
    quick: ClassVar[bool] = False
    """Whether it belongs to the small selection."""
    counted: ClassVar[Literal["samples", "answers", "not"]] = "samples"
    """What the operator's count of trials is held to: Prometheus' own samples, to the last one; where those
    are what is wrong, the answers that requests got; or nothing, where trials do not come from requests."""
    quiet: ClassVar[float] = 2.0
    """Seconds after the last request by which all of them are in Prometheus, where answers are counted."""
    begins_again: ClassVar[bool] = False
    """Whether the operator's windows have a gap, because the resource was made again."""
    stated: ClassVar[str] = ""
    """Which rewards need not be counted, or may be again, where the fault makes that unavoidable."""
    stated_lost: ClassVar[float] = 0.0
    """How many of them, as a share of the answers."""
    stated_doubled: ClassVar[float] = 0.0
    """The same of those that count again."""

    @abstractmethod
    def prepare(self, scene: Scene) -> LiveRollout:
        """Bring about what the fault is to meet, and return the rollout that it meets."""

    @abstractmethod
    def inject(self, scene: Scene, one: LiveRollout) -> None:
        """Make the fault; each of its strokes is said to the scene."""

    @abstractmethod
    def observe(self, scene: Scene, one: LiveRollout) -> str:
        """Wait for what is expected, and return what was observed.

        Raises:
            AssertionError: With what was observed instead.
        """

    def undo(self, scene: Scene, one: LiveRollout) -> None:  # noqa: B027 - many faults need not be undone
        """Take the fault back."""


def expect(condition: bool, otherwise: str) -> None:
    """Fail where what is expected is not so.

    Raises:
        AssertionError: With ``otherwise``, which says what is.
    """
    if not condition:
        raise AssertionError(otherwise)
