"""What people are told of a rollout: each thing once, also over restarts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from bandit_operator.adapters.notices import Notice, NoticeKind
from bandit_operator.adapters.webhooks import Answer, Delivery, Webhook
from bandit_operator.runtime.notifier import Notifier
from tests.support.notices import webhook
from tests.support.playing import WORSE, Start, learned, until
from tests.support.process import DOWN, Process


def told(one: Process) -> list[str]:
    """Reasons of the notices."""
    return [notice.reason for notice in one.notices]


async def test_a_rollback_is_told_exactly_once() -> None:
    one = await learned(Process)
    one.earning = WORSE
    await until(one, lambda: one.arm("bad")["state"] == "RolledBack")
    one.start()
    await one.tick(3)
    [notice] = [notice for notice in one.notices if notice.kind is NoticeKind.ROLLED_BACK]
    assert notice.reason == "WorseThanBaseline"
    assert notice.message.startswith("arm bad is rolled back: bad is worse than good: e-value")
    assert notice.source == one.path
    assert told(one).count("WorseThanBaseline") == 1
    assert len({notice.id for notice in one.notices}) == len(one.notices)


async def test_each_notice_of_a_rollout_is_delivered_and_counted(process: Start) -> None:
    one = await learned(process)
    one.earning = WORSE
    await until(one, lambda: bool(one.notices))
    delivered = []

    async def post(_: Webhook, notice: Notice) -> Answer:
        delivered.append(notice)
        return Answer(Delivery.DELIVERED)

    notifier = Notifier([webhook()], post, one.metrics.notifications)
    notifier.offer(one.notices)
    notifier.start()
    await notifier.close()
    assert delivered == one.notices
    outcomes = one.metrics.notifications.collect()
    assert [sample.value for family in outcomes for sample in family.samples] == [len(delivered)]


async def test_nothing_is_told_of_a_status_that_another_writer_overtook() -> None:
    one = await learned(Process)
    one.watch()
    one.update_spec(mode="Paused")
    body = one.api.objects[one.path]
    one.watch()
    one.api.put(one.path, {**body, "metadata": {**body["metadata"], "labels": {"a": "b"}}})
    await one.reconciler.reconcile(one.key, tick=False)
    assert told(one) == []
    await one.look()
    assert told(one) == ["Paused"]


async def test_a_restart_tells_nothing_again() -> None:
    one = await learned(Process)
    one.update_spec(pin={"arm": "bad"})
    await one.tick()
    one.earning = DOWN
    await one.tick()
    before = told(one)
    assert before == ["Pinned", "Unreachable"]
    one.start()
    await one.tick(3)
    assert told(one) == before


async def test_who_acted_and_why_is_told() -> None:
    one = await learned(Process)
    one.update_spec(pin={"arm": "bad", "reason": "incident 4711"})
    await one.look()
    [notice] = one.notices
    assert notice.kind is NoticeKind.BY_HAND
    assert notice.message.startswith("all traffic goes to arm bad")
    assert notice.message.endswith("incident 4711")


async def test_a_rollout_that_goes_well_tells_nobody_anything() -> None:
    one = await learned(Process)
    await one.tick(10)
    assert told(one) == []


async def test_what_is_to_be_told_of_rewards_does_not_wait_for_a_status_that_is_due(process: Start) -> None:
    one = await learned(process, interval="15s", strategy={"type": "ABTest"})
    read, notes = one.observer.rewards, list[str]()

    async def noted(*args: Any, **named: Any) -> Any:
        found: Any = await read(*args, **named)
        return replace(found, notes=tuple(notes))

    one.observer.rewards = noted  # type: ignore[method-assign]  # for this one
    while one.api.writes:  # until a tick writes nothing, as the last one has
        one.api.writes.clear()
        await one.tick(seconds=15.0)
    notes.append("arm bad: 50000 trials not counted")
    await one.tick(seconds=15.0)
    assert [write.body["note"] for write in one.api.writes if write.what == "event"] == notes
