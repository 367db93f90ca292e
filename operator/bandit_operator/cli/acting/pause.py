"""``bandit-operator pause``."""

from __future__ import annotations

import click

from bandit_operator.cli.acting.change import Request, acting
from bandit_operator.cli.names import resource_argument


@click.command()
@resource_argument()
@acting
def pause(name: str, request: Request) -> None:
    """Stop: no rewards are read, nothing is decided or moved until `resume`; the traffic stays.

    \b
      kubectl bandit pause income --reason "incident 4711"
    """  # noqa: D301 - the mark that keeps click from wrapping lines is the character, not its escape
    mode = request.cluster.resource(name)["spec"].get("mode", "Active")
    if mode == "Paused":
        raise click.ClickException(f"{name} is paused already; go on with: kubectl bandit resume {name}")
    done = "is paused; the traffic stays as it is"
    request.merge(name, {"mode": "Paused"}, "pause", None, done, mode_before=mode)
