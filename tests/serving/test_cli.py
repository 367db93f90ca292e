"""The command line: help, environment variables, and settings that cannot be used."""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from bandit_serving.cli import VERBS, main
from tests.serving.conftest import until

COMMAND = ["collector", "--database", "db"]
ARM = ["arm", "--model", "m", "--name", "m", "--arm", "a"]
REPLAY = ["replay", "--data", "x", "--url", "http://x/v2/models/m/infer"]
SHADOW = ["shadow", "--route", "r", "--collector", "http://c", "--arm", "a=http://a"]


@pytest.mark.parametrize("verb", [verb.name for verb in VERBS])
def test_help_shows_an_example_and_explains_every_option(verb: str) -> None:
    result = CliRunner().invoke(main, [verb, "--help"])
    assert result.exit_code == 0
    assert f"Example: bandit-serving {verb}" in result.output
    (command,) = (found for found in VERBS if found.name == verb)
    assert all(option.help for option in command.params)


@pytest.mark.parametrize("arguments", [[], ["replay"]])
def test_a_disk_that_is_full_is_told_in_one_line(arguments: list[str]) -> None:
    with Path("/dev/full").open("w") as full:
        command = [sys.executable, "-m", "bandit_serving", *arguments, "--help"]
        found = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert found.returncode == 1
    assert found.stderr == "Error: standard output cannot be written: No space left on device\n"


