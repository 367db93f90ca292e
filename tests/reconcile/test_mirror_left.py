"""What is left of a managed mirror once its BanditDeployment is gone or looks elsewhere: nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bandit_operator.api.route_template import OWNER
from bandit_operator.errors import APIError, APIUnreachable, Conflict, NotFound
from bandit_operator.reconcile.reconciler import AFTER_CONFLICT
from bandit_operator.routers.mirrored_for import MIRRORS
from tests.support.fake_api import Write, copied
from tests.support.objects import TEMPLATE
from tests.support.playing import Start
from tests.support.process import Process
from tests.support.shadows import FOREIGN, MANAGED, MANUAL, OURS, filters, mirrored


def annotated(one: Process) -> dict[str, str]:
    """The route's annotations."""
    found: dict[str, str] = one.api.objects[one.route_path]["metadata"].get("annotations", {})
    return found


def annotate_route(one: Process, **others: str) -> None:
    """Somebody sets annotations of the route in place of all that there are."""
    body = copied(one.api.objects[one.route_path])
    body["metadata"]["annotations"] = others
    one.api.put(one.route_path, body)


def delete(one: Process) -> None:
    """The user deletes the resource, and the watch tells."""
    one.api.delete(one.path)
    assert one.key in one.cache.drop("BanditDeployment", one.key)


async def look(one: Process) -> Any:
    """One pass, on what the watches have brought."""
    one.watch()
    return await one.reconciler.reconcile(one.key, tick=False)


async def test_the_route_says_for_whom_it_is_mirrored_in_the_write_that_mirrors(process: Start) -> None:
    one = await mirrored(process)
    uid = one.api.objects[one.path]["metadata"]["uid"]
    assert json.loads(annotated(one)[MIRRORS]) == {
        one.key[1]: {"target": "models/shadow:8080", "rule": "predict", "uid": uid}
    }
    writes = [write.body for write in one.api.writes if write.what == "route"]
    telling = [any(MIRRORS in json.dumps(operation) for operation in body) for body in writes]
    mirroring = [any("requestMirror" in json.dumps(operation) for operation in body) for body in writes]
    assert telling == mirroring
    assert sum(telling) == 1


async def test_the_mirror_goes_with_the_resource(process: Start) -> None:
    one = await mirrored(process)
    delete(one)
    assert await look(one) is None
    assert filters(one) == []
    assert annotated(one) == {}
    assert one.cache.mirrored_for(one.key) == []


async def test_the_mirror_goes_though_the_operator_was_away_when_the_resource_went(process: Start) -> None:
    one = await mirrored(process)
    one.update_route(lambda spec: spec["rules"][0].update(filters=[FOREIGN, OURS]))
    uid = one.api.objects[one.path]["metadata"]["uid"]
    one.api.delete(one.path)
    one.start()
    assert one.key in one.cache.to_look_at()
    assert one.cache.uid_of(one.key) == uid, "by which replicas divide resources"
    assert await look(one) is None
    assert filters(one) == [FOREIGN]
    assert one.cache.to_look_at() == frozenset()
    assert one.cache.uid_of(one.key) is None


async def test_a_resource_that_is_not_known_yet_loses_no_mirror(process: Start) -> None:
    one = await mirrored(process)
    one.start()
    one.cache.drop("BanditDeployment", one.key)  # the list of routes came first
    assert await one.reconciler.reconcile(one.key, tick=False) is None
    assert filters(one) == [OURS]


@pytest.mark.parametrize(
    "error", [Conflict(409, "changed"), APIUnreachable("no answer"), APIError(403, "forbidden")]
)
async def test_a_mirror_that_could_not_be_taken_out_is_tried_again(process: Start, error: Exception) -> None:
    one = await mirrored(process)
    delete(one)
    one.api.fail("patch", "httproutes", error)
    assert await look(one) is not None
    assert filters(one) == [OURS]
    assert await look(one) is None
    assert filters(one) == []


