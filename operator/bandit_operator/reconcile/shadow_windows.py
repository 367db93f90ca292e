"""What newer and newer windows had of a resource's shadow, and what is to be said of it."""

from __future__ import annotations

from dataclasses import dataclass

from bandit_operator.api.v1alpha1 import BanditDeployment
from bandit_operator.core.model import Observed, Shadowed, Window
from bandit_operator.core.quantities import parse_decimal
from bandit_operator.reconcile.mirror_sync import MirrorPlan, target_of
from bandit_operator.status.shadow import ShadowState


@dataclass
class ShadowWindows:
    """The shadow of one resource, since this process began."""

    newest: Shadowed | None = None
    """What the newest window had of it."""
    scored_until: float | None = None
    """End of the newest window in which it scored something, or beginning of the first of all."""

    def observe(self, window: Window) -> None:
        """Take in what a window had of it."""
        self.newest = window.shadow
        arms = {} if window.shadow is None else window.shadow.arms
        scored = any(isinstance(one, Observed) and one.trials > 0 for one in arms.values())
        if scored or self.scored_until is None:
            self.scored_until = window.end if scored else window.start

    def state(
        self, resource: BanditDeployment, plan: MirrorPlan, stale_after: float, now: float
    ) -> ShadowState:
        """What is to be said of it.

        Args:
            resource: the resource.
            plan: what its rule is to mirror.
            stale_after: seconds after which a shadow that scored nothing is stale.
            now: seconds since the Unix epoch.
        """
        since = self.scored_until
        stale = since is not None and now - since > stale_after
        return ShadowState(self.newest, stale, plan.trouble, _words(resource, plan))


def _words(resource: BanditDeployment, plan: MirrorPlan) -> str:
    """What the rule mirrors; empty where it is not the operator that lets it."""
    shadow, target = resource.spec.shadow, target_of(resource)
    if shadow is None or target is None or plan.wanted is None or not plan.in_place:
        return ""
    share = parse_decimal(shadow.share)
    if plan.wanted.share is None and share < 1:
        return (
            f"all requests are mirrored to {target}, because its gateway or the Gateway API that is "
            f"installed knows no share of them; the shadow server is to sample {share:.6g}"
        )
    return f"{share:.6g} of the requests are mirrored to {target}"
