"""A Prometheus that is away, ill, slow, or has lost its data."""

from __future__ import annotations

import json
import os
import signal
import time
from typing import Any, ClassVar

from bench.chaos.fault import Fault, expect
from bench.chaos.live import LiveRollout
from bench.chaos.scene import ILL_ADDRESS, NOWHERE, VALUES, Scene, Stage
from testbed.altered import process_with
from testbed.installation import install_operator

TENANT, USER, PASSWORD = "shop", "bandit", "not-a-secret"
"""Who may ask ``testbed/broken_prometheus.py`` where it has tenants."""
LOGIN = "prometheus-login"
"""The Secret with the password."""


def prometheus(stage: Stage) -> int:
    """Return the process of the stage's Prometheus."""
    pods = stage.cluster.namespace("monitoring").get("pods", "-l", "app=prometheus")["items"]
    return process_with("HOSTNAME", str(pods[0]["metadata"]["name"]))


class WhileTwoArmsServe(Fault):
    """A fault of the source of a rollout that runs as it should; each kind says which."""

    def prepare(self, scene: Scene) -> LiveRollout:
        """Two arms that serve."""
        one = scene.rollout(good=0.6, bad=0.5)
        one.start()
        return one


class LosesItsData(Fault):
    """Prometheus starts again without what it had."""

    name = "prometheus-loses-data"
    injected = "An arm that was bad for long is mended and leads; then Prometheus loses Pod and data."
    expected = "Nothing is learned twice: the leader keeps its traffic; an event says what was not counted."
    alone = True
    counted = "answers"
    stated = "What was earned while Prometheus was away and in the window in which it came back."
    stated_lost = 0.2

    def prepare(self, scene: Scene) -> LiveRollout:
        """An arm with a bad past that leads."""
        one = scene.rollout(good=0.6, bad=0.85)
        one.steer(bad={"more": [20_000.0, 1000.0]})
        one.start()
        one.wait("the mended arm leads", lambda: one.share("bad") > 0.9, 150)
        scene.hold(30)
        return one

    def inject(self, scene: Scene, one: LiveRollout) -> None:
        """Delete the Pod."""
        self.share = one.share("bad")
        scene.stroke()
        monitoring = scene.stage.cluster.namespace("monitoring")
        words = ("--force", "--grace-period=0", "--wait=false")
        monitoring.kubectl("delete", "pod", "-l", "app=prometheus", *words)
        monitoring.kubectl("rollout", "status", "deployment/prometheus", "--timeout=60s")

    def observe(self, scene: Scene, one: LiveRollout) -> str:
        """It stays where it was."""
        one.wait_for_later_window()
        scene.hold(30)
        trials = sum(float(one.arm(arm)["trials"]) for arm in one.arms)
        served = sum(bool(request.arm) for request in one.requests())
        expect(trials <= 1.01 * served, f"{trials:g} trials of {served} requests")
        expect("EvidenceReset" in one.reasons(), f"no event says it, but {sorted(one.reasons())}")
        expect(one.share("bad") >= self.share - 0.2, f"the leader fell to {one.share('bad'):.0%}")
        return f"{trials:g} trials of {served} requests; the leader has {one.share('bad'):.0%}"


class Killed(Fault):
    """Prometheus' process is killed, and its data stay."""

    name = "prometheus-killed"
    injected = "Prometheus' process is killed (SIGKILL); its data stay."
    expected = "Every reward is counted once it is back; nothing moves meanwhile."
    alone = True

    def prepare(self, scene: Scene) -> LiveRollout:
        """Two arms that serve."""
        one = scene.rollout(good=0.6, bad=0.5)
        one.start()
        scene.hold(10)
        return one

    def inject(self, scene: Scene, one: LiveRollout) -> None:
        """Kill it."""
        scene.stroke()
        os.kill(prometheus(scene.stage), signal.SIGKILL)

    def observe(self, scene: Scene, one: LiveRollout) -> str:
        """It goes on."""
        scene.hold(5)
        one.wait_for_later_window()
        after = scene.since
        one.wait_for("MetricsAvailable", "True", "RewardsObserved", seconds=60)
        return f"windows are read again after {after:.0f} s"


