"""``bandit-operator replay``: make the recorded decisions of a resource again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
import yaml

from bandit_operator.api.v1alpha1 import InvalidResource
from bandit_operator.cli.cluster import Connect, cluster_options
from bandit_operator.cli.names import resource_name
from bandit_operator.status.replay import NothingToReplay, Replay
from bandit_operator.status.replay import replay as replay_of


@click.command()
@click.argument("source", metavar="NAME|FILE|-")
@click.option("--json", "as_json", is_flag=True, help="Write what was found as JSON.")
@cluster_options(connect=False)
def replay(source: str, as_json: bool, cluster: Connect) -> None:
    """Make every recorded decision of a BanditDeployment again, and say whether it agrees.

    NAME is a resource in the cluster. A FILE has it with its status, as JSON or YAML, and - is standard
    input, for which no cluster is needed.

    \b
      kubectl bandit replay income
      kubectl get bd income -o json | bandit-operator replay -

    A decision agrees where weights, actions, reason and message come out as they were recorded.
    Exit code 0: all agree; 1: some do not; 2: there is nothing to make again.
    """  # noqa: D301 - the mark that keeps click from wrapping lines is the character, not its escape
    is_file = source == "-" or Path(source).is_file()
    body = _read(source) if is_file else cluster().resource(resource_name(source))
    try:
        result = replay_of(body)
    except (NothingToReplay, InvalidResource) as error:
        raise click.UsageError(f"{body.get('metadata', {}).get('name', source)}: {error}") from error
    click.echo(json.dumps(_as_json(result), indent=2) if as_json else _as_text(result))
    raise SystemExit(0 if result.agrees else 1)


def _read(source: str) -> dict[str, Any]:
    try:
        with click.open_file(source) as file:
            body = yaml.safe_load(file)  # JSON is YAML
    except yaml.YAMLError as error:
        raise click.UsageError(f"{source} is neither JSON nor YAML: {error}") from error
    if not isinstance(body, dict) or "spec" not in body:
        raise click.UsageError(f"{source} is no BanditDeployment; write kubectl get bd NAME -o json")
    return body


def _as_text(result: Replay) -> str:
    lines = []
    for one in result.replayed:
        verdict = "differs" if one.differences else "agrees "
        lines.append(f"{one.record.time}  {verdict}  {one.record.reason}")
        lines += [f"    {difference}" for difference in one.differences]
    agreeing = sum(not one.differences for one in result.replayed)
    memory = "as stored" if result.memory_agrees else "NOT as stored"
    lines.append(f"{agreeing} of {len(result.replayed)} decisions agree; the memory comes out {memory}")
    if result.older:
        lines.append(f"{result.older} older records have no checkpoint before them and were left out")
    return "\n".join(lines)


def _as_json(result: Replay) -> dict[str, Any]:
    return {
        "agrees": result.agrees,
        "memoryAgrees": result.memory_agrees,
        "older": result.older,
        "decisions": [
            {"time": one.record.time, "reason": one.record.reason, "differences": list(one.differences)}
            for one in result.replayed
        ],
    }
