"""When an arm that was found worse is tried again.

A verdict is about the time in which it was made, and the world may come back. So the first trial
comes soon, and each one that ends in another verdict doubles the wait: 1 h, 2 h, 4 h, up to what
the user gave. What a trial may cost is bounded: the arm joins with a small share like a new one,
and its evidence starts again.
"""

from __future__ import annotations

import numpy as np

from bandit_operator.core.inference.named_arrays import Flags, Floats

FIRST = 3_600.0
"""Seconds until the first trial, if the user does not give less."""
SHORTENED = 0.25
"""Part of the wait that is enough once the arm that carries the traffic has fallen far."""
_MOST_DOUBLED = 30.0


MOST = 0.5
"""Share above which an arm has carried most of the traffic."""


def after_verdict(rollbacks: Floats, carried: Floats) -> Floats:
    """How often arms count as found worse once they are again ``[...]``.

    One that has carried most of the traffic since it came back was no failed trial: the next comes soon.

    Args:
        rollbacks: how often each counted so before, ≥ 0.
        carried: the largest share that each has had since.
    """
    return np.where(np.asarray(carried) > MOST, 1.0, np.asarray(rollbacks) + 1.0)


def due(elapsed: Floats, rollbacks: Floats, retry_after: float | None, fallen: Flags) -> Flags:
    """Whether arms that are out may be tried again ``[...]``.

    Args:
        elapsed: seconds for which each has been out.
        rollbacks: how often each was found worse, ≥ 1.
        retry_after: longest wait in seconds; None: never.
        fallen: whether the arm that carries the traffic has just fallen far below its forecast.
    """
    if retry_after is None:
        return np.zeros(np.broadcast_shapes(np.shape(elapsed), np.shape(fallen)), dtype=bool)
    doubled = FIRST * 2.0 ** np.clip(rollbacks - 1.0, 0.0, _MOST_DOUBLED)
    wait = np.minimum(doubled, retry_after)
    return np.asarray(elapsed >= np.where(fallen, SHORTENED * wait, wait))
