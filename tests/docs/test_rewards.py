"""What docs/rewards.md shows is what the operator and the collector take."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from bandit_operator.api.reward_counters import FURTHER_COUNTERS
from bandit_operator.api.v1alpha1 import parse, to_experiment
from bandit_operator.core.model import Observed, RewardType
from bandit_operator.sources import source_of
from bandit_operator.sources.counters import Counters
from bandit_serving.cli import VERBS
from bandit_serving.collector.metrics import CounterMetrics
from bandit_serving.predictions import PredictionEvents
from bandit_serving.rewards import REWARDS, load_routes, make_reward
from bandit_serving.server import IN_FLIGHT_SECONDS, Readiness
from bandit_serving.shadow.app import ShadowApp
from bandit_serving.shadow.protocols import OpenInference

PAGE = Path("docs/rewards.md").read_text(encoding="utf-8")
SECTIONS = {part.partition("\n")[0]: part for part in re.split(r"^##+ ", PAGE, flags=re.MULTILINE)[1:]}


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", text, flags=re.DOTALL)


def manifest(reward: Any) -> dict[str, Any]:
    """Return a manifest around a reward, as small as it can be."""
    arms = [{"name": name, "backendRef": {"name": name}} for name in ("one", "other")]
    spec = {"traffic": {"routeRef": {"name": "route"}}, "baseline": "one", "arms": arms, "reward": reward}
    return {"metadata": {"name": "example"}, "spec": spec}


REWARD_SECTIONS = {name: text for name, text in SECTIONS.items() if "\nreward:\n" in text}
COMMANDS = [line for block in blocks(PAGE, "sh") for line in block.strip().splitlines()]


def test_there_are_at_least_five_examples() -> None:
    assert len(REWARD_SECTIONS) >= 5


@pytest.mark.parametrize("name", REWARD_SECTIONS)
def test_the_operator_takes_the_manifest(name: str) -> None:
    (block,) = blocks(REWARD_SECTIONS[name], "yaml")
    to_experiment(parse(manifest(yaml.safe_load(block)["reward"])))


@pytest.mark.parametrize("name", REWARD_SECTIONS)
def test_the_counters_of_the_manifest_are_the_metric_lines_above_it(name: str) -> None:
    (block,), (lines,) = (blocks(REWARD_SECTIONS[name], language) for language in ("yaml", "text"))
    series = [sample for family in text_string_to_metric_families(lines) for sample in family.samples]
    assert series
    prometheus = yaml.safe_load(block)["reward"]["prometheus"]
    counters = ("successes", "trials", *(one.field for one in FURTHER_COUNTERS))
    for selector in (prometheus[part] for part in counters if part in prometheus):
        metric, labels = re.fullmatch(r"(\w+)\{(.*)\}", selector).groups()
        wanted = dict(re.findall(r'(\w+)="([^"]*)"', labels))
        found = [one for one in series if one.name == metric and wanted.items() <= one.labels.items()]
        assert found, selector
        assert all("arm" in one.labels for one in found)


@pytest.mark.parametrize("name", REWARD_SECTIONS)
def test_the_numbers_of_the_metric_lines_are_rewards_that_there_can_be(name: str) -> None:
    (block,), (lines,) = (blocks(REWARD_SECTIONS[name], language) for language in ("yaml", "text"))
    reward = yaml.safe_load(block)["reward"]
    shown = {
        sample.name: sample.value
        for family in text_string_to_metric_families(lines)
        for sample in family.samples
    }
    resource = parse(manifest(reward))
    source = source_of(resource)
    if isinstance(source, Counters):
        values = {
            one.part: {"one": shown[one.selector.partition("{")[0]]} for one in source.counters(resource)
        }
        assert isinstance(source.readings(resource, values)["one"], Observed)


def test_every_type_of_reward_has_an_example() -> None:
    shown = {
        yaml.safe_load(blocks(text, "yaml")[0])["reward"].get("type", "Bernoulli")
        for text in REWARD_SECTIONS.values()
    }
    assert shown == {str(one) for one in RewardType}


def test_metric_lines_of_the_collector_have_names_that_it_exposes() -> None:
    families = CounterMetrics(dict, lambda: 0).collect()
    exposed = {f"{family.name}_total" for family in families}
    shown = set(re.findall(r"model_reward_\w+_total", PAGE))
    assert shown <= exposed


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_one_that_the_command_line_takes(command: str) -> None:
    program, verb, *arguments = shlex.split(command)
    assert program == "bandit-serving"
    (found,) = (one for one in VERBS if one.name == verb)
    values = found.make_context(verb, arguments).params
    if "reward" in values:
        make_reward(values["reward"], values["reward_settings"])


def test_the_collector_takes_the_file_of_routes(tmp_path: Path) -> None:
    (block,) = (one for one in blocks(PAGE, "yaml") if one.startswith("income: {reward"))
    path = tmp_path / "routes.yaml"
    path.write_text(block)
    assert sorted(load_routes(path)) == ["income", "prices", "shop"]


def test_the_deployment_of_the_shadow_server_fits_its_command_line_and_its_service() -> None:
    deployment, service = (
        next(one for one in map(yaml.safe_load, blocks(PAGE, "yaml")) if one.get("kind") == kind)
        for kind in ("Deployment", "Service")
    )
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    verb, *arguments = container["args"]
    (found,) = (one for one in VERBS if one.name == verb)
    values = found.make_context(verb, arguments).params
    ports = {one["name"]: one["containerPort"] for one in container["ports"]}
    assert ports == {"copies": values["port"], "metrics": values["metrics_port"]}
    assert {one["name"]: one["port"] for one in service["spec"]["ports"]} == ports
    assert service["spec"]["selector"] == deployment["spec"]["template"]["metadata"]["labels"]
    grace = deployment["spec"]["template"]["spec"]["terminationGracePeriodSeconds"]
    assert grace > values["drain_delay"] + 2 * values["flush_timeout"] + IN_FLIGHT_SECONDS


async def test_every_metric_of_the_shadow_server_is_on_the_page_and_none_that_it_lacks() -> None:
    events = PredictionEvents("http://rewards", route="income", arm="a")
    app = ShadowApp({"a": "http://a"}, [events], OpenInference(), Readiness())
    transport = httpx.ASGITransport(app.metrics_app)
    async with httpx.AsyncClient(transport=transport, base_url="http://shadow") as client:
        text = (await client.get("/metrics")).text
    exposed = re.findall(r"^# TYPE (shadow_\w+) ", text, flags=re.MULTILINE)
    shown = set(re.findall(r"`(shadow_\w+)`", PAGE))
    assert shown == set(exposed)


def test_every_reward_function_is_in_the_table_with_its_type() -> None:
    rows = re.findall(r"^\| `([a-z-]+)` \| .* \| (\w+) \|$", PAGE, flags=re.MULTILINE)
    assert dict(rows) == {name: str(kind.type) for name, kind in REWARDS.items()}


def test_every_other_block_can_be_parsed() -> None:
    for block in blocks(PAGE, "yaml"):
        assert yaml.safe_load(block)
    for block in blocks(PAGE, "json"):
        for line in block.strip().splitlines():
            assert json.loads(line)
    for block in blocks(PAGE, "python"):
        compile(block, "docs/rewards.md", "exec")
