"""``bandit-operator resume``."""

from __future__ import annotations

import click

from bandit_operator.cli.acting.change import Request, acting
from bandit_operator.cli.names import resource_argument


@click.command()
@resource_argument()
@acting
def resume(name: str, request: Request) -> None:
    """Go on after `pause`, from the weights that the route carries now.

    \b
      kubectl bandit resume income
    """  # noqa: D301 - the mark that keeps click from wrapping lines is the character, not its escape
    if request.cluster.resource(name)["spec"].get("mode", "Active") == "Active":
        raise click.ClickException(f"{name} is active already; stop it with: kubectl bandit pause {name}")
    request.merge(name, {"mode": "Active"}, "resume", None, "goes on")
