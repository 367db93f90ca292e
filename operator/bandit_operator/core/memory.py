"""Everything that is remembered from tick to tick, how a window is absorbed, and how it is stored.

A :class:`Memory` is a value: absorbing a window gives another one, and the same windows in the
same order give the same memory bit for bit, whether the process was restarted in between
or not. Its arrays may have leading axes (``[S, K]``), so that a simulation of S seeds absorbs
with the very same code; only a memory without them can be stored.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from bandit_operator.core import difference, evidence, state
from bandit_operator.core import moments as mo
from bandit_operator.core.model import Experiment, RewardType, Window
from bandit_operator.core.state import Arrays, Field, Fields, Floats
from bandit_operator.core.strategies import STRATEGIES, Tick

VERSION = 1
"""Version of the stored form; another one is not read, see :func:`from_json`."""

_LABELS_GAIN = 0.1
"""Weight of the newest window in the running mean of labels per tick."""


@dataclass(frozen=True, slots=True, eq=False)
class Memory:
    """What the core knows after the windows absorbed so far."""

    arms: tuple[str, ...]
    """Names in the order of every array's last axis."""
    baseline: str
    strategy: str
    """Type of the strategy that ``state`` belongs to."""
    reward_type: RewardType
    ticks: int
    """Windows absorbed since the memory began, empty ones included."""
    totals: Floats
    """Sums of each arm since its last reset ``[..., M, K]``, rows as in ``core.moments``."""
    labels: Floats
    """Running mean of labels per tick ``[...]``; 0 before the first label."""
    state: Arrays
    """The strategy's arrays."""
    evidence: Arrays
    """The arrays of ``core.evidence`` and ``core.difference``."""

    @property
    def trials(self) -> Floats:
        """Labelled requests of each arm since its last reset ``[..., K]``."""
        return self.totals[..., mo.TRIALS, :]

    @property
    def rewards(self) -> Floats:
        """Sum of rewards of each arm since its last reset ``[..., K]``."""
        return self.totals[..., mo.REWARDS, :]

    def index(self, arm: str) -> int:
        """Position of an arm in the arrays.

        Raises:
            ValueError: there is no such arm.
        """
        return self.arms.index(arm)

    def __eq__(self, other: object) -> bool:
        """Equal in every bit of every array."""
        if not isinstance(other, Memory):
            return NotImplemented
        return self._scalars() == other._scalars() and all(
            np.array_equal(mine, theirs, equal_nan=True)
            for mine, theirs in zip(self._arrays(), other._arrays(), strict=True)
        )

    __hash__ = None  # type: ignore[assignment]  # arrays cannot be hashed

    def _scalars(self) -> tuple[object, ...]:
        return self.arms, self.baseline, self.strategy, self.reward_type, self.ticks

    def _arrays(self) -> list[Floats]:
        parts = [self.state[name] for name in sorted(self.state)]
        return [self.totals, self.labels, *parts, *(self.evidence[name] for name in sorted(self.evidence))]


def evidence_fields(reward_type: RewardType) -> Fields:
    """All arrays that verdicts are made from."""
    return {**evidence.fields(reward_type), **difference.fields()}


def totals_fields(reward_type: RewardType) -> Fields:
    """Return the one array of sums, in the form that resets and storage work on."""
    return {"totals": Field(inner=(mo.rows(reward_type),))}


def initial(experiment: Experiment, leading: tuple[int, ...] = ()) -> Memory:
    """Memory of an experiment that has seen nothing; ``leading`` axes are for simulations."""
    arms, kind = len(experiment.arms), experiment.reward_type
    return Memory(
        arms=experiment.names,
        baseline=experiment.baseline,
        strategy=experiment.strategy.type,
        reward_type=kind,
        ticks=0,
        totals=state.initial(totals_fields(kind), arms, leading)["totals"],
        labels=np.zeros(leading),
        state=state.initial(STRATEGIES[experiment.strategy.type].fields(kind), arms, leading),
        evidence=state.initial(evidence_fields(kind), arms, leading),
    )


