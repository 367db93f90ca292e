"""The sample arm as a server."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp
import httpx
import numpy as np
import pytest

from bandit_serving.arm.app import ArmApp
from bandit_serving.arm.model import Model
from bandit_serving.predictions import PredictionEvents
from bandit_serving.server import Readiness

ROW = {"name": "features", "shape": [1, 3], "datatype": "FP64", "data": [60, 50, 50]}


def infer(arm: Any, body: Any, path: str = "/v2/models/income/infer", **options: Any) -> httpx.Response:
    return httpx.post(arm.url + path, json=body, **options)


@pytest.mark.slow
def test_it_tells_that_it_lives_and_is_ready(arm: Any) -> None:
    assert arm.get("/v2/health/live") == {"live": True}
    assert arm.get("/v2/health/ready") == {"ready": True}
    assert arm.get("/v2/models/income/ready") == {"name": "income", "ready": True}
    assert arm.get("/v2/models/income/versions/1/ready") == {"name": "income", "ready": True}


def test_it_tells_what_it_is(arm: Any) -> None:
    server = arm.get("/v2")
    assert server["name"] == "bandit-serving"
    assert server["extensions"] == []
    model = arm.get("/v2/models/income")
    assert model == arm.get("/v2/models/income/versions/1")
    assert (model["name"], model["versions"], model["platform"]) == ("income", ["1"], "sklearn")


def test_a_path_with_a_slash_at_its_end_is_answered_as_the_one_without(arm: Any) -> None:
    assert infer(arm, {"inputs": [ROW]}, "/v2/models/income/infer/").status_code == 200
    assert arm.get("/v2/") == arm.get("/v2")
    assert arm.get("/v2/models/income/") == arm.get("/v2/models/income")
    answers = [httpx.get(arm.url + path) for path in ("/v2/health/live/", "/metrics/")]
    assert [answer.status_code for answer in answers] == [200, 200]


def test_no_series_of_its_metrics_tells_when_another_one_was_created(arm: Any) -> None:
    infer(arm, {"inputs": [ROW]})
    metrics = arm.metrics()
    assert any(name.startswith("model_requests_total") for name in metrics)
    assert [name for name in metrics if "_created" in name] == []


@pytest.mark.parametrize("path", ["/v2/models/income/infer", "/v2/models/income/versions/1/infer"])
def test_it_predicts_and_echoes_the_id(arm: Any, path: str) -> None:
    answer = infer(arm, {"id": "mine", "inputs": [ROW]}, path)
    assert answer.status_code == 200
    assert answer.json() == {
        "model_name": "income",
        "model_version": "1",
        "id": "mine",
        "parameters": {"arm": "logistic"},
        "outputs": [{"name": "predict", "shape": [1], "datatype": "INT64", "data": [1]}],
    }


@pytest.mark.parametrize(
    ("method", "path", "status", "message"),
    [
        ("POST", "/v2/models/outcome/infer", 404, "no model 'outcome' here; this server has 'income'"),
        ("GET", "/v2/models/outcome", 404, "no model 'outcome' here"),
        ("GET", "/v2/models/income/versions/2", 404, "no version '2'; it has '1'"),
        ("GET", "/v2/models/income/infer", 405, "does not take GET"),
        ("GET", "/v1/models", 404, "the paths are those of the Open Inference Protocol v2"),
    ],
)
def test_a_wrong_address_is_told_the_right_one(
    arm: Any, method: str, path: str, status: int, message: str
) -> None:
    answer = httpx.request(method, arm.url + path)
    assert answer.status_code == status
    assert message in answer.json()["error"]
    assert ("Allow" in answer.headers) == (status == 405)


def test_a_body_may_begin_with_the_mark_that_windows_writes(arm: Any) -> None:
    body = b"\xef\xbb\xbf" + json.dumps({"inputs": [ROW]}).encode()
    assert httpx.post(arm.url + "/v2/models/income/infer", content=body).status_code == 200


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the body is empty; send JSON"),
        (b"{", "the body is not JSON"),
        (b"\xff", "the body is not JSON: it is no text in UTF-8; send it as UTF-8"),
        (b'{"inputs": [NaN]}', "the body holds NaN, which is not JSON"),
        (b"[" * 100_000, "it is nested too deep"),
    ],
    ids=["empty", "cut off", "not UTF-8", "NaN", "nested too deep"],
)
def test_a_body_that_is_no_json_is_refused(arm: Any, content: bytes, message: str) -> None:
    answer = httpx.post(arm.url + "/v2/models/income/infer", content=content)
    assert answer.status_code == 400
    assert message in answer.json()["error"]


def test_a_body_that_is_too_long_is_refused(arm: Any) -> None:
    answer = httpx.post(arm.url + "/v2/models/income/infer", content=b" " * 5_000_000)
    assert answer.status_code == 413


def test_binary_tensor_data_are_refused_with_the_way_to_send_json(arm: Any) -> None:
    answer = infer(arm, {"inputs": [ROW]}, headers={"Inference-Header-Content-Length": "10"})
    assert answer.status_code == 400
    assert "binary_data=False" in answer.json()["error"]


def test_requests_latencies_and_predictions_are_counted(arm: Any) -> None:
    before = arm.metrics()
    two_rows = {**ROW, "shape": [2, 3], "data": [60, 50, 50, 40, 50, 50]}
    assert infer(arm, {"inputs": [two_rows]}).status_code == 200
    assert infer(arm, {"inputs": []}).status_code == 400
    after = arm.metrics()

    def increase(name: str) -> float:
        return float(after[name] - before.get(name, 0))

    assert increase('model_requests_total{arm="logistic",code="200",model="income"}') == 1
    assert increase('model_requests_total{arm="logistic",code="400",model="income"}') == 1
    assert increase('model_request_duration_seconds_count{arm="logistic",model="income"}') == 2
    for name in ("0", "1"):
        assert increase(f'model_predictions_total{{arm="logistic",class="{name}",model="income"}}') == 1


class _Unsure:
    """An estimator whose probabilities are none for rows beyond 0."""

    def predict(self, rows: np.ndarray) -> np.ndarray:
        return np.ones(len(rows), dtype=int)

    def predict_proba(self, rows: np.ndarray) -> np.ndarray:
        return np.where(rows[:, :1] > 0, np.nan, 0.5) * np.ones(2)


async def test_a_request_whose_answer_cannot_be_sent_is_no_prediction_and_says_why() -> None:
    events = PredictionEvents("http://127.0.0.1:9", route="income", arm="a")
    app = ArmApp(
        Model(_Unsure(), ["age"]),
        name="income",
        version="1",
        arm="a",
        readiness=Readiness(),
        events=events,
    )
    tensor = {"name": "age", "shape": [1], "datatype": "FP64", "data": [1]}
    transport = httpx.ASGITransport(app.app)
    async with aiohttp.ClientSession() as session, httpx.AsyncClient(transport=transport) as client:
        sender = events.open(session)
        for output, status in (("predict_proba", 500), ("predict", 200)):
            answer = await client.post(
                "http://arm/v2/models/income/infer",
                json={"inputs": [tensor], "outputs": [{"name": output}]},
            )
            assert answer.status_code == status
            if status == 500:
                assert "the model's answer is no JSON" in answer.json()["error"]
        assert sender.pending == 1
        metrics = (await client.get("http://arm/metrics")).text
    assert 'model_predictions_total{arm="a",class="1",model="income"} 1.0' in metrics
    assert 'model_requests_total{arm="a",code="500",model="income"} 1.0' in metrics


@pytest.mark.slow
def test_a_shadow_call_is_answered_and_counted_as_nothing_but_a_shadow_call(
    start: Callable[..., Any], model_file: Path, tmp_path: Path
) -> None:
    collector = start("collector", "--database", str(tmp_path / "rewards.db"), "--drain-delay", "0s")
    arm = start(
        *("arm", "--model", str(model_file), "--name", "income", "--arm", "logistic"),
        *("--collector", collector.url, "--drain-delay", "0s"),
    )
    shadow = {"X-Bandit-Shadow": "true"}
    answers = [infer(arm, {"id": "mine", "inputs": [ROW]}, headers=headers) for headers in (shadow, None)]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].json() == answers[1].json()
    assert infer(arm, {"inputs": []}, headers=shadow).status_code == 400
    metrics = arm.metrics()
    assert metrics['model_requests_total{arm="logistic",code="200",model="income"}'] == 1
    assert not any(name.startswith("model_requests_total") and "400" in name for name in metrics)
    assert metrics['model_request_duration_seconds_count{arm="logistic",model="income"}'] == 1
    assert metrics['model_predictions_total{arm="logistic",class="1",model="income"}'] == 1
    for code in ("200", "400"):
        assert metrics[f'model_shadow_requests_total{{arm="logistic",code="{code}",model="income"}}'] == 1
    assert arm.terminate() == 0
    route = collector.get("/v1/summary")["routes"]["income"]
    assert (route["arms"]["logistic"]["predictions"], "shadows" in route) == (1, False)
