"""Numbers that cannot be, or are not what they seem."""

from __future__ import annotations

import time
from typing import Any, ClassVar

from bench.chaos.fault import Fault, expect
from bench.chaos.live import RATE, LiveRollout
from bench.chaos.scene import Scene

Told = dict[str, Any]
NOT_BELIEVED = "What is in a window whose numbers are not believed, which the condition says, is not counted."


class Implausible(Fault):
    """Numbers that are not to be believed; each kind says which."""

    counted = "answers"
    stated = NOT_BELIEVED
    told: ClassVar[Told]
    """What the arm does."""
    reasons: ClassVar[frozenset[str]]
    """Any of which must be said."""
    says: ClassVar[str] = ""
    """What the message must hold."""
    lasts: ClassVar[float] = 15.0
    """Seconds after it was said."""
    spec: ClassVar[Told] = {}
    expected = "MetricsAvailable and Ready are False with the reason and the numbers; weights are held."

    def prepare(self, scene: Scene) -> LiveRollout:
        """Two arms that are known for a while."""
        one = scene.rollout(good=0.6, bad=0.6)
        one.start(**self.spec)
        scene.hold(30)  # what is usual must be known
        return one

    def inject(self, scene: Scene, one: LiveRollout) -> None:
        """The arm's numbers go wrong."""
        self.held = one.share("bad")
        scene.stroke()
        one.steer(bad=self.told)

    def observe(self, scene: Scene, one: LiveRollout) -> str:
        """It is said, and nothing moves."""

        def said() -> bool:
            condition = one.condition("MetricsAvailable")
            assert condition.get("reason") in self.reasons, condition
            return True

        one.wait(f"one of {sorted(self.reasons)} is said", said, 40)
        condition, after = one.condition("MetricsAvailable"), scene.since
        expect(self.says in condition["message"], condition["message"])
        share = one.share("bad")
        scene.hold(self.lasts)
        expect(abs(one.share("bad") - share) < 0.02 or not self._still(one), "the weights moved meanwhile")
        return f"{condition['reason']} after {after:.0f} s: “{condition['message'][:160]}”"

    def _still(self, one: LiveRollout) -> bool:
        return one.condition("MetricsAvailable").get("reason") in self.reasons

    def undo(self, scene: Scene, one: LiveRollout) -> None:
        """The numbers are right again."""
        one.steer(bad={"more": [0.0, 0.0], "workers": 1, "rewards_a_trial": 1.0, "text": ""})
        scene.stroke()


class MoreSuccessesThanTrials(Implausible):
    """Successes of something else."""

    name = "more-successes-than-trials"
    injected = "One arm counts 2.5 successes for each, at a true rate of 60 %."
    told: ClassVar[Told] = {"rewards_a_trial": 2.5}
    reasons = frozenset({"RewardsAboveTrials"})
    says = "rewards of"


class NotANumber(Implausible):
    """The counter of successes is NaN."""

    name = "successes-not-a-number"
    injected = "One arm's counter of successes is NaN for 15 s."
    told: ClassVar[Told] = {"text": "NaN"}
    reasons = frozenset({"ImpossibleNumber", "NoData", "BadAnswer"})


class SeveralProcesses(Implausible):
    """Workers that share an address."""

    name = "several-processes-one-address"
    injected = "One arm is served by three worker processes behind one metrics address for 45 s."
    expected = "CounterNotSteady is said within a few windows; nothing is counted twice; no verdict."
    stated = (
        f"{NOT_BELIEVED} Nor is a part of the two windows before: a counter that was reset once is that of a"
        " process that has started again, as far as anybody can tell."
    )
    stated_lost = 0.06
    told: ClassVar[Told] = {"workers": 3}
    reasons = frozenset({"CounterNotSteady"})
    lasts = 40.0


class ScrapedTwice(Implausible):
    """A second Prometheus whose series are not deduplicated."""

    name = "scraped-twice"
    injected = "Each series of one arm is there again with a label prometheus_replica, for 25 s."
    expected = "ScrapedTwice is said with the target's address; nothing is counted twice; weights are held."
    told: ClassVar[Told] = {"replica": True}
    reasons = frozenset({"ScrapedTwice"})
    says = "2 times"

    def undo(self, scene: Scene, one: LiveRollout) -> None:
        """Its series are there once."""
        one.steer(bad={"replica": False})
        scene.stroke()
        one.wait_for("MetricsAvailable", "True", "RewardsObserved", seconds=60)


class TrialsJump(Implausible):
    """A counter jumps."""

    name = "trials-jump"
    injected = "One arm's counters jump by 50,000 trials and 500 successes at once."
    told: ClassVar[Told] = {"more": [50_000.0, 500.0]}
    reasons = frozenset({"TrialsJumped"})
    says = "usually"
    lasts = 5.0

    def undo(self, scene: Scene, one: LiveRollout) -> None:
        """A counter that has jumped goes on from there."""


