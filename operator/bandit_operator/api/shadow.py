"""The shadow: a copy of a sample of the requests, answered by every arm and served to nobody.

From what the arms would have earned on the same requests their differences are known far sooner than from
requests that are shared out among them, and at no user's cost.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, ClassVar

from pydantic.alias_generators import to_camel

from bandit_operator.api.fields import ApiModel, CounterSelector, LabelName, Namespace, ObjectName
from bandit_operator.api.route_template import Port
from bandit_operator.api.rules import DecimalString, PatternString, Rule
from bandit_operator.core.model import RewardType


class Onboarding(StrEnum):
    """How an arm begins that is new or tried again."""

    SERVE = "Serve"
    """With a small share of the traffic."""
    SHADOW = "Shadow"
    """With copies alone, until the shadow has shown it to be no worse."""


class Mirror(StrEnum):
    """Who sees to it that the shadow gets its copies."""

    MANAGED = "Managed"
    """The operator: by a filter in the route's rule."""
    MANUAL = "Manual"
    """Whoever installs the shadow; the operator leaves the route's filters alone."""


@dataclass(frozen=True, slots=True)
class ShadowCounter:
    """A counter of the shadow: its part of the answer, the field of its selector, the collector's metric."""

    part: str
    attribute: str
    metric: str
    pairs: bool = False
    """Whether it is told apart by pairs of arms rather than by arms."""
    types: tuple[RewardType, ...] = (RewardType.BERNOULLI, RewardType.BOUNDED, RewardType.GAUSSIAN)
    """Types of rewards that it is read for."""
    optional: bool = False

    @property
    def field(self) -> str:
        """Name of the field in ``spec.shadow.prometheus``."""
        return to_camel(self.attribute)


def _of_arms(part: str, attribute: str, **more: Any) -> ShadowCounter:
    return ShadowCounter(f"shadow {part}", attribute, f"model_reward_shadow_{attribute}_total", **more)


def _of_pairs(part: str) -> ShadowCounter:
    return ShadowCounter(f"pair {part}", f"pair_{part}", f"model_reward_shadow_pair_{part}_total", pairs=True)


_GAUSSIAN = (RewardType.GAUSSIAN,)
SHADOW_COUNTERS = (
    _of_arms("rewards", "successes"),
    _of_arms("trials", "trials"),
    _of_arms("losses", "losses", types=_GAUSSIAN, optional=True),
    _of_arms("squares", "squares", types=_GAUSSIAN),
    _of_pairs("trials"),
    _of_pairs("gains"),
    _of_pairs("losses"),
    _of_pairs("squares"),
)
"""In the order of the fields. A reward in [0, 1] needs no squares: its trials bound them."""
_ANY_SELECTOR = " || ".join(f"has(self.{one.field})" for one in SHADOW_COUNTERS)
_NEEDED = [one for one in SHADOW_COUNTERS if one.types != _GAUSSIAN]


def _is_there(counter: ShadowCounter) -> Rule:
    """Where one counter is named, so are all that every type needs."""
    return Rule(
        f"has(self.collector) || has(self.{counter.field}) || !({_ANY_SELECTOR})",
        f"{counter.field} is missing: the shadow's counters are read together; set it, for example to"
        f" {counter.metric}",
        holds=lambda prometheus: (
            not prometheus.has_selectors() or getattr(prometheus, counter.attribute) is not None
        ),
    )


class ShadowCollector(ApiModel):
    """A reward collector of the project, whose metrics have names that are known."""

    route: Annotated[
        str,
        PatternString(
            "[A-Za-z0-9]([-A-Za-z0-9_.:/]{0,251}[A-Za-z0-9])?",
            "the name of a route of the collector: letters, digits and inner -, _, ., : and /",
            "income",
        ),
    ]
    """Name of the collector's route: the value of the label route."""


