"""The web page of the installed operator: real tokens, and the API server's own word on who may see what."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import httpx
import pytest

from cluster.client import Cluster, port_forward
from testbed.installation import OPERATOR_NAMESPACE, install_operator
from testbed.rollout import Rollout
from testbed.waiting import wait_until
from tests.e2e import ADDRESSES, NAMESPACE
from tests.support.browser import browser, look

pytestmark = pytest.mark.cluster
READERS = "web-readers"
"""Namespace of the accounts, which hold no rollout."""


@pytest.fixture(scope="module")
def page(operator: Cluster) -> Iterator[str]:
    """Where the page is, by port-forward."""
    install_operator(operator, ADDRESSES, "web.enabled=true")
    try:
        with port_forward(operator.kubeconfig, OPERATOR_NAMESPACE, "bandit-operator", 8081) as address:
            yield address
    finally:
        install_operator(operator, ADDRESSES)


@pytest.fixture(scope="module")
def token(operator: Cluster) -> Iterator[Callable[[str], str]]:
    """Make an account and a token for it."""
    operator.kubectl("create", "namespace", READERS)

    def make(account: str) -> str:
        operator.kubectl("create", "serviceaccount", account, "-n", READERS)
        return operator.kubectl("create", "token", account, "-n", READERS, "--duration=10m").strip()

    yield make
    operator.kubectl("delete", "namespace", READERS, "--wait=false")


def may_view(cluster: Cluster, account: str, namespace: str) -> None:
    """Give an account the chart's role for people who look, in one namespace."""
    cluster.kubectl(
        *("create", "rolebinding", account, "-n", namespace, "--clusterrole=bandit-operator-view"),
        f"--serviceaccount={READERS}:{account}",
    )


def get(page: str, path: str, token: str) -> httpx.Response:
    return httpx.get(f"{page}{path}", headers={"Authorization": f"Bearer {token}"}, timeout=10)


async def test_each_person_sees_what_the_api_server_lets_them_read(
    page: str, operator: Cluster, rollout: Callable[..., Rollout], token: Callable[[str], str]
) -> None:
    one = rollout()
    one.create()
    path = f"/rollouts/{NAMESPACE}/{one.name}"
    nobody, elsewhere, reader = token("nobody"), token("elsewhere"), token("reader")
    may_view(operator, "elsewhere", READERS)
    may_view(operator, "reader", NAMESPACE)
    wait_until(lambda: one.name in get(page, "/", reader).text, "the reader sees the rollout", 60)

    assert httpx.get(f"{page}/").status_code == 401
    assert get(page, "/", f"{reader}x").status_code == 401
    for stranger in (nobody, elsewhere):
        assert one.name not in get(page, "/", stranger).text
        assert get(page, path, stranger).status_code == 404
    assert get(page, path, reader).status_code == 200

    async with browser() as started, look(started, page, viewport={"width": 400, "height": 860}) as seen:
        await seen.open(f"/sign-in?next={path}")
        await seen.page.get_by_label("Token of your cluster").fill(reader)
        await seen.page.get_by_role("button", name="Sign in").click()
        await seen.page.wait_for_url(f"{page}{path}")
        assert one.name in await seen.page.get_by_role("heading", level=1).inner_text()
        assert await seen.violations() == []
        assert (seen.strayed, seen.errors) == ([], [])
        assert reader not in await seen.page.content()
    logs = operator.kubectl("logs", "-n", OPERATOR_NAMESPACE, "deploy/bandit-operator")
    assert reader not in logs
