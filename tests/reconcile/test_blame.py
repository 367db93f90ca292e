"""Which arm a gateway's words are about that it cannot resolve: never one that it does not name."""

from __future__ import annotations

import pytest

from bandit_operator.core import reasons
from bandit_operator.core.model import Backend
from bandit_operator.reconcile.blame import blamed
from tests.support.playing import WORSE, Start, learned, ready, until_state

WORDS: list[tuple[tuple[str, ...], str, set[str]]] = [
    (
        ("models", "canary"),
        "Failed to process route rule 1 backendRef 0: service models/typo not found.",
        set(),
    ),
    (("models", "models-v2"), "rule 0 backendRef 1: service models/models-v2 not found", {"models-v2"}),
    (("backend", "canary"), "backend(canary.models.svc.cluster.local) not found", {"canary"}),
    (("svc", "b"), "b.models.svc.cluster.local not found", {"b"}),
    (("service", "b"), 'services "b" not found', {"b"}),
    (("service", "b"), 'services "service" not found', {"service"}),
    (("good", "bad"), "rule 1 backendRef 0: TCP Port 81 not found on service models/good", set()),
    (("good", "bad"), 'spec.rules[0].backendRefs[1].name: Not found: "bad"', {"bad"}),
    (("good", "bad"), 'spec.rules[2].backendRefs[1].name: Not found: "bad"', set()),
    (("good", "bad"), "rule 1: service models/good not found; rule 0: service models/bad not found", {"bad"}),
    (("good", "bad"), "Cannot load HTTPBackendRef models/bad: service not found", {"bad"}),
    (("good", "bad"), "Cannot load HTTPBackendRef other/bad: service not found", set()),
    (("good", "bad"), "service bad not found\nservice good not found", {"good", "bad"}),
    (("good", "good-v2"), "good-v2 has no endpoints", {"good-v2"}),
    (("good", "bad"), "some backend does not exist", set()),
]


@pytest.mark.parametrize(("arms", "words", "named"), WORDS, ids=[words for _, words, _ in WORDS])
def test_an_arm_is_blamed_only_where_the_words_name_its_backend_in_its_rule(
    arms: tuple[str, ...], words: str, named: set[str]
) -> None:
    assert blamed(words, 0, {arm: Backend("", "Service", "models", arm) for arm in arms}) == named


def test_of_two_services_of_one_name_the_one_of_the_namespace_that_is_named_is_blamed() -> None:
    backends = {place: Backend("", "Service", place, "model") for place in ("blue", "green")}
    words = "Service green/model not permitted by any ReferenceGrant"
    assert blamed(words, 0, backends) == {"green"}


async def test_what_is_wrong_with_another_rule_takes_no_arm_out(process: Start) -> None:
    one = await learned(process, arms=("models", "canary"))
    one.earning = {"models": (500.0, 400.0), "canary": (500.0, 50.0)}
    await until_state(one, "canary", "RolledBack")
    before = one.weights()
    for _ in range(8):
        one.now += 30.0
        one.kubelet()
        one.gateway(unresolved="Failed to process route rule 1 backendRef 0: service models/typo not found.")
        await one.look(tick=True)
    assert one.weights() == before == {"models": 10000, "canary": 0}
    assert (one.arm("canary")["state"], one.replicas("canary")) == ("RolledBack", 0)
    assert ready(one) == ("False", reasons.BACKEND_UNRESOLVED)


async def test_an_arm_that_cannot_be_resolved_stays_out_while_the_gateway_has_not_answered_yet(
    process: Start,
) -> None:
    one = await learned(process, arms=("good", "bad", "late"))
    one.gateway(unresolved="service models/late not found")
    await one.look()
    one.earning = WORSE
    said = []
    for _ in range(20):
        one.now += 30.0
        await one.look(tick=True)  # its own write is a new generation, of which the gateway says nothing yet
        said.append(ready(one)[0])
        assert one.weights()["late"] == 0
        one.gateway(unresolved="service models/late not found")
        await one.look()
        said.append(ready(one)[0])
    assert set(said) == {"False"}
