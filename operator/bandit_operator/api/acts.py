"""What was done to a resource, as its status keeps it."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from bandit_operator.api.fields import ApiModel, ShortText, Text, Time


class ActKind(StrEnum):
    """What was done."""

    BASELINE_CHANGED = "BaselineChanged"
    """The user made another arm the baseline."""
    CALLED_BACK = "CalledBack"
    """An arm that was taken out serves again, because no other can."""
    DRAINED = "Drained"
    """An arm that was rolled back, or set out, carries nothing any more."""
    JOINED = "Joined"
    """An arm began with a small share, because it is new or something else serves it."""
    MOVED = "Moved"
    """Weights moved, once or several times on end."""
    OBSERVED = "Observed"
    """The mode was set to Observe."""
    PAUSED = "Paused"
    """The mode was set to Paused."""
    PINNED = "Pinned"
    """The user gave one arm all of the traffic."""
    PROMOTED = "Promoted"
    """A winner was named."""
    RESTORED = "Restored"
    """An arm that was out is being brought back."""
    RESUMED = "Resumed"
    """The mode was set to Active."""
    RETURNED = "Returned"
    """An arm can serve again."""
    ROLLED_BACK = "RolledBack"
    """A verdict took an arm out."""
    TAKEN_OUT = "TakenOut"
    """The user set an arm out, and it began to drain."""
    UNPINNED = "Unpinned"
    """The user gave the traffic back to the strategy."""
    WITHHELD = "Withheld"
    """An arm could not serve, and lost its traffic."""


class Act(ApiModel):
    """One thing that was done."""

    time: Time
    """When."""
    kind: ActKind
    """What."""
    arm: Annotated[str | None, Field(max_length=63)] = None
    """To which arm."""
    reason: ShortText | None = None
    """Why, in one CamelCase word."""
    message: Text | None = None
    """Why, for people."""
    by: Annotated[str | None, Field(max_length=256)] = None
    """Who asked for it: as they say of themselves, or else the field manager that wrote the spec."""
    asked_at: Time | None = None
    """When they asked, as they say."""
    until: Time | None = None
    """When the last of several moves was made."""
    count: Annotated[int, Field(ge=0)] = 0
    """How many moves."""
    before: dict[str, int] | None = None
    """Weights before the first of them."""
    after: dict[str, int] | None = None
    """Weights after the last of them."""


class TakenOut(ApiModel):
    """Why, when and on what figures an arm was taken out last, by a verdict or by hand."""

    time: Time
    """When."""
    message: Text
    """The verdict, or who asked for it and why."""
    trials: Annotated[str | None, Field(max_length=32)] = None
    """Trials that it stood on."""
    mean: Annotated[str | None, Field(max_length=32)] = None
    """The arm's mean reward then."""
    baseline_mean: Annotated[str | None, Field(max_length=32)] = None
    """The baseline's mean reward then."""
