"""``bandit-operator promote``."""

from __future__ import annotations

import click

from bandit_operator.cli.acting.change import Request, acting, arm_of
from bandit_operator.cli.names import arm_argument, resource_argument


@click.command()
@resource_argument()
@arm_argument()
@acting
def promote(name: str, arm: str, request: Request) -> None:
    """Make an arm the baseline: the others are compared with it from now on, and it always serves.

    The arm that was the baseline is not rolled back for an hour, so that you can go back.

    \b
      kubectl bandit promote income boosting --reason "it won"
    """  # noqa: D301 - the mark that keeps click from wrapping lines is the character, not its escape
    body = request.cluster.resource(name)
    before = body["spec"]["baseline"]
    if arm_of(body, arm).get("state") == "Out":
        raise click.ClickException(
            f"{arm} is set out; bring it back first: kubectl bandit restore {name} {arm}"
        )
    if arm == before:
        raise click.ClickException(f"{arm} is the baseline of {name} already; name another arm")
    request.merge(name, {"baseline": arm}, "promote", arm, f"has {arm} as its baseline, instead of {before}")
