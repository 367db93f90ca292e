"""Every recorded decision made again, from nothing but the resource itself.

A status has a checkpoint (the memory and intention from before its oldest records) and in each
record what the decision stood on. So whoever has the resource can hold the operator to its word:
the same memory and the same facts lead to the same weights, the same reason and the same memory.
Weights, reasons and messages are equal on any processor; of the memory's numbers the last bits
may depend on the kernels of the numerical library, so they are compared to a relative 1e-9.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bandit_operator.api.fields import cut
from bandit_operator.api.record import DecisionRecord, Seen
from bandit_operator.api.v1alpha1 import parse, to_experiment
from bandit_operator.core import memory as memories
from bandit_operator.core import reasons
from bandit_operator.core.decide import decide
from bandit_operator.core.decision import Decision
from bandit_operator.core.experiment import Experiment
from bandit_operator.core.learn import learn
from bandit_operator.core.memory import Memory
from bandit_operator.core.model import Mode, Snapshot, Window
from bandit_operator.status.committed import Checkpoint, intended
from bandit_operator.status.document import checkpoint_of, read_status
from bandit_operator.status.history import recorded_snapshot, weights_of, window_of

SAME = 1e-9
"""Relative difference up to which numbers of two memories count as equal."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """One record, made again."""

    record: DecisionRecord
    differences: tuple[str, ...]
    """What came out otherwise; empty where all agrees."""
    decision: Decision | None = None
    """What it came to, with the figures it stood on; None where nothing was decided."""


@dataclass(frozen=True, slots=True)
class Replay:
    """All of a resource's records."""

    replayed: tuple[Replayed, ...]
    """Oldest first."""
    older: int
    """Records from before the checkpoint, or of another generation of the spec."""
    memory_agrees: bool
    """Whether the memory comes out as the status has it."""

    @property
    def agrees(self) -> bool:
        """Whether everything that could be made again came out alike."""
        return self.memory_agrees and not any(one.differences for one in self.replayed)


class NothingToReplay(ValueError):
    """The resource has no record that can be made again; the message says why."""


def replay(body: Mapping[str, Any]) -> Replay:
    """Make every recorded decision of a resource again.

    Args:
        body: the resource as the API server holds it, status included.

    Raises:
        NothingToReplay: it has no status with records and a checkpoint of its present generation, or a
            record that no operator wrote.
        InvalidResource: its spec cannot be read.
    """
    status, _ = read_status(body)
    if not status.history:
        raise NothingToReplay("the status has no history yet; wait for a tick")
    if status.checkpoint is None:
        raise NothingToReplay(
            "the status has no checkpoint: the spec was changed just now, so wait for a tick,"
            " or another version of bandit-operator wrote it"
        )
    resource = parse(body)
    experiment = to_experiment(resource)
    if status.observed_generation != resource.metadata.generation:
        raise NothingToReplay("the spec was changed after the last decision; wait for a tick")
    checkpoint = checkpoint_of(status, experiment)
    if checkpoint is None:
        raise NothingToReplay("the status has no checkpoint that this version of bandit-operator can read")
    records = list(reversed(status.history[: checkpoint.records]))
    replayed, memory = _replayed(experiment, checkpoint, records)
    stored, notes = memories.from_json(status.memory or {}, experiment)
    older = len(status.history) - len(records)
    return Replay(replayed, older, not notes and is_same(memory, stored))


def _replayed(
    experiment: Experiment, checkpoint: Checkpoint, records: list[DecisionRecord]
) -> tuple[tuple[Replayed, ...], Memory]:
    """The records made again, and the memory that they lead to."""
    memory, committed = checkpoint.memory, checkpoint.intention
    seen: Seen | None = None
    result = []
    for record in records:
        seen = record.seen or seen
        window, snapshot = _read(record, seen, experiment.names)
        if record.reason == reasons.CAUGHT_UP and window is not None:
            standings = {} if committed is None else committed.standings
            memory, _ = learn(experiment, memory, standings, window, idle=standings)
            result.append(Replayed(record, ()))
            continue
        if seen is None or snapshot is None:
            result.append(Replayed(record, ("it does not say what was seen",)))
            continue
        follow = experiment.mode is not Mode.ACTIVE
        before = intended(committed, weights_of(seen), seen.total, follow=follow)
        decision = decide(experiment, memory, before, snapshot)
        memory, committed = decision.memory, decision.intention
        result.append(Replayed(record, _differences(record, decision), decision))
    return tuple(result), memory


def _read(
    record: DecisionRecord, seen: Seen | None, names: Sequence[str]
) -> tuple[Window | None, Snapshot | None]:
    """What a record says was read and seen; None for what it does not say."""
    try:
        window = window_of(record, names)
        return window, None if seen is None else recorded_snapshot(record, seen, names)
    except (LookupError, OverflowError, TypeError, ValueError) as error:
        raise NothingToReplay(
            f"the record of {record.time} has what is no number or no time, so no operator wrote it; wait for"
            " newer ones"
        ) from error


def _differences(record: DecisionRecord, decision: Decision) -> tuple[str, ...]:
    pairs = (
        ("weights", record.weights, dict(decision.weights)),
        ("actions", record.actions, [str(scale) for scale in decision.scales] or None),
        ("reason", record.reason, decision.reason),
        ("message", record.message, cut(decision.message)),
    )
    return tuple(f"{name}: {then!r}, now {now!r}" for name, then, now in pairs if then != now)


def is_same(one: Memory, other: Memory) -> bool:
    """Whether two memories are equal, but for the last bits of their numbers."""
    if one.identity() != other.identity():
        return False
    return all(
        np.allclose(mine, theirs, rtol=SAME, atol=SAME, equal_nan=True)
        for mine, theirs in zip(one.arrays(), other.arrays(), strict=True)
    )
