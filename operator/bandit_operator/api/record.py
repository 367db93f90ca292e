"""What a status keeps for the operator rather than for people, in one field that nobody has to read past.

``status.record`` is JSON, packed by zlib (RFC 1950) and base64. Unpacked, its fields stand beside those
of the status. A status is input like any other, so what it unpacks to is bounded.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Annotated, Any

from pydantic import Field

from bandit_operator.api.acts import Act
from bandit_operator.api.fields import ApiModel, ListMap, ShortText, Text, Time
from bandit_operator.api.status import MAX_RECORD, ArmStatus, Status, WindowStatus
from bandit_operator.core.inference.changes import ChangeKind

MAX_HISTORY = 30
"""Most decisions that the status keeps; older ones are in the operator's log."""
KEPT_HISTORY = 20
"""The newest decisions that stay whenever older ones go, which they do ten at a time."""
MAX_ACTS = 40
"""Most acts that the status keeps."""
MAX_UNPACKED = 8_000_000
"""Most bytes of a record that is read."""

Object = dict[str, Any]


class Observation(ApiModel):
    """What one arm earned in one window."""

    trials: Annotated[str, Field(max_length=32)]
    """Rewarded requests."""
    rewards: Annotated[str, Field(max_length=32)]
    """Sum of their rewards."""
    squares: Annotated[str | None, Field(max_length=32)] = None
    """Sum of their squared rewards, for Gaussian and Ratio."""
    denominators: Annotated[str | None, Field(max_length=32)] = None
    """Sum of their denominators, for Ratio."""
    denominator_squares: Annotated[str | None, Field(max_length=32)] = None
    """Sum of their squared denominators, for Ratio."""
    cross_products: Annotated[str | None, Field(max_length=32)] = None
    """Sum of reward times denominator, for Ratio."""


class ImplausibleNumbers(ApiModel):
    """Why the source's numbers of one arm were not believed."""

    reason: ShortText
    """Why, in one CamelCase word."""
    message: Text
    """Why, for people, with the numbers."""


class SeenArm(ApiModel):
    """What the cluster said of one arm when a decision was made; what was not known is left out."""

    weight: int
    """Weight in the route."""
    available: bool | None = None
    """Whether its scale target had a replica that could serve."""
    replicas: int | None = None
    """Replicas asked for."""
    template: Annotated[str | None, Field(max_length=253)] = None
    """Its Pod template."""
    requests: Annotated[str | None, Field(max_length=32)] = None
    """Requests that reached it in the window, while it drains."""
    ready_endpoints: int | None = None
    """Ready endpoints of its Service; of more than one it says 1."""
    in_rule: bool | None = None
    """False where its backend was not in the rule."""
    exists: bool | None = None
    """False where its backend or scale target did not exist."""
    resolved: bool | None = None
    """Whether the gateway resolved its backend."""
    used_elsewhere: ShortText | None = None
    """Who else gave traffic to its Pods, while it drains or is out."""
    identity: Annotated[str | None, Field(max_length=253)] = None
    """Its backend, scale target and label."""
    updating: bool | None = None
    """True where its scale target had Pods of another template, too."""
    unread: bool | None = None
    """True where the API server did not show what tells that it can serve."""
    was_arm: bool | None = None
    """True where it was new in the spec, and its backend that of an arm which had been taken out."""


class Seen(ApiModel):
    """What the cluster said when a decision was made that changed something."""

    generation: int
    """Generation of the route."""
    accepted: bool
    """Whether a gateway had accepted it."""
    programmed: bool | None = None
    """False where a gateway did not carry what it had accepted."""
    total: int = 10_000
    """What the arms' weights were to add up to."""
    arms: dict[str, SeenArm]
    """The arms."""
    unresolved: ShortText | None = None
    """The gateway's words where it could not resolve some backend."""
    contested: bool | None = None
    """True where another writer kept setting other weights."""
    sessions_persist: bool | None = None
    """True where the gateway kept each client with its arm."""
    restore: Annotated[str | None, Field(max_length=63)] = None
    """Arm that somebody asked to bring back."""


class PairObservation(ApiModel):
    """What two arms earned on the same requests in one window."""

    trials: Annotated[str, Field(max_length=32)]
    """Requests."""
    difference: Annotated[str, Field(max_length=32)]
    """Sum of the first arm's rewards less the second's."""
    squares: Annotated[str, Field(max_length=32)]
    """Sum of the squared differences."""


