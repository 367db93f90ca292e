"""The PromQL that sources share."""

from __future__ import annotations

LOOK_BACK_SECONDS = 300
"""How far before a moment its last sample may lie: Prometheus' own staleness limit."""
PART = "bandit_part"
"""Label that tells the parts of one question's answer apart."""


def increase(selector: str, label: str, start: float, end: float) -> str:
    """The exact increase of counters in (start, end], summed by ``label``.

    Unlike ``increase()`` it neither extrapolates nor rounds. With ``last`` the value up to the
    end and ``first`` the one up to the start: a counter that was reset adds its peak before
    the reset, and one that began inside the window adds all that it has. ``@`` makes the
    answer the same whenever the question is asked
    (https://prometheus.io/docs/prometheus/latest/querying/basics/#modifier).

    Args:
        selector: Selects counters, without range or function.
        label: What to sum by.
        start: Beginning of the window, itself outside, seconds since the Unix epoch.
        end: End of the window, itself inside.
    """
    span = round(end - start)
    last = f"last_over_time({selector}[{span + LOOK_BACK_SECONDS}s] @ {end:.3f})"
    first = f"last_over_time({selector}[{LOOK_BACK_SECONDS}s] @ {start:.3f})"
    peak = f"max_over_time({selector}[{span}s] @ {end:.3f})"
    reset = f"resets({selector}[{span}s] @ {end:.3f}) > 0"
    grown = f"({last} - {first}) >= 0 unless ({reset})"
    return f"sum by ({label}) (({grown}) or ({last} + {peak} - {first}) or {last})"


def part(name: str, query: str) -> str:
    """The query with its part's name on every element of its answer."""
    return f'label_replace({query}, "{PART}", "{name}", "", "")'
