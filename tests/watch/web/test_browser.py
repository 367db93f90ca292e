"""The page in a real browser: to eyes, keyboards and screen readers, from 400 pixels to wide.

With SCREENSHOTS set to a folder it also writes the pictures of ``docs/web.md`` (``make screenshots``).
"""

from __future__ import annotations

import io
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Literal

import pytest
from aiohttp.test_utils import TestServer
from PIL import Image
from playwright.async_api import Browser, expect

from tests.support.browser import Look, browser, look
from tests.support.website import ADMIN, STRANGER, Site

pytestmark = pytest.mark.slow

LIST, ROLLOUT, SIGN_IN = "/", "/rollouts/models/income", "/sign-in"
SIZES = {"narrow": (400, 860), "wide": (1440, 900)}
PICTURES = {
    "list-wide-light.png",
    "list-narrow-dark.png",
    "rollout-wide-light.png",
    "rollout-wide-dark.png",
    "rollout-narrow-light.png",
    "sign-in-narrow-light.png",
}
"""Those that docs/web.md shows."""
Scheme = Literal["light", "dark"]


@pytest.fixture
async def started() -> AsyncIterator[Browser]:
    """A browser."""
    async with browser() as one:
        yield one


@pytest.fixture
def home(server: TestServer) -> str:
    """Where the page is served."""
    return str(server.make_url("/"))


NAMED = "e => e.tagName + ' ' + (e.id || e.getAttribute('aria-label') || e.textContent.trim())"
"""What an element is called, in a script of the browser."""


async def signed_in(one: Look, token: str = ADMIN, path: str = LIST) -> None:
    """Sign in as a person does."""
    await one.open(f"{SIGN_IN}?next={path}")
    await one.page.get_by_label("Token of your cluster").fill(token)
    await one.page.get_by_role("button", name="Sign in").click()
    await one.page.wait_for_url(f"{one.home}{path}")


def window(size: str, scheme: Scheme) -> dict[str, Any]:
    width, height = SIZES[size]
    return {"viewport": {"width": width, "height": height}, "color_scheme": scheme}


@pytest.mark.parametrize("path", [LIST, ROLLOUT, SIGN_IN], ids=["list", "rollout", "sign-in"])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_nobody_is_shut_out_and_nothing_comes_from_elsewhere(
    started: Browser, home: str, path: str, size: str, scheme: Scheme
) -> None:
    async with look(started, home, **window(size, scheme)) as one:
        if path == SIGN_IN:
            await one.open(SIGN_IN)
        else:
            await signed_in(one, path=path)
        if path == ROLLOUT:
            await one.page.get_by_text("The figures of these charts").click()
        assert await one.violations() == []
        assert await one.overflow() <= 0
        assert (one.strayed, one.errors) == ([], [])
        name = f"{ {LIST: 'list', ROLLOUT: 'rollout', SIGN_IN: 'sign-in'}[path] }-{size}-{scheme}.png"
        if (folder := os.environ.get("SCREENSHOTS")) and name in PICTURES:
            await picture(one, Path(folder) / name)


async def picture(one: Look, file: Path) -> None:
    """Write what is seen into a file, with as many colours as such a page has."""
    await one.page.evaluate("document.activeElement.blur(), scrollTo(0, 0)")
    whole = one.page.viewport_size == {"width": 1440, "height": 900}
    if await one.page.locator("#figures").count():
        await one.page.locator("#figures").evaluate("details => details.removeAttribute('open')")
        if not whole:  # the table of the arms alone is longer than the window
            await one.page.locator("#over-time").evaluate("heading => heading.scrollIntoView()")
    seen = Image.open(io.BytesIO(await one.page.screenshot(full_page=whole)))
    file.parent.mkdir(parents=True, exist_ok=True)
    seen.convert("RGB").quantize(256, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE).save(
        file, optimize=True
    )


async def test_every_link_and_button_is_reached_by_tab_and_each_shows_that_it_is(
    started: Browser, home: str
) -> None:
    async with look(started, home, **window("wide", "light")) as one:
        for path in (LIST, ROLLOUT):
            await signed_in(one, path=path)
            controls = one.page.locator("a[href], button:visible, summary, [tabindex='0']:visible")
            wanted = [await control.evaluate(NAMED) for control in await controls.all()]
            reached = []
            for _ in wanted:
                await one.page.keyboard.press("Tab")
                reached.append(await one.page.locator("*:focus").evaluate(NAMED))
                assert (
                    await one.page.locator("*:focus").evaluate("e => getComputedStyle(e).outlineWidth")
                    == "3px"
                )
            assert sorted(reached) == sorted(wanted)
            assert len(wanted) > 5


