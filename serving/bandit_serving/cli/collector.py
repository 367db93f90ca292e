"""``bandit-serving collector``: join predictions and labels, count rewards."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from bandit_serving import logs
from bandit_serving.cli import options
from bandit_serving.cli.options import Duration, Port, explain_bad_settings
from bandit_serving.collector.app import CollectorApp
from bandit_serving.collector.joiner import Joiner
from bandit_serving.collector.limits import LONGEST_BODIES_AT_ONCE, Limits
from bandit_serving.collector.stores import open_store
from bandit_serving.collector.writer import Writer
from bandit_serving.rewards import REWARDS, RouteRewards, load_routes, make_reward
from bandit_serving.server import Readiness, serve
from bandit_serving.tokens import TokenFile

log = logs.get_logger(__name__)


@click.command(
    epilog="""Example: bandit-serving collector --database rewards.db --reward balanced-accuracy
    --reward-settings '{"priors": {"0": 0.94, "1": 0.06}}'"""
)
@click.option(
    "--database",
    required=True,
    help="Where events and counters are kept over restarts: the path of a SQLite file, made where there is"
    " none, or postgresql://USER:PASSWORD@HOST:PORT/DATABASE with ?sslmode=require or verify-full. Let the"
    " password come from the environment: PGPASSWORD, or the whole URL in BANDIT_SERVING_COLLECTOR_DATABASE.",
)
@click.option(
    "--reward",
    type=click.Choice(list(REWARDS)),
    help="Reward function of the routes that --routes does not name.  [default: accuracy; with --routes none,"
    " and events of other routes are refused]",
)
@click.option(
    "--reward-settings",
    default="{}",
    show_default=True,
    help="Settings of the reward function, a JSON object.",
)
@click.option(
    "--routes",
    type=click.Path(dir_okay=False, path_type=Path),
    help="YAML or JSON file with a reward function for each route: {ROUTE: {reward: NAME, settings: {…}}}.",
)
@options.host
@options.port(8081, "Port to listen at; 0 takes a free one.")
@click.option(
    "--metrics-port",
    type=Port,
    help="Port of /metrics, so that whoever may send events need not read them; 0 takes a free one, which the"
    " log line `metrics` names.  [default: that of --port]",
)
@click.option(
    "--token-file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File with bearer tokens, one a line, read again when it changes: events and the summary are refused"
    " with 401 without one of them. /metrics and the health checks need none.  [default: everybody who"
    " reaches the port may send events, and so move traffic]",
)
@click.option(
    "--max-routes",
    type=click.IntRange(min=1),
    default=Limits.routes,
    show_default=True,
    help="Most routes that are ever counted; an event of a further one is refused.",
)
@click.option(
    "--max-arms",
    type=click.IntRange(min=1),
    default=Limits.arms,
    show_default=True,
    help="Most arms that are ever counted for a route; a prediction of a further one is refused.",
)
@click.option(
    "--arms",
    default="",
    help="The only arms whose predictions are taken, comma-separated, for every route.  [default: any]",
)
@click.option(
    "--max-bytes",
    type=click.IntRange(min=1),
    default=Limits.body_bytes,
    show_default=True,
    help=f"Longest body of a request; all under way may have {LONGEST_BODIES_AT_ONCE} times as much.",
)
@click.option(
    "--body-timeout",
    type=Duration(positive=True),
    default=f"{Limits.body_seconds:g}s",
    show_default=True,
    help="Longest time for a body to arrive; a slower one is refused with 408.",
)
@click.option(
    "--max-requests",
    type=click.IntRange(min=1),
    default=Limits.requests,
    show_default=True,
    help="Most requests under way; beyond it clients get 429 and come again.",
)
@click.option(
    "--expire-after",
    type=Duration(positive=True),
    default="14d",
    show_default=True,
    help="Give up on a prediction without a label, or a label without a prediction, after this time. An event"
    " is recognised as a duplicate for at least as long.",
)
@click.option(
    "--counters",
    type=click.Choice(["total", "since-start"]),
    default="total",
    show_default=True,
    help="What /metrics counts. total goes on after a restart, so that nothing is lost; the labels that"
    " Prometheus adds must then be the same afterwards. since-start begins at 0, for a Prometheus that adds"
    " the name or address of the Pod; what was counted after its last scrape is lost there.",
)
@click.option(
    "--queue",
    type=click.IntRange(min=1),
    default=50_000,
    show_default=True,
    help="Most events that wait to be written; beyond it clients get 429 and come again.",
)
@options.drain_delay("1s")
@explain_bad_settings
def collector(
    database: str,
    reward: str | None,
    reward_settings: str,
    routes: Path | None,
    host: str,
    port: int,
    metrics_port: int | None,
    token_file: Path | None,
    max_routes: int,
    max_arms: int,
    arms: str,
    max_bytes: int,
    body_timeout: float,
    max_requests: int,
    expire_after: float,
    counters: str,
    queue: int,
    drain_delay: float,
) -> None:
    """Join predictions with labels that come later, and count rewards for each arm.

    POST /v1/predictions takes a JSON array of {id, route, arm, outputs, time}, POST /v1/labels one of {id,
    route, label, time}: in any order, again and again, each answered with 200 only once it is on disk.
    /metrics has model_reward_trials_total and model_reward_successes_total by route and arm, which the
    operator reads, and the sums of squares and products that Gaussian and Ratio rewards need; GET /v1/summary
    has the same as JSON. A process killed at any point loses nothing it had answered with 200 and counts
    nothing twice. Run one replica: the database refuses a second one. On SIGTERM it turns unready, serves on
    for the drain delay and ends; a second signal ends it at once.
    """
    logs.configure()
    by_route = {} if routes is None else load_routes(routes)
    if reward is None and routes is None:
        reward = "accuracy"
    rewards = RouteRewards(by_route, None if reward is None else make_reward(reward, reward_settings))
    token = None if token_file is None else TokenFile(token_file)
    if token is None:
        log.warning("no --token-file: whoever reaches the port can send events, and so move traffic")
    limits = Limits(
        routes=max_routes,
        arms=max_arms,
        arm_names=frozenset(name.strip() for name in arms.split(",") if name.strip()),
        body_bytes=max_bytes,
        body_seconds=body_timeout,
        requests=max_requests,
    )
    readiness = Readiness()
    joiner = Joiner(open_store(database), rewards)
    writer = Writer(joiner, most_waiting=queue, expire_after=expire_after)
    application = CollectorApp(
        joiner,
        writer,
        rewards,
        readiness,
        limits=limits,
        token=token,
        metrics_apart=metrics_port is not None,
        since_start=counters == "since-start",
    )
    metrics = None if metrics_port is None else (application.metrics_app, metrics_port)
    asyncio.run(
        serve(application.app, host, port, readiness=readiness, drain_delay=drain_delay, metrics=metrics)
    )