def adapt(memory: Memory, experiment: Experiment) -> tuple[Memory, tuple[str, ...]]:
    """Fit a memory to a changed experiment, keeping what is still about the same thing.

    Arms that are still there keep their evidence, new ones start without; another strategy
    type resets the strategy's own state, another baseline the evidence against the baseline,
    another reward type everything. Changed settings reset nothing.

    Returns:
        The memory, and one sentence for each thing that was reset, added or removed.
    """
    if memory.reward_type is not experiment.reward_type:
        fresh = replace(initial(experiment), ticks=memory.ticks)
        return fresh, (
            f"reward type changed from {memory.reward_type} to {experiment.reward_type}: all evidence reset",
        )
    notes: list[str] = []
    if memory.arms != experiment.names:
        memory = _with_arms(memory, experiment.names, notes)
    if memory.strategy != experiment.strategy.type:
        notes.append(
            f"strategy changed from {memory.strategy} to {experiment.strategy.type}: its state reset"
        )
        strategy = STRATEGIES[experiment.strategy.type]
        leading = memory.labels.shape
        arrays = state.initial(strategy.fields(memory.reward_type), len(memory.arms), leading)
        memory = replace(memory, strategy=strategy.type, state=arrays)
    if memory.baseline != experiment.baseline:
        notes.append(
            f"baseline changed from {memory.baseline} to {experiment.baseline}: evidence against it reset"
        )
        fields = evidence_fields(memory.reward_type)
        names = [*evidence.CONTRAST_WITH_BASELINE, *difference.fields()]
        fresh_arrays = state.initial(
            {name: fields[name] for name in names}, len(memory.arms), memory.labels.shape
        )
        memory = replace(memory, baseline=experiment.baseline, evidence={**memory.evidence, **fresh_arrays})
    return memory, tuple(notes)


def _with_arms(memory: Memory, names: Sequence[str], notes: list[str]) -> Memory:
    added = [name for name in names if name not in memory.arms]
    removed = [name for name in memory.arms if name not in names]
    if added:
        notes.append(f"arms added without evidence: {', '.join(added)}")
    if removed:
        notes.append(f"arms removed with their evidence: {', '.join(removed)}")
    order = [memory.index(name) if name in memory.arms else None for name in names]
    return _each_part(
        replace(memory, arms=tuple(names)), memory, lambda arrays, fields: state.select(arrays, fields, order)
    )


def reset_arm(memory: Memory, arm: str) -> Memory:
    """Forget one arm, its own sums and every pair it is in, because something else serves it now.

    Its tests start anew with their full weight: the error bound of a verdict is about an arm
    as long as it stays what it is.

    Raises:
        ValueError: there is no such arm.
    """
    index = memory.index(arm)
    result = _each_part(memory, memory, lambda arrays, fields: state.reset(arrays, fields, index))
    if arm != memory.baseline:
        return result
    # Every contrast with the baseline was about the baseline that is gone.
    fields = evidence_fields(memory.reward_type)
    names = [*evidence.CONTRAST_WITH_BASELINE, *difference.fields()]
    fresh = state.initial({name: fields[name] for name in names}, len(memory.arms), memory.labels.shape)
    return replace(result, evidence={**result.evidence, **fresh})


def _each_part(
    target: Memory, memory: Memory, change: Callable[[Arrays, Fields], dict[str, Floats]]
) -> Memory:
    """``target`` with all of ``memory``'s arrays changed."""
    kind = memory.reward_type
    return replace(
        target,
        totals=change({"totals": memory.totals}, totals_fields(kind))["totals"],
        state=change(memory.state, STRATEGIES[memory.strategy].fields(kind)),
        evidence=change(memory.evidence, evidence_fields(kind)),
    )


def absorb(experiment: Experiment, memory: Memory, window: Window) -> Memory:
    """Memory after one more window; a pure function of its arguments.

    Arms without data contribute nothing, and a window in which nothing was observed is only
    counted: nothing is forgotten in it either.

    Raises:
        ValueError: the memory is about other arms, see :func:`adapt`.
    """
    tick = mo.from_outcomes(window.arms, experiment.names, experiment.reward_type)
    return absorb_moments(experiment, memory, tick, window.end - window.start)


