"""What a preset declares: of which software, from which metrics, and how arms are told apart in them.

Declarations only. The API makes its lists and rules from them, ``bandit_operator.sources.presets``
reads the metrics, and docs/presets.md shows them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

from bandit_operator.core.model import Backend
from bandit_operator.routers import Located, RouteReference


class Preset(StrEnum):
    """Rewards that need no metric of the model's own."""

    GATEWAY_LATENCY = "GatewayLatency"
    """A request is a success if the gateway answered it in time, and not with 5xx."""
    GATEWAY_SUCCESS = "GatewaySuccess"
    """A request is a success unless the gateway answered it with 5xx."""
    SERVER_LATENCY = "ServerLatency"
    """As GatewayLatency, by the model server's own counters."""
    SERVER_SUCCESS = "ServerSuccess"
    """As GatewaySuccess, by the model server's own counters."""


class Role(StrEnum):
    """What the software is, which says the presets that are asked of it."""

    GATEWAY = "gateway"
    """Sends requests to the arms' backends."""
    SERVER = "model server"
    """Runs in the arms' Pods, which Prometheus must scrape."""


SUCCESS = {Role.GATEWAY: Preset.GATEWAY_SUCCESS, Role.SERVER: Preset.SERVER_SUCCESS}
"""The preset about success, by role."""
LATENCY = {Role.GATEWAY: Preset.GATEWAY_LATENCY, Role.SERVER: Preset.SERVER_LATENCY}
"""The preset about success within ``latencyTarget``, by role."""


@dataclass(frozen=True, slots=True)
class ArmLabel:
    """The label that tells the arms' series apart.

    ``patterns`` gives for each arm the regular expression that the whole value matches, and
    ``beside`` is a matcher of another label that goes with it, such as the namespace.
    """

    name: str
    patterns: tuple[tuple[str, str], ...]
    beside: str = ""

    def arm_of(self, value: str) -> str | None:
        """The arm that a value of the label belongs to, or None for a stranger's."""
        for arm, pattern in self.patterns:
            if re.fullmatch(pattern, value):
                return arm
        return None

    @property
    def any_arm(self) -> str:
        """A regular expression that the values of all arms match, as the inside of a PromQL string."""
        joined = "|".join(pattern for _, pattern in self.patterns)
        return joined.replace("\\", "\\\\").replace('"', '\\"')


@dataclass(frozen=True, slots=True)
class RoutedArms:
    """What metrics can name: the arms' backends, and the route that sends requests to them."""

    route: RouteReference
    backends: Mapping[str, Backend]
    """By arm."""
    located: Located | None = None
    """Where the arms stand in the route, or None while the route is not known."""


@dataclass(frozen=True, slots=True)
class Requests:
    """Counters of requests: of those that succeeded, and of all or of those that failed.

    Each is a metric with matchers, such as ``requests_total{code!~"5.."}``. Exactly one of
    ``trials`` and ``failures`` is set. All are exposed together, so where one of an arm's is
    there, another that is absent has counted nothing yet.
    """

    successes: str
    trials: str | None = None
    failures: str | None = None


@dataclass(frozen=True, slots=True)
class Durations:
    """A histogram of how long requests took.

    ``name`` is without ``_bucket``; ``matchers`` choose the requests, and ``answered`` those of
    them that did not fail, empty where the histogram cannot tell. ``per_second`` is the unit of
    its bounds: 1 for seconds, 1000 for milliseconds.
    """

    name: str
    matchers: str = ""
    answered: str = ""
    per_second: float = 1.0


Metrics = TypeVar("Metrics", Requests, Durations)
"""What is read: counters of requests, or a histogram of their durations."""


@dataclass(frozen=True, slots=True)
class Offered(Generic[Metrics]):
    """A preset that can be had. The texts are Markdown, for the table of docs/presets.md."""

    metrics: Metrics
    described: str
    """The metrics, with a link, and what counts as success."""
    caveat: str
    """What a user must set up, or know."""


@dataclass(frozen=True, slots=True)
class NotOffered:
    """A preset that would mislead."""

    why: str
    """For the message that refuses it: what it would do, and what to use instead."""
    documented: str
    """For docs/presets.md: why, with the metric's name, in Markdown."""


@dataclass(frozen=True, slots=True)
class Software:
    """A gateway or a model server, and what it offers."""

    name: str
    """Its name in ``reward.prometheus.implementation``."""
    role: Role
    label: Callable[[RoutedArms], ArmLabel]
    """How its metrics tell the arms apart."""
    told_by: str
    """The same in words, in Markdown."""
    success: Offered[Requests] | NotOffered
    latency: Offered[Durations] | NotOffered
    remark: str = ""
    """What stands behind its name in the API's description and in the table, such as another name."""
    request_counter: str = ""
    """Its counter of requests, where ``rollback.requests`` may name it; told apart by ``label``."""

    def offers(self) -> Mapping[Preset, Offered[Requests] | Offered[Durations] | NotOffered]:
        """What it says of each preset of its role, sorted."""
        return {LATENCY[self.role]: self.latency, SUCCESS[self.role]: self.success}


def service_label(arms: RoutedArms) -> ArmLabel:
    """The label that a ServiceMonitor adds to its targets: the name of the Service.

    Of arms whose Services have one name in several namespaces none is identified: their Pods would be
    taken for each other's. Reference: Prometheus operator, API of ServiceMonitor.
    """
    times = Counter(backend.name for backend in arms.backends.values())
    names = ((arm, re.escape(one.name)) for arm, one in arms.backends.items() if times[one.name] == 1)
    namespaces = "|".join(sorted({backend.namespace for backend in arms.backends.values()}))
    return ArmLabel("service", tuple(names), beside=f'namespace=~"{namespaces}"')