async def test_a_mirror_goes_with_the_definition_of_all_resources(process: Start) -> None:
    one = await mirrored(process)
    delete(one)
    one.api.fail("get", "banditdeployments", NotFound(404, "the server could not find the resource"))
    assert await look(one) is None
    assert filters(one) == []


async def test_a_mirror_that_goes_with_its_route_is_not_looked_for(process: Start) -> None:
    one = await mirrored(process)
    delete(one)
    one.watch()
    one.api.delete(one.route_path)  # of which the watch has not told yet
    assert await one.reconciler.reconcile(one.key, tick=False) == AFTER_CONFLICT
    one.cache.drop("HTTPRoute", one.key)
    assert await one.reconciler.reconcile(one.key, tick=False) is None


async def test_a_replica_that_does_not_lead_takes_nothing_out(process: Start) -> None:
    one = await mirrored(process)
    delete(one)
    one.api.may_write = lambda: False
    assert await look(one) is None
    assert filters(one) == [OURS]


async def test_a_resource_that_is_being_deleted_has_no_mirror(process: Start) -> None:
    one = await mirrored(process)
    body = copied(one.api.objects[one.path])
    body["metadata"] |= {"deletionTimestamp": "2026-01-01T00:00:00Z", "finalizers": ["theirs"]}
    one.api.put(one.path, body)
    await look(one)
    assert filters(one) == []


async def test_a_resource_that_was_made_again_without_a_shadow_has_no_mirror(process: Start) -> None:
    one = await mirrored(process)
    body = copied(one.api.objects[one.path])
    del body["status"], body["spec"]["shadow"]
    one.api.delete(one.path)
    one.api.put(one.path, {**body, "metadata": {**body["metadata"], "uid": "another"}})
    one.start()
    await one.tick()
    assert filters(one) == []
    assert annotated(one) == {}


async def test_a_route_that_the_resource_named_before_is_mirrored_no_longer(process: Start) -> None:
    one = await mirrored(process)
    other = one.route_path.replace(one.key[1], "other")
    route = copied(one.api.objects[one.route_path])
    del route["spec"]["rules"][0]["filters"]
    del route["metadata"]["annotations"]
    one.api.put(other, {**route, "metadata": {**route["metadata"], "name": "other", "uid": "other"}})
    reference = one.api.objects[one.path]["spec"]["traffic"]["routeRef"]
    one.update_spec(traffic={"routeRef": {**reference, "name": "other"}})
    one.start()  # nobody looked when the name was changed
    await one.tick(2)
    assert filters(one) == []
    assert annotated(one) == {}
    assert one.api.objects[other]["spec"]["rules"][0]["filters"] == [OURS]


async def test_a_route_that_goes_meanwhile_keeps_no_other_from_being_cleared(process: Start) -> None:
    one = await mirrored(process)
    for name in ("another", "other"):
        route = copied(one.api.objects[one.route_path])
        route["metadata"] |= {"name": name, "uid": name}
        one.api.put(one.route_path.replace(one.key[1], name), route)
    delete(one)
    one.watch()
    assert len(one.cache.mirrored_for(one.key)) == 3

    def the_other_goes(_: Write) -> None:
        one.cache.drop("HTTPRoute", (one.key[0], "other"))

    one.api.on_write.append(the_other_goes)
    assert await look(one) is None
    assert filters(one) == []


async def test_a_rule_that_is_renamed_loses_its_mirror_with_the_resource(process: Start) -> None:
    one = await mirrored(process)
    one.update_route(lambda spec: spec["rules"][0].update(name="renamed"))
    await one.tick()
    one.api.writes.clear()
    await one.tick(2)
    assert "route" not in one.api.what_was_written()
    delete(one)
    await look(one)
    assert filters(one) == []


