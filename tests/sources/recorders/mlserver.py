"""Record MLServer, the server of Seldon Core 2: an environment with ``mlserver`` and ``uvloop<0.22``."""

from __future__ import annotations

import json
from importlib.metadata import version

from tests.sources.recorders.common import record_server

MODEL = """\
import asyncio
import numpy
from mlserver import MLModel
from mlserver.codecs import decode_args

class Income(MLModel):
    async def load(self) -> bool:
        return True

    @decode_args
    async def predict(self, age: numpy.ndarray) -> numpy.ndarray:
        if age[0] < 0:
            raise RuntimeError("negative")
        await asyncio.sleep(0.4 if age[0] == 60 else 0)
        return (age > 40).astype(int)
"""
SETTINGS = {"host": "127.0.0.1", "http_port": 19611, "grpc_port": 19612, "metrics_port": 19613}
MODELS = "http://127.0.0.1:19611/v2/models/income"

if __name__ == "__main__":
    record_server(
        f"MLServer {version('mlserver')}",
        ["mlserver", "start", "."],
        {
            "model.py": MODEL,
            "model-settings.json": json.dumps({"name": "income", "implementation": "model.Income"}),
            "settings.json": json.dumps(SETTINGS),
        },
        {
            "ready": f"{MODELS}/ready",
            "predict": f"{MODELS}/infer",
            "metrics": "http://127.0.0.1:19613/metrics",
        },
        lambda age: {"inputs": [{"name": "age", "shape": [1], "datatype": "FP64", "data": [age]}]},
        r"model_infer_request_(success_total|failure_total|duration_(count|sum))\{.*"
        r"|rest_server_(requests_total|request_duration_seconds_(count|sum))\{.*"
        r'|rest_server_request_duration_seconds_bucket\{.*le="(0.1|0.25|0.5|\+Inf)".*',
    )
