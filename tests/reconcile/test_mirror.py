"""A mirror that the operator manages: put in, kept, taken out, and never at the cost of served traffic."""

from __future__ import annotations

from typing import Any

import pytest

from bandit_operator.core import reasons
from bandit_operator.errors import APIError
from bandit_operator.reconcile.contest import CONTEST_PATIENCE
from bandit_operator.reconcile.mirror_sync import REFUSED_SECONDS
from tests.support.fake_api import copied
from tests.support.objects import TEMPLATE
from tests.support.playing import Start, ready
from tests.support.process import Process
from tests.support.shadows import (
    FEATURES,
    FOREIGN,
    MANAGED,
    MANUAL,
    OURS,
    SERVICE,
    available,
    filters,
    installed,
    mirrored,
    refuse,
    resource,
    with_shadow,
)


async def test_the_status_says_where_requests_are_mirrored_to_before_they_are(process: Start) -> None:
    one = installed(process, *FEATURES, shadow=MANAGED)
    await one.look(tick=True)
    assert one.api.what_was_written()[:2] == ["status", "route"]
    assert one.status["mirrors"] == ["models/shadow:8080"]
    assert filters(one) == [OURS]


async def test_a_quiet_tick_writes_nothing_and_reads_nothing(process: Start) -> None:
    one = await mirrored(process)
    await one.tick()
    one.api.writes.clear()
    one.api.reads.clear()
    await one.tick()
    assert one.api.what_was_written() == []
    assert one.api.reads == []


async def test_a_mirror_that_is_there_and_scored_is_told_with_numbers(process: Start) -> None:
    one = await mirrored(process)
    assert available(one) == ("True", reasons.REWARDS_OBSERVED)
    assert one.condition("ShadowAvailable")["message"] == (
        "0.1 of the requests are mirrored to models/shadow:8080; 1,234 requests scored in the newest window"
    )


async def test_filters_of_others_stay_while_ours_comes_and_goes(process: Start) -> None:
    one = installed(process, *FEATURES, shadow=MANAGED)
    one.update_route(lambda spec: spec["rules"][0].update(filters=[FOREIGN]))
    await one.look(tick=True)
    assert filters(one) == [FOREIGN, OURS]
    one.update_spec(shadow=MANUAL)
    await one.look()
    assert filters(one) == [FOREIGN]
    await one.look()
    assert "mirrors" not in one.status


async def test_the_mirror_goes_with_the_shadow(process: Start) -> None:
    one = await mirrored(process)
    spec = copied(one.api.objects[one.path]["spec"])
    del spec["shadow"]
    one.api.put(one.path, {**one.api.objects[one.path], "spec": spec})
    await one.look()
    assert filters(one) == []
    assert all(condition["type"] != "ShadowAvailable" for condition in one.status["conditions"])


async def test_the_mirror_goes_though_the_operator_was_away_when_the_shadow_went(process: Start) -> None:
    one = await mirrored(process)
    one.update_spec(shadow=MANUAL)
    one.start()
    await one.look(tick=True)
    assert filters(one) == []


async def test_another_target_takes_the_place_of_the_one_before(process: Start) -> None:
    one = await mirrored(process)
    one.api.put(SERVICE.replace("shadow", "other"), resource("other"))
    one.update_spec(shadow={**MANAGED, "backendRef": {"name": "other", "port": 81}})
    await one.look()
    assert [filter_["requestMirror"]["backendRef"] for filter_ in filters(one)] == [
        {"name": "other", "port": 81}
    ]


async def test_a_mirror_of_the_users_own_is_left_alone(process: Start) -> None:
    one = await with_shadow(process, shadow=MANUAL)
    one.update_route(lambda spec: spec["rules"][0].update(filters=[OURS]))
    await one.look(tick=True)
    assert filters(one) == [OURS]
    assert available(one) == ("True", reasons.REWARDS_OBSERVED)
    assert one.condition("ShadowAvailable")["message"].startswith("1,234 requests scored")


async def test_a_mirror_that_is_taken_out_is_put_in_again(process: Start) -> None:
    one = await mirrored(process)
    one.update_route(lambda spec: spec["rules"][0].pop("filters"))
    await one.look()
    assert filters(one) == [OURS]
    assert available(one)[0] == "True"


