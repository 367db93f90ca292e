"""Runs an ASGI application and ends it without losing a request.

Kubernetes takes a Pod out of its Service and sends SIGTERM at the same time, so requests still arrive for a
moment afterwards. On SIGTERM or SIGINT the server therefore first only says that it is no longer ready (and
closes each connection after its answer), serves on for the drain delay, then stops accepting, finishes what
is in flight and ends. A second signal ends the process at once.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
from collections.abc import AsyncIterator, Callable, Iterator

import uvicorn
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bandit_serving.connections import Connection
from bandit_serving.errors import BadSetting
from bandit_serving.logs import get_logger

log = get_logger(__name__)

SAME_SECONDS = 0.1
"""Signals this close are one: a terminal sends it to a program and to what started it, which passes it on."""
IN_FLIGHT_SECONDS = 30  # the longest wait for requests in flight once no new ones are accepted


class Readiness:
    """Whether the process wants new requests: true until it is asked to end."""

    def __init__(self) -> None:
        self.draining = False


class CloseWhileDraining:
    """ASGI middleware: while draining, each answer asks the client to open its next connection elsewhere."""

    def __init__(self, app: ASGIApp, readiness: Readiness) -> None:
        self.app = app
        self.readiness = readiness

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or not self.readiness.draining:
            await self.app(scope, receive, send)
            return

        async def send_and_close(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", []), (b"connection", b"close")]
            await send(message)

        await self.app(scope, receive, send_and_close)


class _Server(uvicorn.Server):
    """uvicorn without its signal handlers, which end the process by the signal and not with exit code 0."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _listen(host: str, port: int, option: str = "--port") -> socket.socket:
    """Bind a listening socket; ``option`` is what gave the port.

    Raises:
        BadSetting: The address cannot be bound.
    """
    listener = None
    try:
        # The protocol is spelled out because asyncio turns Nagle's algorithm off (TCP_NODELAY) for such
        # sockets only; with it on, each answer of two segments waits some 40 ms for an acknowledgement.
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except (OSError, UnicodeError) as error:  # the latter by a name that is none
        if listener is not None:
            listener.close()
        reason = error.strerror if isinstance(error, OSError) else "it is no name of a host"
        raise BadSetting(f"--host {host} {option} {port}: cannot be bound: {reason}; take another") from error
    listener.listen(1024)
    return listener


async def serve(
    app: ASGIApp,
    host: str,
    port: int,
    *,
    readiness: Readiness | None = None,
    drain_delay: float = 0.0,
    metrics: tuple[ASGIApp, int] | None = None,
    on_listening: Callable[[int], None] | None = None,
    on_abandon: Callable[[], None] = lambda: None,
) -> None:
    """Serve ``app`` until SIGTERM or SIGINT, then drain; end the process at a second one.

    Args:
        app: The ASGI application.
        host: Address to listen at.
        port: Port to listen at; 0 takes a free one, which the ``listening`` log line names.
        readiness: Says that it drains from then on.
        drain_delay: Seconds to serve on after the signal.
        metrics: An application that is served beside, and its port, from the first request to the last.
        on_listening: Called with the port once it is bound.
        on_abandon: Called where a second signal ends the process, to say what is lost.
    """
    readiness = readiness or Readiness()
    config = uvicorn.Config(
        CloseWhileDraining(app, readiness),
        http=Connection,
        log_config=None,
        access_log=False,
        lifespan="on",
        timeout_keep_alive=120,  # longer than gateways keep an idle connection (60 s, Traefik 90 s)
        timeout_graceful_shutdown=IN_FLIGHT_SECONDS,
    )
    server = _Server(config)
    loop = asyncio.get_running_loop()
    told = 0.0

    def end(number: signal.Signals) -> None:
        nonlocal told
        if readiness.draining:
            if loop.time() - told < SAME_SECONDS:
                return
            log.warning("ended at once: requests in flight have no answer", signal=number.name)
            on_abandon()
            # As the signal itself would, from which the kernel spares the first process of a container.
            os._exit(128 + number)
        readiness.draining, told = True, loop.time()
        log.info("draining", signal=number.name, seconds=drain_delay, hint="a second signal ends at once")
        loop.call_later(drain_delay, setattr, server, "should_exit", True)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end, number)
    async with contextlib.AsyncExitStack() as stack:
        listener = stack.enter_context(_listen(host, port))
        if metrics is not None:
            metrics_port = await stack.enter_async_context(_beside(metrics[0], host, metrics[1]))
            log.info("metrics", host=host, port=metrics_port)
        bound = listener.getsockname()[1]
        log.info("listening", host=host, port=bound)
        if on_listening is not None:
            on_listening(bound)
        await server.serve(sockets=[listener])
    log.info("stopped")


@contextlib.asynccontextmanager
async def _beside(app: ASGIApp, host: str, port: int) -> AsyncIterator[int]:
    """Serve a second application inside the context, and give the port that it is bound to."""
    server = _Server(uvicorn.Config(app, log_config=None, access_log=False, lifespan="off"))
    with _listen(host, port, "--metrics-port") as listener:
        task = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            yield listener.getsockname()[1]
        finally:
            server.handle_exit(signal.SIGTERM, None)
            await task
