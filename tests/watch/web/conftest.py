"""A site with rollouts, and somebody who looks at it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from aiohttp import ClientSession, CookieJar
from aiohttp.test_utils import TestServer

from tests.support.website import Site, shown_site


@pytest.fixture
async def site() -> Site:
    """Rollouts of several kinds in two namespaces."""
    return await shown_site()


@pytest.fixture
async def server(site: Site) -> AsyncIterator[TestServer]:
    """The page, on loopback."""
    async with site.served() as one:
        yield one


@pytest.fixture
async def visitor(server: TestServer) -> AsyncIterator[ClientSession]:
    """Somebody who keeps cookies."""
    async with ClientSession(server.make_url("/"), cookie_jar=CookieJar(unsafe=True)) as session:
        yield session
