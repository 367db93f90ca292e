"""``bandit-operator pin``."""

from __future__ import annotations

import click

from bandit_operator.cli.acting.change import Request, acting, arm_of
from bandit_operator.cli.names import arm_argument, resource_argument


@click.command()
@resource_argument()
@arm_argument()
@acting
def pin(name: str, arm: str, request: Request) -> None:
    """Give one arm all of the traffic at once, until `unpin`.

    Learning goes on, and no arm is rolled back meanwhile. While the arm cannot serve, others have the
    traffic, and condition Ready says so.

    \b
      kubectl bandit pin income logistic --reason "latency of boosting"
    """  # noqa: D301 - the mark that keeps click from wrapping lines is the character, not its escape
    body = request.cluster.resource(name)
    if arm_of(body, arm).get("state") == "Out":
        raise click.ClickException(
            f"{arm} is set out; bring it back first: kubectl bandit restore {name} {arm}"
        )
    spec = {"pin": {"arm": arm, "reason": request.reason}}
    request.merge(name, spec, "pin", arm, f"is pinned to {arm}")
