"""What every reward source offers, and the PromQL that they share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from bandit_operator.core.model import Outcome

LOOK_BACK = "5m"
"""How far before a point its last sample may lie: Prometheus' own staleness limit."""
PART = "bandit_part"
"""Label that tells the parts of one request's answer apart."""


@dataclass(frozen=True, slots=True)
class SourceSettings:
    """What the spec says about the reward's source, whichever it is.

    ``arms`` maps each arm's name to its backend's name, ``namespace`` is the backends'. Selectors and queries may hold
    ``$arm`` and ``$backend``; then they are asked once an arm, in the same request.
    """

    arms: Mapping[str, str]
    namespace: str
    arm_label: str = "arm"
    successes: str | None = None
    trials: str | None = None
    query: str | None = None
    samples: str | None = None
    requests: str | None = None


@dataclass(frozen=True, slots=True)
class Sample:
    """One element of an instant vector: its labels and its value, which may be NaN."""

    labels: Mapping[str, str]
    value: float


class RewardSource(Protocol):
    """Asks for rewards and reads the answer."""

    def promql(self, settings: SourceSettings, start: float, end: float) -> str:
        """One query for the rewards of all arms in (start, end], seconds since the Unix epoch."""

    def outcomes(self, settings: SourceSettings, samples: Sequence[Sample]) -> dict[str, Outcome]:
        """The outcome of every arm, ``NoData`` where the answer has no number for it."""


def increase(selector: str, label: str, start: float, end: float) -> str:
    """PromQL for the exact increase of counters in (start, end], summed by ``label``.

    Unlike ``increase()`` it neither extrapolates nor rounds: e is the last value up to the
    end, s the last up to the start; a counter that was reset adds its maximum before the
    reset, and one that began inside the window adds all that it has. ``@`` makes the answer
    the same whenever the question is asked
    (https://prometheus.io/docs/prometheus/latest/querying/basics/#modifier).
    """
    span = round(end - start)
    last = f"last_over_time({selector}[{span + 300}s] @ {end:.3f})"
    first = f"last_over_time({selector}[{LOOK_BACK}] @ {start:.3f})"
    peak = f"max_over_time({selector}[{span}s] @ {end:.3f})"
    reset = f"(resets({selector}[{span}s] @ {end:.3f}) > 0)"
    return f"sum by ({label}) ((({last} - {first}) >= 0 unless {reset}) or ({last} + {peak} - {first}) or {last})"


def by_arm(settings: SourceSettings, selector: str, start: float, end: float) -> list[str]:
    """The increase of a selector for every arm, as queries whose answers carry the arm label.

    One query where the series carry the arm's name; one an arm where the selector has a
    placeholder, with the label set by ``label_replace``.
    """
    label = settings.arm_label
    if not has_placeholder(selector):
        return [increase(selector, label, start, end)]
    return [
        f'label_replace({increase(fill(selector, arm, backend), label, start, end)}, "{label}", "{arm}", "", "")'
        for arm, backend in settings.arms.items()
    ]


def has_placeholder(text: str) -> bool:
    """Whether the text is to be asked once an arm."""
    return "$arm" in text or "$backend" in text


def fill(text: str, arm: str, backend: str) -> str:
    """The text for one arm."""
    return text.replace("$backend", backend).replace("$arm", arm)


def part(name: str, query: str) -> str:
    """The query with its part's name on every element of its answer."""
    return f'label_replace({query}, "{PART}", "{name}", "", "")'


def request_parts(settings: SourceSettings, start: float, end: float) -> list[str]:
    """The parts that count requests by arm, none where no counter for them is known."""
    if settings.requests is None:
        return []
    return [part("requests", query) for query in by_arm(settings, settings.requests, start, end)]


def values_by_arm(settings: SourceSettings, samples: Sequence[Sample], name: str) -> dict[str, float]:
    """Value of every arm in one part of the answer; NaN is no value."""
    return {
        sample.labels[settings.arm_label]: sample.value
        for sample in samples
        if sample.labels.get(PART) == name
        and sample.labels.get(settings.arm_label) in settings.arms
        and sample.value == sample.value
    }
