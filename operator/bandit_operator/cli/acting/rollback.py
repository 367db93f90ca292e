"""``bandit-operator rollback``."""

from __future__ import annotations

import click

from bandit_operator.cli.acting.change import Request, acting, arm_of, set_state
from bandit_operator.cli.names import arm_argument, resource_argument


@click.command()
@resource_argument()
@arm_argument()
@acting
def rollback(name: str, arm: str, request: Request) -> None:
    """Take an arm out by hand, in the order of a verdict; it stays out until `restore`.

    Weight 0, accepted by every gateway, requests over, replicas 0 where rollback.scaleToZero says so.
    The last arm that can serve never goes.

    \b
      kubectl bandit rollback income boosting --reason "answers with private data"
    """  # noqa: D301 - the mark that keeps click from wrapping lines is the character, not its escape
    body = request.cluster.resource(name)
    one, spec = arm_of(body, arm), body["spec"]
    if arm == spec["baseline"]:
        raise click.ClickException(
            f"{arm} is the baseline, which always serves; promote another arm first: "
            f"kubectl bandit promote {name} ARM"
        )
    if (spec.get("pin") or {}).get("arm") == arm:
        raise click.ClickException(f"{arm} is pinned; unpin it first: kubectl bandit unpin {name}")
    if one.get("state") == "Out":
        raise click.ClickException(f"{arm} is set out already; see kubectl bandit status {name}")
    request.write(name, set_state(request, body, one, "Out"), f"takes {arm} out")