async def test_who_keeps_taking_it_out_is_told_and_waited_for(process: Start) -> None:
    one = await mirrored(process)
    for _ in range(CONTEST_PATIENCE + 2):
        one.update_route(lambda spec: spec["rules"][0].pop("filters", None))
        one.now += 1.0
        await one.look()
    assert available(one) == ("False", reasons.MIRROR_REFUSED)
    assert "another writer took the RequestMirror filter out" in one.condition("ShadowAvailable")["message"]
    assert filters(one) == []
    one.now += 30.0
    await one.look()
    assert filters(one) == [OURS]


async def test_a_gateway_that_refuses_it_has_it_taken_out_and_serves_on(process: Start) -> None:
    one = await mirrored(process)
    before = one.weights()
    refuse(one, "unsupported filter type RequestMirror")
    await one.look()
    assert filters(one) == []
    assert available(one) == ("False", reasons.MIRROR_REFUSED)
    assert "unsupported filter type RequestMirror" in one.condition("ShadowAvailable")["message"]
    await one.tick(3)
    assert filters(one) == []
    assert one.weights() == before
    assert ready(one)[0] == "True"


async def test_whatever_a_gateway_says_of_the_route_that_the_filter_made_is_about_the_filter(
    process: Start,
) -> None:
    one = await mirrored(process)
    refuse(one, "no")
    await one.look()
    assert filters(one) == []


async def test_a_refused_mirror_is_tried_again_after_an_hour(process: Start) -> None:
    one = await mirrored(process)
    refuse(one, "RequestMirror?")
    await one.look()
    await one.tick(seconds=3500.0)
    assert filters(one) == []
    await one.tick(seconds=200.0)
    assert filters(one) == [OURS]


async def test_a_refusal_is_remembered_over_a_restart_and_forgotten_with_another_spec(
    process: Start,
) -> None:
    one = await mirrored(process)
    refuse(one, "RequestMirror?")
    await one.look()
    one.gateway()
    one.start()
    await one.look(tick=True)
    assert filters(one) == []
    assert available(one) == ("False", reasons.MIRROR_REFUSED)
    one.update_spec(shadow={**MANAGED, "share": "20%"})
    await one.look()
    assert filters(one)[0]["requestMirror"]["percent"] == 20


