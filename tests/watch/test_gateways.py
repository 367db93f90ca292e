"""What is kept of what a Gateway says of itself."""

from __future__ import annotations

from typing import Any

import pytest

from bandit_operator.routers.parents import GatewayReference
from bandit_operator.watch.gateways import LONGEST_WORDS, Gateways

MAIN = GatewayReference("gateway", "main")
HTTPS = GatewayReference("gateway", "main", "https")


def programmed(status: str, reason: str = "Invalid", message: Any = "") -> dict[str, Any]:
    return {"type": "Programmed", "status": status, "reason": reason, "message": message}


def seen(status: Any) -> Gateways:
    gateways = Gateways()
    gateways.put("Gateway", {"metadata": {"namespace": "gateway", "name": "main"}, "status": status})
    return gateways


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        (programmed("True", "Programmed"), None),
        (programmed("Unknown", "Pending", "waiting for controller"), None),
        (programmed("False", "AddressNotAssigned", "no address"), None),
        (programmed("False", "Invalid", "no data\nplane"), "is not programmed: Invalid: no data plane"),
        (programmed("False", "NoResources"), "is not programmed: NoResources"),
        (programmed("False", "", None), "is not programmed: "),
        ({"type": "Accepted", "status": "False"}, None),
    ],
    ids=["programmed", "not yet looked at", "inside only", "invalid", "wordless", "nothing", "another"],
)
def test_a_gateway_is_not_programmed_when_it_says_so(condition: dict[str, Any], words: str | None) -> None:
    fault = seen({"conditions": [condition]}).fault(MAIN)
    assert fault == (None if words is None else f"Gateway gateway/main {words}")


def test_a_listener_speaks_for_the_routes_that_name_it() -> None:
    broken = {"name": "https", "conditions": [programmed("False", "Invalid", "no certificate")]}
    gateways = seen({"conditions": [programmed("True")], "listeners": [broken, {"name": "http"}]})
    words = "listener https of Gateway gateway/main is not programmed: Invalid: no certificate"
    assert gateways.fault(HTTPS) == words
    assert gateways.fault(MAIN) is None
    assert gateways.fault(GatewayReference("gateway", "main", "http")) is None


def test_only_what_matters_of_a_gateway_is_news() -> None:
    gateways = seen(
        {"conditions": [programmed("True")], "listeners": [{"name": "http", "attachedRoutes": 1}]}
    )
    body: dict[str, Any] = {"metadata": {"namespace": "gateway", "name": "main"}}
    body["status"] = {
        "conditions": [programmed("True")],
        "listeners": [{"name": "http", "attachedRoutes": 2}],
    }
    assert not gateways.put("Gateway", body)
    body["status"] = {"conditions": [programmed("False")]}
    assert gateways.put("Gateway", body)


@pytest.mark.parametrize("status", [None, [], {"conditions": 7, "listeners": "x"}, {"listeners": [{}, 3]}])
def test_a_status_of_another_shape_says_nothing(status: Any) -> None:
    assert seen(status).fault(MAIN) is None


def test_of_endless_words_some_are_kept() -> None:
    fault = seen({"conditions": [programmed("False", "Invalid", "x" * 9000)]}).fault(MAIN)
    assert len(fault or "") < LONGEST_WORDS + 50


def test_one_that_is_gone_is_not_known() -> None:
    gateways = seen({})
    assert gateways.knows(MAIN)
    gateways.drop(("gateway", "main"))
    assert not gateways.knows(MAIN)
