"""SIGKILL under load, again and again: nothing acknowledged is lost, nothing is counted twice."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from typing import Any

import aiohttp
import pytest

from bandit_serving.delivery import BatchSender

KILLS = 50
REQUESTS = 15_000
ARMS = ("a", "b")
SETTINGS = '{"priors": {"0": 0.75, "1": 0.25}}'


def truth(
    rng: random.Random,
) -> tuple[list[dict[str, Any]], list[dict[str, Any]], dict[str, tuple[int, int]]]:
    """Return predictions, with shadows of both arms of every request, and labels.

    Beside them, for each arm, the trials and the rewards in millionths of what was served.
    """
    predictions, labels = [], []
    counts = dict.fromkeys(ARMS, (0, 0))
    for i in range(REQUESTS):
        arm, predicted, true = rng.choice(ARMS), rng.randrange(2), int(rng.random() < 0.25)
        predictions.append({"id": str(i), "route": "r", "arm": arm, "outputs": {"predict": predicted}})
        shadow: dict[str, Any] = {**predictions[-1], "shadow": True}
        predictions += [{**shadow, "arm": one, "outputs": {"predict": int(one == arm)}} for one in ARMS]
        labels.append({"id": str(i), "route": "r", "label": true})
        reward = 0 if predicted != true else (1_000_000 if true else 333_333)
        counts[arm] = (counts[arm][0] + 1, counts[arm][1] + reward)
    rng.shuffle(predictions)
    rng.shuffle(labels)
    return predictions, labels, counts


async def deliver_under_kills(begin: Callable[[int], Any], events: dict[str, Any], rng: random.Random) -> Any:
    """Send everything while the collector is killed and started again; return the last one."""
    collector = begin(0)
    # Short pauses, so that the load is there again as soon as the collector is.
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5.0)) as client:
        senders = {
            kind: BatchSender(client, f"{collector.url}/v1/{kind}", batch_size=40, linger=0.0)
            for kind in events
        }
        for kind, sender in senders.items():
            for event in events[kind]:
                assert sender.put(event)
        tasks = [asyncio.create_task(sender.run()) for sender in senders.values()]
        for kill in range(KILLS):
            goal = (kill + 1) * sum(map(len, events.values())) // (KILLS + 2)
            while sum(sender.delivered for sender in senders.values()) < goal:
                await asyncio.sleep(0)
            await asyncio.sleep(rng.random() * 0.005)
            collector.kill()
            collector = await asyncio.to_thread(begin, collector.port)
        for sender in senders.values():
            sender.close()
        await asyncio.gather(*tasks)
    assert {kind: sender.delivered for kind, sender in senders.items()} == {
        kind: len(some) for kind, some in events.items()
    }
    assert all(sender.retries > 0 for sender in senders.values())
    return collector


@pytest.mark.slow
def test_fifty_kills_under_load_lose_nothing_and_count_nothing_twice(
    start: Callable[..., Any], database: str
) -> None:
    rng = random.Random(7)
    predictions, labels, counts = truth(rng)

    def begin(port: int) -> Any:
        reward = ("--reward", "balanced-accuracy", "--reward-settings", SETTINGS)
        return start("collector", "--database", database, *reward, port=port)

    events = {"predictions": predictions, "labels": labels}
    collector = asyncio.run(deliver_under_kills(begin, events, rng))
    metrics = collector.metrics()
    for arm, (trials, millionths) in counts.items():
        assert metrics[f'model_reward_trials_total{{arm="{arm}",route="r"}}'] == trials
        assert metrics[f'model_reward_successes_total{{arm="{arm}",route="r"}}'] == millionths / 1_000_000
        assert metrics[f'model_reward_pending_predictions{{arm="{arm}",route="r"}}'] == 0
        assert metrics[f'model_reward_shadow_trials_total{{arm="{arm}",route="r"}}'] == REQUESTS
        assert metrics[f'model_reward_shadow_pending_predictions{{arm="{arm}",route="r"}}'] == 0
    assert metrics['model_reward_pending_labels{route="r"}'] == 0
    # One of the two is right, by 1 or by a third.
    right = {arm: metrics[f'model_reward_shadow_successes_total{{arm="{arm}",route="r"}}'] for arm in ARMS}
    pair = 'pair="a/b",route="r"'
    assert metrics[f"model_reward_shadow_pair_trials_total{{{pair}}}"] == REQUESTS
    assert metrics[f"model_reward_shadow_pair_gains_total{{{pair}}}"] == right["a"]
    assert metrics[f"model_reward_shadow_pair_losses_total{{{pair}}}"] == right["b"]
