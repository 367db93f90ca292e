"""``bandit-operator resume``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from bandit_operator.api.verbs import asked_of
from bandit_operator.cli.acting.change import Request, acting
from bandit_operator.cli.names import resource_argument


@click.command()
@resource_argument()
@acting
def resume(name: str, request: Request) -> None:
    """Go on after `pause`, from the weights that the route carries now.

    It goes back to the mode that `pause` ended; a resource that observes is let act.

    \b
      kubectl bandit resume income
    """  # noqa: D301 - the mark that keeps click from wrapping lines is the character, not its escape
    body = request.cluster.resource(name)
    mode = body["spec"].get("mode", "Active")
    if mode == "Active":
        raise click.ClickException(f"{name} is active already; stop it with: kubectl bandit pause {name}")
    if mode == "Paused" and _observed_before(body):
        done = f"goes on in mode Observe and moves nothing; a further resume lets {name} act"
        request.merge(name, {"mode": "Observe"}, "resume", None, done)
        return
    request.merge(name, {"mode": "Active"}, "resume", None, "goes on, and moves the traffic")


def _observed_before(body: Mapping[str, Any]) -> bool:
    """Whether the pause that is to end was one of a resource that only observed."""
    verb = asked_of(body, ()).verb
    return verb is not None and verb.verb == "pause" and verb.mode_before == "Observe"
