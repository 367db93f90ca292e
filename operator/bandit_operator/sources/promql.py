"""The PromQL that sources share.

A counter's increase in a window (start, end] is taken from the counter itself. With ``last``
its value at the end and ``first`` its value at the start, it is last − first, or all of last
where the series began inside the window. ``increase()`` would extrapolate and round. What
PromQL cannot say exactly is the increase of a counter that was reset inside the window,
since the value before a reset is lost to its functions: such series are left out here,
counted by ``reset_count``, and read sample by sample (``sources.exact``).
"""

from __future__ import annotations

LOOK_BACK_SECONDS = 300
"""How far before a moment its last sample may lie: Prometheus' own staleness limit."""
PART = "bandit_part"
"""Label that tells the parts of one question's answer apart."""


def increase(selector: str, label: str, start: float, end: float) -> str:
    """The exact increase of counters in (start, end], summed by ``label``, without those that were reset.

    ``@`` makes the answer the same whenever the question is asked
    (https://prometheus.io/docs/prometheus/latest/querying/basics/#modifier).

    Args:
        selector: Selects counters, without range or function.
        label: What to sum by.
        start: Beginning of the window, itself outside, seconds since the Unix epoch.
        end: End of the window, itself inside.
    """
    last = f"last_over_time({_until(selector, start, end)})"
    first = f"last_over_time({_before(selector, start)})"
    return f"sum by ({label}) ((({last} - {first}) or {last}) unless {_reset(selector, start, end)})"


def reset_count(selector: str, label: str, start: float, end: float) -> str:
    """How many series were reset in (start, end], by ``label``."""
    return f"count by ({label}) ({_reset(selector, start, end)})"


def raw(selector: str, start: float, end: float) -> str:
    """All samples that the increase in (start, end] depends on, to be asked at any time."""
    return _until(selector, start, end)


def part(name: str, query: str) -> str:
    """The query with its part's name on every element of its answer."""
    return f'label_replace({query}, "{PART}", "{name}", "", "")'


def _reset(selector: str, start: float, end: float) -> str:
    """The series that were reset in (start, end], also right at its start.

    Both ranges begin at the same moment, so their difference is the resets since ``start``.
    """
    since_then = f"resets({_until(selector, start, end)}) - resets({_before(selector, start)})"
    inside = f"resets({selector}[{round(end - start)}s] @ {end:.3f})"
    return f"((({since_then}) or {inside}) > 0)"


def _until(selector: str, start: float, end: float) -> str:
    return f"{selector}[{round(end - start) + LOOK_BACK_SECONDS}s] @ {end:.3f}"


def _before(selector: str, start: float) -> str:
    return f"{selector}[{LOOK_BACK_SECONDS}s] @ {start:.3f}"
