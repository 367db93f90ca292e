"""What is said of counters that have no series."""

from __future__ import annotations

import pytest

from bandit_operator.api.presets.base import ArmLabel
from bandit_operator.sources.base import Counter
from bandit_operator.sources.missing import cause_of

LABEL = ArmLabel("arm", (("logistic", "logistic"), ("boosting", "boosting")))
ALL = "all"


class There:
    """A server with such series: what selectors it knows have, by label."""

    def __init__(self, **series: dict[str, list[str]]) -> None:
        self.asked: list[str | None] = []
        self._series = series

    def values(self, label: str, match: str | None) -> list[str]:
        self.asked.append(match)
        if label == "__name__" and (match is None or "__name__" not in match):
            return list(self._series)
        return self._of(match).get(label, [])

    def labels(self, match: str) -> list[str]:
        self.asked.append(match)
        return list(self._of(match))

    def _of(self, match: str | None) -> dict[str, list[str]]:
        for name, labels in self._series.items():
            if match is not None and (match.startswith(f"{name}{{") or f'"{name}"' in match or match == name):
                wrong = any(
                    f'{label}="' in match and not any(f'{label}="{value}"' in match for value in values)
                    for label, values in labels.items()
                )
                return {} if wrong else labels
        return {}


def counter(selector: str, field: str = "reward.prometheus.trials", *, shared: bool = False) -> Counter:
    return Counter("trials", selector, LABEL, field, shared)


@pytest.mark.parametrize(
    ("selector", "says"),
    [
        (
            "ok_total",
            "the values of arm on ok_total are A, b.1, c, d, e and 2 more;"
            " where they are not the arms' names, set arms[].labelValue",
        ),
        ("bare_total", "bare_total has no label arm, but job, route"),
        ('ok_total{route="y"}', 'no series of ok_total has route="y"; its values of route are x'),
        ('{__name__="ok_total",route="y"}', 'no series of ok_total has route="y"; its values of route are x'),
        ("okay_total", "there is no metric okay_total; ok_total is the nearest name"),
        ("zzz", "there is no metric zzz"),
        ('{route="zzz"}', '{route="zzz"} selects nothing'),
    ],
)
def test_the_first_cause_from_coarse_to_fine_is_said(selector: str, says: str) -> None:
    there = There(
        ok_total={"arm": ["c", "A", "b.1", "e", "d", "f", "g"], "route": ["x"]},
        bare_total={"job": ["m"], "route": ["x"]},
    )
    assert cause_of(there, counter(selector), None) == says


def test_of_the_operators_own_selectors_which_name_the_arms_the_metric_is_looked_for() -> None:
    there = There(requests_total={"arm": ["A"]})
    made = counter('requests_total{arm=~"logistic|boosting",code!~"5.."}', field="")
    assert cause_of(there, made, None) == "the values of arm on requests_total are A"


def test_where_namespaces_are_bound_nothing_is_asked_of_others() -> None:
    there = There(other={"arm": ["A"]})
    cause_of(there, counter('ok_total{namespace="tenant"}'), "tenant")
    cause_of(there, counter('ok_total{arm=~"a",namespace="tenant"}', field=""), "tenant")
    assert there.asked
    assert all('namespace="tenant"' in (match or "") for match in there.asked)


def test_of_a_gateways_metrics_nothing_is_said_where_namespaces_are_bound() -> None:
    there = There(requests_total={"arm": ["victim"]})
    assert cause_of(there, counter("requests_total", field="", shared=True), "tenant") == ""
    assert there.asked == []


def test_long_values_are_cut_short() -> None:
    said = cause_of(There(ok_total={"arm": ["x" * 5000]}), counter("ok_total"), None)
    assert len(said) < 200
