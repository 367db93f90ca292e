"""Notices are delivered beside the passes: again where that may help, bounded, counted, without secrets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import pytest
from structlog.testing import CapturingLogger

from bandit_operator.adapters.notices import Notice, NoticeKind
from bandit_operator.adapters.webhooks import Answer, Delivery, Webhook, Webhooks
from bandit_operator.runtime import notifier
from bandit_operator.runtime.notifier import BACK_OFF, WAITING, Notifier
from bandit_operator.runtime.telemetry import Metrics
from tests.support.notices import TOKEN, notice, webhook
from tests.support.servers import Recording, server


@pytest.fixture
def logged(monkeypatch: pytest.MonkeyPatch) -> CapturingLogger:
    """What is logged."""
    logger = CapturingLogger()
    monkeypatch.setattr(notifier, "log", logger)
    return logger


class Played:
    """A notifier whose receivers answer as told, and what came of it."""

    def __init__(self, answers: Callable[[], Answer], webhooks: Sequence[Webhook] = (webhook(),)) -> None:
        self.tried: list[tuple[str, str]] = []
        """Receiver and notice of each attempt."""
        self.waited: list[float] = []
        self.metrics = Metrics()
        self._answers = answers
        self.notifier = Notifier(webhooks, self._post, self.metrics.notifications, self._pause)

    async def _post(self, to: Webhook, told: Notice) -> Answer:
        self.tried.append((to.name, told.id))
        return self._answers()

    async def _pause(self, seconds: float) -> None:
        self.waited.append(seconds)

    def counted(self) -> dict[str, float]:
        """Notices by outcome."""
        return counted(self.metrics)


def counted(metrics: Metrics) -> dict[str, float]:
    [family] = metrics.notifications.collect()
    return {sample.labels["outcome"]: sample.value for sample in family.samples}


DELIVERED = Answer(Delivery.DELIVERED)
FAILED = Answer(Delivery.FAILED, "it answered 503")


async def test_what_fails_is_tried_again_at_growing_distances_until_it_is_delivered() -> None:
    answers = iter([FAILED, FAILED, DELIVERED])
    played = Played(lambda: next(answers))
    played.notifier.offer([notice()])
    played.notifier.start()
    await played.notifier.close()
    assert len({one for _, one in played.tried}) == 1, "a repeated attempt must have the same identity"
    assert played.waited == list(BACK_OFF[:2])
    assert played.counted() == {"retried": 2, "delivered": 1}


async def test_what_keeps_failing_is_given_up_after_a_few_attempts() -> None:
    played = Played(lambda: FAILED)
    played.notifier.offer([notice()])
    played.notifier.start()
    await played.notifier.close()
    assert len(played.tried) == len(BACK_OFF) + 1
    assert played.counted() == {"retried": len(BACK_OFF), "failed": 1}


async def test_what_is_refused_is_not_tried_again() -> None:
    played = Played(lambda: Answer(Delivery.REFUSED, "it answered 404"))
    played.notifier.offer([notice()])
    played.notifier.start()
    await played.notifier.close()
    assert played.counted() == {"refused": 1}


async def test_no_more_wait_than_the_bound_and_what_is_over_it_is_dropped_and_counted() -> None:
    played = Played(lambda: DELIVERED)
    played.notifier.offer([notice(number) for number in range(WAITING + 7)])
    assert played.counted() == {"dropped": 7}
    played.notifier.start()
    await played.notifier.close()
    assert played.counted() == {"dropped": 7, "delivered": WAITING}


async def test_a_receiver_is_told_of_the_kinds_that_it_chose() -> None:
    pager = webhook(name="pager", kinds=["NoArmAvailable"])
    played = Played(lambda: DELIVERED, [webhook(name="all"), pager])
    played.notifier.offer([notice(1), notice(2, NoticeKind.NO_ARM_AVAILABLE)])
    played.notifier.start()
    await played.notifier.close()
    assert sorted(played.tried) == [("all", "2c1b.1.0"), ("all", "2c1b.2.0"), ("pager", "2c1b.2.0")]


async def test_a_receiver_that_never_answers_delays_no_other_and_ends_with_the_operator() -> None:
    told = asyncio.Event()

    async def post(to: Webhook, _: Notice) -> Answer:
        if to.name == "stuck":
            await asyncio.Event().wait()
        told.set()
        return DELIVERED

    metrics = Metrics()
    telling = Notifier([webhook(name="stuck"), webhook(name="quick")], post, metrics.notifications)
    telling.offer([notice(1), notice(2)])
    telling.start()
    await told.wait()
    await telling.close(within=0.0)
    assert counted(metrics)["dropped"] >= 2


async def test_a_fault_of_our_own_costs_one_notice_and_shows_no_address(logged: CapturingLogger) -> None:
    faults = iter([ValueError(TOKEN)])

    def answer() -> Answer:
        fault = next(faults, None)
        if fault is not None:
            raise fault
        return DELIVERED

    played = Played(answer)
    played.notifier.offer([notice(1), notice(2)])
    played.notifier.start()
    await played.notifier.close()
    assert played.counted() == {"failed": 1, "delivered": 1}
    [line] = logged.calls
    assert line.kwargs["why"] == "an unexpected ValueError"
    assert TOKEN not in str(line)


@asynccontextmanager
async def delivering(to: Webhook, metrics: Metrics) -> AsyncIterator[Notifier]:
    """A notifier that really posts."""
    client = Webhooks()

    async def at_once(_: float) -> None:
        await asyncio.sleep(0)

    telling = Notifier([to], client.post, metrics.notifications, at_once)
    telling.start()
    try:
        yield telling
    finally:
        await telling.close()
        await client.close()


async def test_a_server_that_recovers_is_told_once_and_the_log_shows_no_secret(
    logged: CapturingLogger,
) -> None:
    statuses = iter(["503 Service Unavailable", "200 OK", "404 Not Found"])
    receiver, metrics = Recording(lambda _: next(statuses)), Metrics()
    async with server(receiver) as address:
        to = webhook(url=f"{address}/{TOKEN}", headers={"Authorization": TOKEN})
        async with delivering(to, metrics) as telling:
            telling.offer([notice(1), notice(2)])
    assert [body.count("2c1b.1.0") for _, _, body in receiver.requests] == [1, 1, 0]
    assert counted(metrics) == {"retried": 1, "delivered": 1, "refused": 1}
    [line] = logged.calls
    assert (line.kwargs["webhook"], line.kwargs["why"]) == ("sink", "it answered 404")
    assert TOKEN not in str(line)


@pytest.mark.parametrize("webhooks", [[], [webhook()]], ids=["none", "one"])
async def test_a_notifier_with_nothing_to_tell_ends_at_once(webhooks: list[Webhook]) -> None:
    played = Played(lambda: DELIVERED, webhooks)
    played.notifier.start()
    await played.notifier.close()
    assert played.counted() == {}
