"""``bandit-serving delay``: read from a collector how late labels come."""

from __future__ import annotations

import http.client
import json
import urllib.error
import urllib.request

import click

from bandit_serving.cli.options import URL, explain_bad_settings
from bandit_serving.errors import BadSetting

TIMEOUT = 10.0  # seconds


@click.command(epilog="Example: bandit-serving delay --from http://rewards:8081/metrics --route income")
@click.option("--from", "source", required=True, type=URL(base=False), help="URL of the collector's metrics.")
@click.option("--route", help="Route of interest.  [default: all]")
@explain_bad_settings
def delay(source: str, route: str | None) -> None:
    """Print how late labels come, as spec.reward.delay of a BanditDeployment has it.

    Fitted to the histogram model_reward_delay_seconds over all arms of a route. Labels that are still on
    their way are not in it: let the collector run for a few times the 95th percentile first.
    """
    # scipy takes a while to import: not for other verbs.
    from bandit_serving.collector.delay_fit import HISTOGRAM, duration, fit, read_histograms

    try:
        histograms = read_histograms(_fetch(source))
    except ValueError as error:
        raise BadSetting(f"--from {source}: not in the Prometheus text format: {error}") from error
    if route is not None:
        if route not in histograms:
            known = ", ".join(map(_shown, histograms)) or "none yet"
            raise BadSetting(f"--route {_shown(route)}: no label of it has come; routes with labels: {known}")
        histograms = {route: histograms[route]}
    if not histograms:
        raise BadSetting(
            f"--from {source}: it has no histogram {HISTOGRAM}; give the URL of /metrics of the collector, or"
            " come again when the first label has come"
        )
    for name, histogram in histograms.items():
        try:
            fitted = fit(histogram)
        except ValueError as error:
            click.echo(f"# route {_shown(name)}: {error}")
            continue
        click.echo(f"# route {_shown(name)}: {fitted.labels} labels")
        click.echo(f"delay: {{median: {duration(fitted.median)}, p95: {duration(fitted.p95)}}}")


def _shown(route: str) -> str:
    """A name that whoever may send events has chosen, and that is no command to a terminal."""
    return route if route.isprintable() else json.dumps(route)


def _fetch(url: str) -> str:
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT) as answer:
            body: bytes = answer.read()
        return body.decode()
    except urllib.error.HTTPError as error:
        error.close()  # it holds the connection
        raise BadSetting(f"--from {url}: cannot be read: {error}; give the URL of /metrics") from error
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise BadSetting(f"--from {url}: cannot be read: {error}; give the URL of /metrics") from error