class ShadowPrometheus(ApiModel):
    """Where the shadow's rewards are: the collector's own metrics, or a selector for each counter.

    The Prometheus server and the label of the arms are those of spec.reward.prometheus.
    """

    RULES: ClassVar = (
        Rule(
            f"has(self.collector) != ({_ANY_SELECTOR})",
            "set exactly one of: collector, for the metrics of the reward collector, or the selectors of"
            f" {', '.join(one.field for one in _NEEDED)}",
            holds=lambda prometheus: (prometheus.collector is None) == prometheus.has_selectors(),
        ),
        *map(_is_there, _NEEDED),
    )

    collector: ShadowCollector | None = None
    """The metrics of the project's reward collector, of one of its routes, in place of all selectors:
    model_reward_shadow_trials_total{route="income"} and so on.
    """
    successes: CounterSelector | None = None
    """Selector of the counter of rewards of answers in the shadow, one series or more an arm, as
    reward.prometheus.successes has it of served ones.
    """
    trials: CounterSelector | None = None
    """Selector of the counter of requests of which the arm's answer in the shadow was rewarded."""
    losses: CounterSelector | None = None
    """Selector of the counter that sums the sizes of negative rewards, as reward.prometheus.losses. For
    Gaussian rewards; leave it out where no reward is ever negative.
    """
    squares: CounterSelector | None = None
    """Selector of the counter that sums the squares of the rewards. Needed by, and only for, Gaussian."""
    pair_trials: CounterSelector | None = None
    """Selector of the counter of requests of which two arms' answers were both rewarded, one series or
    more a pair of arms; see pairLabel.
    """
    pair_gains: CounterSelector | None = None
    """Selector of the counter that sums by how much the first arm's reward was higher on these requests, and
    0 where it was not.
    """
    pair_losses: CounterSelector | None = None
    """Selector of the counter that sums by how much it was lower, and 0 where it was not."""
    pair_squares: CounterSelector | None = None
    """Selector of the counter that sums the squares of the differences."""
    pair_label: LabelName = "pair"
    """Label whose value names the two arms of a pair, as A/B: the first by the alphabet comes first, as in
    boosting/logistic.
    """

    def has_selectors(self) -> bool:
        """Whether any selector is given."""
        return any(getattr(self, one.attribute) is not None for one in SHADOW_COUNTERS)

    def selector(self, counter: ShadowCounter) -> str | None:
        """The selector of a counter, or None where there is none."""
        if self.collector is not None:
            return f'{counter.metric}{{route="{self.collector.route}"}}'
        found: str | None = getattr(self, counter.attribute)
        return found


class ShadowBackendRef(ApiModel):
    """The Service of the shadow server."""

    name: ObjectName
    """Name of the Service."""
    namespace: Namespace | None = None
    """Namespace of the Service. Default: that of the route. In another one a ReferenceGrant must allow it."""
    port: Port
    """Port of the Service."""


class Shadow(ApiModel):
    """A copy of a sample of the requests is answered by every arm, and no user sees these answers.

    Labels are joined with all of them, so that each labelled request tells what every arm would have
    earned. Arms are compared by these differences as well, and one whose onboarding is Shadow serves nobody
    before they show it to be no worse.
    """

    RULES: ClassVar = (
        Rule(
            f"self.mirror != '{Mirror.MANAGED}' || has(self.backendRef)",
            "mirror Managed needs backendRef, the Service of the shadow server that gets the copies; set its"
            " name and port, or set mirror to Manual",
            holds=lambda shadow: shadow.mirror is not Mirror.MANAGED or shadow.backend_ref is not None,
            field=".mirror",
        ),
        Rule(
            f"self.mirror == '{Mirror.MANAGED}' || !has(self.backendRef)",
            "backendRef says where the operator mirrors requests to, and mirror is Manual; take it out, or"
            " set mirror to Managed",
            holds=lambda shadow: shadow.mirror is Mirror.MANAGED or shadow.backend_ref is None,
            field=".backendRef",
            forbidden=True,
        ),
    )

    share: Annotated[str, DecimalString("0", "1", exclusive_minimum=True, example="0.1")] = "0.1"
    """Share of the requests of which a copy is scored. Each copy is answered by every arm, so that 10 % of
    the requests cost a tenth of the computing of one arm, times the arms.
    """
    mirror: Mirror = Mirror.MANUAL
    """Who sees to it that copies are made. Managed: the operator adds a RequestMirror filter to the
    route's rule, and takes it out again. Manual: the operator leaves filters alone; whoever installs the
    shadow server sends it the requests.
    """
    backend_ref: ShadowBackendRef | None = None
    """The shadow server's Service. Needed by, and only for, mirror Managed."""
    margin: Annotated[str, DecimalString("0", example="0.01")] = "0.01"
    """By how much less than the baseline an arm may earn in the mean and still pass for no worse, in units
    of the reward: what an arm whose onboarding is Shadow must be shown to keep to before it serves.
    """
    prometheus: ShadowPrometheus
    """Where its rewards are."""