class ShadowRecord(ApiModel):
    """What the shadow scored in one window; pairs are named as FIRST/SECOND, in the order of the spec."""

    observations: dict[str, Observation] | None = None
    """What each arm's answers earned; an arm without data is left out."""
    pairs: dict[str, PairObservation] | None = None
    """What two arms earned on the same requests; a pair without data is left out."""
    missing: dict[str, ShortText] | None = None
    """Why arms or pairs have no data."""
    implausible: dict[str, ImplausibleNumbers] | None = None
    """Arms or pairs whose numbers were not believed."""


class DecisionRecord(ApiModel):
    """One decision, with what is needed to make it again."""

    time: Time
    """When it was made."""
    window: WindowStatus | None = None
    """Window of rewards that it is based on."""
    generation: int | None = None
    """Generation of the spec that it is based on."""
    seen: Seen | None = None
    """What else it is based on; left out where it is as in the record before."""
    quiet: Annotated[float | None, Field(ge=0.0)] = None
    """Seconds before the window in which no reward came; left out where there were none."""
    observations: dict[str, Observation] | None = None
    """What each arm earned in the window; an arm without data is left out."""
    missing: dict[str, ShortText] | None = None
    """Why arms have no data in the window."""
    guards: dict[str, dict[str, Annotated[str, Field(max_length=32)]]] | None = None
    """What the guards measured at the window's end, by guard and arm."""
    implausible: dict[str, ImplausibleNumbers] | None = None
    """Arms whose numbers the source itself found not to be believed."""
    shadow: ShadowRecord | None = None
    """What the shadow scored in the window; left out where there is none."""
    weights: dict[str, int] | None = None
    """Weight of each arm that it came to."""
    actions: list[Text] | None = None
    """What was done besides, such as "scale boosting from 3 to 0"."""
    no_window: ShortText | None = None
    """Why no window was read, where the reason is another and it matters."""
    reason: ShortText
    """Why, in one CamelCase word."""
    message: Text
    """Why, for people."""


class RecordedArm(ArmStatus):
    """What is known of one arm, and what the operator must remember of it."""

    template: Annotated[str | None, Field(max_length=253)] = None
    """Identifies the Pod template that its evidence is about; another one starts it afresh."""
    quiet_since: Time | None = None
    """Since when a gateway has accepted weight 0 for it, while it drains."""
    identity: Annotated[str | None, Field(max_length=253)] = None
    """Identifies the backend, scale target and label that its evidence is about."""
    up_since: Time | None = None
    """Since when it can serve again, while it is Unavailable."""
    outages: Annotated[int | None, Field(ge=0)] = None
    """How often it could not serve in the present trouble."""
    beyond: dict[str, Annotated[int, Field(ge=0, le=100)]] | None = None
    """For how many windows running its guards have been beyond their bounds, by guard."""
    idle_since: Time | None = None
    """Since when it carries no weight."""
    carried: Annotated[str | None, Field(max_length=32)] = None
    """Largest share of the arms' traffic that it has carried since it began to serve: it may go up to
    there at once.
    """
    rollbacks: Annotated[int | None, Field(ge=0, le=1_000_000)] = None
    """How often it was found worse: each time it waits longer until it is tried again."""
    set_out: bool | None = None
    """True while it is out because its state in the spec is Out."""
    baseline_until: Time | None = None
    """When another arm became the baseline in its place; no verdict takes it out for an hour after that."""
    mixed: bool | None = None
    """True while Pods of another template serve beside its own: what is counted meanwhile is not learned."""
    gained_at: Time | None = None
    """When its share grew last by more than a fifth."""
    last_share: Annotated[str | None, Field(max_length=32)] = None
    """Share of the arms' traffic that the strategy gave it last."""


class Announcements(ApiModel):
    """What was found and told of, so that it is told of once."""

    promoted: Annotated[str | None, Field(max_length=253)] = None
    """The arm that is proven best."""
    no_material_difference: bool | None = None
    """True where the best arms do not differ."""
    change: ChangeKind | None = None
    """What changed in the rewards."""
    changed: Annotated[str | None, Field(max_length=253)] = None
    """The arm that it is about; None for all."""


_RecordedArms = Annotated[list[RecordedArm] | None, Field(max_length=64), ListMap("name")]


