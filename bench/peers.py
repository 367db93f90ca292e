"""Public bandit libraries, each in a virtual environment of its own under build/, made when needed."""

from __future__ import annotations

import json
import subprocess
import sys
import venv
from pathlib import Path

LIBRARIES = {"mabwiser": "mabwiser==2.7.4", "river": "river==0.26.1"}
_WORKER = Path(__file__).with_name("peer_worker.py")


def environment(library: str, folder: Path) -> Path | None:
    """Return the Python of the library's environment, or None where it cannot be installed."""
    python = folder / library / "bin" / "python"
    ready = folder / library / "ready"
    if ready.exists():
        return python
    try:
        venv.create(folder / library, with_pip=True, clear=True)
        install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*install, LIBRARIES[library]], check=True, capture_output=True, timeout=900)
    except (OSError, subprocess.SubprocessError) as error:
        print(f"{library}: left out, it cannot be installed ({error})", file=sys.stderr)
        return None
    ready.touch()
    return python


def play(library: str, folder: str, seeds: int, seed: int) -> dict[str, dict[str, list[float]]]:
    """Regret of the library's policies on the stationary problems: {policy: {problem: [per seed]}}."""
    python = environment(library, Path(folder))
    if python is None:
        return {}
    command = [str(python), str(_WORKER), library, str(seed), str(seeds)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    answer: dict[str, dict[str, list[float]]] = json.loads(done.stdout)
    return answer
