"""What the operator makes of the addresses that it is started with."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from bandit_operator.cli.run import run
from bandit_operator.runtime.settings import access_to


def test_the_installed_address_may_have_a_path_and_others_are_written_out() -> None:
    access = access_to("https://prometheus.example.com/tenant", ["http://mimir:8080"], None)
    assert access.refusal("https://prometheus.example.com/tenant") is None
    assert access.refusal("http://mimir:8080/prometheus") is None


@pytest.mark.parametrize("entry", ["mimir:8080", "http://mimir", "http://mimir:8080/", "http://["])
def test_an_operator_with_an_address_that_is_none_does_not_start(entry: str) -> None:
    done = CliRunner().invoke(run, ["--prometheus-allowed-addresses", entry])
    assert done.exit_code == 2
    assert f"{entry!r} is not an address of Prometheus" in done.output


def test_headers_come_as_an_object_and_a_token_not_with_a_password() -> None:
    access = access_to("http://mimir:8080", [], None, "/secret", '{"X-Scope-OrgID": "models"}')
    assert dict(access.further) == {"X-Scope-OrgID": "models"}
    for options in (
        ("--prometheus-headers", '["secret"]'),
        ("--prometheus-headers", "secret"),
        ("--prometheus-headers", '{"Host": "secret"}'),
        ("--prometheus-token-file", "/token", "--prometheus-basic-auth-dir", "/secret"),
    ):
        done = CliRunner().invoke(run, list(options))
        assert done.exit_code == 2
        assert "secret" not in done.output


def test_an_operator_whose_list_of_webhooks_cannot_be_used_does_not_start(tmp_path: Path) -> None:
    file = tmp_path / "webhooks.yaml"
    for text, says in (
        (None, "cannot be read: No such file or directory"),
        ("- {url: http://secret.example.com}", "webhook 1: the url must be https"),
    ):
        if text is not None:
            file.write_text(text)
        done = CliRunner().invoke(run, ["--notify-config", str(file)])
        assert done.exit_code == 2
        assert says in " ".join(done.output.split())
        assert "secret" not in done.output