@pytest.mark.parametrize("since", ["0000-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "yesterday"])
async def test_a_refusal_of_a_time_that_cannot_be_is_no_older_and_no_newer_than_now(
    process: Start, since: str
) -> None:
    one = await mirrored(process)
    refuse(one, "RequestMirror?")
    await one.look()
    body = copied(one.api.objects[one.path])
    for condition in body["status"]["conditions"]:
        if condition["type"] == "ShadowAvailable":
            condition["lastTransitionTime"] = since
    one.api.put(one.path, body)
    one.gateway()
    one.start()
    await one.look(tick=True)
    assert reasons.INTERNAL_ERROR not in {one.condition(kind)["reason"] for kind in ("Accepted", "Ready")}
    await one.tick(seconds=REFUSED_SECONDS + 60.0)
    await one.tick()
    assert filters(one) == [OURS]


async def test_a_mirror_that_cannot_be_resolved_holds_no_arm(process: Start) -> None:
    one = await mirrored(process)
    one.gateway(unresolved="Service models/shadow: port 8080 not found")
    one.now += 30.0
    await one.look(tick=True)
    assert filters(one) == []
    assert available(one) == ("False", reasons.MIRROR_REFUSED)
    assert one.condition("TrafficInSync")["status"] == "True"
    assert one.status["phase"] == "Learning"


async def test_an_arm_that_cannot_be_resolved_is_not_taken_for_the_mirror(process: Start) -> None:
    one = await mirrored(process)
    one.gateway(unresolved="Service models/bad not found")
    await one.look()
    assert filters(one) == [OURS]
    assert one.arm("bad")["state"] == "Unavailable"


async def test_nothing_is_mirrored_to_a_service_that_is_not_there(process: Start) -> None:
    one = installed(process, *FEATURES, shadow=MANAGED)
    one.api.delete(SERVICE)
    await one.look(tick=True)
    assert filters(one) == []
    assert available(one) == ("False", reasons.BACKEND_NOT_FOUND)
    one.api.put(SERVICE, resource("shadow"))
    await one.look()
    assert filters(one) == [OURS]


async def test_copies_of_two_routes_are_not_mixed(process: Start) -> None:
    one = installed(process, *FEATURES, shadow=MANAGED)
    other = copied(one.api.objects[one.path])
    other["metadata"] |= {"name": "older", "uid": "0", "creationTimestamp": "2020-01-01T00:00:00Z"}
    other["spec"]["traffic"]["routeRef"]["name"] = "another"
    one.api.put(one.path.replace("income", "older"), other)
    await one.look(tick=True)
    assert filters(one) == []
    assert available(one) == ("False", reasons.MIRROR_SHARED)
    assert "models/older" in one.condition("ShadowAvailable")["message"]


async def test_what_the_api_server_refuses_is_no_trouble_of_the_weights(process: Start) -> None:
    one = installed(process, *FEATURES, shadow=MANAGED)
    one.api.fail("patch", "httproutes", APIError(422, "RequestMirror is not known"))
    await one.look(tick=True)
    await one.tick(2)
    assert filters(one) == []
    assert available(one) == ("False", reasons.MIRROR_UNSUPPORTED)
    assert ready(one)[0] == "True"


def keep(one: Process, *names: str) -> None:
    """Let the API server keep only these fields of a mirror, or none of the filter."""

    def prune(body: Any) -> None:
        for rule in body["spec"].get("rules", []):
            if not names:
                rule.pop("filters", None)
            for place in rule.get("filters", []):
                for name in place["requestMirror"].keys() - set(names):
                    del place["requestMirror"][name]

    one.api.prune = prune


async def test_where_no_share_is_kept_all_is_mirrored_and_said_so(process: Start) -> None:
    one = installed(process, *FEATURES, shadow=MANAGED)
    keep(one, "backendRef")
    await one.look(tick=True)
    await one.tick(2)
    one.api.writes.clear()
    await one.tick()
    assert "route" not in one.api.what_was_written()
    assert available(one)[0] == "True"
    assert "all requests are mirrored to models/shadow:8080" in one.condition("ShadowAvailable")["message"]


async def test_where_no_filter_is_kept_it_is_said_and_not_tried_again(process: Start) -> None:
    one = installed(process, *FEATURES, shadow=MANAGED)
    keep(one)
    await one.look(tick=True)
    await one.tick()
    one.api.writes.clear()
    await one.tick(3)
    assert [write for write in one.api.writes if write.what == "route"] == []
    assert available(one) == ("False", reasons.MIRROR_UNSUPPORTED)


async def test_nothing_is_mirrored_in_a_mode_that_does_not_write(process: Start) -> None:
    one = await mirrored(process, mode="Observe")
    assert filters(one) == []
    one.update_spec(mode="Paused")
    await one.look()
    assert filters(one) == []
    assert available(one) == ("Unknown", reasons.PAUSED)


async def test_a_route_that_is_made_carries_it_and_its_template_leaves_it(process: Start) -> None:
    one = await mirrored(process, traffic={"routeTemplate": TEMPLATE})
    assert filters(one) == [OURS]
    traffic = copied(one.api.objects[one.path]["spec"]["traffic"])
    headers = {"type": "RequestHeaderModifier", "requestHeaderModifier": {"remove": ["X-A"]}}
    traffic["routeTemplate"]["spec"]["filters"] = [headers]
    one.update_spec(traffic=traffic)
    await one.look()
    await one.tick()
    assert filters(one) == [headers, OURS]
    one.update_spec(shadow=MANUAL)
    await one.look()
    await one.tick()
    assert filters(one) == [headers]
    assert one.status["foreignWeightChanges"] == 0


async def test_mirrored_requests_are_no_part_of_the_shares_that_arms_get(process: Start) -> None:
    one = await mirrored(process, rollback={"requests": "requests_total"})
    one.requests = {"good": 500.0, "bad": 500.0}
    await one.tick(4)
    assert one.condition("TrafficInSync")["status"] == "True"
    assert one.arm("good")["realisedShare"] == "0.5"
