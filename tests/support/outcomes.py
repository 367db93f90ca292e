"""What of that which happened the tests of several rules look at."""

from __future__ import annotations

from bandit_operator.core.lifecycle import Lifecycle
from bandit_operator.core.outcomes import Scaled


def scaled(result: Lifecycle) -> tuple[Scaled, ...]:
    """Replicas that are to be set."""
    return tuple(outcome for outcome in result.outcomes if isinstance(outcome, Scaled))
