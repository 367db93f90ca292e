"""``bandit-operator restore``."""

from __future__ import annotations

import click

from bandit_operator.api.timestamps import to_timestamp
from bandit_operator.api.verbs import LAST_VERB, RESTORE
from bandit_operator.cli.acting.change import Request, acting, arm_of, later_than, set_state, standing_of
from bandit_operator.cli.names import arm_argument, resource_argument


@click.command()
@resource_argument()
@arm_argument()
@acting
def restore(name: str, arm: str, request: Request) -> None:
    """Bring an arm back that is out, by hand or by a verdict: replicas, ready, a small share.

    Its evidence starts again.

    \b
      kubectl bandit restore income boosting --reason "fixed in 1.4.2"
    """  # noqa: D301 - the mark that keeps click from wrapping lines is the character, not its escape
    body = request.cluster.resource(name)
    one, standing = arm_of(body, arm), standing_of(body, arm)
    if one.get("state") == "Out":
        request.write(name, set_state(request, body, one, "In"), f"brings {arm} back")
        return
    if standing.get("state") not in ("Draining", "RolledBack"):
        state = standing.get("state", "not known yet")
        raise click.ClickException(f"{arm} is not out, its state is {state}; there is nothing to restore")
    at = later_than((body.get("status") or {}).get("restored"), request.at)
    asked = {RESTORE: f"{arm}@{to_timestamp(at)}", LAST_VERB: request.last_verb("restore", arm)}
    request.write(name, {"metadata": {"annotations": asked}}, f"brings {arm} back")
