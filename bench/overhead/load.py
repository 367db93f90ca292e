"""Real HTTP load: vegeta in a Pod, at a constant rate or as fast as it is answered."""

from __future__ import annotations

import shlex
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bench.overhead.environment import Environment

BODY = '{"inputs":[{"name":"x","shape":[1,4],"datatype":"FP64","data":[0.1,0.2,0.3,0.4]}]}'
WARM_UP = 1.0  # seconds at the start of each attack that do not count: connections are opened in it
TIMEOUT = "5s"
_BODY_FILE, _RESULTS = "/tmp/body.json", "/tmp/results.bin"


@dataclass(frozen=True)
class Results:
    """Requests in the order in which they were sent."""

    sent: npt.NDArray[np.float64]
    """When each was sent, seconds since 1970, ``[N]``."""
    latency: npt.NDArray[np.float64]
    """Until its whole answer was read, milliseconds, ``[N]``."""
    failed: int
    """How many got no answer, or another one than 200."""

    @property
    def rate(self) -> float:
        """Answers a second."""
        return float((len(self.sent) - 1) / (self.sent[-1] - self.sent[0]))


def parse(text: str) -> Results:
    """Read vegeta's CSV, of which the first three columns are time, status and latency, both in ns.

    Raises:
        ValueError: There are not even two requests after the warm-up.
    """
    table = np.array([line.split(",")[:3] for line in text.splitlines()], dtype=np.int64).reshape(-1, 3)
    table = table[np.argsort(table[:, 0], kind="stable")]
    table = table[table[:, 0] >= table[:1, 0].sum() + WARM_UP * 1e9]
    if len(table) < 2:
        raise ValueError(f"vegeta has sent {len(table)} requests after {WARM_UP:g} s; send for longer")
    return Results(table[:, 0] / 1e9, table[:, 2] / 1e6, int((table[:, 1] != 200).sum()))


class LoadGenerator:
    """A Pod from which requests are sent."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        # vegeta is the image's entry point, which commands in its Pod call; the Pod itself only waits.
        self._program = environment.cluster.image("vegeta:dev")["entrypoint"][0]
        wait = ["sh", "-c", f"echo '{BODY}' > {_BODY_FILE}; trap exit TERM; sleep infinity & wait"]
        environment.deploy("vegeta", {"image": "vegeta:dev", "command": wait})

    def at_rate(self, url: str, rate: int, seconds: float) -> Results:
        """Send ``rate`` requests a second, whether or not earlier ones are answered."""
        return self._attack(url, seconds, f"-rate={rate}")

    def at_most(self, url: str, workers: int, seconds: float) -> Results:
        """Send as fast as some workers can, of whom each waits for its answer."""
        return self._attack(url, seconds, "-rate=0", f"-max-workers={workers}", f"-workers={workers}")

    def _attack(self, url: str, seconds: float, *how: str) -> Results:
        vegeta = shlex.quote(self._program)
        words = [f"-duration={seconds + WARM_UP:g}s", f"-timeout={TIMEOUT}", "-max-body=0", *how]
        words += [f"-body={_BODY_FILE}", f"-output={_RESULTS}"]
        # Encoded after the attack, so that it takes no processor time from it.
        script = (
            f"echo 'POST {url}' | {vegeta} attack {' '.join(words)}"
            f" && {vegeta} encode -to csv {_RESULTS} | cut -d, -f1-3"
        )
        text = self._environment.bench.kubectl("exec", "deployment/vegeta", "--", "sh", "-ec", script)
        return parse(text)
