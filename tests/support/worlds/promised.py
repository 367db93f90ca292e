"""What must hold at the moment of a write, and at rest, by the cluster's own objects."""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import Any

from bandit_operator.api.in_force import in_force
from bandit_operator.core import reasons
from bandit_operator.errors import APIError, APIUnreachable
from tests.support.fake_api import Write
from tests.support.process import Process

SERVING = ("Active", "Joining")
MAX_STEP, NEW_ARM_SHARE, MIN_TRIALS = 0.2, 0.1, 100
"""The guardrails of the rollouts that are played: the defaults."""
OUT = ("Draining", "RolledBack")
ONE_ARM = (
    reasons.BACKEND_NOT_FOUND,
    reasons.SCALE_TARGET_MISMATCH,
    reasons.SCALE_TARGET_NOT_FOUND,
    reasons.SCALE_TARGET_REFUSED,
)
"""Reasons that are about one arm, so that the others go on."""
NEVER = {
    *((state, "RolledBack") for state in ("Active", "Joining", "Shadowing", "Unavailable")),
    *((state, "Restoring") for state in ("Active", "Joining", "Shadowing")),
}
"""States of an arm before and after one pass: it is out once it was drained, and only then restored."""


class Promised:
    """What one rollout must keep to. Broken promises are gathered in ``broken``, in words."""

    def __init__(self, one: Process) -> None:
        self.one = one
        self.broken: list[str] = []
        self.unresolved: str | None = None
        """What the gateway says of backends that it cannot resolve."""
        self.counted = False
        """Whether the operator is told how many requests reach each arm."""
        self.scaled_by_hand = set[str]()
        """Arms that something else has given replicas."""
        self.beside: dict[str, str] = {}
        """Services that are no arm's over the Pods of one."""
        self.gone_back_to = set[str]()
        """Arms that another resource has and has not taken out."""
        self._live: dict[str, int] = {}
        self._strangers_share: tuple[float, ...] = ()
        self._carried = dict.fromkeys(one.arms, 1 / len(one.arms))  # they begin with equal weights
        self._before: dict[str, Any] = {}
        self._read: tuple[str, dict[str, Any]] = ("", {})
        one.api.on_write.append(self._look_at)

    def begin(self) -> None:
        """A pass begins: what status and route say now is what they had said."""
        self._live = self.one.weights()
        # What was said while others set the weights is not what was meant.
        meant = self.one.status.get("phase") not in ("Observing", "Paused")
        self._before = {arm["name"]: arm for arm in self.one.status.get("arms") or [] if meant}
        intended = {name: arm["weight"] or 0 for name, arm in self._before.items()}
        of_spec = {arm: weight for arm, weight in intended.items() if arm in self.in_spec()}
        for weights in (intended, of_spec, {arm: self._live.get(arm, 0) for arm in self.one.arms}):
            for arm, weight in weights.items() if any(weights.values()) else ():
                self._carried[arm] = max(self._carried.get(arm, 0.0), weight / sum(weights.values()))

    def servable(self) -> set[str]:
        """The arms that can serve, as the cluster has it."""
        named = self.one.weights()
        services = {arm: service for arm, service in self.one.services.items() if arm in named}
        blamed = {arm for arm, service in services.items() if self.unresolved and service in self.unresolved}
        return {arm for arm in named if self.endpoints(arm) and arm in self.in_spec()} - blamed

    def in_spec(self) -> set[str]:
        """The arms that the user names, in the last spec that could be read."""
        return {arm["name"] for arm in self._spec()["arms"]}

    def pinned(self) -> str | None:
        """The arm that the user has pinned."""
        pin = self._spec().get("pin")
        return None if pin is None else str(pin["arm"])

    def set_out(self) -> set[str]:
        """The arms that the user has set out."""
        return {arm["name"] for arm in self._spec()["arms"] if arm.get("state") == "Out"}

    def _spec(self) -> dict[str, Any]:
        stored = self.one.api.objects[self.one.path]
        version = stored["metadata"]["resourceVersion"]
        if self._read[0] != version:  # it is asked for many times a pass, and reading it takes long
            body = in_force(stored)
            assert body is not None
            self._read = version, dict(body["spec"])
        return self._read[1]

    def endpoints(self, arm: str) -> int:
        """How many endpoints of an arm are ready, as the cluster has it."""
        service = self.one.services.get(arm, arm)
        return sum(
            len(body.get("endpoints") or ())
            for path, body in self.one.api.objects.items()
            if path.endswith(f"/endpointslices/{service}-1")
        )

    # ---- at a write -----------------------------------------------------------------------

    def _look_at(self, write: Write) -> None:
        said = {arm["name"]: arm for arm in self.one.status.get("arms") or []}
        if write.what == "scale" or (write.what == "route" and _sets_weights(write)):
            mode = self._spec().get("mode", "Active")
            if mode != "Active":
                self.broken.append(f"it was written in mode {mode}: {write}")
        if write.what == "route" and _sets_weights(write):
            self._weights_were_set(said)
        if write.what == "scale":
            arm = write.path.split("/")[-2]
            replicas = next(one["value"] for one in write.body if one["op"] == "add")
            if replicas == 0:
                self._was_scaled_to_zero(arm)
            wanted = reasons.SCALING_TO_ZERO if replicas == 0 else said[arm]["reason"]
            if said[arm]["reason"] != wanted or said[arm]["state"] in SERVING:
                self.broken.append(
                    f"{arm} was scaled to {replicas}, and the status does not say so: {said[arm]}"
                )

    def _weights_were_set(self, said: Mapping[str, Any]) -> None:
        weights, servable = self.one.weights(), self.servable()
        own = {arm: weight for arm, weight in weights.items() if arm in self.in_spec()}
        if {arm: said[arm]["weight"] for arm in own if arm in said} != {
            arm: weight for arm, weight in own.items() if arm in said
        }:
            self.broken.append(f"weights {own} were written before the status said them: {said}")
        if any(not 0 <= weight <= 1_000_000 for weight in weights.values()):
            self.broken.append(f"no API server takes these weights: {weights}")
        self._look_at_stranger(weights)
        self._look_at_steps({arm: said[arm] for arm in own if arm in said})
        pinned = self.pinned()
        serves = pinned in own and pinned in said and said[pinned]["state"] in SERVING
        if serves and any(weight > 0 for arm, weight in own.items() if arm != pinned):
            self.broken.append(f"{pinned} is pinned and serves, and others have weight: {own}")
        gained = any(weight > self._live.get(arm, 0) for arm, weight in own.items())
        if gained and self._live and not servable:  # a route that is made again has to say some
            self.broken.append(f"no arm can serve, and some were given weight: {self._live} became {weights}")
        for arm, weight in own.items():
            if weight > 0 and arm not in servable and servable:
                self.broken.append(
                    f"{arm} was given weight {weight} and cannot serve; {sorted(servable)} can"
                )
            if arm not in said or arm not in self._before or weight > 0 or arm not in servable:
                continue
            stays = said[arm]["state"] == "Active" == self._before[arm]["state"] and not serves
            if stays and (self._before[arm]["weight"] or 0) > 0:
                self.broken.append(f"{arm} serves, and lost all of its weight: {own}")

    def _look_at_stranger(self, weights: Mapping[str, int]) -> None:
        """A backend that never was an arm has the share that it has, or had beside what is meant."""
        had, has = self._live.get("stranger", 0), weights.get("stranger", 0)
        if had > 0 and has == 0:
            self.broken.append(f"a backend that never was an arm lost its weight: {weights}")
        if had == 0 or has == 0 or sum(self._live.values()) == had:
            return
        meant = sum(arm["weight"] or 0 for arm in self._before.values())
        share = has / sum(weights.values())
        beside = sum(weight for name, weight in self._live.items() if name not in self.in_spec())
        right = [had / sum(self._live.values()), had / (had + meant), had / (beside + meant)]
        right += self._strangers_share
        self._strangers_share = (share,)
        if not 0.9 * min(right) - 0.01 <= share <= 1.1 * max(right) + 0.01:
            self.broken.append(
                f"a backend that never was an arm has {share:.1%} of the rule, where it had {right}:"
                f" {self._live} became {weights}"
            )

    def _look_at_steps(self, said: Mapping[str, Any]) -> None:
        """No arm gains more than a step beyond what it has carried, and none that joins more than its part.

        What arms lose that serve no more, or begin anew, goes to the others first, in proportion. Where the
        bounds leave no choice they yield.
        """
        serving = {name: arm for name, arm in said.items() if arm["state"] in SERVING}
        active = {name for name, arm in serving.items() if arm["state"] == "Active"}
        if self.pinned() in serving or not any(arm["weight"] for arm in said.values()):
            return
        over = [
            self._over(serving, from_arms & self._before.keys()) for from_arms in (active, serving.keys())
        ]
        if all(over):
            self.broken.append("; ".join(over[0]))

    def _over(self, serving: Mapping[str, Any], stay: Set[str]) -> list[str]:
        """Which arms have more than they may, where what they gain counts from the weights of these."""
        had = {name: self._before[name]["weight"] or 0 for name in stay}
        if not any(had.values()):
            return []
        total = sum(arm["weight"] for arm in serving.values())
        most, room = dict[str, float](), 0.0
        for name, arm in serving.items():
            before = had.get(name, 0) / sum(had.values())
            most[name] = max(before + MAX_STEP, self._carried.get(name, 0.0))
            most[name] = NEW_ARM_SHARE if arm["state"] == "Joining" else most[name]
            unproven = float(arm["trials"]) < MIN_TRIALS  # what it has carried may have been forgotten, too
            room += min(most[name], before + MAX_STEP, max(before, NEW_ARM_SHARE) if unproven else 1.0)
        coarse = 1 / total + 1 / sum(had.values())
        return [
            f"{name} came to {arm['weight'] / total:.1%}, {most[name]:.1%} at most"
            for name, arm in serving.items()
            if room >= 1 and arm["weight"] / total > most[name] + coarse
        ]

    def _was_scaled_to_zero(self, arm: str) -> None:
        weights = self.one.weights()
        if self.one.accepted.get(arm, 0) > 0:
            self.broken.append(f"{arm} was scaled to 0 while a gateway still had {self.one.accepted}")
        if self.counted and self.one.requests.get(arm) != 0:
            self.broken.append(f"{arm} was scaled to 0 while requests reached it: {self.one.requests}")
        if not any(weights[other] > 0 for other in self.servable() - {arm}):
            self.broken.append(f"{arm} was scaled to 0 and no other that can serve has weight: {weights}")
        if arm == self._spec()["baseline"]:
            self.broken.append(f"{arm} was scaled to 0 and is the baseline")
        for path, body in self.one.api.objects.items():
            if "/httproutes/" in path:
                for given in body["spec"]["rules"]:
                    for ref in given["backendRefs"]:
                        named = arm in (self.beside.get(ref["name"]), self._arm_of(ref["name"]))
                        if named and ref.get("weight", 1) > 0:
                            self.broken.append(f"{arm} was scaled to 0 under weight {ref} of {path}")
        if arm in self.gone_back_to:
            self.broken.append(f"{arm} was scaled to 0, and another resource has it")

    def _arm_of(self, service: str) -> str | None:
        return next((arm for arm, own in self.one.services.items() if own == service), None)

    # ---- after a pass ---------------------------------------------------------------------

    def check(self) -> None:
        """What holds after every pass.

        Raises:
            AssertionError: It does not.
        """
        assert not self.broken, self.broken
        for arm in self.one.status.get("arms") or []:
            assert 0 <= arm["weight"] <= 1_000_000, arm
            trials, rewards = float(arm.get("trials", 0)), float(arm.get("rewards", 0))
            assert 0 <= rewards <= trials * (1 + 1e-5) + 1e-5 < 1e12, f"no arm can have earned this: {arm}"
            was = self._before.get(arm["name"])
            assert was is None or (was["state"], arm["state"]) not in NEVER, (was, arm)
        states = {arm["name"]: arm["state"] for arm in self.one.status.get("arms") or []}
        winner = self.one.status.get("winner")
        assert winner is None or states[winner] in ("Active", "Joining"), f"{winner} is promoted: {states}"
        self._look_at_reason()
        conditions = {one["type"]: one for one in self.one.status.get("conditions") or []}
        if self.one.status.get("phase") == "Paused":
            said = {kind: conditions[kind]["reason"] for kind in ("MetricsAvailable", "Progressing")}
            assert set(said.values()) == {reasons.PAUSED}, f"nobody is told that it is paused: {said}"
        ready, accepted = conditions.get("Ready"), conditions.get("Accepted")
        if ready is not None and ready["reason"] == reasons.INTERNAL_ERROR:
            assert "RuntimeError" in ready["message"]
        if ready is not None and ready["reason"] == reasons.WRITE_REFUSED:
            refused = any(isinstance(error, APIError | APIUnreachable) for error in self.one.api.failed)
            set_back = any(f"of arm {arm} " in ready["message"] for arm in self.scaled_by_hand)
            assert refused or set_back, ready["message"]
        kept = {reasons.STATUS_NOT_KEPT, reasons.TEMPLATE_NOT_KEPT}
        dropped = [one for one in conditions.values() if one["reason"] in kept]
        assert not dropped, f"all that was written is kept here: {dropped}"
        if accepted is not None and self.one.status.get("arms"):
            stopped = accepted["reason"] in ONE_ARM and self.one.status["phase"] == "Rejected"
            assert not stopped, f"what one arm lacks stopped all: {accepted}"

    def _look_at_reason(self) -> None:
        """Shares that are not what they were have a record with a reason."""
        if self.one.status.get("phase") in ("Observing", "Paused"):
            return  # others set them
        now = {arm["name"]: arm["weight"] or 0 for arm in self.one.status.get("arms") or []}
        before = {name: self._before[name]["weight"] or 0 for name in now if name in self._before}
        stay = {name: now[name] for name in before}
        if not any(before.values()) or not any(stay.values()):
            return
        shares = [
            {name: weight / sum(one.values()) for name, weight in one.items()} for one in (before, stay)
        ]
        if any(abs(shares[0][name] - share) > 1e-3 for name, share in shares[1].items()):
            newest = self.one.status["history"][0]
            same = {name: newest["weights"].get(name, 0) for name in now} == now
            assert same, f"weights {before} became {now}, and no record says so: {newest}"
            assert newest["reason"] not in (reasons.BELOW_MIN_CHANGE, reasons.BETWEEN_TICKS), newest

    def check_at_rest(self) -> None:
        """What holds once nothing fails any more and gateway and kubelet have kept up.

        Raises:
            AssertionError: It does not.
        """
        self.check()
        weights, servable = self.one.weights(), self.servable()
        carried = {arm: weights.get(arm, 0) for arm in self.in_spec()}
        arms = {arm["name"]: arm for arm in self.one.status["arms"]}
        out = {name for name, arm in arms.items() if arm["state"] in OUT}
        if servable and sum(carried.values()) > 0:
            assert any(carried[arm] > 0 for arm in servable), (carried, servable, arms)
            idle = carried.keys() - servable
            assert all(carried[arm] == 0 for arm in idle), (carried, servable, arms)
        if not servable:
            well = (set(weights) & self.in_spec()) - self.one.broken
            called = {name for name, arm in arms.items() if arm["state"] == "Restoring"}  # each has a minute
            assert called or not out & well, (out, well, arms)
        gone = {name for name, arm in arms.items() if arm["reason"] == reasons.SCALED_TO_ZERO}
        assert not any(self.endpoints(arm) for arm in gone), f"Pods that nobody tells of: {arms}"
        baseline = self._spec()["baseline"]
        assert baseline not in out, arms[baseline]
        serving = {name for name, arm in arms.items() if arm["state"] in SERVING} & servable
        if serving - self.set_out() and sum(carried.values()) > 0:
            assert all(carried[arm] == 0 for arm in self.set_out()), (carried, arms)
        if self.one.condition("Ready")["status"] == "True":
            assert {arm: carried[arm] for arm in arms} == {name: arm["weight"] for name, arm in arms.items()}
            assert servable, carried
            alone = {arm for arm, weight in carried.items() if weight} == {self.pinned()}
            assert alone or self.pinned() not in serving, (carried, arms)
            assert all(carried[arm] == 0 for arm in carried if arm not in servable), (carried, servable)
            assert alone or baseline in servable, f"verdicts have nothing to compare with: {arms[baseline]}"
            drains = self._spec()["traffic"].get("removedArms") == "Drain"
            known = {backend.rpartition("/")[2] for backend in self.one.status["backends"]}
            out_of_spec = self.one.services.keys() - self.in_spec()
            former = {arm: weights.get(arm, 0) for arm in out_of_spec if self.one.services[arm] in known}
            assert not drains or not any(former.values()), f"arms that were taken out have weight: {former}"

    def check_observed(self) -> None:
        """What holds of a resource whose weights are left to others.

        Raises:
            AssertionError: It does not.
        """
        if self.one.status.get("phase") == "Observing" and self.one.condition("Ready")["status"] == "True":
            weighted = {arm for arm, weight in self.one.weights().items() if weight > 0} & self.in_spec()
            assert weighted <= self.servable(), (self.one.weights(), self.servable())
        if self.one.status.get("phase") == "Observing":  # one that is paused says what was when it stopped
            arms = self.one.status.get("arms", ())
            scaled = [one["name"] for one in arms if one["reason"] == reasons.SCALING_TO_ZERO]
            assert not scaled, f"nobody takes the Pods of {scaled}"


def _sets_weights(write: Write) -> bool:
    """Whether it is more than what a template says of the route."""
    made = write.verb == "create"
    return made or any(str(one["path"]).endswith("/weight") for one in write.body)
