"""Times that are remembered of arms, where the clock was set back since: none is ahead of it.

What is to come a while after such a time would come as much later as the clock was wrong: the next arm that
is called back, a trial after a verdict, the return after a guard has tripped.
"""

from __future__ import annotations

from dataclasses import replace

from bandit_operator.core.model import ArmStanding


def not_ahead(standing: ArmStanding, now: float) -> ArmStanding:
    """The standing with times that are ahead of the clock taken for now, seconds since the Unix epoch."""
    ahead = {
        name: now
        for name, time in (
            ("since", standing.since),
            ("up_since", standing.up_since),
            ("idle_since", standing.idle_since),
            ("quiet_since", standing.quiet_since),
            ("gained_at", standing.gained_at),
            ("baseline_until", standing.baseline_until),
        )
        if time is not None and time > now
    }
    return replace(standing, **ahead) if ahead else standing  # type: ignore[arg-type]  # each is a time
