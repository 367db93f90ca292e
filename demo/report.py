"""The figures of the demo: ``report.json``."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cluster.client import EmbeddedCluster
from demo.decided_again import decided_again
from demo.load import Load, load_of
from demo.page import page_of
from demo.rollbacks import rollbacks_of
from demo.story import Story
from testbed.records import Object, number, parse_time, ticks_of


def _silence(story: Story) -> float | None:
    scaled, last = story.moments.get("scaled"), story.last_answer_before_scale
    return None if scaled is None or last is None else round(scaled.time - last, 3)


def build_report(story: Story, embedded: EmbeddedCluster | None) -> dict[str, Any]:
    """Return all figures, as JSON values."""
    records, replayer, moments = story.watched.records, story.traffic.replayer, story.moments
    ticks = ticks_of(records)
    load = _load(story, embedded)
    return {
        "data": story.prepared.source,
        "skew": {
            "arm": story.best,
            "feature": story.prepared.skew_feature,
            "factor": story.prepared.skew_factor,
            "cause": story.prepared.skew_cause,
        },
        "arms": {
            arm.name: {"validated": arm.validation, "production": arm.production, "skewed": arm.skewed}
            for arm in story.prepared.arms.values()
        },
        "steps": [
            {
                "step": step.key,
                "text": story.text_of(step),
                "state": str(step.state),
                "time": _when(story, step.key),
            }
            for step in story.steps
        ],
        "seconds": round(story.ended - story.started, 1),
        "threshold": number(story.watched.arm(story.best).get("threshold")),
        "ticks": ticks,
        "rewards_sent": replayer.labels_sent,
        "rewards_counted": records.trials(),
        "windows_missing": records.gaps(),
        "decided_again": decided_again(story.watched.versions),
        "rolled_back": rollbacks_of(records),
        "answered_with_skew": story.answered_with_skew,
        "seconds_from_last_answer_to_scale": _silence(story),
        "restored": [
            {"arm": story.best, "tick": moments["restored"].tick, "time": _iso(moments["restored"].time)}
        ]
        if "restored" in moments
        else [],
        "leader": story.best if "leads" in moments else None,
        "requests_total": replayer.counters.requests_total,
        "requests_failed": replayer.counters.requests_failed,
        "failures": dict(replayer.counters.failures),
        "latency_ms": replayer.snapshot()["latency_ms"],
        "api_reads_per_tick": load.reads,
        "api_writes_per_tick": load.writes,
        "api_writes_per_tick_with_drain_and_return": load.all_writes,
        "events_per_tick": load.events,
        "queries_per_tick": load.queries,
        "api_requests": load.kinds,
        "counted_how": (
            "API requests: those of the operator's ServiceAccount in the audit log from its first to its "
            "last tick, without leases, watches, the list of each kind in five minutes that checks them, "
            "discovery and start-up; events apart. Writes are those of normal ticks: draining an arm and "
            "bringing it back take more, between ticks, which the figure with drain and return has. "
            "Queries: by Prometheus's own counter in the same time. null: the cluster gives no audit log "
            "to read."
        ),
    }


def _load(story: Story, embedded: EmbeddedCluster | None) -> Load:
    begin, records = story.moments.get("start"), story.watched.records
    if begin is None:
        return load_of(None, None, [], [], story.ended)
    queries = None
    if story.queries_at_start is not None and story.queries_at_end is not None:
        queries = story.queries_at_end - story.queries_at_start
    requests = embedded.requests() if embedded else None
    times = [_decided(one) for one in records.ticks]
    between = [_decided(one) for one in records.all if "window" not in one]
    since = [time for time in times if time >= begin.time]
    return load_of(requests, queries, since, [time for time in between if time >= begin.time], story.ended)


def _decided(record: Object) -> float:
    return parse_time(record["time"])


def write_report(report: dict[str, Any], folder: Path) -> Path:
    """Write report.json and report.html; returns the path of the latter."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "report.json").write_text(json.dumps(report, indent=1))
    page = folder / "report.html"
    page.write_text(page_of(report))
    return page


def _when(story: Story, key: str) -> str | None:
    moment = story.moments.get(key)
    return None if moment is None else _iso(moment.time)


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
