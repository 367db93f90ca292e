"""``bandit-operator replay``: make the recorded decisions of resources again."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from bandit_operator.adapters.documents import Unreadable, document_in
from bandit_operator.api.v1alpha1 import InvalidResource
from bandit_operator.cli.cluster import Cluster, Connect, cluster_options
from bandit_operator.cli.names import resource_name
from bandit_operator.cli.output import say
from bandit_operator.status.replay import NothingToReplay, Replay, Replayed
from bandit_operator.status.replay import replay as replay_of


@click.command()
@click.argument("source", metavar="[NAME|FILE|-]", required=False)
@click.option("-A", "--all-namespaces", is_flag=True, help="Take those of all namespaces.")
@click.option("--json", "as_json", is_flag=True, help="Write what was found as JSON.")
@cluster_options(connect=False)
def replay(source: str | None, all_namespaces: bool, as_json: bool, cluster: Connect) -> None:
    """Make every recorded decision of a BanditDeployment again, and say whether it agrees.

    NAME is a resource in the cluster; without it, those of the namespace are taken. A FILE has one with its
    status, or a list of them, as JSON or YAML, and - is standard input, for which no cluster is needed.

    \b
      kubectl bandit replay income
      kubectl bandit replay -A
      kubectl get bd income -o json | bandit-operator replay -

    A decision agrees where weights, actions, reason and message come out as they were recorded.
    Exit code 0: all agree; 1: some do not; 2: there is nothing to replay.
    """  # noqa: D301 - the mark that keeps click from wrapping lines is the character, not its escape
    if source is None:
        text, code = _of_many(_listed(cluster(), all_namespaces=all_namespaces), as_json=as_json)
    elif all_namespaces:
        raise click.UsageError(f"{source} names what to take; leave out --all-namespaces, or {source}")
    else:
        if _is_file(source):
            body = _read(source)
        else:
            name = _name_in(source)
            body = cluster().resource(name)
        text, code = (
            _of_one(body, as_json=as_json) if _is_resource(body) else _of_many(body["items"], as_json=as_json)
        )
    say(text)
    raise SystemExit(code)


def _of_one(body: dict[str, Any], *, as_json: bool) -> tuple[str, int]:
    """What came of a resource, and the exit code."""
    try:
        result = replay_of(body)
    except (NothingToReplay, InvalidResource) as error:
        raise click.UsageError(f"{body.get('metadata', {}).get('name', '?')}: {error}") from error
    return json.dumps(_as_json(result), indent=2) if as_json else _as_text(result), int(not result.agrees)


def _of_many(bodies: Sequence[dict[str, Any]], *, as_json: bool) -> tuple[str, int]:
    """What came of some resources, and the exit code; one that has nothing to replay is said so.

    Raises:
        UsageError: None of them has anything to make again.
    """
    found: dict[str, Replay | str] = {}
    with click.progressbar(bodies, label="making decisions again", file=sys.stderr) as counted:
        for body in counted:
            try:
                found[_name(body)] = replay_of(body)
            except (NothingToReplay, InvalidResource) as error:
                found[_name(body)] = str(error)
    made = [one for one in found.values() if isinstance(one, Replay)]
    if not made:
        raise click.UsageError(
            "\n".join(f"{name}: {why}" for name, why in found.items()) or "the list is empty"
        )
    text = json.dumps(_many_as_json(found), indent=2) if as_json else _many_as_text(found)
    return text, int(not all(one.agrees for one in made))


def _name(body: dict[str, Any]) -> str:
    metadata = body.get("metadata", {})
    return f"{metadata.get('namespace', '?')}/{metadata.get('name', '?')}"


def _listed(cluster: Cluster, *, all_namespaces: bool) -> list[dict[str, Any]]:
    bodies = cluster.resources(everywhere=all_namespaces)
    if not bodies:
        where = "any namespace" if all_namespaces else f"namespace {cluster.namespace}"
        raise click.UsageError(f"there is no BanditDeployment in {where}")
    return bodies


def _is_file(source: str) -> bool:
    """Whether an argument is meant as a file, be it one that is not there, or a pipe as ``<(…)`` makes it."""
    path = Path(source)
    there = path.exists() and not path.is_dir()
    return source == "-" or path.suffix in (".json", ".yaml", ".yml") or there


def _name_in(source: str) -> str:
    """The name in an argument that is no file.

    Raises:
        UsageError: It is none.
    """
    try:
        return resource_name(source)
    except click.UsageError as error:
        raise click.UsageError(f"{error.message}; there is no file of that name, either") from error


def _read(source: str) -> dict[str, Any]:
    try:
        body = document_in(source)
    except Unreadable as error:
        raise click.UsageError(str(error)) from error
    if not _is_resource(body) and not (
        isinstance(body, dict)
        and isinstance(body.get("items"), list)
        and all(_is_resource(one) for one in body["items"])
    ):
        raise click.UsageError(f"{source} is no BanditDeployment; write kubectl get bd NAME -o json")
    result: dict[str, Any] = body
    return result


def _is_resource(body: Any) -> bool:
    return isinstance(body, dict) and all(isinstance(body.get(part), dict) for part in ("metadata", "spec"))


def _as_text(result: Replay) -> str:
    lines = [*_lines(result.replayed), _sum(result)]
    if result.older:
        lines.append(f"{result.older} older records have no checkpoint before them and were left out")
    return "\n".join(lines)


def _lines(replayed: Iterable[Replayed]) -> Iterator[str]:
    for one in replayed:
        verdict = "differs" if one.differences else "agrees "
        yield f"{one.record.time}  {verdict}  {one.record.reason}"
        yield from (f"    {difference}" for difference in one.differences)


def _sum(result: Replay) -> str:
    memory = "as stored" if result.memory_agrees else "NOT as stored"
    decisions = f"{_agreeing(result)} of {len(result.replayed)} decisions agree"
    return f"{decisions}; the memory comes out {memory}"


def _agreeing(result: Replay) -> int:
    return sum(not one.differences for one in result.replayed)


def _many_as_text(found: Mapping[str, Replay | str]) -> str:
    """A line a resource, beneath it what differs, and the sum of all."""
    width = max(len(name) for name in found)
    lines = []
    for name, one in found.items():
        if isinstance(one, str):
            lines.append(f"{name:{width}}  nothing to replay: {one}")
        else:
            lines.append(f"{name:{width}}  {_sum(one)}")
            lines += [f"    {line}" for line in _lines(made for made in one.replayed if made.differences)]
    made = [one for one in found.values() if isinstance(one, Replay)]
    agreeing, decisions = sum(map(_agreeing, made)), sum(len(one.replayed) for one in made)
    of = f"{len(made):,} resource{'' if len(made) == 1 else 's'}"
    return "\n".join([*lines, f"{agreeing:,} of {decisions:,} decisions of {of} agree"])


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


def _many_as_json(found: Mapping[str, Replay | str]) -> dict[str, Any]:
    return {
        "agrees": all(one.agrees for one in found.values() if isinstance(one, Replay)),
        "resources": {
            name: {"nothingToReplay": one} if isinstance(one, str) else _as_json(one)
            for name, one in found.items()
        },
    }