async def test_the_first_tab_skips_to_the_content(started: Browser, home: str) -> None:
    async with look(started, home, **window("narrow", "dark")) as one:
        await signed_in(one, path=ROLLOUT)
        await one.page.keyboard.press("Tab")
        await expect(one.page.get_by_role("link", name="Skip to the content")).to_be_focused()
        await expect(one.page.get_by_role("link", name="Skip to the content")).to_be_in_viewport()
        await one.page.keyboard.press("Enter")
        await expect(one.page.locator("main")).to_be_focused()


async def test_a_person_signs_in_by_keyboard_alone_and_out_again(started: Browser, home: str) -> None:
    async with look(started, home, **window("narrow", "light")) as one:
        await one.open(SIGN_IN)
        await one.page.keyboard.press("Tab")
        await one.page.keyboard.press("Tab")
        await one.page.keyboard.press("Tab")
        await one.page.keyboard.type(ADMIN)
        await one.page.keyboard.press("Enter")
        await expect(one.page.get_by_role("heading", level=1)).to_have_text("Rollouts")
        assert await one.page.evaluate("document.cookie") == ""
        await one.page.get_by_role("button", name="Sign out").press("Enter")
        await expect(one.page.get_by_role("heading", level=1)).to_have_text("Sign in")


async def test_a_wrong_token_is_read_out(started: Browser, home: str) -> None:
    async with look(started, home, **window("narrow", "light")) as one:
        await one.open(SIGN_IN)
        await one.page.get_by_label("Token of your cluster").fill("forged")
        await one.page.get_by_label("Token of your cluster").press("Enter")
        await expect(one.page.get_by_role("alert")).to_contain_text("does not know this token")
        assert await one.violations() == []


async def test_whoever_may_read_nothing_gets_a_page_for_all_people_too(started: Browser, home: str) -> None:
    async with look(started, home, **window("narrow", "dark")) as one:
        await signed_in(one, STRANGER)
        await expect(one.page.get_by_text("no BanditDeployment that you may read")).to_be_visible()
        assert await one.violations() == []


async def test_news_come_by_themselves_are_read_out_and_leave_the_focus(
    started: Browser, home: str, site: Site
) -> None:
    async with look(started, home, **window("wide", "light")) as one:
        await one.page.clock.install()
        await signed_in(one, path=ROLLOUT)
        summary = one.page.locator("summary")
        await summary.press("Enter")
        body: Any = site.cache.resources["models", "income"]
        body["status"] |= {"leader": "logistic", "winner": "logistic"}
        await one.page.clock.run_for(6_000)
        await expect(one.page.locator("#news")).to_contain_text("logistic, proven best")
        await expect(one.page.locator(".headline")).to_contain_text("logistic, proven best")
        await expect(summary).to_be_focused()
        await expect(one.page.locator("#figures")).to_have_attribute("open", "")
        assert await one.violations() == []
        assert one.errors == []


async def test_paused_nothing_changes_until_it_goes_on(started: Browser, home: str, site: Site) -> None:
    async with look(started, home, **window("wide", "light")) as one:
        await one.page.clock.install()
        await signed_in(one, path=ROLLOUT)
        pause = one.page.get_by_role("button", name="Pause updates")
        await pause.press("Enter")
        await expect(pause).to_have_attribute("aria-pressed", "true")
        body: Any = site.cache.resources["models", "income"]
        body["status"]["leader"] = "rules"
        await one.page.clock.run_for(30_000)
        await expect(one.page.locator(".headline")).not_to_contain_text("rules, the best")
        await pause.press("Enter")
        await one.page.clock.run_for(6_000)
        await expect(one.page.locator(".headline")).to_contain_text("rules, the best")


async def test_without_scripts_the_page_is_complete(started: Browser, home: str) -> None:
    async with look(started, home, java_script_enabled=False, **window("wide", "light")) as one:
        await signed_in(one, path=ROLLOUT)
        await expect(one.page.get_by_role("img")).to_have_count(3)
        await expect(one.page.get_by_role("button", name="Pause updates")).to_be_hidden()
        await one.page.get_by_text("The figures of these charts").click()
        await expect(one.page.get_by_role("table").nth(1)).to_be_visible()
