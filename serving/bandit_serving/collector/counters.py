"""What the collector counts, and how it is laid out in the database.

Counters are integers of any size: rewards are taken in millionths, their products therefore in millionths of
millionths, and delays in milliseconds, so that they add up without rounding however often the process is
restarted.
"""

from __future__ import annotations

import bisect
from collections.abc import Mapping
from typing import NamedTuple

MILLION = 1_000_000

# Upper ends of the delay histogram's buckets in seconds, a tenth of a second to a month; one more bucket is
# open.
DELAY_BUCKETS = (
    *(0.1, 0.3, 1.0, 3.0, 10.0, 30.0),
    *(60.0, 180.0, 600.0, 1800.0, 3600.0),
    *(3 * 3600.0, 6 * 3600.0, 12 * 3600.0, 86400.0, 3 * 86400.0, 7 * 86400.0, 14 * 86400.0, 30 * 86400.0),
)

PREDICTIONS = "predictions"  # distinct requests with a prediction, by arm
LABELS = "labels"  # distinct requests with a label, by route (a label alone does not name the arm)
JOINED = "joined"  # requests with both, by arm
TRIALS = "trials"  # joined requests that gave a reward, by arm
SUCCESSES = "successes"  # sum of rewards y from 0 up in millionths, by arm
LOSSES = "losses"  # sum of -y of the negative rewards in millionths, by arm
SQUARES = "squares"  # sum of y² in millionths of millionths, by arm
DENOMINATORS = "denominators"  # sum of the denominators x of ratio rewards in millionths, by arm
DENOMINATOR_SQUARES = "denominator_squares"  # sum of x² in millionths of millionths, by arm
CROSS_PRODUCTS = "cross_products"  # sum of x·y in millionths of millionths, by arm
DUPLICATE_PREDICTIONS = "duplicate_predictions"  # predictions of a request that had one already, by arm
DUPLICATE_LABELS = "duplicate_labels"  # labels of a request that had one already, by route
LATE_LABELS = "late_labels"  # labels that came after their prediction had expired, by route
UNREWARDED = "unrewarded"  # joined requests for which the reward function had no value, by arm
EXPIRED_PREDICTIONS = "expired_predictions"  # predictions whose label did not come in time, by arm
EXPIRED_LABELS = "expired_labels"  # labels whose prediction did not come in time, by route
DELAY_MILLISECONDS = "delay_milliseconds"  # sum of label time - prediction time, by arm
_DELAY_BUCKET = "delay_bucket_"  # with the bucket's index: joined requests by delay, by arm

SHADOW = "shadow_"  # before the names above that are by arm: the same of shadows
# Before the names below, by pair "A/B" with A < B: both arms had rewarded shadows of the same request.
PAIR = "pair_"
PAIR_TRIALS = f"{PAIR}trials"  # requests
PAIR_GAINS = f"{PAIR}gains"  # sum of the differences y_A - y_B from 0 up in millionths
PAIR_LOSSES = f"{PAIR}losses"  # sum of y_B - y_A of the negative differences in millionths
PAIR_SQUARES = f"{PAIR}squares"  # sum of (y_A - y_B)² in millionths of millionths


class Key(NamedTuple):
    """A counter: its name, the route, and the arm or pair, or "" where the counter is by route."""

    name: str
    route: str
    arm: str


Counters = dict[Key, int]


class Kinds(NamedTuple):
    """Counters by what they count; those of shadows without their prefix."""

    served: Counters
    shadows: Counters
    pairs: Counters


def by_kind(counters: Counters) -> Kinds:
    """Tell apart what users were answered, shadows, and pairs of arms that shadows compare."""
    kinds = Kinds({}, {}, {})
    for key, value in counters.items():
        if key.name.startswith(PAIR):
            kinds.pairs[key] = value
        elif key.name.startswith(SHADOW):
            kinds.shadows[key._replace(name=key.name.removeprefix(SHADOW))] = value
        else:
            kinds.served[key] = value
    return kinds


def count(changes: Counters, name: str, route: str, arm: str = "", value: int = 1) -> None:
    """Add to one of the changes."""
    key = Key(name, route, arm)
    changes[key] = changes.get(key, 0) + value


def added(counters: Counters, changes: Counters) -> Counters:
    """Return the sums of two sets of counters."""
    return counters | {key: counters.get(key, 0) + value for key, value in changes.items()}


def by_route(counters: Counters) -> dict[str, dict[str, dict[str, int]]]:
    """Return counters as routes, in each its arms, in each its values by name; all sorted, in one pass.

    What is counted by route alone stands under the arm "".
    """
    routes: dict[str, dict[str, dict[str, int]]] = {}
    for key in sorted(counters, key=lambda key: (key.route, key.arm)):
        routes.setdefault(key.route, {}).setdefault(key.arm, {})[key.name] = counters[key]
    return routes


def delay_bucket(seconds: float) -> str:
    """Return the name of the counter of the bucket that holds a delay."""
    return f"{_DELAY_BUCKET}{bisect.bisect_left(DELAY_BUCKETS, seconds)}"


def delay_histogram(values: Mapping[str, int]) -> list[tuple[float, int]]:
    """Return the cumulative histogram of an arm as pairs (upper end in seconds, joined requests up to it).

    The last end is infinite.

    Args:
        values: The arm's counters by name.
    """
    cumulative, pairs = 0, []
    for i, end in enumerate((*DELAY_BUCKETS, float("inf"))):
        cumulative += values.get(f"{_DELAY_BUCKET}{i}", 0)
        pairs.append((end, cumulative))
    return pairs
