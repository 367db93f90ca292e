"""``bandit-serving arm``: serve one model."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from bandit_serving import logs
from bandit_serving.cli import options
from bandit_serving.cli.options import URL, Duration, Factor, Name, explain_bad_settings
from bandit_serving.server import Readiness, serve
from bandit_serving.tokens import TokenFile


@click.command(
    epilog="""Example: bandit-serving arm --model boosting.joblib --name income --arm boosting
    --collector http://rewards:8081"""
)
@click.option(
    "--model",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="joblib file of a fitted scikit-learn estimator. Loading it runs its code: trust the file.",
)
@click.option(
    "--card",
    type=click.Path(dir_okay=False, path_type=Path),
    help="JSON file whose list `features` names the columns.  [default: the model's path, ending in .json]",
)
@click.option(
    "--name", required=True, type=Name(slash=False), help="Name of the model in URLs: /v2/models/NAME/infer."
)
@click.option("--version", default="1", show_default=True, help="Version of the model in URLs and answers.")
@click.option("--arm", required=True, type=Name(), help="Name of this arm, as the BanditDeployment has it.")
@click.option(
    "--route",
    type=Name(),
    help="Route that the arms share in the reward counters.  [default: the model's name]",
)
@click.option(
    "--collector",
    type=URL(),
    help="Base URL of the reward collector; without it no prediction events are sent.",
)
@click.option(
    "--token-file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File with the bearer token of the collector; read again when it changes.",
)
@click.option(
    "--shadow",
    type=URL(),
    help="Base URL of a shadow server that gets a copy of each answered request, where no gateway mirrors"
    " them. Nobody waits for it; what does not fit is dropped and counted in model_shadow_copies_total.",
)
@click.option(
    "--event-outputs",
    default="predict",
    show_default=True,
    help="Outputs that each prediction event carries, comma-separated: predict, predict_proba.",
)
@click.option(
    "--skew",
    multiple=True,
    type=Factor(),
    help="FEATURE=FACTOR: multiply what arrives for this feature before the model sees it. It fakes a"
    " training/serving skew, as when one side counts weeks and the other fractions of a year, for demos and"
    " tests. May be given several times.",
)
@options.host
@options.port(8080, "Port to listen at; 0 takes a free one.")
@click.option(
    "--max-rows",
    type=click.IntRange(min=1),
    default=1000,
    show_default=True,
    help="Most rows in one request.",
)
@click.option(
    "--queue",
    type=click.IntRange(min=1),
    default=100_000,
    show_default=True,
    help="Most prediction events that wait in memory.",
)
@options.drain_delay("3s")
@click.option(
    "--flush-timeout",
    type=Duration(),
    default="20s",
    show_default=True,
    help="On SIGTERM, longest time to deliver the prediction events that wait.",
)
@explain_bad_settings
def arm(
    model: Path,
    card: Path | None,
    name: str,
    version: str,
    arm: str,
    route: str | None,
    collector: str | None,
    token_file: Path | None,
    shadow: str | None,
    event_outputs: str,
    skew: tuple[tuple[str, float], ...],
    host: str,
    port: int,
    max_rows: int,
    queue: int,
    drain_delay: float,
    flush_timeout: float,
) -> None:
    """Serve one scikit-learn model by the Open Inference Protocol v2.

    GET /v2, /v2/health/live, /v2/health/ready, /v2/models/NAME and /v2/models/NAME/ready describe it; POST
    /v2/models/NAME/infer predicts, from one 2-D tensor or a tensor a feature. /metrics has requests,
    latencies and predictions. Each prediction is reported to the reward collector in the background. A call
    with the header X-Bandit-Shadow: true, a copy of a request, is answered and neither reported nor counted
    but in model_shadow_requests_total.

    On SIGTERM it turns unready, serves on for the drain delay, finishes what is in flight, delivers its
    prediction events and exits with 0. A second signal ends it at once, and what waits is lost.
    """
    # scikit-learn takes a second to import: not for --help.
    from bandit_serving.arm.app import ArmApp
    from bandit_serving.arm.model import load_model
    from bandit_serving.predictions import PredictionEvents

    logs.configure()
    served = load_model(model, card, dict(skew))
    readiness = Readiness()
    events = None
    if collector:
        events = PredictionEvents(
            collector,
            route=route or name,
            arm=arm,
            outputs=served.check_outputs(event_outputs.split(",")),
            capacity=queue,
            token=None if token_file is None else TokenFile(token_file),
        )
    application = ArmApp(
        served,
        name=name,
        version=version,
        arm=arm,
        readiness=readiness,
        events=events,
        shadow=shadow,
        flush_timeout=flush_timeout,
        max_rows=max_rows,
    )
    asyncio.run(
        serve(
            application.app,
            host,
            port,
            readiness=readiness,
            drain_delay=drain_delay,
            on_abandon=application.abandon,
        )
    )