class TooManyTrials(Implausible):
    """More than the user says that there can be."""

    name = "more-trials-than-the-bound"
    injected = "With maxTrialsPerSecond 100, one arm's counters rise by 1,000 trials within a window."
    told: ClassVar[Told] = {"more": [1000.0, 10.0]}
    reasons = frozenset({"TooManyTrials", "TrialsJumped"})
    lasts = 5.0

    def prepare(self, scene: Scene) -> LiveRollout:
        """The bound is set."""
        one = super().prepare(scene)
        one.patch({"reward": {"maxTrialsPerSecond": "100"}})
        scene.hold(6)
        return one

    def undo(self, scene: Scene, one: LiveRollout) -> None:
        """A counter that has jumped goes on from there."""


class CounterDips(Fault):
    """A counter goes down a little."""

    name = "counter-dips"
    injected = "Counters that stand at 100,000 and 50,000 go down by 8 and 4, once."
    expected = "No reset is read into it: trials go on as the requests do."
    counted = "answers"
    stated = "The 8 trials of the dip, which the counter itself has taken back."
    stated_lost = 0.02

    def prepare(self, scene: Scene) -> LiveRollout:
        """Counters with a life behind them."""
        one = scene.rollout(good=0.5, bad=0.5)
        one.steer(bad={"more": [100_000.0, 50_000.0]})
        one.start()
        scene.hold(15)
        return one

    def inject(self, scene: Scene, one: LiveRollout) -> None:
        """Down a little."""
        self.trials = float(one.arm("bad")["trials"])
        scene.stroke()
        one.steer(bad={"more": [99_992.0, 49_996.0]})

    def observe(self, scene: Scene, one: LiveRollout) -> str:
        """Trials go on."""
        scene.hold(20)
        grown = float(one.arm("bad")["trials"]) - self.trials
        expect(grown < 40 * RATE, f"{grown:g} trials were learned of some {20 * RATE / 2:g}")
        return f"{grown:g} trials counted in 20 s at some {RATE / 2:g} a second"


class SeriesBeginsWithALife(Fault):
    """A collector comes back under another label, its counters going on."""

    name = "series-begins-with-a-life"
    injected = "One arm's counters go on at 50,000 trials under a new pod label, all of them bad."
    expected = "The life behind them is not learned, and an event says how much it was."
    counted = "answers"
    stated = "What came between the last scrape of the old Pod and the first of the new one."
    stated_lost = 0.06

    def prepare(self, scene: Scene) -> LiveRollout:
        """Two arms that are known for a while."""
        one = scene.rollout(good=0.6, bad=0.6)
        one.start()
        scene.hold(25)
        return one

    def inject(self, scene: Scene, one: LiveRollout) -> None:
        """The next process begins with a life."""
        scene.stroke()
        one.cluster.kubectl("scale", "deployment", one.backends["bad"], "--replicas=0")
        one.wait("the old process is gone", lambda: not one.endpoints("bad"), 20)
        scene.hold(3)
        one.steer(bad={"more": [50_000.0, 100.0]})
        one.cluster.kubectl("scale", "deployment", one.backends["bad"], "--replicas=1")

    def observe(self, scene: Scene, one: LiveRollout) -> str:
        """It is left out, and said."""
        scene.hold(25)
        trials = sum(float(one.arm(arm)["trials"]) for arm in one.arms)
        expect(trials < 10_000, f"{trials:g} trials were learned of some {len(one.requests())} requests")
        notes = [event.get("note", "") for event in one.events() if event["reason"] == "EvidenceReset"]
        expect(bool(notes), f"no event says it, but {sorted(one.reasons())}")
        return f"{trials:g} trials of {len(one.requests())} requests; “{notes[-1][:160]}”"


class LateSamples(Fault):
    """Samples come later than settle allows."""

    name = "late-samples"
    injected = "All samples come 12 s after their time; settle is 3 s (45 s of 30 s, shortened)."
    expected = "What comes late is counted with a later window, to the last trial."
    counted = "answers"
    quiet = 16.0

    def prepare(self, scene: Scene) -> LiveRollout:
        """Arms whose samples come late."""
        one = scene.rollout(good=0.5, bad=0.5)
        one.steer(good={"late": 12.0}, bad={"late": 12.0})
        scene.stroke()
        one.start()
        return one

    def inject(self, scene: Scene, one: LiveRollout) -> None:
        """They do from the start."""
        scene.hold(40)

    def observe(self, scene: Scene, one: LiveRollout) -> str:
        """Trials follow."""
        trials = sum(float(one.arm(arm)["trials"]) for arm in one.arms)
        expect(trials > 0, "no trial was counted")
        return f"{trials:g} trials of {len(one.requests())} requests so far, all of them in the end"


