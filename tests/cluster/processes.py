"""What the kernel knows of a cluster's processes and sockets, by /proc."""

from __future__ import annotations

import contextlib
from pathlib import Path

LISTENING = "0A"


def alive(pid: int) -> bool:
    """Tell whether a process runs; one that waits to be collected does not."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rpartition(")")[2].split()[0] not in "ZX"


def descendants(pid: int) -> set[int]:
    """Return a process and all below it."""
    found = {pid}
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            for child in children.read_text().split():
                found |= descendants(int(child))
    return found


def namespaces(pid: int) -> dict[str, str]:
    """Return the namespaces of a process, by kind."""
    return {kind: str(Path(f"/proc/{pid}/ns/{kind}").readlink()) for kind in ("mnt", "net", "uts", "ipc")}


def part(cluster: int, name: str) -> int:
    """Return the process of a part of a cluster, which is below the process ``cluster``."""
    for pid in descendants(cluster):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            program, _, rest = Path(f"/proc/{pid}/cmdline").read_text().partition("\0")
            if program.endswith("/cluster") and rest.partition("\0")[0] == name:
                return pid
    raise AssertionError(f"no part {name} below process {cluster}")


def listening_addresses(pids: set[int]) -> list[str]:
    """Return where these processes listen in the machine's own network, as ``HEX:PORT``."""
    sockets = set()
    for pid in pids:
        for fd in Path(f"/proc/{pid}/fd").glob("*"):
            with contextlib.suppress(FileNotFoundError):
                sockets.add(str(fd.readlink()))
    table = Path("/proc/net/tcp").read_text() + Path("/proc/net/tcp6").read_text()
    rows = [line.split() for line in table.splitlines()]
    return sorted({r[1] for r in rows if r[3] == LISTENING and f"socket:[{r[9]}]" in sockets})
