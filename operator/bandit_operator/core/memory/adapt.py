"""What a memory keeps when the experiment or one of its arms changes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from bandit_operator.core import doubts
from bandit_operator.core.experiment import Experiment
from bandit_operator.core.inference import contrasts, exposure, named_arrays
from bandit_operator.core.inference.named_arrays import Arrays, Fields, Flags, Floats
from bandit_operator.core.inference.shadow import ShadowEvidence
from bandit_operator.core.memory.value import (
    Memory,
    arrival_fields,
    initial,
    late_labels,
    totals_fields,
)
from bandit_operator.core.model import Delay
from bandit_operator.core.strategies import STRATEGIES


def adapt(memory: Memory, experiment: Experiment) -> tuple[Memory, tuple[str, ...]]:
    """Fit a memory to a changed experiment, keeping what is still about the same thing.

    Arms that are still there keep their evidence, new ones start without; another strategy
    type resets the strategy's own state, another baseline the intervals against the baseline,
    another reward type or delay of labels everything. Changed settings reset nothing.

    Returns:
        The memory, and one sentence for each thing that was reset, added or removed.
    """
    if memory.reward_type is not experiment.reward_type:
        return _started_again(
            experiment, memory, f"reward type changed from {memory.reward_type} to {experiment.reward_type}"
        )
    if memory.delay != late_labels(experiment):
        before, after = _described(memory.delay), _described(late_labels(experiment))
        return _started_again(experiment, memory, f"delay of labels changed from {before} to {after}")
    notes: list[str] = []
    if (memory.shadow is None) != (experiment.shadow is None):
        memory = _with_or_without_shadow(memory, experiment, notes)
    if memory.arms != experiment.names:
        memory = _with_arms(memory, experiment.names, notes)
    if memory.strategy != experiment.strategy.type:
        notes.append(
            f"strategy changed from {memory.strategy} to {experiment.strategy.type}: its state reset"
        )
        strategy = STRATEGIES[experiment.strategy.type]
        leading = memory.labels.shape
        arrays = named_arrays.initial(strategy.fields(memory.reward_type), len(memory.arms), leading)
        memory = replace(memory, strategy=strategy.type, state=arrays)
    if memory.baseline != experiment.baseline:
        notes.append(
            f"baseline changed from {memory.baseline} to {experiment.baseline}: intervals against it reset"
        )
        memory = replace(_without_contrasts(memory), baseline=experiment.baseline)
    return memory, tuple(notes)


def _started_again(experiment: Experiment, memory: Memory, why: str) -> tuple[Memory, tuple[str, ...]]:
    return replace(initial(experiment), ticks=memory.ticks), (f"{why}: all evidence reset",)


def of_other_rewards(memory: Memory, experiment: Experiment) -> tuple[Memory, str]:
    """A memory without evidence, because rewards are read from another metric now, and that in a sentence."""
    memory, notes = _started_again(experiment, memory, "spec.reward.prometheus names other metrics")
    return memory, notes[0]


def _with_or_without_shadow(memory: Memory, experiment: Experiment, notes: list[str]) -> Memory:
    if experiment.shadow is None:
        notes.append("spec.shadow removed: what the shadow has shown is forgotten")
        return replace(memory, shadow=None)
    notes.append("spec.shadow added: its evidence begins")
    leading = memory.labels.shape
    return replace(memory, shadow=ShadowEvidence.initial(memory.reward_type, len(memory.arms), leading))


def _described(delay: Delay | None) -> str:
    return "none" if delay is None else f"median {delay.median:g} s, p95 {delay.p95:g} s"


def _with_arms(memory: Memory, names: Sequence[str], notes: list[str]) -> Memory:
    added = [name for name in names if name not in memory.arms]
    removed = [name for name in memory.arms if name not in names]
    if added:
        notes.append(f"arms added without evidence: {', '.join(added)}")
    if removed:
        notes.append(f"arms removed with their evidence: {', '.join(removed)}")
    order = [memory.index(name) if name in memory.arms else None for name in names]
    return _each_part(
        replace(memory, arms=tuple(names)),
        memory,
        lambda arrays, fields: named_arrays.select(arrays, fields, order),
    )


def reset_arm(memory: Memory, arm: str, rows: Flags | None = None, *, labels_come: bool = False) -> Memory:
    """Forget one arm, its own sums and every pair it is in, because something else serves it now.

    Its tests start again with their full weight: the error bound of a verdict is about an arm
    as long as it stays what it is.

    Args:
        memory: what was learned.
        arm: its name.
        rows: in which rows of the memory's leading axes ``[...]``; None means in all.
        labels_come: whether labels of the requests that it has served still come under its name, as after a
            retry: they are awaited, or each would count as a reward of no request.

    Raises:
        ValueError: there is no such arm.
    """
    index = memory.index(arm)
    awaited = exposure.WAITING if labels_come else frozenset[str]()

    def forget(arrays: Arrays, fields: Fields) -> dict[str, Floats]:
        fresh = named_arrays.reset(arrays, fields, index)
        fresh |= {name: arrays[name] for name in awaited & fresh.keys()}
        if rows is None:
            return fresh
        return {
            name: np.where(rows.reshape(rows.shape + (1,) * (array.ndim - rows.ndim)), array, arrays[name])
            for name, array in fresh.items()
        }

    result = _each_part(memory, memory, forget)
    if arm != memory.baseline:
        return result
    # Every contrast with the baseline was about the baseline that is gone.
    return _without_contrasts(result)


def _without_contrasts(memory: Memory) -> Memory:
    fresh = named_arrays.initial(contrasts.fields(), len(memory.arms), memory.labels.shape)
    return replace(memory, evidence=replace(memory.evidence, contrasts=fresh))


def _each_part(
    target: Memory, memory: Memory, change: Callable[[Arrays, Fields], dict[str, Floats]]
) -> Memory:
    """``target`` with all of ``memory``'s arrays changed."""
    kind = memory.reward_type
    return replace(
        target,
        totals=change({"totals": memory.totals}, totals_fields(kind))["totals"],
        state=change(memory.state, STRATEGIES[memory.strategy].fields(kind)),
        evidence=memory.evidence.changed(change, kind),
        arrivals=change(memory.arrivals, arrival_fields(memory.delay)),
        doubt=change(memory.doubt, doubts.fields()),
        shadow=None if memory.shadow is None else memory.shadow.changed(change, kind),
    )
