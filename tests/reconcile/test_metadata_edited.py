"""Edits of labels and annotations of a resource delay nothing; a status of others is not written over."""

from __future__ import annotations

from tests.support.fake_api import copied
from tests.support.playing import Start, learned
from tests.support.process import Process


def write_status(one: Process) -> None:
    """Another writer changes the status."""
    body = copied(one.api.objects[one.path])
    body["status"]["leader"] = "nobody"
    one.api.put(one.path, body)


async def test_an_arm_that_dies_after_an_annotation_was_set_loses_its_weight_in_that_pass(
    process: Start,
) -> None:
    one = await learned(process)
    one.annotate(note="looked at")
    one.broken = {"bad"}
    one.set_available("bad", 0)
    await one.look()
    assert one.weights()["bad"] == 0


async def test_so_it_does_in_a_process_that_has_written_nothing_yet(process: Start) -> None:
    one = await learned(process)
    one.start()
    await one.look()
    one.annotate(note="looked at")
    one.broken = {"bad"}
    one.set_available("bad", 0)
    await one.look()
    assert one.weights()["bad"] == 0


async def test_a_status_that_another_operator_wrote_is_read_before_anything_is_written(
    process: Start,
) -> None:
    one = await learned(process)
    write_status(one)
    one.broken = {"bad"}
    one.set_available("bad", 0)
    one.api.writes.clear()
    await one.look()
    assert one.api.writes == []
    await one.look()
    assert one.weights()["bad"] == 0


async def test_one_that_is_written_after_the_watch_told_of_an_annotation_is_not_written_over(
    process: Start,
) -> None:
    one = await learned(process)
    one.annotate(note="looked at")
    one.broken = {"bad"}
    one.set_available("bad", 0)
    one.watch()
    write_status(one)
    one.api.writes.clear()
    await one.reconciler.reconcile(one.key, tick=False)
    assert one.api.writes == []