class Silent(WhileTwoArmsServe):
    """Prometheus stands still."""

    name = "prometheus-silent"
    injected = "Prometheus' process is stopped (SIGSTOP) for 20 s, and goes on."
    expected = (
        "MetricsAvailable is False/Timeout, or Unreachable once its Service has no endpoint; "
        "weights are held; then all is counted."
    )
    alone = True
    quick = True

    def inject(self, scene: Scene, one: LiveRollout) -> None:
        """Stop it."""
        scene.stroke()
        self.process = prometheus(scene.stage)
        os.kill(self.process, signal.SIGSTOP)

    def observe(self, scene: Scene, one: LiveRollout) -> str:
        """It is said."""
        try:
            one.wait("it is said", lambda: self._said(one) in ("Timeout", "Unreachable"), 20)
            said, after, share = self._said(one), scene.since, one.share("bad")
            scene.hold(max(0.0, 20 - after))
            expect(one.share("bad") == share, "the weights moved meanwhile")
        finally:
            os.kill(self.process, signal.SIGCONT)
        scene.stroke()
        one.wait_for("MetricsAvailable", "True", "RewardsObserved", seconds=60)
        return f"{said} after {after:.0f} s; rewards again after {scene.since:.0f} s"

    def _said(self, one: LiveRollout) -> str:
        return str(one.condition("MetricsAvailable").get("reason"))


class Tenants(WhileTwoArmsServe):
    """What stands before Prometheus asks who it is that asks."""

    name = "prometheus-of-tenants"
    injected = (
        "The installed address becomes that of a proxy which refuses whoever does not send X-Scope-OrgID and "
        "a password (401); 20 s later the chart's values have both."
    )
    expected = "MetricsAvailable is False/BadAnswer with the 401; weights are held; then all is counted."
    alone = True

    def inject(self, scene: Scene, one: LiveRollout) -> None:
        """The operator is told of the proxy."""
        scene.stroke()
        self._install(scene)

    def observe(self, scene: Scene, one: LiveRollout) -> str:
        """It is said, and put right."""
        one.wait_for("MetricsAvailable", "False", "BadAnswer", seconds=40)
        message, share = str(one.condition("MetricsAvailable").get("message")), one.share("bad")
        expect("401" in message, f"it is said otherwise: {message}")
        scene.hold(20)
        expect(one.share("bad") == share, "the weights moved meanwhile")
        secret = {"username": USER, "password": PASSWORD}
        scene.stage.operators.kubectl("apply", "-f", "-", stdin=json.dumps(_secret(secret)))
        self._install(
            scene, f"prometheus.headers.X-Scope-OrgID={TENANT}", f"prometheus.basicAuth.name={LOGIN}"
        )
        scene.stroke()
        one.wait_for("MetricsAvailable", "True", "RewardsObserved", seconds=60)
        return f"“{message[:120]}”; rewards again {time.time() - scene.strokes[-1]:.0f} s after the values"

    def undo(self, scene: Scene, one: LiveRollout) -> None:
        """The address that it had."""
        install_operator(scene.stage.cluster, *VALUES)
        one.wait_for_later_window()

    def _install(self, scene: Scene, *values: str) -> None:
        address = f"prometheus.address={ILL_ADDRESS}/tenants"
        install_operator(scene.stage.cluster, *VALUES, address, *values)


def _secret(data: dict[str, str]) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": LOGIN}, "stringData": data}


class Elsewhere(WhileTwoArmsServe):
    """For a while the resource's address leads to what cannot tell its rewards; each kind says to what."""

    address: ClassVar[str]
    reason: ClassVar[str]
    """What MetricsAvailable says of it."""

    def inject(self, scene: Scene, one: LiveRollout) -> None:
        """Another address."""
        scene.stroke()
        one.patch({"reward": {"prometheus": {"address": self.address}}})

    def observe(self, scene: Scene, one: LiveRollout) -> str:
        """It is said."""
        one.wait_for("MetricsAvailable", "False", self.reason, seconds=20)
        after, share = scene.since, one.share("bad")
        scene.hold(max(0.0, 20 - after))
        expect(one.share("bad") == share, "the weights moved meanwhile")
        one.patch({"reward": {"prometheus": {"address": None}}})
        scene.stroke()
        one.wait_for("MetricsAvailable", "True", "RewardsObserved", seconds=60)
        return f"{self.reason} after {after:.0f} s"


