"""Several queries as one: on a real Prometheus each comes to what it comes to alone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest

from bandit_operator.adapters import joined
from bandit_operator.adapters.prometheus import Prometheus
from bandit_operator.core.model import SourceDown
from bandit_operator.sources import Sample
from tests.adapters.conftest import Everywhere
from tests.support.prometheus import PrometheusServer, prometheus_server

NOW = 1_700_000_000.0
CLOSED = [
    "up", "(" * 64 + "x" + ")" * 64, "x{a='é'}",
    'rate(x{a="}"}[5m])', "sum by (a) (x) # a comment", "x{a='\\''}", "x{a=`)`}",
    '"# no comment"', "x\n# a\n+ y",
]  # fmt: skip
OPEN = [
    "", "  ", "x)", "(x", "x) or (y", "x[5m", 'x{a="}', "x{a='\n'}", "x{a=`", "x{a=`\\`}",
    "(x]", "x # a\rb", 'x{a="\\',
    'x\n), "bandit_query", "1", "", "") or label_replace((y',
    'x{bandit_query="1"}', "x # \ud800", "(" * 65 + "x" + ")" * 65,
]  # fmt: skip


@pytest.fixture(scope="module")
def server() -> Iterator[PrometheusServer]:
    with prometheus_server() as one:
        for number in range(40):
            one.write("rewards", {"arm": f"a{number}", joined.PLACE: "7"}, [(NOW - 5.0, float(number))])
        one.write("odd", {joined.PLACE: "1"}, [(NOW - 5.0, 1.0)])
        one.write("odd", {joined.PLACE: "2"}, [(NOW - 5.0, 2.0)])
        yield one


@pytest.fixture
async def client() -> AsyncIterator[Prometheus]:
    one = Prometheus(Everywhere(), deadline=20.0)
    yield one
    await one.close()


async def together(client: Prometheus, address: str, queries: list[str]) -> list[list[Sample] | SourceDown]:
    """Ask all in one moment."""
    asked = (client.query(address, one, NOW, f"uid-{at}") for at, one in enumerate(queries))
    return list(await asyncio.gather(*asked))


@pytest.mark.parametrize("query", CLOSED)
def test_what_ends_in_itself_may_be_joined(query: str) -> None:
    assert joined.is_closed(query)


@pytest.mark.parametrize("query", OPEN)
def test_what_could_reach_its_neighbour_is_asked_alone(query: str) -> None:
    assert not joined.is_closed(query)


def test_a_single_query_stays_as_it_is() -> None:
    assert joined.joined(["x"]) == "x"
    assert joined.taken_apart([Sample({joined.PLACE: "5"}, 1.0)], 1) == [[Sample({joined.PLACE: "5"}, 1.0)]]


def test_two_queries_are_told_apart_by_a_label_that_is_set_last() -> None:
    assert joined.joined(["x", "y # z"]) == (
        '(label_replace((\nx\n), "bandit_query", "0", "", "")'
        ' or label_replace((\ny # z\n), "bandit_query", "1", "", ""))'
    )


@pytest.mark.parametrize("place", ["", "2", "-1", "x", "²"])
def test_an_element_of_no_query_is_none_of_anybodys(place: str) -> None:
    with pytest.raises(ValueError, match="belongs to no query"):
        joined.taken_apart([Sample({joined.PLACE: place}, 1.0)], 2)


@pytest.mark.slow
async def test_forty_queries_come_to_what_each_comes_to_alone(
    server: PrometheusServer, client: Prometheus
) -> None:
    queries = [f'sum by (arm) (rewards{{arm="a{number}"}}) # {number}' for number in range(40)]
    found = await together(client, server.address, queries)
    assert found == [[Sample({"arm": f"a{number}"}, float(number))] for number in range(40)]


@pytest.mark.parametrize(
    "wrong",
    ["rewards +", "rewards[5m]", "1", '"text"', "nothing{", "sum(rewards) by", "odd", "rate(rewards[5m]"],
)
async def test_one_that_cannot_be_joined_or_answered_takes_no_other_with_it(
    server: PrometheusServer, client: Prometheus, wrong: str
) -> None:
    good = [f'sum by (arm) (rewards{{arm="a{number}"}})' for number in range(31)]
    alone = await client.query(server.address, wrong, NOW)
    found = await together(client, server.address, [*good[:11], wrong, *good[11:]])
    assert found.pop(11) == alone
    assert found == [[Sample({"arm": f"a{number}"}, float(number))] for number in range(31)]


@pytest.mark.parametrize(
    "query",
    ["rewards offset 1s", f"rewards @ {NOW - 4:.3f}", "rewards @ end()", "-rewards", "sum(rewards)",
     "vector(1)", "topk(3, rewards)", "rewards > bool 3", "rewards or vector(1) # both", "absent(nothing)",
     "max_over_time(rewards[1m:5s] offset 2s)", "sort_desc(rewards)",
     "rewards unless rewards", "rewards / 0"],
)  # fmt: skip
async def test_each_kind_of_query_comes_to_the_same_as_alone(
    server: PrometheusServer, client: Prometheus, query: str
) -> None:
    alone = await client.query(server.address, query, NOW)
    first, found, last = await together(client, server.address, ["sum(rewards)", query, "count(rewards)"])
    assert (first, last) == ([Sample({}, 780.0)], [Sample({}, 40.0)])
    assert _told(found) == _told(alone)


@pytest.mark.slow
async def test_a_limit_of_the_server_that_all_together_exceed_costs_nobody_an_answer(
    client: Prometheus,
) -> None:
    with prometheus_server("--query.max-samples=30") as limited:
        for number in range(40):
            limited.write("rewards", {"arm": f"a{number}"}, [(NOW - 5.0, float(number))])
        queries = [f'sum by (arm) (rewards{{arm="a{number}"}})' for number in range(40)]
        assert isinstance(await client.query(limited.address, "rewards", NOW), SourceDown)
        found = await together(client, limited.address, queries)
    assert found == [[Sample({"arm": f"a{number}"}, float(number))] for number in range(40)]


def _told(answer: list[Sample] | SourceDown) -> object:
    """An answer regardless of its order; labels of users' own are lost where they are named as ours."""
    if isinstance(answer, SourceDown):
        return answer
    kept = ({key: label for key, label in one.labels.items() if key != joined.PLACE} for one in answer)
    return sorted((sorted(labels.items()), str(one.value)) for labels, one in zip(kept, answer, strict=True))


async def test_a_label_of_that_name_in_the_users_series_tells_nothing(
    server: PrometheusServer, client: Prometheus
) -> None:
    found = await together(client, server.address, ['rewards{arm="a1"}', 'rewards{arm="a2"}'])
    assert [[sample.value for sample in one] for one in found if isinstance(one, list)] == [[1.0], [2.0]]


async def test_each_tells_its_not_a_number_and_its_nothing(
    server: PrometheusServer, client: Prometheus
) -> None:
    queries = ['sum by (arm) (rewards{arm="a1"}) * NaN', "nothing", 'sum by (arm) (rewards{arm="a2"})']
    first, second, third = await together(client, server.address, queries)
    assert isinstance(first, list)
    assert first[0].value != first[0].value
    assert second == []
    assert third == [Sample({"arm": "a2"}, 2.0)]
