"""One arm for all of the traffic, and arms that the user sets out: what must go together."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import Field

from bandit_operator.api.fields import ApiModel, ArmName
from bandit_operator.api.rules import Rule, Term


class Pin(ApiModel):
    """All of the arms' traffic for one arm, at once and by hand.

    Learning goes on, and no arm is rolled back by a verdict meanwhile. While the arm cannot serve,
    others that can have the traffic, and condition Ready says so. Once the pin is taken out, the
    strategy goes on from there, inside the guardrails.
    """

    arm: ArmName
    """Name of the arm."""
    reason: Annotated[str | None, Field(max_length=256)] = None
    """Why, for whoever reads it later."""


def pin_rules() -> Iterator[Rule]:
    """Yield the rules of a spec about the arms that are pinned or set out."""
    yield Rule(
        "!has(self.pin) || self.arms.exists(a, a.name == self.pin.arm)",
        '"{self.pin.arm}" is not the name of an arm; set pin.arm to one of spec.arms[*].name,'
        ' such as "{first}", or leave pin out',
        holds=lambda spec: spec.pin is None or spec.pin.arm in {arm.name for arm in spec.arms},
        field=".pin.arm",
        terms={"first": Term("self.arms[0].name", lambda spec: str(spec.arms[0].name))},
    )
    yield Rule(
        "!has(self.pin) || !self.arms.exists(a, a.name == self.pin.arm && a.state == 'Out')",
        "{self.pin.arm} is pinned, and its state is Out; set its state to In, or pin another arm",
        holds=lambda spec: spec.pin is None or not _is_out(spec, spec.pin.arm),
        field=".pin.arm",
    )
    yield Rule(
        "!self.arms.exists(a, a.name == self.baseline && a.state == 'Out')",
        "the state of {self.baseline} is Out, and it is the baseline, which always serves;"
        " set its state to In, or set baseline to another arm",
        holds=lambda spec: not _is_out(spec, spec.baseline),
        field=".baseline",
    )


def _is_out(spec: Any, name: str) -> bool:
    return any(arm.name == name and arm.state == "Out" for arm in spec.arms)