class Unreachable(Elsewhere):
    """Nothing listens at the address, for a while."""

    name = "prometheus-unreachable"
    injected = "The resource's Prometheus address leads to nothing for 20 s."
    expected = "MetricsAvailable is False/Unreachable; weights are held; then all is counted."
    address = NOWHERE
    reason = "Unreachable"


class StoreAway(Elsewhere):
    """The server asks others, and those that have one arm's series do not answer."""

    name = "store-away"
    injected = (
        "For 20 s the address is that of a server which asks others, as Thanos does: answers lack the series "
        "of one arm's rewards, and have a warning."
    )
    expected = "MetricsAvailable is False/PartialAnswer; weights are held; then all is counted."
    address = f"{ILL_ADDRESS}/store-away"
    reason = "PartialAnswer"


class Ill(WhileTwoArmsServe):
    """Prometheus answers what it should not, one thing after the other."""

    name = "prometheus-ill"
    injected = "Prometheus answers NaN, nothing, text, a refusal, 503, 60 MB, and not at all, 12 s each."
    expected = "Each is said with its reason within two ticks; weights are held; then it goes on."
    stated = "What was earned in windows for which Prometheus had an answer without numbers (NoData)."
    answers: ClassVar[dict[str, str]] = {
        "nan": "NoData", "nothing": "NoData", "text": "BadAnswer", "refusal": "BadAnswer",
        "unavailable": "BadAnswer", "huge": "BadAnswer", "hung": "Timeout",
    }  # fmt: skip

    def inject(self, scene: Scene, one: LiveRollout) -> None:
        """Each is made where it is observed."""
        scene.stroke()

    def observe(self, scene: Scene, one: LiveRollout) -> str:
        """Each is said."""
        told = []
        for how, reason in self.answers.items():
            scene.stroke()
            one.patch({"reward": {"prometheus": {"address": f"{ILL_ADDRESS}/{how}"}}})
            one.wait_for("MetricsAvailable", "False", reason, seconds=20)
            told.append(f"{how} {reason}")
            share = one.share("bad")  # a healthy answer may have moved it until then
            scene.hold(12)
            expect(one.share("bad") == share, f"the weights moved under {how}")
        one.patch({"reward": {"prometheus": {"address": None}}})
        scene.stroke()
        one.wait_for("MetricsAvailable", "True", "RewardsObserved", seconds=90)
        return "; ".join(told)


class Proxy(WhileTwoArmsServe):
    """What stands before Prometheus refuses some way of asking; each kind says which."""

    expected = "It is asked in the other way: every window is read, and nothing is said of it."
    path: ClassVar[str]
    """Of the address at which it refuses."""
    padding: ClassVar[int] = 0
    """Characters by which a selector is made longer."""

    def inject(self, scene: Scene, one: LiveRollout) -> None:
        """The proxy is asked from now on, with selectors of this length."""
        metrics = {"successes": "model_reward_successes_total", "trials": "model_reward_trials_total"}
        more = f',job!="{"x" * self.padding}"' if self.padding else ""
        asked = {field: f'{name}{{route="{one.name}"{more}}}' for field, name in metrics.items()}
        scene.stroke()
        one.patch({"reward": {"prometheus": {"address": f"{ILL_ADDRESS}/{self.path}", **asked}}})

    def observe(self, scene: Scene, one: LiveRollout) -> str:
        """Windows are read all the time."""
        before, since = float(one.arm("good")["trials"]), self._known_since(one)
        scene.hold(20)
        grown = float(one.arm("good")["trials"]) - before
        expect(grown > 0, "no trial was counted")
        expect(self._known_since(one) == since, f"it was said: {one.condition('MetricsAvailable')}")
        return f"{grown:g} trials of the baseline counted in 20 s"

    def _known_since(self, one: LiveRollout) -> tuple[str, str]:
        condition = one.condition("MetricsAvailable")
        return condition["status"], condition["lastTransitionTime"]


class ShortLines(Proxy):
    """A proxy that takes no long URL."""

    name = "proxy-refuses-long-urls"
    injected = "A proxy answers 414 to request lines over 8 KiB; the selectors have 2,000 characters each."
    path = "short-lines"
    padding = 1900


class NoPosts(Proxy):
    """A proxy that lets read only."""

    name = "proxy-refuses-posts"
    injected = "A proxy answers 405 to every POST."
    path = "no-post"