def test_options_come_from_the_environment_too() -> None:
    environment = {"BANDIT_SERVING_COLLECTOR_REWARD": "speed"}
    result = CliRunner().invoke(main, COMMAND, env=environment)
    assert result.exit_code == 2
    assert "'speed' is not one of 'accuracy'" in result.output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([*COMMAND, "--reward-settings", "{"], "--reward-settings '{': not a JSON object"),
        ([*COMMAND, "--routes", "none.yaml"], "--routes none.yaml: cannot be read"),
        ([*COMMAND, "--expire-after", "soon"], "'soon' is not a duration such as 500ms"),
        ([*COMMAND, "--expire-after", "0s"], "'0s' is no time at all; give more than 0"),
        ([*COMMAND, "--body-timeout", "0"], "'0' is no time at all"),
        ([*SHADOW, "--deadline", "0ms"], "'0ms' is no time at all"),
        ([*SHADOW, "--body-timeout", "0s"], "'0s' is no time at all"),
        ([*REPLAY, "--timeout", "0s"], "'0s' is no time at all"),
        ([*REPLAY, "--duration", "0s"], "'0s' is no time at all"),
        ([*COMMAND, "--port", "99999"], "'--port': 99999 is not in the range 0<=x<=65535"),
        ([*COMMAND, "--metrics-port", "65536"], "'--metrics-port': 65536 is not in the range"),
        ([*ARM, "--port", "70000"], "'--port': 70000 is not in the range"),
        ([*SHADOW, "--port", "-1"], "'--port': -1 is not in the range"),
        ([*SHADOW, "--metrics-port", "99999"], "'--metrics-port': 99999 is not in the range"),
        ([*ARM, "--collector", "rewards:8081"], "'--collector': 'rewards:8081' is not a URL, e.g. http://"),
        ([*ARM, "--shadow", "shadow"], "'--shadow': 'shadow' is not a URL"),
        ([*SHADOW, "--collector", "foo"], "'--collector': 'foo' is not a URL"),
        ([*SHADOW, "--collector", "http://foo:99999"], "'http://foo:99999' is not a URL"),
        ([*REPLAY, "--labels", "rewards:8081"], "'--labels': 'rewards:8081' is not a URL"),
        (["replay", "--data", "x", "--url", "m/infer"], "'--url': 'm/infer' is not a URL"),
        (["delay", "--from", "rewards:8082/metrics"], "'--from': 'rewards:8082/metrics' is not a URL"),
        (
            ["arm", "--model", "none.joblib", "--name", "m", "--arm", "a"],
            "--model none.joblib: there is no such file",
        ),
        (
            [*ARM, "--skew", "age"],
            "'age' is not NAME=NUMBER",
        ),
        (
            ["replay", "--data", "none.csv", "--url", "http://x/v2/models/m/infer"],
            "--data none.csv: cannot be used",
        ),
        (
            ["replay", "--data", "none.npz", "--url", "http://x/v2/models/m/infer"],
            "--data none.npz: cannot be used: No such file or directory; name another",
        ),
        (["replay", "--data", "none.csv", "--url", "http://x"], "does not end in /v2/models/NAME/infer"),
        (
            [*REPLAY, "--delay", "often:1s"],
            "--delay 'often:1s' is no delay",
        ),
        ([*SHADOW, "--arm", "b=b:8080"], "'b=b:8080' is not NAME=URL, e.g. boosting=http://boosting:8080"),
        ([*SHADOW, "--arm", "b/c=http://b"], "'b/c=http://b' is not NAME=URL"),
        ([*SHADOW, "--arm", "a=http://b"], "--arm: 2 are given; give each name once, and at most 20"),
        ([*SHADOW, "--share", "0"], "0.0 is not in the range 0<x<=1"),
        ([*SHADOW, "--protocol", "json"], "--protocol json: needs --prediction, e.g."),
        ([*SHADOW, "--prediction", "a"], "--prediction: paths are for --protocol json"),
        ([*SHADOW, "--protocol", "json", "--outputs", "a"], "--outputs a: is for --protocol v2"),
        ([*SHADOW, "--share", "nan"], "'--share': nan is no number in the range 0<x<=1"),
        ([*REPLAY, "--rate", "nan"], "'--rate': nan is no number in the range 0<=x<=100000"),
        ([*REPLAY, "--rate", "inf"], "'--rate': inf is not in the range 0<=x<=100000"),
        ([*ARM, "--skew", "age=nan"], "'age=nan' is not NAME=NUMBER"),
        ([*ARM, "--queue", "-5"], "'--queue': -5 is not in the range x>=1"),
        ([*ARM, "--max-rows", "0"], "'--max-rows': 0 is not in the range x>=1"),
        ([*COMMAND, "--queue", "0"], "'--queue': 0 is not in the range x>=1"),
        ([*COMMAND, "--expire-after", "9" * 400 + "s"], "is longer than any time"),
        ([*COMMAND, "--host", "a..b"], "--host a..b --port 8081: cannot be bound: it is no name of a host"),
        ([*COMMAND, "--host", "nowhere.invalid"], "--host nowhere.invalid --port 8081: cannot be bound: "),
        ([*SHADOW, "--route", ""], "'--route': the name: '' is not a string of 1 to 256 characters"),
        ([*ARM, "--arm", "x" * 257], "is not a string of 1 to 256 characters"),
        ([*ARM, "--name", "a/b"], "'--name': 'a/b' has a slash"),
        ([*SHADOW, "--arm", " =http://b"], "' =http://b' is not NAME=URL"),
        ([*SHADOW, "--arm", "b=http://b?x=1"], "'b=http://b?x=1' is not NAME=URL"),
        ([*SHADOW, "--collector", "http://c?x=1"], "'http://c?x=1' has a query or a fragment; leave them"),
        ([*SHADOW, "--collector", "http://["], "'--collector': 'http://[' is not a URL"),
        ([*SHADOW, "--collector", "http://a..b"], "'--collector': 'http://a..b' is not a URL"),
        ([*SHADOW, "--collector", "http://a b"], "'--collector': 'http://a b' is not a URL"),
        (
            [*SHADOW, "--collector-token-file", "none"],
            "--collector-token-file none: cannot be read: No such file",
        ),
    ],
)
def test_a_setting_that_cannot_be_used_is_told_without_a_traceback(
    arguments: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 2
    assert message in " ".join(result.output.split())


CANNOT_BE_READ: list[tuple[list[str], bytes, str]] = [
    (
        [*COMMAND, "--routes", "file"],
        b"\xff\xfe",
        "--routes file: cannot be read: it is no text in UTF-8; save",
    ),
    (["arm", "--model", "file", "--name", "m", "--arm", "a"], b"", "the file is cut off"),
    (["arm", "--model", "file", "--name", "m", "--arm", "a"], b"a: 1", "no model that joblib.dump wrote"),
    (
        ["replay", "--data", "file", "--url", "http://x/v2/models/m/infer"],
        b"\xff\xfe",
        "--data file: cannot be used: it is no text in UTF-8; save it as UTF-8",
    ),
]


@pytest.mark.parametrize(("arguments", "content", "message"), CANNOT_BE_READ)
def test_a_file_that_cannot_be_read_is_told_in_words(
    arguments: list[str], content: bytes, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("file").write_bytes(content)
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 2
    assert message in " ".join(result.output.split())


@pytest.mark.parametrize(
    ("card", "message"),
    [
        ("", "cannot be read as JSON"),
        ("[]", "needs a JSON object with the list `features`"),
        ("{}", "needs a JSON object with the list `features`"),
        ('{"features": "age"}', "needs a JSON object with the list `features`"),
    ],
)
def test_a_card_that_lists_no_features_is_told_what_it_needs(
    model_file: Path, tmp_path: Path, card: str, message: str
) -> None:
    file = tmp_path / "card.json"
    file.write_text(card)
    arguments = ["arm", "--model", str(model_file), "--card", str(file), "--name", "m", "--arm", "a"]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 2
    assert f"card.json: {message}" in " ".join(result.output.split())


def test_a_status_file_that_cannot_be_written_is_told_before_a_request_is_sent(tmp_path: Path) -> None:
    data = tmp_path / "rows.csv"
    data.write_text("a,target\n1,0\n")
    arguments = ["replay", "--data", str(data), "--url", "http://127.0.0.1:9/v2/models/m/infer"]
    result = CliRunner().invoke(main, [*arguments, "--status-file", str(tmp_path / "none" / "status")])
    assert result.exit_code == 2
    assert "status: cannot be written: No such file or directory" in " ".join(result.output.split())


@pytest.mark.slow
def test_a_replay_through_a_real_arm_counts_every_label(
    start: Callable[..., Any], model_file: Path, tmp_path: Path
) -> None:
    collector = start("collector", "--database", str(tmp_path / "rewards.db"))
    arm = start(
        *("arm", "--model", str(model_file), "--name", "income", "--arm", "logistic"),
        *("--collector", collector.url, "--drain-delay", "0s"),
    )
    data, status = tmp_path / "rows.npz", tmp_path / "status.json"
    values = np.array([[60.0, 50, 50], [40, 50, 50]])
    np.savez(data, features=["age", "hours", "wage"], values=values, labels=[1, 1])
    arguments = ["replay", "--data", str(data), "--url", f"{arm.url}/v2/models/income/infer"]
    arguments += [
        "--labels",
        collector.url,
        "--requests",
        "100",
        "--rate",
        "400",
        "--status-file",
        str(status),
    ]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0, result.output
    final = json.loads(result.stdout)
    assert (final["requests_total"], final["requests_failed"], final["labels_sent"]) == (100, 0, 100)
    assert json.loads(status.read_text()) == {**final, "finished": True}
    assert arm.terminate() == 0
    found = collector.get("/v1/summary")["routes"]["income"]["arms"]["logistic"]
    assert (found["trials"], found["successes"]) == (100, 50.0)


@pytest.mark.slow
def test_a_second_signal_ends_a_replay_whose_labels_cannot_be_delivered(tmp_path: Path) -> None:
    data, status = tmp_path / "rows.csv", tmp_path / "status.json"
    data.write_text("a,target\n1,0\n")

    class Answers(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Stay silent."""

    def seen(name: str) -> Any:
        with contextlib.suppress(OSError):
            return json.loads(status.read_text())[name]

    with HTTPServer(("127.0.0.1", 0), Answers) as gateway:
        threading.Thread(target=gateway.serve_forever, args=(0.01,), daemon=True).start()
        url = f"http://127.0.0.1:{gateway.server_address[1]}/v2/models/m/infer"
        command = [sys.executable, "-m", "bandit_serving", "replay", "--data", str(data), "--url", url]
        command += ["--labels", "http://127.0.0.1:9", "--requests", "3", "--status-file", str(status)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as replay:
            assert replay.stderr is not None
            until(lambda: seen("labels_waiting") == 3)
            replay.send_signal(signal.SIGINT)
            while "a second signal gives up" not in replay.stderr.readline():
                assert replay.poll() is None
            replay.send_signal(signal.SIGINT)
            output, _ = replay.communicate(timeout=60)
        gateway.shutdown()
    assert replay.returncode == 1
    assert json.loads(output)["labels_waiting"] == 3
    assert seen("finished") is True


def test_what_is_not_installed_is_said_with_the_fix_and_no_traceback() -> None:
    without = "import sys; sys.modules['uvicorn'] = None; from bandit_serving.__main__ import main; main()"
    result = subprocess.run([sys.executable, "-c", without], capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert result.stderr.startswith("bandit-serving needs uvicorn, which is not installed; install")
    assert len(result.stderr.splitlines()) == 1


def test_the_entry_point_runs_the_command_line() -> None:
    command = [sys.executable, "-m", "bandit_serving", "delay", "--help"]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "Print how late labels come" in result.stdout
