"""The PromQL that sources share.

A counter's increase in a window (start, end] is taken from the counter itself. With ``last``
its value at the end and ``first`` its value at the start, it is last − first, or all of last
where the series began inside the window. ``increase()`` would extrapolate and round. Two kinds
of series need a closer look, and only a window that has some costs more than one query:

- A series that was reset inside the window: the value before a reset is lost to PromQL's
  functions. Such series are left out here, counted by ``reset_count``, and read sample by
  sample (``sources.resets``).
- A series without a sample in the minutes before the window, counted by ``began_count``. It may
  be new, or go on after its scrapes failed for a while or Prometheus was down. What it had before
  is looked for in a whole day, which costs too much to be asked in each window: ``first_values`` and
  ``earlier_values`` give both, series by series, for ``sources.beginnings``.

Samples may be ingested late. ``level`` gives what counters had at the window's start and at its end;
what a moment has gained since it was the end of the window before came late (``sources.late``).
"""

from __future__ import annotations

import re

LOOK_BACK_SECONDS = 300
"""How far before a moment its last sample may lie: Prometheus' own staleness limit."""
EARLIER_SECONDS = 86_400
"""How far before a window a series is looked for before it is taken as new: as long as windows can be."""
LATELY_SECONDS = 120
"""A series with a sample in this time is still scraped."""
SCRAPERS = ("job", "prometheus", "prometheus_replica", "receive_replica", "rule_replica")
"""Labels that say by whom a target was scraped: the job, and what is usual for one of several Prometheus
(Prometheus Operator, ``prometheusExternalLabelName`` and ``replicaExternalLabelName``; Thanos)."""
PART = "bandit_part"
"""Label that tells the parts of one query's answer apart."""


def increase(selector: str, label: str, start: float, end: float) -> str:
    """The exact increase of counters in (start, end], summed by ``label``, without those that were reset.

    ``@`` makes the answer the same whenever the query is evaluated
    (https://prometheus.io/docs/prometheus/latest/querying/basics/#modifier).

    Args:
        selector: Selects counters, without range or function.
        label: What to sum by.
        start: Beginning of the window, itself outside, seconds since the Unix epoch.
        end: End of the window, itself inside.
    """
    last, first = _last(selector, start, end), _first(selector, start)
    return (
        f"sum by ({label_name(label)}) ((({last} - {first}) or {last}) unless {_reset(selector, start, end)})"
    )


def reset_count(selector: str, label: str, start: float, end: float) -> str:
    """How many series were reset in (start, end], by ``label``."""
    return f"count by ({label_name(label)}) ({_reset(selector, start, end)})"


def began_count(selector: str, label: str, start: float, end: float) -> str:
    """How many series have their first sample for a while in (start, end], by ``label``."""
    return f"count by ({label_name(label)}) ({_last(selector, start, end)} unless {_first(selector, start)})"


def first_values(selector: str, start: float, end: float) -> str:
    """The first values of series that ``began_count`` counts, one by one, without those that were reset.

    Without a reset the first value is the lowest.
    """
    first = f"min_over_time({_inside(selector, start, end)}) unless {_first(selector, start)}"
    return f"(({first}) unless {_reset(selector, start, end)})"


def earlier_values(selector: str, start: float, end: float) -> str:
    """The last values of a day of the series that ``began_count`` counts, one by one."""
    before = f"last_over_time({selector}[{EARLIER_SECONDS}s] @ {start:.3f})"
    inside = f"last_over_time({_inside(selector, start, end)})"
    return f"(({before} unless {_first(selector, start)}) and {inside})"


def level(selector: str, label: str, time: float) -> str:
    """What counters have at a time, summed by ``label``."""
    return f"sum by ({label_name(label)}) ({_first(selector, time)})"


def series_count(selector: str, label: str, time: float) -> str:
    """How many series ``level`` sums."""
    return f"count by ({label_name(label)}) ({_first(selector, time)})"


def raw(selector: str, start: float, end: float) -> str:
    """All samples that the increase in (start, end] depends on, but for ``earlier_values``."""
    return _until(selector, start, end)


def scraped_twice(selector: str, label: str, start: float, end: float) -> str:
    """How many jobs or Prometheus servers scrape a target where it is not one, by ``label`` and target.

    A target is an address in a cluster; ``instance`` is that address
    (https://prometheus.io/docs/concepts/jobs_instances/), and the labels besides are those by which jobs, and
    Prometheus servers that answer together, tell their series apart. Only series that go on count: one
    without a sample for two minutes, or with a staleness marker, belongs to a job of before.
    """
    at = [one for one in ("instance", "cluster") if one != label]
    by = [one for one in SCRAPERS if one != label]
    lately = f"last_over_time({selector}[{duration_of(max(end - start, LATELY_SECONDS))}] @ {end:.3f})"
    series = f"({selector} @ {end:.3f} and {lately})"
    names, scrapers = ", ".join((label_name(label), *at)), ", ".join((label_name(label), *at, *by))
    return f"(count by ({names}) (count by ({scrapers}) ({series})) > 1)"


def part(name: str, query: str) -> str:
    """The query with its part's name on every element of its answer."""
    return f'label_replace({query}, "{PART}", "{name}", "", "")'


def label_name(name: str) -> str:
    """The name of a label as PromQL writes it, in quotes where it needs them.

    Quoted names need Prometheus 3 (https://prometheus.io/docs/guides/utf8/).
    """
    return name if re.fullmatch("[a-zA-Z_][a-zA-Z0-9_]*", name) else f'"{name}"'


def _reset(selector: str, start: float, end: float) -> str:
    """The series that were reset in (start, end], also right at its start.

    Both ranges begin at the same moment, so their difference is the resets since ``start``.
    """
    since_then = f"resets({_until(selector, start, end)}) - resets({_before(selector, start)})"
    inside = f"resets({_inside(selector, start, end)})"
    return f"((({since_then}) or {inside}) > 0)"


def _last(selector: str, start: float, end: float) -> str:
    return f"last_over_time({_until(selector, start, end)})"


def _first(selector: str, start: float) -> str:
    return f"last_over_time({_before(selector, start)})"


def duration_of(seconds: float) -> str:
    """A length of time from a millisecond up, as PromQL writes it."""
    milliseconds = max(round(1000 * seconds), 1)
    return f"{milliseconds}ms" if milliseconds % 1000 else f"{milliseconds // 1000}s"


def _inside(selector: str, start: float, end: float) -> str:
    return f"{selector}[{duration_of(end - start)}] @ {end:.3f}"


def _until(selector: str, start: float, end: float) -> str:
    return f"{selector}[{duration_of(end - start + LOOK_BACK_SECONDS)}] @ {end:.3f}"


def _before(selector: str, start: float) -> str:
    return f"{selector}[{LOOK_BACK_SECONDS}s] @ {start:.3f}"
