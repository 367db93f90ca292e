"""The replayer: plays the rows of a data set through a gateway and returns their labels after a delay."""

from __future__ import annotations

from bandit_serving.replay.counters import Answer, Counters
from bandit_serving.replay.delay import Delay, parse_delay
from bandit_serving.replay.replayer import Replayer
from bandit_serving.replay.rows import Rows, load_rows

__all__ = ["Answer", "Counters", "Delay", "Replayer", "Rows", "load_rows", "parse_delay"]
