"""Rewards from the metrics of gateways and model servers, which ``api.presets`` declares."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

from bandit_operator.api.presets import DEFAULT_GATEWAY, SOFTWARE, Preset, Role, Software
from bandit_operator.api.presets.base import LATENCY, SUCCESS, ArmLabel, Durations, Offered, Requests
from bandit_operator.api.v1alpha1 import BanditDeployment
from bandit_operator.core.model import ArmReading, NoData, Observed
from bandit_operator.core.plausibility import impossible
from bandit_operator.core.quantities import parse_duration
from bandit_operator.routers import Located
from bandit_operator.sources.base import Counter, RewardSource, Values, WithoutQueries
from bandit_operator.sources.labels import software_label
from bandit_operator.sources.promql import label_name


@dataclass(frozen=True, slots=True)
class Success(WithoutQueries):
    """Every request is a trial, and a success unless it failed."""

    requests: Requests
    software: Software

    def counters(self, resource: BanditDeployment, located: Located | None = None) -> tuple[Counter, ...]:
        """The two counters."""
        label = software_label(self.software, resource, located)
        both = {
            "rewards": self.requests.successes,
            "trials": self.requests.trials,
            "failures": self.requests.failures,
        }
        return tuple(
            Counter(part, selector(label, metric), label, shared=self.software.role == Role.GATEWAY)
            for part, metric in both.items()
            if metric is not None
        )

    def readings(self, resource: BanditDeployment, values: Values) -> dict[str, ArmReading]:
        """As with counters of the model's own, but what is absent beside another is none."""
        return {arm.name: self._outcome(arm.name, values) for arm in resource.spec.arms}

    def _outcome(self, arm: str, values: Values) -> ArmReading:
        rewards = values["rewards"].get(arm)
        other = values["failures" if self.requests.trials is None else "trials"].get(arm)
        if other is None and (rewards is None or self.requests.trials is not None):
            return NoData(f"no series of {metric_name(self.requests.trials or self.requests.successes)}")
        succeeded, counted = rewards or 0.0, other or 0.0
        return _observed(counted + succeeded if self.requests.trials is None else counted, succeeded)


@dataclass(frozen=True, slots=True)
class Latency(WithoutQueries):
    """Every request is a trial, and a success if it was answered within ``latencyTarget``."""

    durations: Durations
    software: Software
    target: str = "0s"
    """Time within which an answer is a success, as the spec writes it."""

    def counters(self, resource: BanditDeployment, located: Located | None = None) -> tuple[Counter, ...]:
        """All requests, those within the target, and those of them that did not fail."""
        label = software_label(self.software, resource, located)
        name, matchers = self.durations.name, self.durations.matchers
        bound = f'le=~"{self._bound()}"'
        parts = {
            "trials": _metric(f"{name}_count", matchers),
            "bucket": _metric(f"{name}_bucket", matchers, bound),
        }
        if self.durations.answered:
            parts["rewards"] = _metric(f"{name}_bucket", matchers, bound, self.durations.answered)
        return tuple(
            Counter(part, selector(label, metric), label, shared=self.software.role == Role.GATEWAY)
            for part, metric in parts.items()
        )

    def readings(self, resource: BanditDeployment, values: Values) -> dict[str, ArmReading]:
        """An arm without a bucket of the target has no data; one with nothing but failures has."""
        return {arm.name: self._outcome(arm.name, values) for arm in resource.spec.arms}

    def _outcome(self, arm: str, values: Values) -> ArmReading:
        trials, within = values["trials"].get(arm), values["bucket"].get(arm)
        if trials is None:
            return NoData(f"no series of {self.durations.name}_count")
        if within is None and trials > 0:
            missing = f"{self.durations.name} has no bucket of {self.target}"
            return NoData(f"{missing}; set latencyTarget to one of its bounds")
        rewards = values["rewards"].get(arm, 0.0) if self.durations.answered else within or 0.0
        return _observed(trials, rewards)

    def _bound(self) -> str:
        """The target as the bucket's label: 1 is written 1 by some, and 1.0 by others."""
        bound = round(parse_duration(self.target) * self.durations.per_second, 6)
        return (
            f"{bound:.0f}([.]0)?" if bound == int(bound) else f"{bound:.6f}".rstrip("0").replace(".", "[.]")
        )


def selector(label: ArmLabel, metric: str) -> str:
    """The metric's series of all arms."""
    name, _, inner = metric.partition("{")
    return _metric(
        name, f'{label_name(label.name)}=~"{label.any_arm}"', label.beside, inner.removesuffix("}")
    )


def metric_name(metric: str) -> str:
    """The metric without its matchers."""
    return metric.partition("{")[0]


def _metric(name: str, *matchers: str) -> str:
    given = ",".join(one for one in matchers if one)
    return f"{name}{{{given}}}" if given else name


def _observed(trials: float, rewards: float) -> ArmReading:
    if not (math.isfinite(trials) and math.isfinite(rewards)):
        return impossible(f"{rewards:g} of {trials:g} requests; no counter grows so")
    return Observed(trials, rewards)


def _sources() -> Iterator[tuple[tuple[Preset, str], RewardSource]]:
    for name, software in SOFTWARE.items():
        if isinstance(software.success, Offered):
            yield (SUCCESS[software.role], name), Success(software.success.metrics, software)
        if isinstance(software.latency, Offered):
            yield (LATENCY[software.role], name), Latency(software.latency.metrics, software)


PRESETS: dict[tuple[Preset, str], RewardSource] = dict(sorted(_sources(), key=lambda entry: entry[0]))
"""By preset and implementation, sorted: what is offered."""


def preset_of(preset: Preset, implementation: str | None, latency_target: str | None) -> RewardSource:
    """The source of a preset, of the default gateway where none is named."""
    source = PRESETS[preset, implementation or DEFAULT_GATEWAY.name]
    if isinstance(source, Latency) and latency_target is not None:
        return replace(source, target=latency_target)
    return source
