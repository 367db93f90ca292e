"""Why a counter has no series for an arm: what there is instead, in one sentence."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Sequence
from typing import Protocol

import promql_parser as promql

from bandit_operator.sources.base import Counter
from bandit_operator.sources.binding import LABEL

MOST_SHOWN = 5
"""Values of a label that a message names."""
LONGEST_VALUE = 60
"""Characters of one that it shows."""
MOST_NAMES = 20_000
"""Names of metrics that are compared with one that does not exist."""


class Lookup(Protocol):
    """What a Prometheus server has, in the hours that are looked at."""

    def values(self, label: str, match: str | None) -> Sequence[str]:
        """Values of a label on the series of a selector, or of all."""
        ...

    def labels(self, match: str) -> Sequence[str]:
        """Names of the labels on the series of a selector."""
        ...


def cause_of(lookup: Lookup, counter: Counter, namespace: str | None) -> str:
    """Why an arm has no series of a counter; from coarse to fine, the first cause that is found.

    Args:
        lookup: what there is.
        counter: that has no series; of the operator's own selectors, which name the arms themselves,
            only the metric is looked for.
        namespace: the only one of which something may be said, or None.

    Returns:
        One sentence, or nothing where nothing may be said.

    Raises:
        ValueError: The selector cannot be read.
    """
    selector = promql.parse(counter.selector)
    if not isinstance(selector, promql.VectorSelector):
        raise ValueError("no selector")
    if namespace is not None and counter.shared:
        return ""
    name = _name_of(selector)
    metric = _selector(namespace, name)
    shown, chosen = (counter.selector,) * 2 if counter.field or name is None else (name, metric)
    values = lookup.values(counter.label.name, chosen)
    if values:
        said = f"the values of {counter.label.name} on {shown} are {_listed(values)}"
        if not counter.field:
            return said
        if all(counter.label.arm_of(value) is not None for value in values):
            return f"{said}; where the arm is among them, it has no sample that is new: are its Pods scraped?"
        return f"{said}; where they are not the arms' names, set arms[].labelValue"
    labels = [label for label in lookup.labels(chosen) if label != "__name__"]
    if labels:
        return f"{shown} has no label {counter.label.name}, but {_listed(labels)}"
    if name is None:
        return f"{shown} selects nothing"
    if not lookup.labels(metric):
        names = lookup.values("__name__", None if namespace is None else _selector(namespace))
        near = difflib.get_close_matches(name, names[:MOST_NAMES], n=1)
        return f"there is no metric {name}" + (f"; {near[0]} is the nearest name" if near else "")
    for matcher in selector.matchers.matchers:
        if matcher.op == promql.MatchOp.Equal and matcher.name != "__name__":
            known = lookup.values(matcher.name, metric)
            if matcher.value not in known:
                return f"no series of {name} has {matcher}; its values of {matcher.name} are {_listed(known)}"
    return f"{name} is there, and {shown} selects nothing of it"


def _selector(namespace: str | None, name: str | None = None) -> str:
    """The selector of a metric, or of all, within what may be seen."""
    matchers = {"__name__": name, LABEL: namespace}
    given = (
        f"{label}={json.dumps(value, ensure_ascii=False)}"
        for label, value in matchers.items()
        if value is not None
    )
    return f"{{{','.join(given)}}}"


def _name_of(selector: promql.VectorSelector) -> str | None:
    equal = (one for one in selector.matchers.matchers if one.op == promql.MatchOp.Equal)
    return selector.name or next((one.value for one in equal if one.name == "__name__"), None)


def _listed(values: Iterable[str]) -> str:
    given = sorted(values)
    short = [value if len(value) <= LONGEST_VALUE else f"{value[:LONGEST_VALUE]}…" for value in given]
    more = f" and {len(given) - MOST_SHOWN} more" if len(given) > MOST_SHOWN else ""
    return (", ".join(short[:MOST_SHOWN]) or "none") + more