class WrongQuery(Fault):
    """The spec asks for something that is no reward; each kind says how."""

    counted = "not"
    expected = "The reason, the numbers and what to do are said; weights are held."
    reward: ClassVar[Told]
    """Fields of spec.reward.prometheus; ROUTE stands for the rollout's name."""
    reasons: ClassVar[frozenset[str]]
    says: ClassVar[str]

    def prepare(self, scene: Scene) -> LiveRollout:
        """Two arms that differ a little."""
        one = scene.rollout(good=0.6, bad=0.5)
        one.start()
        return one

    def inject(self, scene: Scene, one: LiveRollout) -> None:
        """The spec is changed."""
        filled = {
            key: value.replace("ROUTE", one.name) if isinstance(value, str) else value
            for key, value in self.reward.items()
        }
        scene.stroke()
        one.patch({"reward": {"prometheus": filled}})

    def observe(self, scene: Scene, one: LiveRollout) -> str:
        """It is said, and nothing moves."""

        def said() -> bool:
            condition = one.condition("MetricsAvailable")
            assert condition.get("reason") in self.reasons, condition
            assert self.says in condition["message"], condition
            return True

        one.wait(f"one of {sorted(self.reasons)} is said, with “{self.says}”", said, 30)
        condition, after, share = one.condition("MetricsAvailable"), scene.since, one.share("bad")
        scene.hold(15)
        expect(one.share("bad") == share, f"the weights moved from {share:.1%} to {one.share('bad'):.1%}")
        return f"{condition['reason']} after {after:.0f} s: “{condition['message'][:160]}”"


class PercentForShare(WrongQuery):
    """A mean in percent."""

    name = "percent-for-share"
    injected = "The reward is a query that yields percent."
    reward: ClassVar[Told] = {
        "successes": None,
        "trials": None,
        "query": '100 * sum by (arm) (increase(model_reward_successes_total{route="ROUTE"}[$window])) / '
        'sum by (arm) (increase(model_reward_trials_total{route="ROUTE"}[$window]))',
        "samples": 'sum by (arm) (increase(model_reward_trials_total{route="ROUTE"}[$window]))',
    }
    reasons = frozenset({"ImpossibleNumber"})
    says = "100"


class SwappedSelectors(WrongQuery):
    """Successes for trials."""

    name = "swapped-selectors"
    injected = "The selectors of successes and trials are swapped."
    reward: ClassVar[Told] = {
        "successes": 'model_reward_trials_total{route="ROUTE"}',
        "trials": 'model_reward_successes_total{route="ROUTE"}',
    }
    reasons = frozenset({"RewardsAboveTrials"})
    says = "swapped"


class MisspeltMetric(WrongQuery):
    """A metric that is not there."""

    name = "misspelt-metric"
    injected = "The selectors name a metric with one letter wrong."
    reward: ClassVar[Told] = {
        "successes": 'model_reward_succeses_total{route="ROUTE"}',
        "trials": 'model_reward_trails_total{route="ROUTE"}',
    }
    reasons = frozenset({"NoData"})
    says = "model_reward"


class WrongArmLabel(WrongQuery):
    """A label whose values are not the arms' names."""

    name = "arm-label-of-something-else"
    injected = "The spec's armLabel is pod, whose values are the Pods' names."
    reward: ClassVar[Told] = {"armLabel": "pod"}
    reasons = frozenset({"NoData"})
    says = "the values of pod"


class MisspeltRequestsCounter(Fault):
    """The counter that should tell when requests have ended does not exist."""

    name = "misspelt-requests-counter"
    injected = "The spec's rollback.requests names a metric with one letter wrong; an arm drains."
    expected = "The drain holds with the loser's Pods, and says RequestsUnknown; mended, it goes on."
    rollback: ClassVar[dict[str, str]] = {"drain": "5s", "retryAfter": "0s"}

    def prepare(self, scene: Scene) -> LiveRollout:
        """An arm that will drain."""
        one = scene.rollout(good=0.9, bad=0.1)
        one.start(rollback={**self.rollback, "requests": "traefik_service_requets_total"})
        scene.stroke()
        return one

    def inject(self, scene: Scene, one: LiveRollout) -> None:
        """It drains."""
        one.wait_for_state("bad", "Draining", seconds=90)

    def observe(self, scene: Scene, one: LiveRollout) -> str:
        """It keeps its Pods until the name is right."""
        one.wait("it is said", lambda: one.arm("bad").get("reason") == "RequestsUnknown", 30)
        end = time.time() + 20
        while time.time() < end:
            expect(one.replicas("bad") == 1, "it was scaled down though nothing was known of its requests")
            time.sleep(0.2)
        one.patch({"rollback": {"requests": "traefik_service_requests_total"}})
        one.wait("it is at zero", lambda: one.replicas("bad") == 0, 60)
        return "20 s Draining/RequestsUnknown with its Pods; at zero once the name was right"
