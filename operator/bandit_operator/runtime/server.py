"""/metrics, /healthz and /readyz."""

from __future__ import annotations

from collections.abc import Callable

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

Check = Callable[[], str | None]
"""What is wrong, or None."""


async def serve(
    listen: tuple[str, int], registry: CollectorRegistry, live: Check, ready: Check
) -> web.AppRunner:
    """Answer probes and Prometheus until the runner is cleaned up.

    Raises:
        OSError: The address cannot be listened on.
    """

    def answer(check: Check) -> Callable[[web.Request], object]:
        async def handler(_: web.Request) -> web.Response:
            trouble = check()
            return web.Response(text=trouble or "ok", status=503 if trouble else 200)

        return handler

    async def metrics(request: web.Request) -> web.Response:
        """All metrics, or as many as are asked for by ``name[]``, as in Prometheus' own client libraries."""
        names = request.query.getall("name[]", [])
        chosen = registry.restricted_registry(names) if names else registry
        return web.Response(body=generate_latest(chosen), headers={"Content-Type": CONTENT_TYPE_LATEST})

    application = web.Application()
    application.router.add_get("/healthz", answer(live))  # type: ignore[arg-type]  # aiohttp's handler alias is wider than its own use
    application.router.add_get("/readyz", answer(ready))  # type: ignore[arg-type]  # as above
    application.router.add_get("/metrics", metrics)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, *listen).start()
    return runner
