"""Runs many sets, in several processes where that is wanted; goes on where a run was stopped."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, wait
from multiprocessing import Manager, get_context
from pathlib import Path
from typing import Any

import bandit_operator.core
import bandit_operator.simulation.operation
import bandit_serving.rewards
from bandit_study.cache import file_digest
from bandit_study.data.folder import Entry, read_table
from bandit_study.data.fraud import NAME as FRAUD
from bandit_study.data.fraud import read_fraud
from bandit_study.data.known import known
from bandit_study.data.table import Table
from bandit_study.engine.run_dataset import Result, run_dataset
from bandit_study.engine.settings import Settings
from bandit_study.errors import StudyError

Progress = Callable[[str, str], None]
"""Called with the name of a set and what is done with it."""
DONE = "done"
KEPT = "unchanged since an earlier run"
_POLL_SECONDS = 0.2


@dataclasses.dataclass(frozen=True)
class Job:
    """One run of one set."""

    name: str
    """Name of the result."""
    source: Entry | Path
    """The set in a folder, or the user's Base.csv."""
    skewed: bool = False
    """Whether the break is injected."""

    @property
    def path(self) -> Path:
        """The file that is read."""
        return self.source if isinstance(self.source, Path) else self.source.path

    def read(self) -> Table:
        """Read the set; raises DataError."""
        return read_fraud(self.source) if isinstance(self.source, Path) else read_table(self.source)


def jobs(entries: Iterable[Entry], fraud: Path | None, only: Sequence[str]) -> list[Job]:
    """Return what there is to run, the largest files first, so that none is left alone at the end.

    Raises:
        StudyError: ``only`` names a set that is not there.
    """
    all_jobs = []
    sources: list[tuple[str, Entry | Path]] = [(entry.name, entry) for entry in entries]
    if fraud is not None:
        sources.append((FRAUD, fraud))
    for name, source in sources:
        all_jobs.append(Job(name, source))
        if known(name).skew:
            all_jobs.append(Job(f"{name}+skew", source, skewed=True))
    names = sorted(job.name for job in all_jobs)
    for name in only:
        if name not in names:
            raise StudyError(f"{name}: there is no such set; there are {', '.join(names) or 'none'}")
    chosen = [job for job in all_jobs if not only or job.name in only]
    return sorted(chosen, key=lambda job: (-job.path.stat().st_size, job.name))


def run(todo: Sequence[Job], settings: Settings, folder: Path, processes: int, progress: Progress) -> None:
    """Run all sets that have not been run with the same data, settings and code; writes each when it is done.

    Args:
        todo: What to run.
        settings: The constants of the run.
        folder: Where the results go, one file a set.
        processes: How many to run at a time.
        progress: Called with the name of a set and what is done with it; at last with DONE or KEPT.

    Raises:
        DataError: a set cannot be read.
    """
    folder.mkdir(parents=True, exist_ok=True)
    keys = {job.name: _key(job, settings) for job in todo}
    open_jobs = []
    for job in todo:
        if _read(folder, job.name).get("key") == keys[job.name]:
            progress(job.name, KEPT)
        else:
            open_jobs.append(job)
    if processes <= 1 or len(open_jobs) <= 1:
        for job in open_jobs:
            _write(folder, keys[job.name], _work(job, settings, functools.partial(progress, job.name)))
            progress(job.name, DONE)
        return
    # One thread a process: the processes are what runs in parallel.
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(name, "1")
    # Spawned, because threads of a numerical library do not survive a fork.
    with Manager() as manager, ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        said = manager.Queue()
        waiting: dict[Future[Result], Job] = {
            pool.submit(_work_aside, job, settings, said): job for job in open_jobs
        }
        try:
            while waiting:
                finished, _ = wait(waiting, timeout=_POLL_SECONDS)
                while not said.empty():
                    progress(*said.get())
                for future in finished:
                    job = waiting.pop(future)
                    _write(folder, keys[job.name], future.result())
                    progress(job.name, DONE)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _work_aside(job: Job, settings: Settings, said: Any) -> Result:
    return _work(job, settings, lambda text: said.put((job.name, text)))


def _work(job: Job, settings: Settings, progress: Callable[[str], None]) -> Result:
    progress("reading")
    return run_dataset(job.read(), settings, progress, skewed=job.skewed)


def read_results(folder: Path) -> list[Result]:
    """Return all results that are there, by name."""
    results = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json"))]
    return sorted(results, key=lambda result: str(result["name"]))


def _read(folder: Path, name: str) -> Result:
    try:
        result: Result = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return result


def _write(folder: Path, key: str, result: Result) -> None:
    part = folder / f"{result['name']}.part"
    part.write_text(json.dumps({"key": key, **result}) + "\n", encoding="utf-8")
    part.replace(folder / f"{result['name']}.json")


def _key(job: Job, settings: Settings) -> str:
    """Return a hash of all that the result depends on."""
    facts = (job.name, file_digest(job.path), dataclasses.astuple(settings), _code())
    return hashlib.sha256(repr(facts).encode()).hexdigest()[:16]


@functools.cache
def _code() -> str:
    """Return a hash of the code that makes results: readers, engine, rewards, the operator's decisions."""
    here = Path(__file__).parent
    files = [*(here / "data").glob("*.py"), *(here / "engine").glob("*.py")]
    for module in (bandit_operator.core, bandit_serving.rewards):
        files += Path(str(module.__file__)).parent.rglob("*.py")
    files.append(Path(str(bandit_operator.simulation.operation.__file__)))
    return hashlib.sha256(b"".join(path.read_bytes() for path in sorted(files))).hexdigest()
