"""``bandit-serving shadow``: have copies of requests answered by every arm."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from bandit_serving import logs
from bandit_serving.cli import options
from bandit_serving.cli.options import (
    URL,
    Address,
    Assignment,
    Duration,
    Finite,
    Name,
    Port,
    explain_bad_settings,
)
from bandit_serving.collector.limits import LONGEST_BODIES_AT_ONCE
from bandit_serving.collector.shadows import MOST_ARMS
from bandit_serving.errors import BadSetting
from bandit_serving.predictions import PredictionEvents
from bandit_serving.server import Readiness, serve
from bandit_serving.shadow.app import Settings, ShadowApp
from bandit_serving.shadow.protocols import OpenInference, PlainJSON, Protocol
from bandit_serving.tokens import TokenFile

PROTOCOLS = ("v2", "json")


@click.command(
    epilog="""Example: bandit-serving shadow --route income --arm logistic=http://logistic:8080
    --arm boosting=http://boosting:8080 --collector http://rewards:8081"""
)
@click.option(
    "--arm",
    "arms",
    multiple=True,
    required=True,
    type=Address(),
    help=f"NAME=URL: an arm, as the BanditDeployment names it, and its own Service, not the gateway. Path and"
    f" query of each copy are added. Give it for every arm, at most {MOST_ARMS}.",
)
@click.option("--route", required=True, type=Name(), help="Route that the arms share in the reward counters.")
@click.option("--collector", required=True, type=URL(), help="Base URL of the reward collector.")
@click.option(
    "--collector-token-file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File with the bearer token of the collector; read again when it changes.",
)
@click.option(
    "--protocol",
    type=click.Choice(PROTOCOLS),
    default="v2",
    show_default=True,
    help="How models answer: v2 is the Open Inference Protocol in JSON, json any JSON with --prediction.",
)
@click.option(
    "--outputs",
    default="",
    help="v2: outputs that the reward function needs, comma-separated: arms are asked for these whatever the"
    " client asked for.  [default: the request as it came, and every output of the answer]",
)
@click.option(
    "--prediction",
    "predictions",
    multiple=True,
    type=Assignment(),
    help="json: path of the prediction in an answer, keys and indexes with dots between, such as"
    " predictions.0.label, which the reward function knows as `predict`. NAME=PATH gives it another name; may"
    " be given several times.",
)
@click.option(
    "--id-header",
    default=Settings.id_header,
    show_default=True,
    help="Header with the id that the label will come with; v2 takes the field `id` of the body first. A copy"
    " without an id is dropped.",
)
@click.option(
    "--share",
    type=Finite(min=0, min_open=True, max=1),
    default=Settings.share,
    show_default=True,
    help="Share of the copies that is scored, drawn by the id, so that every replica draws the same; for"
    " gateways that can only mirror everything.",
)
@click.option(
    "--deadline",
    type=Duration(positive=True),
    default=f"{Settings.deadline:g}s",
    show_default=True,
    help="Longest time for the answer of an arm.",
)
@click.option(
    "--in-flight",
    type=click.IntRange(min=1),
    default=Settings.in_flight,
    show_default=True,
    help="Most copies that arms are asked about at once.",
)
@click.option(
    "--queue",
    type=click.IntRange(min=0),
    default=Settings.queue,
    show_default=True,
    help="Most copies that wait for that; further ones are dropped with 429.",
)
@click.option(
    "--buffer",
    type=click.IntRange(min=1),
    default=10_000,
    show_default=True,
    help="Most predictions of an arm that wait for the collector; further ones are dropped.",
)
@click.option(
    "--max-bytes",
    type=click.IntRange(min=1),
    default=Settings.body_bytes,
    show_default=True,
    help="Longest body of a copy and of an answer; all copies that wait may have"
    f" {LONGEST_BODIES_AT_ONCE} times as much.",
)
@click.option(
    "--body-timeout",
    type=Duration(positive=True),
    default=f"{Settings.body_seconds:g}s",
    show_default=True,
    help="Longest time for a body to arrive.",
)
@click.option(
    "--max-requests",
    type=click.IntRange(min=1),
    default=Settings.requests,
    show_default=True,
    help="Most bodies that arrive at once; further copies are dropped with 429.",
)
@click.option(
    "--breaker-failures",
    type=click.IntRange(min=1),
    default=Settings.breaker_failures,
    show_default=True,
    help="Leave an arm alone after so many failures in a row: no answer in time, none at all, 5xx or 429.",
)
@click.option(
    "--breaker-pause",
    type=Duration(),
    default=f"{Settings.breaker_pause:g}s",
    show_default=True,
    help="Ask it again after this time, once; its answer decides.",
)
@options.host
@options.port(8083, "Port that takes copies, at any path; 0 takes a free one.")
@click.option(
    "--metrics-port",
    type=Port,
    default=8084,
    show_default=True,
    help="Port of /metrics, /health/live and /health/ready; 0 takes a free one, which the log line `metrics`"
    " names.",
)
@options.drain_delay("3s")
@click.option(
    "--flush-timeout",
    type=Duration(),
    default=f"{Settings.flush_timeout:g}s",
    show_default=True,
    help="On SIGTERM, longest time to score the copies that wait, and again to deliver the predictions.",
)
@explain_bad_settings
def shadow(
    arms: tuple[tuple[str, str], ...],
    route: str,
    collector: str,
    collector_token_file: Path | None,
    protocol: str,
    outputs: str,
    predictions: tuple[tuple[str, str], ...],
    id_header: str,
    share: float,
    deadline: float,
    in_flight: int,
    queue: int,
    buffer: int,
    max_bytes: int,
    body_timeout: float,
    max_requests: int,
    breaker_failures: int,
    breaker_pause: float,
    host: str,
    port: int,
    metrics_port: int,
    drain_delay: float,
    flush_timeout: float,
) -> None:
    """Have copies of requests answered by every arm, and report the answers as shadows.

    A gateway mirrors requests here, or whoever has them posts them: any path, any method with a body. Each is
    answered with 202 before any arm is asked. Then each arm gets the same request with the header
    X-Bandit-Shadow: true, and what it predicts goes to the collector with `shadow: true`, where one label is
    joined with the answers of all arms. An arm that refuses (4xx, 5xx) has no prediction.

    What does not fit is dropped and counted, never waited for. On SIGTERM it turns unready, serves on for the
    drain delay, scores what waits, delivers the predictions and exits with 0. A second signal ends it at
    once, and what waits is lost.
    """
    logs.configure()
    by_name = dict(arms)
    if len(by_name) < len(arms) or len(by_name) > MOST_ARMS:
        raise BadSetting(f"--arm: {len(arms)} are given; give each name once, and at most {MOST_ARMS}")
    spoken = _protocol(protocol, outputs, predictions)
    token = (
        None
        if collector_token_file is None
        else TokenFile(collector_token_file, option="--collector-token-file")
    )
    # A queue each, so that what the collector rejects of one arm takes nothing of another along.
    events = [
        PredictionEvents(collector, route=route, arm=name, capacity=buffer, token=token, shadow=True)
        for name in by_name
    ]
    settings = Settings(
        id_header=id_header,
        share=share,
        deadline=deadline,
        in_flight=in_flight,
        queue=queue,
        body_bytes=max_bytes,
        body_seconds=body_timeout,
        requests=max_requests,
        breaker_failures=breaker_failures,
        breaker_pause=breaker_pause,
        flush_timeout=flush_timeout,
    )
    readiness = Readiness()
    application = ShadowApp(by_name, events, spoken, readiness, settings)
    asyncio.run(
        serve(
            application.app,
            host,
            port,
            readiness=readiness,
            drain_delay=drain_delay,
            metrics=(application.metrics_app, metrics_port),
            on_abandon=application.abandon,
        )
    )


def _protocol(protocol: str, outputs: str, predictions: tuple[tuple[str, str], ...]) -> Protocol:
    names = [name.strip() for name in outputs.split(",") if name.strip()]
    if protocol == "v2":
        if predictions:
            raise BadSetting(
                "--prediction: paths are for --protocol json; v2 names its outputs, see --outputs"
            )
        return OpenInference(names)
    if names:
        raise BadSetting(f"--outputs {outputs}: is for --protocol v2; give the path by --prediction")
    if not predictions:
        raise BadSetting("--protocol json: needs --prediction, e.g. --prediction predictions.0.label")
    return PlainJSON(dict(predictions))
