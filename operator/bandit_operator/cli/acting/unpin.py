"""``bandit-operator unpin``."""

from __future__ import annotations

import click

from bandit_operator.cli.acting.change import Request, acting
from bandit_operator.cli.names import resource_argument


@click.command()
@resource_argument()
@acting
def unpin(name: str, request: Request) -> None:
    """Give the traffic back to the strategy after `pin`; it goes on in guarded steps.

    \b
      kubectl bandit unpin income
    """  # noqa: D301 - the mark that keeps click from wrapping lines is the character, not its escape
    pin = request.cluster.resource(name)["spec"].get("pin")
    if pin is None:
        raise click.ClickException(f"no arm of {name} is pinned; there is nothing to undo")
    request.merge(name, {"pin": None}, "unpin", pin["arm"], f"is no longer pinned to {pin['arm']}")
