"""The stored form of a memory: JSON, bit for bit, and forgiving of whatever is found there."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping

import numpy as np

from bandit_operator.core import doubts
from bandit_operator.core.experiment import Experiment
from bandit_operator.core.inference import evidence as ev
from bandit_operator.core.inference import moments as mo
from bandit_operator.core.inference import named_arrays
from bandit_operator.core.inference.shadow import ShadowEvidence
from bandit_operator.core.memory.adapt import adapt
from bandit_operator.core.memory.value import Memory, arrival_fields, initial
from bandit_operator.core.model import Delay, RewardType
from bandit_operator.core.strategies import STRATEGIES

VERSION = 7
"""Version of the stored form; another one is not read, see :func:`from_json`."""


def to_json(memory: Memory) -> dict[str, object]:
    """Return the stored form: the same keys always, numbers as base64 of little-endian float64.

    Keys never come and go, so a JSON merge patch cannot leave stale ones behind. Below
    4 KiB for 3 arms, at most 100 KiB for 20.
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
        "state": _text(named_arrays.pack(memory.state, strategy_fields)),
        "evidence": _text(named_arrays.pack(memory.evidence.joined(), ev.Evidence.joined_fields(kind))),
        "delay": [] if memory.delay is None else [memory.delay.median, memory.delay.p95],
        "arrivals": _text(named_arrays.pack(memory.arrivals, arrival_fields(memory.delay))),
        "doubt": _text(named_arrays.pack(memory.doubt, doubts.fields())),
        "shadow": ""
        if memory.shadow is None
        else _text(named_arrays.pack(memory.shadow.joined(), ShadowEvidence.joined_fields(kind))),
    }


def from_json(data: Mapping[str, object], experiment: Experiment) -> tuple[Memory, tuple[str, ...]]:
    """Read a stored memory and fit it to the experiment as it is now.

    Never raises: what cannot be read gives a fresh memory, and a note that says why.

    Returns:
        The memory, and one sentence for each thing that was reset.
    """
    try:
        memory = _read(data)
    except (KeyError, OverflowError, TypeError, ValueError, binascii.Error) as error:
        return initial(experiment), (f"stored memory not used, all evidence starts again: {error}",)
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
    delay = _delay(data["delay"])
    memory = Memory(
        arms=arms,
        baseline=baseline,
        strategy=strategy,
        reward_type=kind,
        ticks=ticks,
        totals=sums[:-1].reshape(mo.rows(kind), size),
        labels=sums[-1:].reshape(()),
        state=named_arrays.unpack(_bytes(data["state"]), STRATEGIES[strategy].fields(kind), size),
        evidence=ev.Evidence.divided(
            named_arrays.unpack(_bytes(data["evidence"]), ev.Evidence.joined_fields(kind), size), kind
        ),
        delay=delay,
        arrivals=named_arrays.unpack(_bytes(data["arrivals"]), arrival_fields(delay), size),
        doubt=named_arrays.unpack(_bytes(data["doubt"]), doubts.fields(), size),
        shadow=_shadow(data["shadow"], kind, size),
    )
    if any(np.isnan(array).any() or (array == np.inf).any() for array in memory.arrays()):
        raise ValueError("it holds numbers that are not finite")
    return memory


def _shadow(data: object, kind: RewardType, arms: int) -> ShadowEvidence | None:
    if data == "":
        return None
    arrays = named_arrays.unpack(_bytes(data), ShadowEvidence.joined_fields(kind), arms)
    return ShadowEvidence.divided(arrays, kind)


def _delay(data: object) -> Delay | None:
    if data == []:
        return None
    if not isinstance(data, list) or len(data) != 2 or not 0 <= float(data[0]) <= float(data[1]):
        raise ValueError("its delay of labels is damaged")
    return Delay(float(data[0]), float(data[1]))


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _bytes(text: object) -> bytes:
    return base64.b64decode(str(text), validate=True)
