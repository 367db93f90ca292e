"""A process that ends while it makes or keeps a route: whoever follows comes to the same end."""

from __future__ import annotations

from typing import Any

import pytest

from bandit_operator.errors import APIUnreachable
from tests.reconcile.test_generated import change_template, route
from tests.support.objects import TEMPLATE
from tests.support.playing import Start
from tests.support.process import Process

Body = dict[str, Any]


class Killed(BaseException):
    """The process ends here."""


UNDISTURBED: list[tuple[Body, dict[str, int]]] = []
"""What it comes to where nothing fails, once it was played."""
WRITES = [("create", "httproutes"), ("patch", "/status"), ("patch", "httproutes/")]


async def played(one: Process) -> tuple[Body, dict[str, int]]:
    """Make the route, change the template and lose the route, whatever happens in between."""

    async def look(*, tick: bool = False) -> None:
        try:
            await one.look(tick=tick)
        except Killed:
            one.start()
            one.gateway()
            await one.look(tick=tick)

    await look(tick=True)
    for _ in range(3):
        one.now += 30.0
        one.gateway()
        await look(tick=True)
    change_template(one, lambda template: template["spec"].update(hostnames=["new.example.com"]))
    await look()
    one.delete_route()
    await look()
    for _ in range(3):
        one.now += 30.0
        one.gateway()
        await look(tick=True)
    return route(one)["spec"], one.weights()


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("skip", range(6))
@pytest.mark.parametrize(("verb", "part"), WRITES)
@pytest.mark.parametrize("error", [Killed(), APIUnreachable("no answer")], ids=["killed", "no answer"])
async def test_a_crash_at_any_write_leads_to_the_same_end(
    process: Start, verb: str, part: str, skip: int, after: bool, error: BaseException
) -> None:
    if not UNDISTURBED:
        UNDISTURBED.append(await played(process(traffic={"routeTemplate": TEMPLATE})))
    one = process(traffic={"routeTemplate": TEMPLATE})
    one.api.fail(verb, part, error, skip=skip, after=after)
    assert await played(one) == UNDISTURBED[0]
