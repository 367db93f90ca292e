"""Public bandit libraries, each in a virtual environment of its own under build/, made when needed."""

from __future__ import annotations

import json
import subprocess
import sys
import venv
from pathlib import Path

LIBRARIES = {
    "mabwiser": ["mabwiser==2.7.4"],
    "pybandits": ["pybandits==8.4.1"],
    "river": ["river==0.26.1"],
    # Unmaintained since 2020: it needs the numerical packages of its time.
    "smpybandits": ["SMPyBandits==0.9.7", "numpy<2", "scipy<1.12", "pandas<2.2", "matplotlib<3.9"],
}
_WORKER = Path(__file__).with_name("peer_worker.py")


Figures = dict[str, dict[str, list[float]]]
"""Regret of each policy on each problem, one number a seed."""


def environment(library: str, folder: Path) -> Path | None:
    """Return the Python of the library's environment, or None where it cannot be installed."""
    python = folder / library / "bin" / "python"
    ready = folder / library / "ready"
    if ready.exists():
        return python
    try:
        venv.create(folder / library, with_pip=True, clear=True)
        install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*install, *LIBRARIES[library]], check=True, capture_output=True, timeout=900)
    except (OSError, subprocess.SubprocessError) as error:
        print(f"{library}: left out, it cannot be installed ({error})", file=sys.stderr)
        return None
    ready.touch()
    return python


def play(python: str, library: str, seeds: int, seed: int) -> Figures:
    """Play the stationary problems with all the library's policies, by the Python that has it."""
    command = [python, str(_WORKER), library, str(seed), str(seeds)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    answer: Figures = json.loads(done.stdout)
    return answer


def joined(parts: list[Figures]) -> Figures:
    """Figures of several runs of seeds as one."""
    return {
        policy: {
            problem: [value for part in parts for value in part[policy][problem]] for problem in problems
        }
        for policy, problems in parts[0].items()
    }
