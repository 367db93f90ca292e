"""Alert rules for Prometheus: when somebody is to be told, and what.

Format: https://prometheus.io/docs/prometheus/latest/configuration/alerting_rules/
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

RUNBOOKS = "RUNBOOKS"
"""What the chart replaces by the address of the page with the runbooks."""
WHOSE = "{{ $labels.resource_namespace }}/{{ $labels.resource }}"


class Severity(StrEnum):
    """How much of a hurry there is."""

    CRITICAL = "critical"
    """Requests fail, or nobody looks after them: now, at night too."""
    WARNING = "warning"
    """Something does not do what it is for: today."""
    INFO = "info"
    """Good to know."""


@dataclass(frozen=True, slots=True)
class Alert:
    """One rule."""

    name: str
    promql: str
    """True where it returns a series."""
    lasting: str
    """How long it must hold, as a duration of Prometheus."""
    severity: Severity
    summary: str
    """One line: what is wrong, and with what."""
    description: str
    """What that means for requests, and where to look."""

    def rule(self) -> dict[str, Any]:
        """The rule as Prometheus reads it."""
        return {
            "alert": self.name,
            "expr": self.promql,
            "for": self.lasting,
            "labels": {"severity": str(self.severity)},
            "annotations": {
                "summary": self.summary,
                "description": self.description,
                "runbook_url": f"{RUNBOOKS}#{self.name.lower()}",
            },
        }


def _condition(**labels: str) -> str:
    selected = ",".join(f'{name}="{value}"' for name, value in labels.items())
    return f"max by (resource_namespace, resource, reason) (bandit_operator_condition{{{selected}}}) == 1"


def _arm(state: str) -> str:
    return (
        f"max by (resource_namespace, resource, arm, reason)"
        f' (bandit_operator_arm_state{{state="{state}"}}) == 1'
    )


INTERVAL = "max by (resource_namespace, resource) (bandit_operator_interval_seconds)"
ALERTS = (
    Alert(
        "BanditArmRolledBack",
        _arm("RolledBack"),
        "0m",
        Severity.INFO,
        "Arm {{ $labels.arm }} of " + WHOSE + " is out of the traffic.",
        "It was proven worse than the baseline, or somebody set it out. It is tried again after"
        " rollback.retryAfter, or once its Pods run something else.",
    ),
    Alert(
        "BanditArmShadowing",
        # without the reason, as below
        'max by (resource_namespace, resource, arm) (bandit_operator_arm_state{state="Shadowing"}) == 1',
        "24h",
        Severity.INFO,
        "Arm {{ $labels.arm }} of " + WHOSE + " has been answering copies alone for a day.",
        "Nothing shows yet that it is no worse than the baseline by more than the margin; it has no traffic."
        " Nobody else is concerned.",
    ),
    Alert(
        "BanditArmStuck",
        # without the reason, which changes on the way and would let the hour begin anew
        "max by (resource_namespace, resource, arm, state)"
        ' (bandit_operator_arm_state{state=~"Draining|Restoring"}) == 1',
        "1h",
        Severity.WARNING,
        "Arm {{ $labels.arm }} of " + WHOSE + " has been {{ $labels.state }} for an hour.",
        "Draining: it has no weight, and its Pods are not taken down. Restoring: it was scaled up and is not"
        " ready. Nobody else is concerned.",
    ),
    Alert(
        "BanditArmUnavailable",
        _arm("Unavailable"),
        "15m",
        Severity.WARNING,
        "Arm {{ $labels.arm }} of " + WHOSE + " cannot serve: {{ $labels.reason }}.",
        "It has no weight until it can; the other arms serve its requests.",
    ),
    Alert(
        "BanditDeploymentNotReady",
        _condition(type="Ready", status="False"),
        "10m",
        Severity.WARNING,
        WHOSE + " is not ready: {{ $labels.reason }}.",
        "Traffic is not known to be where the evidence wants it. The message of condition Ready says why:"
        " kubectl describe bd {{ $labels.resource }} -n {{ $labels.resource_namespace }}",
    ),
    Alert(
        "BanditInternalError",
        _condition(type="Ready", status="False", reason="InternalError"),
        "1m",
        Severity.CRITICAL,
        "The operator fails on " + WHOSE + ".",
        "A fault of the operator's own. Weights stay as they are; nothing is learned or rolled back there."
        " Its log has the traceback.",
    ),
    Alert(
        "BanditNoArmAvailable",
        _condition(type="Ready", status="False", reason="NoArmAvailable"),
        "1m",
        Severity.CRITICAL,
        "No arm of " + WHOSE + " can serve.",
        "Requests fail. No arm has a ready endpoint, arms that were out included.",
    ),
    Alert(
        "BanditNotLookedAt",
        "time() - max by (resource_namespace, resource) (bandit_operator_looked_at_timestamp_seconds)"
        f" > 3 * clamp_min({INTERVAL}, 60)",
        "5m",
        Severity.CRITICAL,
        "Nobody has looked at " + WHOSE + " for {{ $value | humanizeDuration }}.",
        "Its conditions are those of then. Weights stay where they are; nothing is learned or rolled back"
        " there, and an arm that fails keeps its traffic.",
    ),
    Alert(
        "BanditOperatorDown",
        "absent(max(bandit_operator_leading) == 1)",
        "5m",
        Severity.CRITICAL,
        "No operator leads, or none is scraped.",
        "Weights stay where they are and requests go on. Nothing is rolled back, and an arm that fails keeps"
        " its traffic. Rewards are counted once an operator is back, for up to a day.",
    ),
    Alert(
        "BanditOperatorLate",
        "histogram_quantile(0.99, sum by (le) (rate(bandit_operator_tick_lag_seconds_bucket[10m]))) > 5",
        "15m",
        Severity.WARNING,
        "The operator begins its ticks {{ $value | humanizeDuration }} late.",
        "It has too little processor, or a source answers slowly. No reward is lost; decisions come late.",
    ),
    Alert(
        "BanditPrometheusNotFound",
        "max by (address) (bandit_operator_prometheus_found) == 0",
        "5m",
        Severity.WARNING,
        "The operator gets no answer of Prometheus at {{ $labels.address }}.",
        "It has had none since its start: the address that it was installed with may be wrong. Weights of all"
        " rollouts that name no other are held.",
    ),
    Alert(
        "BanditQueriesFail",
        'sum(rate(bandit_operator_prometheus_queries_total{outcome!="answered"}[10m]))'
        " / sum(rate(bandit_operator_prometheus_queries_total[10m])) > 0.2",
        "10m",
        Severity.WARNING,
        "{{ $value | humanizePercentage }} of the operator's queries to Prometheus fail.",
        "Weights are held where rewards cannot be read; they are counted once Prometheus answers.",
    ),
    Alert(
        "BanditRewardsStale",
        "time() - bandit_operator_rewards_until_timestamp_seconds"
        f" > on (resource_namespace, resource) group_left () (1800 + 2 * {INTERVAL})"
        " unless on (resource_namespace, resource) bandit_operator_phase"
        '{phase=~"Paused|Rejected"} == 1',
        "5m",
        Severity.WARNING,
        "No rewards of " + WHOSE + " have been read for {{ $value | humanizeDuration }}.",
        "Weights are held. Condition MetricsAvailable says what is missing.",
    ),
    Alert(
        "BanditShardNotHeld",
        "max by (namespace) (bandit_operator_shards) > sum by (namespace) (bandit_operator_shards_held)",
        "5m",
        Severity.CRITICAL,
        "Some BanditDeployments are looked at by no Pod of the operator in {{ $labels.namespace }}.",
        "Of {{ $value }} shards not all are held: weights of the others' stay where they are, and nothing is"
        " rolled back there.",
    ),
    Alert(
        "BanditTrafficNotFollowing",
        _condition(type="TrafficInSync", status="False", reason="TrafficNotFollowing"),
        "15m",
        Severity.WARNING,
        "Requests of " + WHOSE + " are not shared out as its weights say.",
        "Sticky sessions, another route to the same backend, or a gateway that restarts its round robin.",
    ),
    Alert(
        "BanditWeightsContested",
        _condition(type="TrafficInSync", status="False", reason="WeightsContested"),
        "1m",
        Severity.WARNING,
        "Another writer keeps setting the weights of " + WHOSE + ".",
        "Condition TrafficInSync names who. Let them ignore the weights of backendRefs.",
    ),
    Alert(
        "BanditWritesRefused",
        'sum by (object) (rate(bandit_operator_api_writes_total{outcome="refused"}[10m])) > 0',
        "10m",
        Severity.WARNING,
        "The API server refuses to let the operator write {{ $labels.object }}.",
        "A right is missing, or a webhook or policy objects. Condition TrafficInSync has its words.",
    ),
)
"""All rules, sorted by name."""


def groups() -> dict[str, Any]:
    """All rules as Prometheus reads them from a file."""
    return {"groups": [{"name": "bandit-operator", "rules": [one.rule() for one in ALERTS]}]}
