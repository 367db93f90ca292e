"""Selectors that are selectors, and PromQL that reads one namespace."""

from __future__ import annotations

import time

import pytest

from bandit_operator.api.presets.base import ArmLabel
from bandit_operator.sources.base import Counter, Query
from bandit_operator.sources.binding import MOST_MARKS, bound, checked

LABEL = ArmLabel("arm", (("a", "a"),))
FIELD = "reward.prometheus.successes"
OWN = 'namespace="tenant"'


def selector(text: str, namespace: str | None = None, *, field: str = FIELD, shared: bool = False) -> str:
    return checked(Counter("rewards", text, LABEL, field, shared), namespace).selector


def query(text: str, namespace: str | None = "tenant") -> str:
    return bound(Query("mean", text, LABEL, "reward.prometheus.query"), namespace).promql


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ("ok_total", "ok_total"),
        (' ok_total { route = "a" } ', 'ok_total{route="a"}'),
        ('{"ok.total", "service.name"=~"x|y"}', '{"service.name"=~"x|y",__name__="ok.total"}'),
        (r"ok_total{path=`/a\d`}", r'ok_total{path="/a\\d"}'),
        (r'ok_total{a="\\", b="{`}"}', r'ok_total{a="\\",b="{`}"}'),
        ('ok_total{a="é"} # the good ones}', 'ok_total{a="é"}'),
    ],
)
def test_a_selector_is_sent_as_it_was_read(written: str, sent: str) -> None:
    assert selector(written) == sent


@pytest.mark.parametrize(
    "text",
    [
        't{x="y"}[5m])) or sum by (arm) (secret or t{x="z"}',
        't{x="y"}[5m]',
        "a_total{} or b_total{}",
        't{x="y"} or on() vector(1)',
        "t{} offset 5m",
        "sum(t)",
        't{x="y"',
        't{x="y" or z="w"}',
        "1",
    ],
)
def test_what_is_no_selector_is_refused_with_its_field(text: str) -> None:
    with pytest.raises(ValueError, match=rf"^spec\.{FIELD}: it "):
        selector(text)


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ("ok_total", f"ok_total{{{OWN}}}"),
        ('ok_total{namespace="victim"}', f"ok_total{{{OWN}}}"),
        ('ok_total{namespace=~".+", namespace!="x", a="b"}', f'ok_total{{a="b",{OWN}}}'),
        ('{__name__=~".+"}', f'{{__name__=~".+",{OWN}}}'),
    ],
)
def test_a_bound_selector_selects_its_own_namespace_only(written: str, sent: str) -> None:
    assert selector(written, "tenant") == sent


def test_the_counter_of_a_gateway_is_told_apart_by_backend_and_stays() -> None:
    assert selector("traefik_service_requests_total", "tenant", shared=True) == (
        "traefik_service_requests_total"
    )


def test_the_operators_own_selector_of_a_model_server_is_bound() -> None:
    assert selector("nv_inference_count", "tenant", field="") == f"nv_inference_count{{{OWN}}}"


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ("x", f"x{{{OWN}}}"),
        (
            'sum by (arm) (increase(ok{namespace="v"}[30s])) / sum by (arm) (increase(all[30s])) # mean',
            f"sum by (arm) (increase(ok{{{OWN}}}[30s])) / sum by (arm) (increase(all{{{OWN}}}[30s]))",
        ),
        (
            "max_over_time(rate(x[1m])[1h:30s] offset 5m)",
            f"max_over_time(rate(x{{{OWN}}}[1m])[1h:30s] offset 5m)",
        ),
        (
            'a * on (pod) group_left ("k.v") b @ end()',
            f'a{{{OWN}}} * on (pod) group_left ("k.v") b{{{OWN}}} @ end()',
        ),
        ("a unless (b or absent(c)) > bool 2", None),
        ("topk(5, sum without (pod) (a)) + scalar(b) - vector(1)", None),
        ("vector(1)", "vector(1)"),
    ],
)
def test_every_selector_of_a_bound_query_is_bound(written: str, sent: str | None) -> None:
    made = query(written)
    assert sent is None or " ".join(made.split()).replace(" )", ")") == sent
    assert made.count(OWN) == sum(made.count(f"{name}{{") for name in ("ok", "all", "x", "a", "b", "c"))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("sum(", "cannot be read as PromQL"),
        ("info(x)", r"uses info\(\)"),
        ("x{a='b' or c='d'}", "joins matchers by or"),
        ("-" * 200 + "x", f"more than {MOST_MARKS} operators"),
    ],
)
def test_a_query_that_cannot_be_bound_is_refused(text: str, says: str) -> None:
    with pytest.raises(ValueError, match=rf"^spec\.reward\.prometheus\.query: .*({says})"):
        query(text)


def test_a_query_that_is_not_bound_is_left_to_prometheus() -> None:
    assert query("sum(", None) == "sum("


@pytest.mark.slow
@pytest.mark.parametrize(
    "text",
    [
        "(" * 2000 + "x" + ")" * 2000,
        "x" + "+x" * 2000,
        "abs(" * 1000 + "x" + ")" * 1000,
        "x{" + ",".join(f'a{number}="b"' for number in range(400)) + "}",
        '"' * 4096,
        "`" * 4095,
        "#" * 4096,
        "x[" + "9" * 4000 + "y]",
        "x offset " + "9" * 4000,
        "x @ " + "9" * 4000,
        "1e" + "9" * 4000,
        '"\\' * 2000,
    ],
)
def test_no_text_keeps_the_operator_busy_or_ends_it(text: str) -> None:
    begun = time.process_time()
    for read in (query, lambda one: selector(one, "tenant")):
        try:
            read(text)
        except ValueError:
            continue
    assert time.process_time() - begun < 5  # not a speed: without a bound such a tree takes minutes