@pytest.mark.parametrize("shadow", [MANAGED, MANUAL])
async def test_a_rule_that_the_resource_named_before_is_mirrored_no_longer(
    process: Start, shadow: dict[str, Any]
) -> None:
    one = await mirrored(process)

    def add(spec: dict[str, Any]) -> None:
        spec["rules"].append({**copied(spec["rules"][0]), "name": "second", "filters": [FOREIGN]})

    one.update_route(add)
    reference = one.api.objects[one.path]["spec"]["traffic"]["routeRef"]
    one.update_spec(traffic={"routeRef": {**reference, "sectionName": "second"}}, shadow=shadow)
    one.start()  # nobody looked when the name was changed
    await one.tick(2)
    rules = one.api.objects[one.route_path]["spec"]["rules"]
    assert rules[0].get("filters", []) == []
    assert rules[1]["filters"] == ([FOREIGN, OURS] if shadow == MANAGED else [FOREIGN])
    assert (MIRRORS in annotated(one)) == (shadow == MANAGED)


async def test_a_route_of_a_template_that_outlives_its_resource_keeps_no_mirror(process: Start) -> None:
    template = {**TEMPLATE, "deletionPolicy": "Orphan"}
    one = await mirrored(process, traffic={"routeTemplate": template})
    one.api.writes.clear()
    await one.tick(2)
    assert "route" not in one.api.what_was_written()
    assert set(annotated(one)) == {OWNER, MIRRORS}
    one.api.delete(one.path)
    one.start()
    await look(one)
    assert filters(one) == []
    assert set(annotated(one)) == {OWNER}


async def test_what_is_mirrored_for_another_and_what_others_annotate_stays(process: Start) -> None:
    one = await mirrored(process)
    theirs = {"fraud": {"target": "models/theirs:80", "rule": "predict", "uid": "2"}}
    mine = json.loads(annotated(one)[MIRRORS])
    annotate_route(one, **{"kept": "yes", MIRRORS: json.dumps(mine | theirs)})
    delete(one)
    await look(one)
    assert filters(one) == []
    assert annotated(one) == {"kept": "yes", MIRRORS: json.dumps(theirs, sort_keys=True)}


@pytest.mark.parametrize(("name", "left"), [("second", []), (None, [OURS])])
async def test_a_mirror_to_the_same_target_in_another_rule_is_the_users(
    process: Start, name: str | None, left: list[Any]
) -> None:
    one = await mirrored(process)
    if name is None:  # then nothing tells the two apart
        one.update_route(lambda spec: spec["rules"][0].pop("name"))
        await one.tick(2)
    one.update_route(lambda spec: spec["rules"].append({**copied(spec["rules"][0]), "name": name or ""}))
    delete(one)
    assert await look(one) is None
    assert filters(one) == left
    assert one.api.objects[one.route_path]["spec"]["rules"][1]["filters"] == [OURS]
    assert annotated(one) == {}


@pytest.mark.parametrize("text", ["", "[" * 2000, '{"income": 1}'])
async def test_an_annotation_that_cannot_be_read_costs_the_mirror_nothing(process: Start, text: str) -> None:
    one = await mirrored(process)
    annotate_route(one, **{MIRRORS: text})
    one.api.writes.clear()
    await one.tick(2)
    assert one.condition("Ready")["status"] == "True"
    assert "route" not in one.api.what_was_written()
    one.update_spec(shadow=MANUAL)
    await one.look()
    assert filters(one) == []  # the status remembers it
    assert annotated(one) == {MIRRORS: text}


async def test_a_mirror_of_an_operator_that_did_not_tell_is_told_once_and_not_fought_over(
    process: Start,
) -> None:
    one = await mirrored(process)
    annotate_route(one)
    one.start()
    await one.tick(2)
    assert MIRRORS in annotated(one)
    annotate_route(one)
    await one.tick(3)
    assert annotated(one) == {}
    assert filters(one) == [OURS]


async def test_nothing_is_left_to_be_told_once_a_mirror_that_others_took_out_is_not_wanted(
    process: Start,
) -> None:
    one = await mirrored(process)
    one.update_route(lambda spec: spec["rules"][0].pop("filters"))
    one.update_spec(shadow=MANUAL)
    await one.look()
    assert annotated(one) == {}
    one.update_spec(shadow=MANAGED)
    await one.tick(2)
    assert filters(one) == [OURS]
    assert MIRRORS in annotated(one)