class RecordedStatus(Status):
    """A status with its record unpacked."""

    arms: _RecordedArms = None  # type: ignore[assignment]  # narrower than shown: lists are invariant
    """What is known of each arm."""
    history: Annotated[list[DecisionRecord] | None, Field(max_length=MAX_HISTORY)] = None
    """The newest decisions, newest first, the last 20 to 30; those that did nothing included."""
    mirrors: Annotated[list[Text] | None, Field(max_length=16)] = None
    """Where the rule's filters mirror to that are the operator's, or are to be, as NAMESPACE/NAME:PORT."""
    former_routes: Annotated[list[Text] | None, Field(max_length=8)] = None
    """Routes that the resource named before and that may still send requests to its arms, as KIND/NAME."""
    rule: Text | None = None
    """What told the rule of the route when it was located last: a digest."""
    spec: dict[str, Any] | None = None
    """The spec that could be read last: by it arms that cannot serve lose their weight while a later one
    cannot be read.
    """
    parents: Annotated[list[Text] | None, Field(max_length=32)] = None
    """Gateways that accept the route at some generation, or did."""
    announced: Announcements | None = None
    """What was found and told of last."""
    acts: Annotated[list[Act] | None, Field(max_length=MAX_ACTS)] = None
    """What was done, newest first, at most 40; decisions that did nothing are in the history alone."""
    memory: dict[str, Any] | None = None
    """What the strategy and the verdicts must remember from one decision to the next. For the
    operator alone; its form changes between versions.
    """
    checkpoint: dict[str, Any] | None = None
    """The memory from before the oldest decisions of the history, so that ``bandit-operator replay``
    can make them again. For the operator alone; its form changes between versions.
    """


def packed(fields: Mapping[str, Any], history: Sequence[bytes] = ()) -> Object:
    """The fields of a recorded status as the API server holds them: those for people, and ``record``.

    Args:
        fields: of a :class:`RecordedStatus`, as JSON has them.
        history: the decisions of the history, where they are not among the fields, each as JSON.
    """
    shown = {name: value for name, value in fields.items() if name in _shown(Status)}
    kept = {name: value for name, value in fields.items() if name not in shown}
    arms, kept_arms = [], {}
    for arm in fields.get("arms") or ():
        arms.append({name: value for name, value in arm.items() if name in _shown(ArmStatus)})
        kept_arms[arm["name"]] = {name: value for name, value in arm.items() if name not in arms[-1]}
    text = json.dumps({**kept, "arms": kept_arms}, separators=(",", ":")).encode()
    if history:  # what is JSON already need not be read for that
        text = b'%s,"history":[%s]}' % (text[:-1], b",".join(history))
    record = base64.b64encode(zlib.compress(text, level=6)).decode("ascii")
    return {**shown, **({"arms": arms} if fields.get("arms") is not None else {}), "record": record}


def unpacked(status: Mapping[str, Any]) -> Object:
    """A status with the fields of its record beside its own, which win where both have one.

    Raises:
        ValueError: The record is none.
    """
    record = _read(status.get("record"))
    of_arms = record.pop("arms", None) or {}
    result = {**record, **{name: value for name, value in status.items() if name != "record"}}
    if isinstance(result.get("arms"), list) and isinstance(of_arms, Mapping):
        result["arms"] = [_with(of_arms, arm) for arm in result["arms"]]
    return result


def _with(of_arms: Mapping[str, Any], arm: Any) -> Any:
    kept = of_arms.get(str(arm.get("name"))) if isinstance(arm, Mapping) else None
    return {**kept, **arm} if isinstance(kept, Mapping) else arm


def _read(text: Any) -> Object:
    if text is None:
        return {}
    if not isinstance(text, str) or len(text) > MAX_RECORD:
        raise ValueError("a record is a string of bounded length")
    reader = zlib.decompressobj()
    try:
        content = reader.decompress(base64.b64decode(text, validate=True), MAX_UNPACKED)
    except zlib.error as error:
        raise ValueError("a record that cannot be unpacked") from error
    if not reader.eof:
        raise ValueError(f"a record of more than {MAX_UNPACKED} bytes, or one that was cut short")
    try:
        record = json.loads(content)
    except RecursionError as error:
        raise ValueError("a record that is nested too deeply") from error
    if not isinstance(record, dict):
        raise ValueError("a record is an object")
    return record


@cache
def _shown(model: type[ApiModel]) -> frozenset[str]:
    return frozenset(info.alias or name for name, info in model.model_fields.items())
