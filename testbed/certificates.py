"""Certificates that are valid for a day, made by the ``openssl`` program."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

_NEW = ("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")


@dataclass(frozen=True)
class Certificate:
    """A certificate and its private key, as PEM files."""

    file: Path
    key: Path


def _files(folder: Path, name: str) -> Certificate:
    return Certificate(folder / f"{name}.pem", folder / f"{name}.key")


def authority(folder: Path, name: str) -> Certificate:
    """Make a certificate authority."""
    made = _files(folder, name)
    output = ("-keyout", made.key, "-out", made.file)
    _openssl(*_NEW, "-x509", "-days", "1", "-subj", f"/CN={name}", *output)
    return made


def issued(by: Certificate, folder: Path, name: str, *hosts: str) -> Certificate:
    """Make a server's certificate; ``hosts`` are such as "IP:127.0.0.1" and "DNS:example.org"."""
    made, request, extensions = _files(folder, name), folder / f"{name}.csr", folder / f"{name}.ext"
    extensions.write_text(f"subjectAltName={','.join(hosts)}\n")
    _openssl(*_NEW, "-subj", f"/CN={name}", "-keyout", made.key, "-out", request)
    sign = ("x509", "-req", "-in", request, "-CA", by.file, "-CAkey", by.key, "-days", "1")
    serial = ("-CAcreateserial", "-CAserial", folder / f"{name}.srl")
    _openssl(*sign, *serial, "-extfile", extensions, "-out", made.file)
    return made


def _openssl(*words: str | Path) -> None:
    subprocess.run(["openssl", *words], check=True)
