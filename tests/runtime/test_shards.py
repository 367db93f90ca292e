"""Who looks at which resources, with one replica and with several."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from bandit_operator.runtime.shards import MOST_SHARDS, may_write, shard_of
from tests.runtime.replicas import LEASE, LONG_LEASE, Replica, World, overlapping, owners, played

pytestmark = pytest.mark.slow

UIDS = [f"6f1c{number:08x}" for number in range(4000)]
TAKEN_OVER_SECONDS = LEASE.duration + 2 * LEASE.period
SETTLED_SECONDS = 60.0


def each_is_looked_at_by_one(world: World, *replicas: Replica) -> bool:
    return all(len(names) == 1 for names in owners(world, *replicas).values())


async def three(seed: int, shards: int) -> tuple[World, list[Replica]]:
    """Three replicas, each of which has what it is to have."""
    world = World(seed)
    replicas = [Replica(world, name, shards) for name in "abc"]
    await asyncio.sleep(SETTLED_SECONDS)
    return world, replicas


@pytest.mark.parametrize("shards", [1, 2, 3, 7, MOST_SHARDS])
def test_resources_are_spread_evenly_over_the_shards(shards: int) -> None:
    found = Counter(shard_of(uid, shards) for uid in UIDS)
    expected = len(UIDS) / shards
    assert len(found) == shards
    assert all(abs(number - expected) < 5 * expected**0.5 for number in found.values())


@pytest.mark.parametrize("shards", [1, 2, 3, 7])
def test_another_shard_takes_its_part_and_moves_nothing_else(shards: int) -> None:
    moved = [(shard_of(uid, shards), after) for uid in UIDS if (after := shard_of(uid, shards + 1)) == shards]
    kept = [uid for uid in UIDS if shard_of(uid, shards + 1) != shards]
    assert all(shard_of(uid, shards) == shard_of(uid, shards + 1) for uid in kept)
    assert len(moved) == pytest.approx(len(UIDS) / (shards + 1), rel=0.15)


def test_outside_of_a_pass_nothing_may_be_written() -> None:
    assert not may_write()


def test_a_single_shard_has_the_operators_own_lease_and_no_other() -> None:
    async def play() -> None:
        world = World(1)
        one, other = Replica(world, "one", 1), Replica(world, "other", 1)
        await asyncio.sleep(SETTLED_SECONDS)
        assert [path.rpartition("/")[2] for path in world.leases] == ["operator"]
        assert each_is_looked_at_by_one(world, one, other)
        assert (one.shards.held, other.shards.held) in ((1, 0), (0, 1))
        await one.stop()
        await other.stop()

    played(play())


@pytest.mark.parametrize("begun_after", [0.0, 0.7, 30.0])
def test_three_replicas_come_to_have_one_shard_each(begun_after: float) -> None:
    async def play() -> None:
        world, replicas = World(2), []
        for name in "abc":
            replicas.append(Replica(world, name, 3))
            await asyncio.sleep(begun_after)
        await asyncio.sleep(SETTLED_SECONDS)
        assert [one.shards.held for one in replicas] == [1, 1, 1]
        assert each_is_looked_at_by_one(world, *replicas)
        writes = world.lease_writes
        await asyncio.sleep(LEASE.period * 10)
        assert world.lease_writes - writes <= 66  # renewals alone: nobody asks anybody for anything
        assert overlapping(world.written) == []
        for one in replicas:
            await one.stop()

    played(play())


def test_what_a_killed_replica_had_goes_to_the_others_within_the_lease_time() -> None:
    async def play() -> None:
        world, replicas = await three(3, shards=3)
        killed = replicas.pop()
        lost = {key for key in world.uids if killed.shards.owns(key)}
        before = owners(world, *replicas)
        await killed.kill()
        await asyncio.sleep(TAKEN_OVER_SECONDS)
        after = owners(world, *replicas)
        assert all(len(names) == 1 for names in after.values())
        assert {key for key in world.uids if before[key] != after[key]} == lost
        assert overlapping(world.written) == []

    played(play())


def test_a_replica_that_stops_in_order_is_followed_at_once() -> None:
    async def play() -> None:
        world, replicas = await three(4, shards=3)
        await replicas.pop().stop()
        await asyncio.sleep(2 * LEASE.period)
        assert each_is_looked_at_by_one(world, *replicas)
        assert overlapping(world.written) == []

    played(play())


def test_replicas_of_different_durations_are_all_believed_to_hold_what_they_hold_together() -> None:
    async def play() -> None:
        world = World(10)
        short = Replica(world, "short", 2)
        await asyncio.sleep(SETTLED_SECONDS)
        long = Replica(world, "long", 2, lease=LONG_LEASE)
        await asyncio.sleep(SETTLED_SECONDS)
        assert [long.shards.held, short.shards.held] == [1, 1]
        long.cut_off = True  # and acts until its own deadline
        await short.stop()
        other = Replica(world, "other", 1)
        await asyncio.sleep(LONG_LEASE.duration + SETTLED_SECONDS)
        assert other.shards.held == 1
        assert overlapping(world.written) == []

    played(play())


def test_a_surplus_replica_waits_and_takes_over() -> None:
    async def play() -> None:
        _, replicas = await three(5, shards=2)
        assert sorted(one.shards.held for one in replicas) == [0, 1, 1]
        await next(one for one in replicas if one.shards.held).kill()
        await asyncio.sleep(TAKEN_OVER_SECONDS + 4 * LEASE.period)  # and is given what another took
        assert sorted(one.shards.held for one in replicas) == [0, 1, 1]

    played(play())


@pytest.mark.parametrize(("before", "after"), [(1, 3), (3, 1), (3, 4), (4, 2)])
def test_replicas_with_another_number_of_shards_wait_until_the_last_of_the_others_has_gone(
    before: int, after: int
) -> None:
    async def play() -> None:
        world = World(6)
        olds = [Replica(world, f"old-{number}", before) for number in range(before)]
        await asyncio.sleep(SETTLED_SECONDS)
        news = [Replica(world, f"new-{number}", after) for number in range(after)]
        for old in olds:
            await asyncio.sleep(5.0)
            assert not any(new.shards.held for new in news)
            await old.stop()
        # The operator's own lease runs out, and one that was not there before has had time to be missed.
        await asyncio.sleep(TAKEN_OVER_SECONDS + LEASE.duration + 4 * LEASE.period)
        assert each_is_looked_at_by_one(world, *news)
        assert overlapping(world.written) == []

    played(play())


def test_a_resource_that_is_made_again_is_looked_at_by_whom_its_new_uid_falls_to() -> None:
    async def play() -> None:
        world, replicas = await three(7, shards=3)
        key = next(iter(world.uids))
        first = next(one for one in replicas if one.shards.owns(key))
        del world.uids[key]
        looked_at = first.seen[key]
        for one in replicas:
            one.shards.wake(key)
        await asyncio.sleep(10.0)
        assert first.seen[key] > looked_at  # once more, to leave what it had made
        world.uids[key] = next(uid for uid in UIDS if shard_of(uid, 3) != shard_of(f"uid-0-{7}", 3))
        for one in replicas:
            one.shards.start(key)
        await asyncio.sleep(10.0)
        assert not first.shards.owns(key)
        assert sum(one.shards.owns(key) for one in replicas) == 1
        assert overlapping(world.written) == []

    played(play())


def test_a_pass_that_was_begun_before_its_lease_ran_out_writes_nothing_after_it() -> None:
    async def play() -> None:
        world = World(9)
        one = Replica(world, "one", 1)
        await asyncio.sleep(SETTLED_SECONDS)
        world.written.clear()
        before = sum(one.seen.values())
        while sum(one.seen.values()) == before:
            await asyncio.sleep(0.01)
        one.slept += LEASE.deadline + 1.0
        woken = asyncio.get_running_loop().time()
        await asyncio.sleep(2 * LEASE.period)
        assert one.shards.held == 1  # nobody else wanted it, and it goes on
        begun_before = [write for write in world.written if woken <= write.sent < woken + 0.5 * LEASE.period]
        assert begun_before == []

    played(play())


def test_changes_cost_a_waiting_replica_nothing() -> None:
    async def play() -> None:
        world = World(8)
        one = Replica(world, "one", 1)
        await asyncio.sleep(SETTLED_SECONDS)
        other = Replica(world, "other", 1)
        for _ in range(1000):
            for key in world.uids:
                other.shards.wake(key)
        assert len(other.shards.scheduler) == 0
        await one.stop()
        await other.stop()

    played(play())


@pytest.mark.parametrize("seed", range(24))
def test_through_kills_broken_connections_and_new_settings_no_two_write_at_a_time(seed: int) -> None:
    async def play() -> None:
        world = World(100 + seed, resources=12)
        replicas = [Replica(world, f"r{number}", 3, interval=0.5) for number in range(3)]
        made = len(replicas)
        for _ in range(60):
            await asyncio.sleep(world.random.expovariate(1 / 8.0))
            what = world.random.choice(["kill", "stop", "cut", "mend", "mend", "more", "delete"])
            if what == "delete":
                await asyncio.sleep(LEASE.period)  # who has just begun could not know that there was one
            one = world.random.choice(replicas)
            if what in ("kill", "stop"):
                replicas.remove(one)
                await (one.kill() if what == "kill" else one.stop())
            elif what in ("cut", "mend"):
                one.cut_off = what == "cut"
            elif what == "delete" and world.leases:
                del world.leases[world.random.choice(sorted(world.leases))]
                await asyncio.sleep(LONG_LEASE.duration + 2 * LEASE.period)  # until all have seen the next
            if what in ("kill", "stop", "more") and len(replicas) < 5:
                shards = world.random.choice([1, 2, 3, 3, 3, 3])
                lease = world.random.choice([LEASE, LEASE, LONG_LEASE])
                replicas.append(Replica(world, f"r{made}", shards, interval=0.5, lease=lease))
                made += 1
        assert overlapping(world.written) == []
        assert len({one.replica for one in world.written}) > 3
        alike = Counter(len(one.shards) for one in replicas).most_common(1)[0][0]
        for one in [one for one in replicas if len(one.shards) != alike]:
            replicas.remove(one)
            await one.stop()
        for one in replicas:
            one.cut_off = False
        await asyncio.sleep(2 * SETTLED_SECONDS)
        assert each_is_looked_at_by_one(world, *replicas)
        held = [one.shards.held for one in replicas]
        assert max(held) - min(held) <= 1
        for one in replicas:
            one.seen.clear()
        await asyncio.sleep(SETTLED_SECONDS)
        looked_at = {key: [one.name for one in replicas if key in one.seen] for key in world.uids}
        assert looked_at == owners(world, *replicas)
        assert overlapping(world.written) == []

    played(play())
