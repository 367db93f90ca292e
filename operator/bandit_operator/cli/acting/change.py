"""What a verb changes: a patch of one field, with who asked for it, when and why, in one write."""

from __future__ import annotations

import functools
import getpass
import json
import os
import time
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import click

from bandit_operator.adapters.objects import Object
from bandit_operator.api.timestamps import from_timestamp, to_timestamp
from bandit_operator.api.verbs import LAST_VERB
from bandit_operator.cli.cluster import Cluster, cluster_options
from bandit_operator.cli.output import full_name, output_option, say, written

Command = TypeVar("Command", bound=Callable[..., Any])


class Request:
    """Who asks for a change, why, and what is to be said of it."""

    def __init__(
        self, cluster: Cluster, by: str, reason: str | None, output: str | None, *, dry: bool
    ) -> None:
        self.cluster = cluster
        self.by = by
        self.reason = reason
        self._output = output
        self._dry = dry
        self.at = time.time()

    def last_verb(self, verb: str, arm: str | None = None, mode_before: str | None = None) -> str:
        """The annotation that says who asked for it, as :class:`LastVerb` has it."""
        said = {
            "verb": verb,
            "arm": arm,
            "by": self.by[:256],
            "at": to_timestamp(self.at),
            "reason": self.reason,
            "modeBefore": mode_before,
        }
        return json.dumps({name: value for name, value in said.items() if value is not None})

    def merge(
        self,
        name: str,
        spec: Mapping[str, Any],
        verb: str,
        arm: str | None,
        done: str,
        *,
        mode_before: str | None = None,
    ) -> None:
        """Change fields of the spec, and say what was done."""
        annotations = {LAST_VERB: self.last_verb(verb, arm, mode_before)}
        body: Object = {"metadata": {"annotations": annotations}}
        self.write(name, body | ({"spec": dict(spec)} if spec else {}), done)

    def write(self, name: str, patch: Any, done: str) -> None:
        """Write a patch, and say what was done."""
        after = self.cluster.change(name, patch, dry_run=self._dry)
        if self._output is not None:
            say(written(after, name, self._output))
        else:
            say(f"{full_name(name)} {done}{' (dry run: nothing was written)' if self._dry else ''}")


def whoever() -> str:
    """Name of the user who runs this; ``uid N`` where the system has none, as in many containers."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # OSError from Python 3.13 on
        return f"uid {os.getuid()}"


def acting(command: Command) -> Command:
    """Give a command the options of every verb, and the request as ``request``."""

    @click.option(
        "--reason", help="Why, for whoever reads it later; 256 characters at most.", callback=_short
    )
    @click.option("--by", default=whoever, show_default="you", help="Who asks for it.")
    @click.option("--dry-run", is_flag=True, help="Let the API server check it, and write nothing.")
    @output_option
    @cluster_options()
    @functools.wraps(command)
    def wrapped(
        *arguments: Any,
        cluster: Cluster,
        reason: str | None,
        by: str,
        dry_run: bool,
        output: str | None,
        **options: Any,
    ) -> Any:
        request = Request(cluster, by, reason, output, dry=dry_run)
        return command(*arguments, request=request, **options)

    return wrapped  # type: ignore[return-value]  # it takes what click gives it


def _short(_: click.Context, __: click.Parameter, value: str | None) -> str | None:
    if value is not None and len(value) > 256:
        raise click.BadParameter(f"it has {len(value)} characters; shorten it to 256")
    return value


def arm_of(body: Object, arm: str) -> dict[str, Any]:
    """One arm of the spec, with its ``index``.

    Raises:
        ClickException: There is no such arm; the text lists those that there are.
    """
    arms = body["spec"]["arms"]
    for index, one in enumerate(arms):
        if one["name"] == arm:
            return {**one, "index": index}
    known = ", ".join(one["name"] for one in arms)
    raise click.ClickException(f'"{arm}" is not an arm of {body["metadata"]["name"]}; name one of {known}')


def set_state(request: Request, body: Object, arm: dict[str, Any], state: str) -> list[dict[str, Any]]:
    """The JSON Patch that sets the state of an arm, provided that it stands where it stood."""
    place = f"/spec/arms/{arm['index']}"
    verb = "rollback" if state == "Out" else "restore"
    return [
        {"op": "test", "path": f"{place}/name", "value": arm["name"]},
        {"op": "add", "path": f"{place}/state", "value": state},
        *annotate(body, {LAST_VERB: request.last_verb(verb, arm["name"])}),
    ]


def annotate(body: Object, annotations: Mapping[str, str]) -> list[dict[str, Any]]:
    """The part of a JSON Patch that sets annotations."""
    if body["metadata"].get("annotations") is None:
        return [
            {"op": "test", "path": "/metadata/annotations", "value": None},
            {"op": "add", "path": "/metadata/annotations", "value": dict(annotations)},
        ]
    return [
        {"op": "add", "path": f"/metadata/annotations/{name.replace('/', '~1')}", "value": text}
        for name, text in annotations.items()
    ]


def standing_of(body: Object, arm: str) -> dict[str, Any]:
    """What the status says of an arm; empty where it says nothing yet."""
    arms = (body.get("status") or {}).get("arms") or []
    return next((one for one in arms if one["name"] == arm), {})


def later_than(obeyed: str | None, at: float) -> float:
    """The time of a request that is newer than the last one, whatever the clock of this machine says."""
    if not obeyed:
        return at
    return max(at, from_timestamp(obeyed.rpartition("@")[2]) + 1.0)