def shadow_rules() -> Iterator[Rule]:
    """Yield the rules of a spec about its shadow."""
    yield Rule(
        "!has(self.shadow) || self.reward.type != 'Ratio'",
        "a Ratio is of sums over many requests, so two answers to one request have no difference;"
        " take shadow out, or reward single requests: Bernoulli, Bounded or Gaussian",
        holds=lambda spec: spec.shadow is None or spec.reward.type != RewardType.RATIO,
        field=".shadow",
        forbidden=True,
    )
    yield Rule(
        "!has(self.shadow) || !has(self.reward.prometheus.preset)",
        "preset judges how a request was served, and answers in the shadow are served to nobody;"
        " give counters of labels that judge answers, or take shadow out",
        holds=lambda spec: spec.shadow is None or spec.reward.prometheus.preset is None,
        field=".reward.prometheus.preset",
    )
    yield Rule(
        f"has(self.shadow) || !self.arms.exists(a, a.onboarding == '{Onboarding.SHADOW}')",
        "onboarding Shadow needs the shadow that an arm is to prove itself in; set spec.shadow, or set"
        " onboarding to Serve",
        holds=lambda spec: (
            spec.shadow is not None or all(arm.onboarding is not Onboarding.SHADOW for arm in spec.arms)
        ),
        field=".arms",
    )
    yield Rule(
        f"!self.arms.exists(a, a.name == self.baseline && a.onboarding == '{Onboarding.SHADOW}')",
        "onboarding of {self.baseline} is Shadow, and it is the baseline, which always serves;"
        " set its onboarding to Serve, or set baseline to another arm",
        holds=lambda spec: all(
            arm.name != spec.baseline or arm.onboarding is not Onboarding.SHADOW for arm in spec.arms
        ),
        field=".baseline",
    )
    yield Rule(
        "!has(self.shadow) || !has(self.shadow.backendRef) || !self.arms.exists(a,"
        " a.backendRef.kind == 'Service' && a.backendRef.group == ''"
        " && a.backendRef.name == self.shadow.backendRef.name"
        " && has(a.backendRef.__namespace__) == has(self.shadow.backendRef.__namespace__)"
        " && (!has(a.backendRef.__namespace__)"
        " || a.backendRef.__namespace__ == self.shadow.backendRef.__namespace__))",
        "{self.shadow.backendRef.name} serves an arm, whose copies would count as requests of its users;"
        " name the Service of the shadow server",
        holds=lambda spec: not _mirrors_to_an_arm(spec),
        field=".shadow.backendRef.name",
    )
    yield Rule(
        "!has(self.shadow) || !has(self.shadow.prometheus.collector)"
        " || !self.arms.exists(a, has(a.labelValue) && a.labelValue.contains('/'))",
        "the labelValue of an arm has a slash, which joins the names of two arms in the collector's series of"
        " pairs; let models report a name without one",
        holds=lambda spec: (
            spec.shadow is None
            or spec.shadow.prometheus.collector is None
            or not any("/" in arm.labelled for arm in spec.arms)
        ),
        field=".arms",
    )
    for counter in SHADOW_COUNTERS:
        if counter.types == _GAUSSIAN:
            yield _only_for_gaussian(counter)
            if not counter.optional:
                yield _needed_by_gaussian(counter)


def _only_for_gaussian(counter: ShadowCounter) -> Rule:
    path = f"self.shadow.prometheus.{counter.field}"
    return Rule(
        f"!has(self.shadow) || !has({path}) || self.reward.type == 'Gaussian'",
        f"{counter.field} of the shadow belongs to type Gaussian, but type is {{self.reward.type}};"
        f" remove {counter.field}",
        holds=lambda spec: (
            spec.shadow is None
            or getattr(spec.shadow.prometheus, counter.attribute) is None
            or spec.reward.type == RewardType.GAUSSIAN
        ),
        field=f".shadow.prometheus.{counter.field}",
        forbidden=True,
    )


def _needed_by_gaussian(counter: ShadowCounter) -> Rule:
    path = "self.shadow.prometheus"
    return Rule(
        f"!has(self.shadow) || self.reward.type != 'Gaussian' || has({path}.collector)"
        f" || has({path}.{counter.field})",
        f"type Gaussian needs {counter.field} of the shadow as well; set it, for example to {counter.metric}",
        holds=lambda spec: (
            spec.shadow is None
            or spec.reward.type != RewardType.GAUSSIAN
            or spec.shadow.prometheus.selector(counter) is not None
        ),
        field=".shadow.prometheus",
    )


def _mirrors_to_an_arm(spec: Any) -> bool:
    return mirrored_arm(spec, namespace=None) is not None


def mirrored_arm(spec: Any, namespace: str | None) -> str | None:
    """Return the arm whose Service copies of requests are sent to, or None.

    Args:
        spec: Spec of a BanditDeployment.
        namespace: That of references that name none; None to take these as they are written.
    """
    ref = None if spec.shadow is None else spec.shadow.backend_ref
    if ref is None:
        return None
    wanted = ("", "Service", ref.name, ref.namespace or namespace)
    refs = ((arm.name, arm.backend_ref) for arm in spec.arms)
    return next(
        (arm for arm, one in refs if (one.group, one.kind, one.name, one.namespace or namespace) == wanted),
        None,
    )
