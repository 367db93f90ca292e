"""A route that is made from a template: when it is made, what is put back, and what is left alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from bandit_operator.errors import APIError
from tests.support.fake_api import copied
from tests.support.objects import TEMPLATE
from tests.support.playing import Start, learned, ready, until_state
from tests.support.process import Process
from tests.support.shadows import MANUAL

Body = dict[str, Any]


async def made(process: Start, arms: tuple[str, ...] = ("good", "bad"), **template: Any) -> Process:
    """A rollout with a template, whose route is made and accepted and which has seen some windows."""
    one = await learned(process, arms=arms, traffic={"routeTemplate": {**TEMPLATE, **template}})
    await one.tick()
    return one


def route(one: Process) -> Body:
    found: Body = one.api.objects[one.route_path]
    return found


def change_template(one: Process, change: Callable[[Body], None]) -> None:
    traffic = copied(one.api.objects[one.path]["spec"]["traffic"])
    change(traffic["routeTemplate"])
    one.update_spec(traffic=traffic)


def written(one: Process, verb: str) -> list[Any]:
    return [write.body for write in one.api.writes if write.what == "route" and write.verb == verb]


async def test_the_status_says_which_weights_before_the_route_is_made_with_them(process: Start) -> None:
    one = process(traffic={"routeTemplate": TEMPLATE})
    await one.look(tick=True)
    assert one.api.what_was_written()[0] == "status"
    assert one.condition("TrafficInSync")["reason"] == "RouteNotFound"
    (body,) = written(one, "create")
    assert [ref["weight"] for ref in body["spec"]["rules"][0]["backendRefs"]] == [
        arm["weight"] for arm in one.status["arms"]
    ]
    await one.tick()
    assert one.condition("TrafficInSync")["status"] == "True"
    assert one.status["route"] == "income"


async def test_it_says_what_the_template_does_and_whose_it_is(process: Start) -> None:
    one = await made(process)
    spec, metadata = route(one)["spec"], route(one)["metadata"]
    assert spec["hostnames"] == ["models.example.com"]
    assert spec["parentRefs"][0]["name"] == "main"
    (rule,) = spec["rules"]
    assert rule["matches"] == [{"path": {"type": "PathPrefix", "value": "/predict"}}]
    assert [(ref["name"], ref["port"]) for ref in rule["backendRefs"]] == [("good", 80), ("bad", 80)]
    assert metadata["labels"] == {"team": "models", "app.kubernetes.io/managed-by": "bandit-operator"}
    assert metadata["annotations"] == {"bandit-operator.dev/owner": "income"}
    assert "generation" not in written(one, "create")[0]["metadata"]


async def test_an_arm_that_cannot_serve_yet_begins_without_weight(process: Start) -> None:
    one = process(traffic={"routeTemplate": TEMPLATE})
    one.set_available("bad", 0)
    await one.look(tick=True)
    assert one.weights()["bad"] == 0
    assert one.weights()["good"] > 0


async def test_an_arm_that_is_to_prove_itself_in_the_shadow_begins_without_weight(process: Start) -> None:
    one = process(traffic={"routeTemplate": TEMPLATE}, shadow=MANUAL)
    good, bad = one.api.objects[one.path]["spec"]["arms"]
    one.update_spec(arms=[good, {**bad, "onboarding": "Shadow"}])
    await one.look(tick=True)
    assert one.arm("bad")["state"] == "Shadowing"
    assert one.weights()["bad"] == 0
    assert one.weights()["good"] > 0


async def test_nothing_is_written_or_read_while_nothing_changes(process: Start) -> None:
    one = await made(process)
    await one.tick(3)
    one.api.writes.clear()
    one.api.reads.clear()
    await one.look()
    assert one.api.writes == []
    assert one.api.reads == []


@pytest.mark.parametrize("policy", ["Delete", "Orphan"])
async def test_the_garbage_collector_takes_it_along_unless_it_is_to_stay(process: Start, policy: str) -> None:
    one = await made(process, deletionPolicy=policy)
    owners = [owner["uid"] for owner in route(one)["metadata"].get("ownerReferences", [])]
    assert owners == (["2c1b"] if policy == "Delete" else [])


async def test_whose_it_is_follows_the_policy_and_other_owners_stay(process: Start) -> None:
    one = await made(process)
    other = {"apiVersion": "v1", "kind": "ConfigMap", "name": "other", "uid": "9"}
    body = copied(route(one))
    body["metadata"]["ownerReferences"].insert(0, other)
    one.api.put(one.route_path, body)
    change_template(one, lambda template: template.update(deletionPolicy="Orphan"))
    await one.look()
    assert route(one)["metadata"]["ownerReferences"] == [other]
    change_template(one, lambda template: template.update(deletionPolicy="Delete"))
    await one.look()
    assert [owner["uid"] for owner in route(one)["metadata"]["ownerReferences"]] == ["9", "2c1b"]


@pytest.mark.parametrize("mode", ["Observe", "Paused"])
async def test_a_route_that_would_still_go_with_its_resource_is_named(process: Start, mode: str) -> None:
    one = await made(process)
    one.update_spec(mode=mode)
    change_template(one, lambda template: template.update(deletionPolicy="Orphan"))
    await one.look()
    assert route(one)["metadata"]["ownerReferences"]  # nothing is written in this mode
    assert "would be deleted with it" in one.condition("Accepted")["message"]
    arms = [{"name": arm, "backendRef": {"name": arm}} for arm in one.arms]
    one.update_spec(traffic={"routeRef": {"name": "income"}}, arms=arms)
    await one.look()
    assert "would be deleted with it" in one.condition("Accepted")["message"]


async def test_a_route_that_is_deleted_is_made_again_with_the_committed_weights(process: Start) -> None:
    one = await made(process)
    one.earning = {"good": (500.0, 100.0), "bad": (500.0, 400.0)}
    await one.tick(4)
    before = one.weights()
    assert before["bad"] > before["good"]
    one.delete_route()
    one.api.writes.clear()
    await one.look()
    assert one.weights() == before
    assert one.api.what_was_written()[:1] == ["status"]
    assert one.status["foreignWeightChanges"] == 1


async def test_a_route_that_others_keep_deleting_is_contested(process: Start) -> None:
    one = await made(process)
    for _ in range(8):
        one.delete_route()
        one.now += 2.0
        await one.look()
        one.gateway()
        await one.look()
    assert ready(one) == ("False", "WeightsContested")


async def test_a_route_of_the_name_that_was_there_before_is_not_touched(process: Start) -> None:
    one = process(traffic={"routeTemplate": TEMPLATE})
    body = {"metadata": {"name": one.name, "namespace": "models"}, "spec": {"rules": []}}
    one.api.put(one.route_path, body)
    before = copied(route(one))
    await one.look(tick=True)
    assert ready(one) == ("False", "RouteNotOurs")
    assert "bandit-operator.dev/owner: income" in one.condition("Ready")["message"]
    assert route(one) == before


async def test_a_route_that_appears_before_it_is_made_is_not_touched(process: Start) -> None:
    one = process(traffic={"routeTemplate": TEMPLATE})
    body = {"metadata": {"name": one.name, "namespace": "models"}, "spec": {"rules": []}}
    looks = one.api.on_write
    looks.append(lambda write: one.api.put(one.route_path, body) if write.what == "status" else None)
    await one.look(tick=True)
    looks.clear()
    await one.look()
    assert ready(one) == ("False", "RouteNotOurs")
    assert written(one, "create") == []


async def test_a_route_that_is_handed_over_becomes_what_the_template_says(process: Start) -> None:
    one = process(traffic={"routeTemplate": TEMPLATE})
    refs = [{"name": "good", "port": 80, "weight": 7}, {"name": "bad", "port": 80, "weight": 3}]
    metadata = {
        "name": one.name,
        "namespace": "models",
        "annotations": {"bandit-operator.dev/owner": one.name},
    }
    one.api.put(one.route_path, {"metadata": metadata, "spec": {"rules": [{"backendRefs": refs}]}})
    one.gateway()
    await one.look(tick=True)
    assert route(one)["spec"]["hostnames"] == ["models.example.com"]
    assert one.weights() == {"good": 7, "bad": 3}


EDITS: dict[str, Callable[[Body], Any]] = {
    "hostnames": lambda spec: spec.update(hostnames=["other.example.com"]),
    "no hostnames": lambda spec: spec.pop("hostnames"),
    "parents": lambda spec: spec.update(parentRefs=[{"name": "other"}]),
    "matches": lambda spec: spec["rules"][0].update(matches=[{"path": {"type": "Exact", "value": "/"}}]),
    "filters": lambda spec: spec["rules"][0].update(filters=[{"type": "RequestMirror"}]),
    "a port": lambda spec: spec["rules"][0]["backendRefs"][0].update(port=81),
    "a backend": lambda spec: spec["rules"][0]["backendRefs"].pop(),
    "a backend twice": lambda spec: spec["rules"][0]["backendRefs"].append({"name": "bad", "port": 80}),
    "all backends": lambda spec: spec["rules"][0].update(backendRefs=[]),
    "all rules": lambda spec: spec.update(rules=[]),
}


@pytest.mark.parametrize("edit", EDITS)
async def test_what_somebody_changes_of_it_is_put_back(process: Start, edit: str) -> None:
    one = await made(process)
    before, weights = copied(route(one)["spec"]), one.weights()
    one.update_route(EDITS[edit])
    await one.look()
    assert route(one)["spec"] == before
    assert one.weights() == weights
    assert one.status["foreignWeightChanges"] == 1
    (patch, *_) = written(one, "patch")[-1:]
    assert patch[0]["path"] == "/metadata/generation"


async def test_a_rule_that_others_add_over_the_same_backends_is_told_of(process: Start) -> None:
    one = await made(process)
    one.update_route(lambda spec: spec["rules"].append(copied(spec["rules"][0])))
    await one.look()
    assert ready(one) == ("False", "RuleAmbiguous")
    assert "take the others out" in one.condition("Ready")["message"]


async def test_a_field_that_others_keep_changing_is_contested_and_backed_off_from(process: Start) -> None:
    one = await made(process)
    for number in range(8):
        body = copied(route(one))
        body["spec"]["hostnames"] = [f"a{number}.example.com"]
        one.api.put(one.route_path, body)
        one.now += 1.0
        await one.look()
    assert ready(one) == ("False", "WeightsContested")
    assert route(one)["spec"]["hostnames"] == ["a7.example.com"]


async def test_what_others_add_stays_byte_for_byte(process: Start) -> None:
    one = await made(process)
    body = copied(route(one))
    body["metadata"]["labels"]["theirs"] = "yes"
    body["metadata"]["annotations"]["theirs"] = "long" * 1000
    body["spec"]["useDefaultGateways"] = "None"
    body["spec"]["rules"][0]["retry"] = {"attempts": 2}
    body["spec"]["rules"].append({"name": "theirs", "backendRefs": [{"name": "else", "port": 1}]})
    one.api.put(one.route_path, body)
    one.update_route(lambda spec: spec.update(hostnames=["other.example.com"]))
    await one.look()
    after = copied(route(one))
    assert after["spec"] == body["spec"]
    for field in ("labels", "annotations"):
        assert after["metadata"][field] == body["metadata"][field]


async def test_a_change_of_the_template_arrives_in_one_patch_that_has_no_weights(process: Start) -> None:
    one = await made(process)
    before = one.weights()
    one.api.writes.clear()

    def change(template: Body) -> None:
        template["spec"] |= {"timeouts": {"request": "5s"}, "hostnames": ["new.example.com"]}
        template["metadata"]["labels"] = {"team": "fraud"}

    change_template(one, change)
    await one.look()
    (patch,) = written(one, "patch")
    assert not [operation for operation in patch if "weight" in operation["path"]]
    assert one.weights() == before
    assert route(one)["spec"]["rules"][0]["timeouts"] == {"request": "5s"}
    assert route(one)["metadata"]["labels"]["team"] == "fraud"
    assert one.status["foreignWeightChanges"] == 0


async def test_a_label_that_the_template_has_no_more_goes_where_the_operator_wrote_it(process: Start) -> None:
    one = await made(process)
    body = copied(route(one))
    body["metadata"]["labels"]["theirs"] = "yes"
    ours: Body = {"f:metadata": {"f:labels": {".": {}, "f:team": {}}}}
    body["metadata"]["managedFields"] = [
        {"manager": "bandit-operator", "fieldsV1": ours},
        {"manager": "kubectl", "fieldsV1": {"f:metadata": {"f:labels": {"f:theirs": {}}}}},
    ]
    one.api.put(one.route_path, body)
    change_template(one, lambda template: template.pop("metadata"))
    await one.look()
    labels = {"app.kubernetes.io/managed-by": "bandit-operator", "theirs": "yes"}
    assert route(one)["metadata"]["labels"] == labels


async def test_labels_that_were_all_taken_off_are_put_back_unless_others_write_meanwhile(
    process: Start,
) -> None:
    one = await made(process)
    body = copied(route(one))
    del body["metadata"]["labels"]
    one.api.put(one.route_path, body)
    await one.look()
    assert route(one)["metadata"]["labels"]["team"] == "models"
    (patch,) = written(one, "patch")[-1:]
    assert "/metadata/resourceVersion" in [operation["path"] for operation in patch]


async def test_an_arm_that_is_added_gets_a_backend_and_a_small_share(process: Start) -> None:
    one = await made(process, arms=("good", "bad", "late"))
    arms = one.api.objects[one.path]["spec"]["arms"]
    one.update_spec(arms=arms[:2])
    await one.look()
    one.update_spec(arms=arms)
    await one.look()
    assert set(one.weights()) == {"good", "bad", "late"}
    one.earning = dict.fromkeys(("good", "bad", "late"), (500.0, 250.0))
    await until_state(one, "late", "Active")
    assert one.weights()["late"] > 0


async def test_an_arm_that_is_added_and_cannot_serve_gets_a_backend_without_weight(process: Start) -> None:
    one = await made(process, arms=("good", "bad", "late"))
    arms = one.api.objects[one.path]["spec"]["arms"]
    traffic = {"routeTemplate": TEMPLATE, "removedArms": "Drain"}
    one.update_spec(arms=arms[:2], traffic=traffic)
    await one.look()
    await one.tick(2)
    assert set(one.weights()) == {"good", "bad"}
    one.broken = {"late"}
    one.set_available("late", 0)
    one.update_spec(arms=arms)
    await one.look()
    assert one.weights()["late"] == 0


@pytest.mark.parametrize("removed", ["Keep", "Drain"])
async def test_the_backend_of_an_arm_that_is_taken_out_goes_once_it_has_no_weight(
    process: Start, removed: str
) -> None:
    one = await made(process, arms=("good", "bad", "late"))
    arms = one.api.objects[one.path]["spec"]["arms"]
    traffic = {**one.api.objects[one.path]["spec"]["traffic"], "removedArms": removed}
    share = one.weights()["late"] / sum(one.weights().values())
    one.update_spec(arms=arms[:2], traffic=traffic)
    await one.look()
    if removed == "Drain":
        assert one.weights()["late"] == 0, "it goes only once a gateway has accepted weight 0"
    await one.tick(2)
    if removed == "Drain":
        assert set(one.weights()) == {"good", "bad"}
    else:
        assert one.weights()["late"] / sum(one.weights().values()) == pytest.approx(share, abs=1e-3)
    assert one.status["foreignWeightChanges"] == 0


@pytest.mark.parametrize("mode", ["Observe", "Paused"])
async def test_in_modes_that_write_nothing_none_is_made_and_nothing_is_put_back(
    process: Start, mode: str
) -> None:
    one = process(traffic={"routeTemplate": TEMPLATE}, mode=mode)
    await one.look(tick=True)
    assert one.condition("Accepted")["reason"] == "RouteNotFound"
    assert "set spec.mode to Active" in one.condition("Accepted")["message"]
    one.update_spec(mode="Active")
    await one.look(tick=True)
    await one.tick()
    one.update_spec(mode=mode)
    one.update_route(lambda spec: spec.update(hostnames=["other.example.com"]))
    await one.look()
    assert route(one)["spec"]["hostnames"] == ["other.example.com"]


async def test_a_right_that_is_missing_is_named(process: Start) -> None:
    one = process(traffic={"routeTemplate": TEMPLATE})
    words = 'User "operator" cannot create resource "httproutes" in API group "gateway.networking.k8s.io"'
    for _ in range(2):
        one.api.fail("create", "httproutes", APIError(403, words))
        await one.look(tick=True)
    condition = one.condition("TrafficInSync")
    assert condition["reason"] == "WriteRefused"
    assert 'cannot create resource "httproutes"' in condition["message"]
    await one.look()
    await one.tick()
    assert one.condition("TrafficInSync")["status"] == "True"


async def test_the_younger_of_two_that_make_one_route_is_told_of_the_older(process: Start) -> None:
    one = await made(process)
    other = copied(one.api.objects[one.path])
    other["metadata"] |= {"name": "young", "uid": "y", "creationTimestamp": "2026-01-02T00:00:00Z"}
    other["spec"]["traffic"]["routeTemplate"]["name"] = one.name
    path = one.path.replace("income", "young")
    one.api.put(path, {key: value for key, value in other.items() if key != "status"})
    one.watch()
    await one.reconciler.reconcile(("models", "young"), tick=True)
    said = next(one for one in one.api.objects[path]["status"]["conditions"] if one["type"] == "Accepted")
    assert said["reason"] == "RuleConflict"
    assert "routeTemplate" in said["message"]
