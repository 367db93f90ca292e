"""A real browser without a window, and what it finds wrong with a page."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page, async_playwright

from cluster.client import tools

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
WITHOUT_SANDBOX = ["--no-sandbox"]  # which root cannot have, nor a container; it looks at own pages only


@dataclass
class Look:
    """A page, and what it did that it may not."""

    page: Page
    home: str
    strayed: list[str] = field(default_factory=list)
    """Requests to others than its own server."""
    errors: list[str] = field(default_factory=list)
    """What it wrote to the console as an error, and what went wrong in its script."""

    async def open(self, path: str) -> None:
        """Go to a path of the page's own server."""
        await self.page.goto(f"{self.home}{path}")

    async def violations(self) -> list[str]:
        """What axe finds against WCAG 2.2 AA and good practice, each with where."""
        found: Any = await Axe().run(self.page, options={"runOnly": RULES})
        return [
            f"{one['id']}: {node['target']} {node['failureSummary']}"
            for one in found.response["violations"]
            for node in one["nodes"]
        ]

    async def overflow(self) -> int:
        """By how many pixels the page is wider than the window."""
        wider: int = await self.page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        return wider


@asynccontextmanager
async def browser() -> AsyncIterator[Browser]:
    """Run the project's own browser."""
    program = str(tools("chromium") / "bin" / "chromium")
    async with async_playwright() as playwright:
        started = await playwright.chromium.launch(executable_path=program, args=WITHOUT_SANDBOX)
        try:
            yield started
        finally:
            await started.close()


@asynccontextmanager
async def look(started: Browser, home: str, **options: Any) -> AsyncIterator[Look]:
    """Open a window of its own, with no cookies; ``options`` as playwright takes them."""
    context = await started.new_context(reduced_motion="reduce", **options)
    context.set_default_timeout(15_000)
    page = await context.new_page()
    one = Look(page, home.rstrip("/"))
    own = urlsplit(home).netloc

    def asked(url: str) -> None:
        if urlsplit(url).netloc != own:
            one.strayed.append(url)

    page.on("request", lambda request: asked(request.url))
    page.on("console", lambda said: one.errors.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: one.errors.append(str(error)))
    try:
        yield one
    finally:
        await context.close()
