"""Writes what a run came to: JSON for machines, a page with a picture for people."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from bench.chaos import pictures
from bench.chaos.judge import GRACE
from bench.report import as_json

HEAD = """# Chaos, measured

Written by `make chaos` ({minutes:.0f} minutes on {cores} cores): {number} faults on one fresh embedded
cluster, with the real etcd, kube-apiserver, kubelet, Traefik and Prometheus and the operator from its
chart. Each fault has a rollout of its own, with models that count a reward for each request they answer
and {rate:g} requests a second through the gateway; {at_once} are played beside each other, those that
concern the whole cluster alone. The interval is 5 s and the drain 5 s where the fault says nothing else.

| | |
|---|---|
| faults | {number}, of which {ok} are as promised |
| requests | {requests:,} |
| failed later than {grace:g} s after a stroke of the fault, with an arm that could serve | {failed} |
| failed within these {grace:g} s, or while no arm could serve | {at_first:,} |
| arms taken out that were never worse than the baseline | {false} |
| rewards | {rewards:,} |
| lost, or counted twice, beyond what is stated | {lost}, {doubled} |

![What Ready said under each fault, and when requests failed]({picture})

## How it is judged

- **Failed requests.** A request that was sent later than {grace:g} s after the fault's last stroke may not
  fail while some arm has been servable for as long: it has a ready endpoint, and a place in the rule that
  a gateway accepts and resolves.
- **False rollbacks.** An arm that never had a lower mean reward than the baseline may not be taken out.
- **Rewards.** The trials that the operator has recorded, arm by arm, are held to Prometheus' own samples,
  to the last one; where those are what is wrong, to the answers that requests got. *Stated* says what need
  not be counted. What the operator says that it does not believe is not held against it.
- **Ready.** A watch sees each version of status, route, replicas and endpoints. `Ready=True` may not be
  said for longer than {grace:g} s while no arm can serve, an arm that cannot serve has weight, or the route
  carries other weights than the status says.
- Beside these each fault has an outcome of its own, *expected* below.

A load of 2,500 requests a second without reuse of connections is a test of its own,
`tests/cluster/test_published.py`; faults that cannot be made on a cluster are played in the process by
`tests/reconcile/test_worlds.py`.

"""
COLUMNS = (
    "fault", "failed requests", "false rollbacks", "rewards lost", "rewards doubled", "Ready said", "ok"
)  # fmt: skip
FIELDS = (
    "fault", "injected", "expected", "observed", "failed_requests", "false_rollbacks", "rewards_lost",
    "rewards_doubled", "ready_said", "ok",
)  # fmt: skip
"""What every row of the report has."""
MOST_WORDS = 6
"""Changes of Ready that the table shows."""


def write(report: dict[str, Any], build: Path, docs: Path) -> None:
    """Write report.json under ``build``, and chaos.md with its picture under ``docs``.

    Args:
        report: ``seconds``, ``cores``, ``rate``, ``at_once`` and ``faults``, the rows.
        build: Folder for the JSON file.
        docs: Folder for the page.
    """
    keep(report, build)
    docs.mkdir(parents=True, exist_ok=True)
    pictures.draw(report["faults"], docs / "chaos.png")
    (docs / "chaos.md").write_text(text_of(report, "chaos.png"), encoding="utf-8")


def keep(report: dict[str, Any], build: Path) -> None:
    """Write report.json alone, as while faults are still played: what was played is not lost then."""
    build.mkdir(parents=True, exist_ok=True)
    (build / "report.json").write_text(as_json(report), encoding="utf-8")


def text_of(report: dict[str, Any], picture: str) -> str:
    """Return the page."""
    rows = report["faults"]
    text = HEAD.format(
        minutes=report["seconds"] / 60,
        cores=report["cores"],
        rate=report["rate"],
        at_once=report["at_once"],
        number=len(rows),
        ok=sum(row["ok"] for row in rows),
        grace=GRACE,
        requests=_sum(rows, "requests"),
        failed=_sum(rows, "failed_requests"),
        at_first=_sum(rows, "failed_at_first"),
        false=_sum(rows, "false_rollbacks"),
        rewards=_sum(rows, "rewards"),
        lost=_sum(rows, "rewards_lost"),
        doubled=_sum(rows, "rewards_doubled"),
        picture=picture,
    )
    text += f"## The figures\n\n| {' | '.join(COLUMNS)} |\n{'|---' * len(COLUMNS)}|\n"
    for row in rows:
        cells = [f"[{row['fault']}](#{row['fault']})"]
        cells += [_number(row.get(name)) for name in FIELDS[4:8]]
        cells += [_said(row.get("ready_said", "")), "yes" if row["ok"] else "**no**"]
        text += f"| {' | '.join(cells)} |\n"
    return text + "\n## The faults\n" + "".join(map(_section, rows))


def _section(row: dict[str, Any]) -> str:
    lines = [f"\n### {row['fault']}\n", f"- Injected: {row['injected']}", f"- Expected: {row['expected']}"]
    lines.append(f"- Observed: {_plain(row['observed']) or 'not what was expected'}.")
    if row.get("requests"):
        first = f", {row['failed_at_first']:,} of them failed at first" if row["failed_at_first"] else ""
        lines.append(f"- {row['requests']:,} requests{first}; {row['rewards']:,} rewards.")
    if row.get("stated"):
        lines.append(f"- Stated: {row['stated']}")
    lines += [f"- **Not ok:** {_plain(problem)}" for problem in row["problems"]]
    return "\n".join(lines) + "\n"


def _said(words: str) -> str:
    """Return what Ready said, shortened in the middle where it said much."""
    said = words.split(" → ")
    if len(said) > MOST_WORDS:
        said = [*said[: MOST_WORDS - 2], "…", said[-1]]
    return " → ".join(said)


def _plain(text: str) -> str:
    """Return a text as one line of Markdown, without the machine's own paths."""
    return " ".join(text.replace("|", "\\|").replace("<", "&lt;").split())


def _sum(rows: Iterable[dict[str, Any]], name: str) -> int:
    return sum(int(row.get(name) or 0) for row in rows)


def _number(value: Any) -> str:
    return "" if value is None else f"{value:,}"
