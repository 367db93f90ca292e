"""Who is asked together, and what a fault of one of them costs the others."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from urllib.parse import parse_qs

import pytest

from bandit_operator.adapters import joined
from bandit_operator.adapters.access import Access, Origin
from bandit_operator.adapters.answers import samples_in
from bandit_operator.adapters.batches import REMEMBERED_SECONDS, SLOW_REMEMBERED_SECONDS
from bandit_operator.adapters.prometheus import MISSES, Prometheus
from bandit_operator.core.model import SourceDown
from bandit_operator.sources import Sample
from tests.adapters.conftest import Clock, Everywhere
from tests.support.servers import Recording, answering, server, vector

SLOW = ""
"""An answer that never comes."""
GONE = "gone"
"""The connection is closed instead."""
PARTIAL = "partial"
"""There is an answer, and it is said that stores were not reached."""
REFUSED = "400 Bad Request"


@pytest.fixture
def counted() -> list[int]:
    """One for each HTTP request that is made."""
    return []


@pytest.fixture
async def prometheus(clock: Clock, counted: list[int]) -> AsyncIterator[Prometheus]:
    """One that waits for as long as a busy machine may take."""
    client = Prometheus(Everywhere(), deadline=60.0, monotonic=clock, count=lambda: counted.append(1))
    yield client
    await client.close()


@pytest.fixture
async def impatient(clock: Clock) -> AsyncIterator[Prometheus]:
    """One that waits for what never comes."""
    client = Prometheus(Everywhere(), deadline=2.0, monotonic=clock)
    yield client
    await client.close()


class Answers:
    """Answers each query with one element that has its name, unless told otherwise."""

    def __init__(self, answer: Callable[[list[str]], str | None] = lambda _: None) -> None:
        self._answer = answer
        self.asked: list[list[str]] = []
        """What was asked in each request: the names of the queries in it."""

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        length = next(
            int(line.split(":")[1]) for line in head.lower().split("\r\n") if "content-length" in line
        )
        promql = parse_qs((await reader.readexactly(length)).decode())["query"][0]
        names = [word.strip("()") for word in promql.split() if word.strip("()").startswith("q")]
        self.asked.append(names)
        told = self._answer(names)
        if told == SLOW:
            return
        if told == GONE:
            writer.close()
            return
        elements = (
            {"metric": {"name": name, joined.PLACE: str(at)}, "value": [1, "1"]}
            for at, name in enumerate(names)
        )
        body = vector(*elements)
        if told == PARTIAL:
            told, body = None, json.dumps({**json.loads(body), "warnings": ["a store is away"]})
        head = f"HTTP/1.1 {told or '200 OK'}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        writer.write((head + body).encode())
        await writer.drain()
        writer.close()


async def ask(client: Prometheus, address: str, *names: str, at: float = 1.0) -> dict[str, object]:
    """Ask all in one moment; gives the name that each was answered with, or why it was not."""
    found = await asyncio.gather(*(client.query(address, name, at, about=name) for name in names))
    while client._batches._tasks:  # who is to be asked alone is noted once all have their answer
        await asyncio.sleep(0)
    return {name: _told(answer) for name, answer in zip(names, found, strict=True)}


def _told(answer: list[Sample] | SourceDown) -> object:
    return answer.reason if isinstance(answer, SourceDown) else [one.labels["name"] for one in answer]


def own(*names: str) -> dict[str, object]:
    """Each was told its own."""
    return {name: [name] for name in names}


async def test_who_asks_in_the_same_moment_shares_a_request(
    prometheus: Prometheus, counted: list[int]
) -> None:
    answers = Answers()
    async with server(answers) as address:
        assert await ask(prometheus, address, "q1", "q2", "q3") == own("q1", "q2", "q3")
        assert await ask(prometheus, address, "q1") == own("q1")
    assert answers.asked == [["q1", "q2", "q3"], ["q1"]]
    assert len(counted) == 2


async def test_forty_are_asked_by_two_requests(prometheus: Prometheus) -> None:
    answers, names = Answers(), [f"q{number}" for number in range(40)]
    async with server(answers) as address:
        assert await ask(prometheus, address, *names) == own(*names)
    assert sorted(len(one) for one in answers.asked) == [8, joined.MOST_QUERIES]


async def test_other_times_and_what_is_nobodys_are_requests_of_their_own(prometheus: Prometheus) -> None:
    answers = Answers()
    async with server(answers) as address:
        await asyncio.gather(
            ask(prometheus, address, "q1"),
            ask(prometheus, address, "q2", at=2.0),
            prometheus.query(address, "q3", 1.0),
        )
    assert sorted(answers.asked) == [["q1"], ["q2"], ["q3"]]


async def test_one_that_is_refused_costs_no_other_its_answer_and_is_asked_alone_for_a_while(
    prometheus: Prometheus, clock: Clock
) -> None:
    names = [f"q{number}" for number in range(8)]
    answers = Answers(lambda asked: REFUSED if "q5" in asked else None)
    async with server(answers) as address:
        assert await ask(prometheus, address, *names) == {**own(*names), "q5": "BadAnswer"}
        assert len(answers.asked) == 7  # 8, 4 and 4, 2 and 2, 1 and 1
        answers.asked.clear()
        assert await ask(prometheus, address, *names) == {**own(*names), "q5": "BadAnswer"}
        assert sorted(len(one) for one in answers.asked) == [1, 7]
        clock.now += REMEMBERED_SECONDS + 1
        answers.asked.clear()
        await ask(prometheus, address, *names)
        assert len(answers.asked) == 7


@pytest.mark.slow
async def test_one_that_is_slow_costs_no_other_its_answer_and_is_asked_alone_for_a_while(
    impatient: Prometheus,
) -> None:
    names = [f"q{number}" for number in range(6)]
    answers = Answers(lambda asked: SLOW if "q2" in asked else None)
    async with server(answers) as address:
        assert await ask(impatient, address, *names) == {**own(*names), "q2": "Timeout"}
        answers.asked.clear()
        assert await ask(impatient, address, *names) == {**own(*names), "q2": "Timeout"}
    assert sorted(len(one) for one in answers.asked) == [1, 5]


async def test_a_server_that_refuses_everything_makes_nobody_be_asked_alone(prometheus: Prometheus) -> None:
    refuses = True
    answers = Answers(lambda _: REFUSED if refuses else None)
    async with server(answers) as address:
        assert set((await ask(prometheus, address, "q1", "q2")).values()) == {"BadAnswer"}
        refuses = False
        answers.asked.clear()
        assert await ask(prometheus, address, "q1", "q2") == own("q1", "q2")
    assert answers.asked == [["q1", "q2"]]


@pytest.mark.slow
async def test_a_server_that_answers_nobody_is_left_alone_as_one_that_answers_one_is(
    impatient: Prometheus,
) -> None:
    answers = Answers(lambda _: SLOW)
    async with server(answers) as address:
        names = [f"q{number}" for number in range(MISSES)]
        assert set((await ask(impatient, address, *names)).values()) == {"Timeout"}
        before = len(answers.asked)
        assert set((await ask(impatient, address, *names)).values()) == {"Timeout"}
        assert len(answers.asked) == before


async def test_who_waits_no_longer_costs_the_others_nothing(prometheus: Prometheus) -> None:
    async with server(Answers()) as address:
        gone = asyncio.create_task(prometheus.query(address, "q1", 1.0, about="q1"))
        others = asyncio.create_task(ask(prometheus, address, "q2", "q3"))
        await asyncio.sleep(0)
        gone.cancel()
        assert await others == own("q2", "q3")


async def test_a_server_that_is_gone_is_said_to_each(prometheus: Prometheus) -> None:
    async with server(Answers()) as address:
        pass
    assert set((await ask(prometheus, address, "q1", "q2")).values()) == {"Unreachable"}


@pytest.mark.parametrize("pair", [("q1", "q2"), ("q2", "q3")])
async def test_two_that_cannot_be_joined_are_asked_alone_and_the_others_together(
    prometheus: Prometheus, pair: tuple[str, str]
) -> None:
    names = [f"q{number}" for number in range(8)]
    answers = Answers(lambda asked: REFUSED if len(asked) > 1 and set(asked) & set(pair) else None)
    async with server(answers) as address:
        assert await ask(prometheus, address, *names) == own(*names)
        answers.asked.clear()
        for _ in range(2):
            await ask(prometheus, address, *names)
        answers.asked.clear()
        assert await ask(prometheus, address, *names) == own(*names)
    alone = sorted(one[0] for one in answers.asked if len(one) == 1)
    assert set(pair) <= set(alone)
    assert len(alone) <= 4
    assert [len(one) for one in answers.asked if len(one) > 1] == [8 - len(alone)]


async def test_where_so_many_are_too_much_fewer_are_asked_together_for_a_while(
    prometheus: Prometheus, clock: Clock
) -> None:
    names = [f"q{number}" for number in range(16)]
    answers = Answers(lambda asked: REFUSED if len(asked) > 5 else None)
    async with server(answers) as address:
        assert await ask(prometheus, address, *names) == own(*names)
        assert sorted(len(one) for one in answers.asked) == [4, 4, 4, 4, 8, 8, 16]
        answers.asked.clear()
        assert await ask(prometheus, address, *names) == own(*names)
        assert [len(one) for one in answers.asked] == [4, 4, 4, 4]
        clock.now += REMEMBERED_SECONDS + 1
        answers.asked.clear()
        assert await ask(prometheus, address, *names) == own(*names)
        assert max(len(one) for one in answers.asked) == 16


async def test_a_server_that_was_slow_for_a_moment_is_soon_asked_for_all_together_again(
    impatient: Prometheus, clock: Clock
) -> None:
    slow = True
    names = [f"q{number}" for number in range(8)]

    def answer(asked: list[str]) -> str | None:
        if slow and len(asked) == 1:
            clock.now += 0.3  # longer than a quarter of the deadline, for a part of them
        return SLOW if slow and len(asked) > 1 else None

    answers = Answers(answer)
    async with server(answers) as address:
        assert await ask(impatient, address, *names) == own(*names)
        slow = False
        answers.asked.clear()
        assert await ask(impatient, address, *names) == own(*names)
        assert len(answers.asked) > 1  # who took too long is left out for a while
        clock.now += SLOW_REMEMBERED_SECONDS + 1
        answers.asked.clear()
        assert await ask(impatient, address, *names) == own(*names)
    assert [len(one) for one in answers.asked] == [8]


async def test_where_only_all_together_take_too_long_nobody_is_asked_alone_for_it(
    impatient: Prometheus,
) -> None:
    names = [f"q{number}" for number in range(8)]
    answers = Answers(lambda asked: SLOW if len(asked) > 4 else None)
    async with server(answers) as address:
        assert await ask(impatient, address, *names) == own(*names)
        answers.asked.clear()
        assert await ask(impatient, address, *names) == own(*names)
    assert [len(one) for one in answers.asked] == [4, 4]


@pytest.mark.parametrize("status", ["429 Too Many Requests", "503 Service Unavailable"])
async def test_a_server_that_has_too_much_to_do_gets_one_request_more_than_queries(
    prometheus: Prometheus, status: str
) -> None:
    answers = Answers(lambda _: status)
    async with server(answers) as address:
        names = [f"q{number}" for number in range(8)]
        assert set((await ask(prometheus, address, *names)).values()) == {"BadAnswer"}
    assert sorted(len(one) for one in answers.asked) == [1, 1, 1, 1, 1, 1, 1, 1, 8]


async def test_one_at_which_the_server_hangs_up_costs_no_other_its_answer(prometheus: Prometheus) -> None:
    names = [f"q{number}" for number in range(4)]
    answers = Answers(lambda asked: GONE if "q1" in asked else None)
    async with server(answers) as address:
        assert await ask(prometheus, address, *names) == {**own(*names), "q1": "Unreachable"}
        answers.asked.clear()
        assert await ask(prometheus, address, *names) == {**own(*names), "q1": "Unreachable"}
    assert ["q0", "q2", "q3"] in answers.asked


async def test_an_answer_that_is_cut_off_is_asked_for_in_parts(
    prometheus: Prometheus, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bandit_operator.adapters.prometheus.MOST_BYTES", 400)
    names = [f"q{number}" for number in range(8)]
    answers = Answers()
    async with server(answers) as address:
        assert await ask(prometheus, address, *names) == own(*names)
        assert max(len(one) for one in answers.asked) == 8
        answers.asked.clear()
        assert await ask(prometheus, address, *names) == own(*names)
    assert max(len(one) for one in answers.asked) == 4


async def test_who_has_a_long_answer_has_it_and_is_asked_alone_from_then_on(
    prometheus: Prometheus, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(joined, "MOST_ELEMENTS_EACH", 0)
    answers = Answers()
    async with server(answers) as address:
        assert await ask(prometheus, address, "q1", "q2") == own("q1", "q2")
        answers.asked.clear()
        assert await ask(prometheus, address, "q1", "q2") == own("q1", "q2")
    assert sorted(answers.asked) == [["q1"], ["q2"]]


async def test_an_error_that_nobody_foresaw_reaches_the_one_whose_answer_it_is(
    prometheus: Prometheus, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(body: bytes, address: str) -> list[Sample] | SourceDown:
        if b"q2" in body:
            raise RuntimeError("cannot be")
        return samples_in(body, address)

    monkeypatch.setattr("bandit_operator.adapters.batches.samples_in", read)
    async with server(Answers()) as address:
        found = await asyncio.gather(
            *(prometheus.query(address, f"q{number}", 1.0, about=f"{number}") for number in range(4)),
            return_exceptions=True,
        )
    assert [type(one) for one in found] == [list, list, RuntimeError, list]


async def test_nothing_is_asked_for_those_who_are_gone_at_once(prometheus: Prometheus) -> None:
    answers = Answers()
    async with server(answers) as address:
        gone = asyncio.create_task(prometheus.query(address, "q1", 1.0, about="q1"))
        await asyncio.sleep(0)
        gone.cancel()
        await asyncio.gather(gone, return_exceptions=True)
        assert await ask(prometheus, address, "q2") == own("q2")
    assert answers.asked == [["q2"]]


async def test_who_waits_when_all_is_closed_waits_no_longer(prometheus: Prometheus) -> None:
    answers = Answers(lambda _: SLOW)
    async with server(answers) as address:
        names = ("q1", "q2")
        waiting = [asyncio.create_task(prometheus.query(address, one, 1.0, about=one)) for one in names]
        while not answers.asked:
            await asyncio.sleep(0)
        await prometheus.close()
        found = await asyncio.gather(*waiting, return_exceptions=True)
    assert all(isinstance(one, asyncio.CancelledError) for one in found)


async def test_remarks_about_the_query_beside_an_answer_change_nothing(prometheus: Prometheus) -> None:
    elements = ({"metric": {joined.PLACE: str(at)}, "value": [1, "2"]} for at in range(2))
    remarks = {"warnings": ["PromQL warning: mixed"], "infos": ["PromQL info: no counter"]}
    body = json.loads(vector(*elements)) | remarks
    async with server(answering(json.dumps(body))) as address:
        found = await asyncio.gather(*(prometheus.query(address, one, 1.0, about=one) for one in "ab"))
    assert found == [[Sample({}, 2.0)], [Sample({}, 2.0)]]


async def test_one_whose_stores_are_away_costs_no_other_its_answer_and_is_asked_alone(
    prometheus: Prometheus,
) -> None:
    answers = Answers(lambda names: PARTIAL if "q2" in names else None)
    async with server(answers) as address:
        for _ in range(2):
            found = await ask(prometheus, address, "q1", "q2", "q3")
            assert found == {**own("q1", "q3"), "q2": "PartialAnswer"}
    assert answers.asked[0] == ["q1", "q2", "q3"]
    assert sorted(answers.asked[-2:]) == [["q1", "q3"], ["q2"]]


async def test_addresses_share_nothing_and_each_gets_what_it_may(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("secret")
    mine, other, third = Recording(), Recording(), Recording()
    async with server(mine) as installed, server(other) as allowed, server(third) as forbidden:
        access = Access(Origin.of(installed), frozenset({Origin.of(allowed)}), token)
        client = Prometheus(access)
        asked = [(address, one) for address in (installed, allowed, forbidden) for one in ("q1", "q2")]
        found = await asyncio.gather(*(client.query(address, one, 1.0, about=one) for address, one in asked))
        await client.close()
    refused = [one.reason for one in found if isinstance(one, SourceDown)]
    assert refused == ["AddressNotAllowed"] * 2
    assert [len(one.requests) for one in (mine, other, third)] == [1, 1, 0]
    assert "Bearer secret" in mine.requests[0][1]
    assert "authorization" not in other.requests[0][1].lower()
