"""docs/install.md sets up on kind what docs/own-models.md and README.md go on from."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import yaml

CHART = Path("charts/bandit-operator")
README, INSTALL, OWN_MODELS = (
    Path(page).read_text(encoding="utf-8") for page in ("README.md", "docs/install.md", "docs/own-models.md")
)
NUMBERS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


def commands(text: str) -> list[list[str]]:
    """Return the words of each command of the first block of a text."""
    (block, *_) = re.findall(r"```sh\n(.*?)```", text, flags=re.DOTALL)
    return [shlex.split(line) for line in block.replace("\\\n", " ").strip().splitlines()]


def settings(words: list[str]) -> dict[str, str]:
    """Return what a command of helm sets."""
    given = [words[at + 1] for at, word in enumerate(words) if word == "--set"]
    return dict(one.split("=", 1) for values in given for one in values.split(","))


def namespace(words: list[str]) -> str:
    return words[words.index("--namespace") + 1]


ON_KIND = commands(INSTALL.partition("## On kind")[2])
FIRST = commands(OWN_MODELS)[0]


def installed(chart: str) -> list[str]:
    """Return the command that installs a chart on kind."""
    (words,) = (words for words in ON_KIND if words[:2] == ["helm", "install"] and words[3].endswith(chart))
    return words


def test_the_gateway_on_kind_is_the_one_that_the_route_of_own_models_names() -> None:
    (block,) = re.findall(r"```yaml\n(# route.yaml\n.*?)```", OWN_MODELS, flags=re.DOTALL)
    traefik = installed("traefik")
    made = {"name": settings(traefik)["gateway.name"], "namespace": namespace(traefik)}
    assert yaml.safe_load(block)["spec"]["parentRefs"] == [made]
    assert "`{name}` in the namespace `{namespace}`".format(**made) in OWN_MODELS


def test_prometheus_on_kind_has_the_address_that_both_pages_give_the_operator() -> None:
    prometheus = installed("prometheus")
    told = settings(prometheus)
    service, port = (told[f"server.{name}"] for name in ("fullnameOverride", "service.servicePort"))
    address = f"http://{service}.{namespace(prometheus)}:{port}"
    for words in (installed("charts/bandit-operator"), FIRST):
        assert settings(words)["prometheus.address"] == address


def test_own_models_begins_where_kind_ends() -> None:
    before = installed("charts/bandit-operator")
    assert FIRST[:3] == ["helm", "upgrade", "--install"], "the release is there already"
    assert "--reset-then-reuse-values" in FIRST
    assert (before[2], namespace(before)) == (FIRST[3], namespace(FIRST))


@pytest.mark.parametrize(("part", "page"), [("", "install"), ("collector", "own-models")])
def test_every_image_of_own_models_is_loaded_into_kind(part: str, page: str) -> None:
    values = yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8"))
    name = (values[part] if part else values)["image"]["repository"]
    version = yaml.safe_load((CHART / "Chart.yaml").read_text(encoding="utf-8"))["appVersion"]
    command = f"kind load image-archive build/images/{name}-{version}-amd64.tar"
    assert command in Path(f"docs/{page}.md").read_text(encoding="utf-8")


def test_the_pages_count_the_commands_for_kind() -> None:
    number = NUMBERS[len(ON_KIND) - 1]
    assert f"in {number} commands" in INSTALL
    assert f"on kind in {number} commands" in README
    assert f"[{number.capitalize()} commands](install.md#on-kind)" in OWN_MODELS
