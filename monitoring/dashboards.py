"""Two pages for Grafana: all rollouts, and one of them.

Format: https://grafana.com/docs/grafana/latest/dashboards/build-dashboards/view-dashboard-json-model/
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from grafana_foundation_sdk.builders import dashboard
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import DashboardCursorSync, VariableRefresh, VariableSort

from monitoring.panels import FULL, HALF, SOURCE, THIRD, Line, lines, number, rows, states, word

TAG = "bandit-operator"
ONE = 'resource_namespace="$namespace",resource="$resource"'
"""Selects the series of the rollout that the reader chose."""
ARM = "{{arm}}"


def fleet() -> dashboard.Dashboard:
    """All rollouts and the operator itself: is anything wrong, and where?"""
    page = _page("Bandit rollouts", "bandit-rollouts", "All BanditDeployments, and the operator's own work.")
    for panel in (
        number(
            "Resources", "BanditDeployments that the operator knows.", Line("max(bandit_operator_resources)")
        ),
        number(
            "Ready",
            "How many say Ready=True.",
            Line('count(bandit_operator_condition{type="Ready",status="True"}) or vector(0)'),
        ),
        number(
            "Not ready",
            "How many say Ready=False; the table below says why.",
            Line('count(bandit_operator_condition{type="Ready",status="False"}) or vector(0)'),
        ),
        number(
            "Arms rolled back",
            "Arms that are out of the traffic.",
            Line('count(bandit_operator_arm_state{state="RolledBack"}) or vector(0)'),
        ),
        number(
            "Arms that cannot serve",
            "Arms without weight because nothing of theirs is ready.",
            Line('count(bandit_operator_arm_state{state="Unavailable"}) or vector(0)'),
        ),
        number(
            "Shards held",
            "Shards that a replica of the operator looks at: as many as there are.",
            Line("sum(bandit_operator_shards_held)"),
        ),
        rows(
            "What is wrong",
            "Conditions that do not hold, and the reason of each.",
            Line('bandit_operator_condition{type!="Progressing",status="False"}'),
            width=HALF,
        ),
        rows("Phases", "Where each rollout stands.", Line("bandit_operator_phase"), width=HALF),
        lines(
            "Decisions by reason",
            "What the ticks come to, doing nothing included.",
            Line("sum by (reason) (rate(bandit_operator_decisions_total[5m]))", "{{reason}}"),
            unit="cps",
        ),
        lines(
            "Holds by reason",
            "Ticks in which weights were held because something was missing.",
            Line("sum by (reason) (rate(bandit_operator_holds_total[5m]))", "{{reason}}"),
            unit="cps",
        ),
        lines(
            "Queries to Prometheus",
            "By what became of them. One request carries those of several rollouts.",
            Line("sum by (outcome) (rate(bandit_operator_prometheus_queries_total[5m]))", "{{outcome}}"),
            Line("sum(rate(bandit_operator_prometheus_requests_total[5m]))", "requests"),
            unit="cps",
        ),
        lines(
            "Writes to the API server",
            "By object and outcome.",
            Line(
                "sum by (object, outcome) (rate(bandit_operator_api_writes_total[5m]))",
                "{{object}} {{outcome}}",
            ),
            unit="cps",
        ),
        lines(
            "How late ticks begin",
            "Growing where the operator has too little processor.",
            *(
                Line(
                    f"histogram_quantile({quantile}, sum by (le) "
                    "(rate(bandit_operator_tick_lag_seconds_bucket[5m])))",
                    name,
                )
                for quantile, name in (("0.5", "median"), ("0.99", "99 %"))
            ),
            width=THIRD,
            unit="s",
        ),
        lines(
            "Processor",
            "Cores that the operator takes.",
            Line(
                "sum by (pod) (rate(process_cpu_seconds_total[5m])"
                " and on (instance) bandit_operator_leading)",
                "{{pod}}",
            ),
            width=THIRD,
            unit="short",
        ),
        lines(
            "Memory",
            "Resident memory of the operator.",
            Line("process_resident_memory_bytes and on (instance) bandit_operator_leading", "{{pod}}"),
            width=THIRD,
            unit="bytes",
        ),
    ):
        page = page.with_panel(panel)
    return page


def rollout() -> dashboard.Dashboard:
    """One rollout: which arm wins, how sure is that, and what was done?"""
    page = _page("Bandit rollout", "bandit-rollout", "One BanditDeployment: its arms, evidence and acts.")
    page = page.with_variable(
        _choice("namespace", "Namespace", "bandit_operator_phase", "resource_namespace")
    )
    one = 'bandit_operator_phase{resource_namespace="$namespace"}'
    page = page.with_variable(_choice("resource", "BanditDeployment", one, "resource"))
    for panel in (
        word("Phase", "Where it stands.", Line(f"bandit_operator_phase{{{ONE}}}", "{{phase}}")),
        word(
            "Ready",
            "Whether traffic is where the evidence wants it, and why.",
            Line(f'bandit_operator_condition{{{ONE},type="Ready"}}', "{{status}}: {{reason}}"),
            width=THIRD,
        ),
        word(
            "Leader",
            "Arm that is most probably best.",
            Line(f"topk(1, bandit_operator_arm_probability_best{{{ONE}}})", ARM),
        ),
        number(
            "Certainty",
            "Probability that the leader is the best arm.",
            Line(f"max(bandit_operator_arm_probability_best{{{ONE}}})"),
            unit="percentunit",
        ),
        number(
            "Last act",
            "How long ago anything was done.",
            Line(f"time() - max(bandit_operator_last_act_timestamp_seconds{{{ONE}}})"),
            unit="s",
        ),
        lines(
            "Share of the traffic",
            "What each arm is meant to have, and what reached it where requests are counted.",
            Line(f"bandit_operator_arm_share{{{ONE}}}", ARM),
            Line(f"bandit_operator_arm_realised_share{{{ONE}}}", f"{ARM} realised"),
            unit="percentunit",
            axis="share",
            highest=1.0,
        ),
        lines(
            "Mean reward",
            "With the ends of the central 95 % interval.",
            Line(f"bandit_operator_arm_mean_reward{{{ONE}}}", ARM),
            Line(f"bandit_operator_arm_mean_reward_lower{{{ONE}}}", f"{ARM} lower"),
            Line(f"bandit_operator_arm_mean_reward_upper{{{ONE}}}", f"{ARM} upper"),
            axis="reward",
        ),
        lines(
            "Probability of being best",
            "What the strategy believes.",
            Line(f"bandit_operator_arm_probability_best{{{ONE}}}", ARM),
            unit="percentunit",
            axis="probability",
            highest=1.0,
        ),
        lines(
            "Evidence against an arm",
            "e-value that it is worse than the baseline. At the threshold it is rolled back.",
            Line(f"bandit_operator_arm_evidence{{{ONE}}}", ARM),
            Line(f"max(bandit_operator_arm_evidence_threshold{{{ONE}}})", "threshold"),
            axis="e-value",
            logarithmic=True,
        ),
        states(
            "States of the arms",
            "Each series is an arm in a state.",
            Line(f"bandit_operator_arm_state{{{ONE}}}", f"{ARM}: {{{{state}}}} ({{{{reason}}}})"),
            width=FULL,
        ),
        lines(
            "Trials",
            "Rewarded requests that the evidence stands on.",
            Line(f"bandit_operator_arm_trials{{{ONE}}}", ARM),
            axis="rewarded requests",
        ),
        lines(
            "Rollbacks and other writers",
            "Arms rolled back, and how often somebody else changed the weights.",
            Line(
                f"sum by (arm) (increase(bandit_operator_rollbacks_total{{{ONE}}}[1h]))", f"{ARM} rolled back"
            ),
            Line(f"increase(bandit_operator_foreign_weight_changes_total{{{ONE}}}[1h])", "changed by others"),
        ),
        rows(
            "Conditions",
            "As they stand.",
            Line(f"bandit_operator_condition{{{ONE}}}"),
        ),
    ):
        page = page.with_panel(panel)
    return page


DASHBOARDS = {"rollout": rollout, "rollouts": fleet}
"""Pages by the name of their file."""


def as_json(page: dashboard.Dashboard) -> str:
    """A page as Grafana reads it."""
    return json.dumps(page.build(), cls=JSONEncoder, sort_keys=True, indent=2) + "\n"


def queries(text: str) -> Iterator[str]:
    """All PromQL of a page, with its variables."""
    page = json.loads(text)
    for variable in page["templating"]["list"]:
        if variable["type"] == "query":
            yield str(variable["query"]).removeprefix("label_values(").rpartition(",")[0]
    for panel in page["panels"]:
        for target in panel["targets"]:
            yield target["expr"]


def filled(promql: str, values: Mapping[str, str]) -> str:
    """A query with values for its variables."""
    for name, value in values.items():
        promql = promql.replace(f"${name}", value)
    return promql


def _page(title: str, uid: str, description: str) -> dashboard.Dashboard:
    source = dashboard.DatasourceVariable("source").label("Prometheus").type("prometheus")
    page = dashboard.Dashboard(title).uid(uid).description(description).tags([TAG]).readonly()
    page = (
        page.timezone("browser").refresh("30s").time("now-6h", "now").tooltip(DashboardCursorSync.CROSSHAIR)
    )
    return page.with_variable(source)


def _choice(name: str, label: str, selector: str, of: str) -> dashboard.QueryVariable:
    variable = dashboard.QueryVariable(name).label(label).datasource(SOURCE)
    variable = variable.query(f"label_values({selector}, {of})").sort(VariableSort.ALPHABETICAL_ASC)
    return variable.refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
