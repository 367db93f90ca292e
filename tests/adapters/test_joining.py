"""Who is asked together, and what a fault of one of them costs the others."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from urllib.parse import parse_qs

from bandit_operator.adapters import joined
from bandit_operator.adapters.prometheus import ALONE_SECONDS, MISSES, Prometheus
from bandit_operator.core.model import SourceDown
from bandit_operator.sources import Sample
from tests.adapters.conftest import Clock
from tests.support.servers import server, vector

SLOW = ""
"""An answer that never comes."""


class Answers:
    """Answers a query with one element a part, unless told otherwise."""

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
        elements = (
            {"metric": {"name": name, joined.PLACE: str(at)}, "value": [1, "1"]}
            for at, name in enumerate(names)
        )
        body = told or vector(*elements)
        status = "400 Bad Request" if told else "200 OK"
        head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        writer.write((head + body).encode())
        await writer.drain()
        writer.close()


async def ask(client: Prometheus, address: str, *names: str, at: float = 1.0) -> dict[str, object]:
    """Ask all in one moment; gives the name that each was answered with, or why it was not."""
    found = await asyncio.gather(*(client.query(address, name, at, about=name) for name in names))
    while client._asking:  # who is to be asked alone is noted once all have their answer
        await asyncio.sleep(0)
    return {name: _told(answer) for name, answer in zip(names, found, strict=True)}


def _told(answer: list[Sample] | SourceDown) -> object:
    return answer.reason if isinstance(answer, SourceDown) else [one.labels["name"] for one in answer]


def own(*names: str) -> dict[str, object]:
    """Each was told its own."""
    return {name: [name] for name in names}


async def test_who_asks_in_the_same_moment_shares_a_request(prometheus: Prometheus) -> None:
    answers = Answers()
    async with server(answers) as address:
        assert await ask(prometheus, address, "q1", "q2", "q3") == own("q1", "q2", "q3")
        assert await ask(prometheus, address, "q1") == own("q1")
    assert answers.asked == [["q1", "q2", "q3"], ["q1"]]


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
    answers = Answers(lambda asked: "no such function" if "q5" in asked else None)
    async with server(answers) as address:
        assert await ask(prometheus, address, *names) == {**own(*names), "q5": "BadAnswer"}
        assert len(answers.asked) == 7  # 8, 4 and 4, 2 and 2, 1 and 1
        answers.asked.clear()
        assert await ask(prometheus, address, *names) == {**own(*names), "q5": "BadAnswer"}
        assert sorted(len(one) for one in answers.asked) == [1, 7]
        clock.now += ALONE_SECONDS + 1
        answers.asked.clear()
        await ask(prometheus, address, *names)
        assert len(answers.asked) == 7


async def test_one_that_is_slow_costs_no_other_its_answer_and_is_asked_alone_for_a_while(
    prometheus: Prometheus,
) -> None:
    names = [f"q{number}" for number in range(6)]
    answers = Answers(lambda asked: SLOW if "q2" in asked else None)
    async with server(answers) as address:
        assert await ask(prometheus, address, *names) == {**own(*names), "q2": "Timeout"}
        answers.asked.clear()
        assert await ask(prometheus, address, *names) == {**own(*names), "q2": "Timeout"}
    assert sorted(len(one) for one in answers.asked) == [1, 5]


async def test_a_server_that_refuses_everything_makes_nobody_be_asked_alone(prometheus: Prometheus) -> None:
    refuses = True
    answers = Answers(lambda _: "overloaded" if refuses else None)
    async with server(answers) as address:
        assert set((await ask(prometheus, address, "q1", "q2")).values()) == {"BadAnswer"}
        refuses = False
        answers.asked.clear()
        assert await ask(prometheus, address, "q1", "q2") == own("q1", "q2")
    assert answers.asked == [["q1", "q2"]]


async def test_a_server_that_answers_nobody_is_left_alone_as_one_that_answers_one_is(
    prometheus: Prometheus,
) -> None:
    answers = Answers(lambda _: SLOW)
    async with server(answers) as address:
        names = [f"q{number}" for number in range(MISSES)]
        assert set((await ask(prometheus, address, *names)).values()) == {"Timeout"}
        before = len(answers.asked)
        assert set((await ask(prometheus, address, *names)).values()) == {"Timeout"}
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