def absorb_moments(experiment: Experiment, memory: Memory, tick: Floats, seconds: float) -> Memory:
    """As :func:`absorb`, from sums ``[..., M, K]`` with the memory's leading axes."""
    if (memory.arms, memory.baseline, memory.strategy) != (
        experiment.names,
        experiment.baseline,
        experiment.strategy.type,
    ):
        raise ValueError("memory does not fit the experiment: call adapt() before absorb()")
    kind, baseline = memory.reward_type, memory.index(memory.baseline)
    anchor = mo.ratio_anchor(memory.totals, baseline)
    linear = mo.linearise(tick, kind, anchor)
    past = mo.linearise(memory.totals, kind, anchor)
    proof = evidence.absorb(memory.evidence, linear, kind, baseline, late=experiment.delay is not None)
    proof |= difference.absorb(memory.evidence, linear, past, kind, baseline)
    seen = Tick(
        moments=tick,
        seconds=seconds,
        reward_type=kind,
        baseline=baseline,
        anchor=anchor,
        validation_scores=validation_scores(experiment),
    )
    count = tick[..., mo.TRIALS, :].sum(-1) * experiment.interval / seconds
    running = np.where(memory.labels > 0, memory.labels + _LABELS_GAIN * (count - memory.labels), count)
    return replace(
        memory,
        ticks=memory.ticks + 1,
        totals=memory.totals + tick,
        labels=np.where(count > 0, running, memory.labels),
        state=experiment.strategy.absorb(memory.state, seen),
        evidence=proof,
    )


def validation_scores(experiment: Experiment) -> Floats:
    """Offline scores ``[K]``, NaN where there is none."""
    scores = (arm.validation_score for arm in experiment.arms)
    return np.array([np.nan if score is None else score for score in scores])


def to_json(memory: Memory) -> dict[str, object]:
    """Return the stored form: the same keys always, numbers as base64 of little-endian float64.

    Keys never come and go, so a JSON merge patch cannot leave stale ones behind. At most
    20 KiB for 20 arms.
    """
    kind = memory.reward_type
    sums = memory.totals.astype("<f8").tobytes() + np.asarray(memory.labels, dtype="<f8").tobytes()
    strategy_fields = STRATEGIES[memory.strategy].fields(kind)
    return {
        "version": VERSION,
        "arms": list(memory.arms),
        "baseline": memory.baseline,
        "strategy": memory.strategy,
        "rewardType": kind.value,
        "ticks": memory.ticks,
        "totals": _text(sums),
        "state": _text(state.pack(memory.state, strategy_fields)),
        "evidence": _text(state.pack(memory.evidence, evidence_fields(kind))),
    }


def from_json(data: Mapping[str, object], experiment: Experiment) -> tuple[Memory, tuple[str, ...]]:
    """Read a stored memory and fit it to the experiment as it is now.

    Never raises: what cannot be read gives a fresh memory, and a note that says why.

    Returns:
        The memory, and one sentence for each thing that was reset.
    """
    try:
        memory = _read(data)
    except (KeyError, TypeError, ValueError, binascii.Error) as error:
        return initial(experiment), (f"stored memory not used, all evidence starts anew: {error}",)
    return adapt(memory, experiment)


def _read(data: Mapping[str, object]) -> Memory:
    if data["version"] != VERSION:
        raise ValueError(f"its version is {data['version']!r}, this operator reads {VERSION}")
    names, kind, strategy = data["arms"], RewardType(str(data["rewardType"])), str(data["strategy"])
    if not isinstance(names, list) or not 2 <= len(names) == len(set(map(str, names))):
        raise ValueError("its list of arms is damaged")
    arms, baseline, ticks = tuple(map(str, names)), str(data["baseline"]), data["ticks"]
    if strategy not in STRATEGIES or baseline not in arms:
        raise ValueError("its strategy or baseline is unknown")
    if not isinstance(ticks, int) or isinstance(ticks, bool) or ticks < 0:
        raise ValueError("its tick count is damaged")
    size = len(arms)
    sums = np.frombuffer(_bytes(data["totals"]), dtype="<f8").astype(np.float64)
    if sums.size != mo.rows(kind) * size + 1:
        raise ValueError("its sums have another length than its arms need")
    memory = Memory(
        arms=arms,
        baseline=baseline,
        strategy=strategy,
        reward_type=kind,
        ticks=ticks,
        totals=sums[:-1].reshape(mo.rows(kind), size),
        labels=sums[-1:].reshape(()),
        state=state.unpack(_bytes(data["state"]), STRATEGIES[strategy].fields(kind), size),
        evidence=state.unpack(_bytes(data["evidence"]), evidence_fields(kind), size),
    )
    if any(np.isnan(array).any() or (array == np.inf).any() for array in memory._arrays()):
        raise ValueError("it holds numbers that are not finite")
    return memory


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _bytes(text: object) -> bytes:
    return base64.b64decode(str(text), validate=True)
