"""The command line of the demo."""

from __future__ import annotations

import dataclasses
import signal
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from types import FrameType

import click
from rich.console import Console

from cluster.client import Cluster, ClusterError
from demo.beside import SHADOW_FOLDER, write_beside
from demo.demo_cluster import embedded, open_cluster
from demo.models import Prepared, prepare
from demo.report import build_report, write_report
from demo.rollout import Rollout
from demo.story import Story, StoryError, make_shadow_steps, make_steps
from demo.summary import summary
from demo.traffic import Traffic
from demo.view import display
from demo.watching import Watched
from testbed import installation

FINISH_SECONDS = 10.0
SHADOW_SHARE = 0.1
LABEL_DELAY = "uniform:0.5s,1.5s"
ROOT = Path(__file__).parents[1]
EPILOG = """
\b
Examples:
  python -m demo                      the whole story, on a cluster of its own
  python -m demo --shadow             the same with a model that is rejected before any user met it
  python -m demo --keep               leave the cluster up to look around in it
  CLUSTER=kind python -m demo         on the cluster of kind
  python -m demo | cat                plain lines instead of the live view

While it runs, look at the same cluster from another terminal:
`cluster kubectl --dir build/demo/cluster get bd -A -w`, with the program that
`python cluster/build.py` prints the folder of.

Exit code: 0 if the whole story happened; 1 if a step did not, which is named; 130 after Ctrl-C.
"""


@click.command(epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--cluster-dir",
    type=click.Path(path_type=Path),
    default=ROOT / "build" / "demo" / "cluster",
    show_default="build/demo/cluster",
    help="Folder for the state of the embedded cluster; what an earlier run left there is deleted.",
)
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    default=ROOT / "build" / "demo",
    show_default="build/demo",
    help="Folder for report.json and report.html.",
)
@click.option(
    "--rate",
    type=click.FloatRange(min=20),
    default=120.0,
    show_default=True,
    help="Requests a second. More of them decide sooner, and need more of the machine.",
)
@click.option(
    "--shadow",
    is_flag=True,
    help="Tell the story with a shadow: a tenth of the requests is scored by every model, and the skewed one"
    " is found worse before it serves anybody. Its report goes to a folder below --output, and beside.html"
    " has both.",
)
@click.option("--keep", is_flag=True, help="Leave the cluster up at the end, and say how to end it.")
@click.option(
    "--plain", is_flag=True, help="Print lines instead of the live view, as where there is no terminal."
)
@click.option(
    "--picture",
    type=click.Path(path_type=Path),
    help="Also write the view, as it is once the loser is back and leads, as SVG.",
)
def main(
    cluster_dir: Path,
    output: Path,
    rate: float,
    shadow: bool,
    keep: bool,
    plain: bool,
    picture: Path | None,
) -> None:
    """Watch bandit-operator move a real rollout: four models of census data behind one HTTPRoute.

    The model that validated best is served with a training/serving skew. The operator moves the traffic
    away from it, finds it worse than the baseline, drains it and scales it to zero; then it is redeployed
    without the skew, comes back, and leads. Everything is real: a Kubernetes control plane (etcd, API server,
    scheduler, kubelet), Traefik, Prometheus, helm; nothing needs Docker or root. Takes three to five minutes.

    KUBECONFIG or CLUSTER=kind names another cluster to run on. It must have Traefik with a Gateway `main` in
    the namespace `gateway`, Prometheus as `prometheus.monitoring`, and the images bandit-operator:dev and
    bandit-serving:dev.
    """
    for number in (signal.SIGTERM, signal.SIGHUP):  # as Ctrl-C: the cluster must not outlive the demo
        signal.signal(number, _interrupt)
    console = Console()
    try:
        with ExitStack() as stack:
            prepared = dataclasses.replace(prepare(_progress), shadow_share=SHADOW_SHARE if shadow else None)
            cluster = open_cluster(stack, cluster_dir, keep, _progress)
            sys.exit(_play(cluster, prepared, rate, output, plain, picture, console))
    except KeyboardInterrupt:
        console.print("demo: interrupted; everything that it started has ended")
        sys.exit(130)
    except ClusterError as error:
        console.print(f"demo: {error}", markup=False, soft_wrap=True)
        sys.exit(1)


def _play(
    cluster: Cluster,
    prepared: Prepared,
    rate: float,
    output: Path,
    plain: bool,
    picture: Path | None,
    console: Console,
) -> int:
    rollout = prepared.rollout()
    _install(cluster, rollout)
    watched = Watched(rollout.name)
    watched.start(cluster.kubeconfig)
    traffic = Traffic(cluster, rollout.name, prepared.stream, rate, LABEL_DELAY)
    shadowed = prepared.shadow_share is not None
    story = Story(
        cluster, prepared, watched, traffic, steps=make_shadow_steps() if shadowed else make_steps()
    )
    failed: StoryError | None = None
    try:
        with display(story, console, plain=plain, picture=picture):
            try:
                story.run()
            except StoryError as error:
                failed = error
    finally:
        story.traffic.finish(FINISH_SECONDS)
        watched.stop()
    report = build_report(story, embedded(cluster))
    page = write_report(report, output / SHADOW_FOLDER if shadowed else output)
    if shadowed:
        page = write_beside(output)
    summary(report, page, console)
    if failed is not None:
        console.print(f"demo: {failed}", style="bold red", markup=False, soft_wrap=True)
        return 1
    return 0


def _install(cluster: Cluster, rollout: Rollout) -> None:
    started = time.monotonic()
    _progress("cluster: installing the models, the reward collector and, with helm, the operator")
    rollout.install_models(cluster)
    installation.install_operator(cluster)
    rollout.start(cluster)
    _progress(f"cluster: everything serves, after {time.monotonic() - started:.0f} s")


def _progress(line: str) -> None:
    click.echo(line)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
