"""The base images where none can be pulled: Python and what it needs, from Debian's packages."""

from __future__ import annotations

import shutil
from pathlib import Path

from cluster.toolbox.run import run
from cluster.toolbox.store import BuildError

SUITE = "bookworm"
"""Release of Debian whose Python is that of the locks."""
RUNNING = ("python3.11", "libstdc++6", "ca-certificates")
"""What runs: no shell, no package manager. Wheels may take libstdc++ for granted, hence it is there."""
BUILDING = (*RUNNING, "python3.11-venv", "dash", "coreutils")
"""What builds."""
USERS = "root:x:0:0:root:/:/usr/sbin/nologin\\nnonroot:x:65532:65532:nonroot:/:/usr/sbin/nologin\\n"
GROUPS = "root:x:0:\\nnonroot:x:65532:\\n"
HOOKS = (
    # Packages are unpacked and not configured, so what their scripts would do is done here. Scanners find
    # what is installed as in images without a package manager: one file for each package.
    'mkdir -p "$1/var/lib/dpkg/status.d"',
    'for deb in "$1"/var/cache/apt/archives/*.deb; do dpkg-deb --field "$deb" '
    '> "$1/var/lib/dpkg/status.d/$(dpkg-deb --field "$deb" Package)"; done',
    'cat "$1"/usr/share/ca-certificates/mozilla/*.crt > "$1/etc/ssl/certs/ca-certificates.crt"',
    'ln -sf python3.11 "$1/usr/bin/python3"',
    f'printf "{USERS}" > "$1/etc/passwd"; printf "{GROUPS}" > "$1/etc/group"',
    'rm -rf "$1/usr/share/man" "$1/usr/share/locale"',
)


def root_filesystem(packages: tuple[str, ...], architecture: str, time: int, archive: Path) -> None:
    """Write a tar archive with packages of Debian, for any architecture: nothing of them is run.

    Args:
        packages: Their names; what they depend on comes along.
        architecture: Debian's name of it, which is OCI's.
        time: The latest time that a file in it may bear, in seconds since 1970.
        archive: Where it is put.

    Raises:
        BuildError: Where ``mmdebstrap`` is missing or fails.
    """
    if not shutil.which("mmdebstrap"):
        raise BuildError(
            "there is no mmdebstrap (Debian: apt install mmdebstrap), or name a base with --base"
        )
    archive.parent.mkdir(parents=True, exist_ok=True)
    hooks = [f"--extract-hook={hook}" for hook in HOOKS]
    run(
        [
            "mmdebstrap", "--quiet", "--variant=extract", f"--architecture={architecture}",
            f"--include={','.join(packages)}", *hooks, SUITE, archive,
        ],
        env={"SOURCE_DATE_EPOCH": str(time)},
    )  # fmt: skip
