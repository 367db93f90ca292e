"""Record KServe's Python model server: an environment with ``kserve``."""

from __future__ import annotations

from importlib.metadata import version

from tests.sources.recorders.common import record_server

MODEL = """\
import time
import kserve

class Income(kserve.Model):
    def __init__(self):
        super().__init__("income")
        self.ready = True

    def predict(self, payload, headers=None):
        age = payload["instances"][0]
        if age < 0:
            raise RuntimeError("negative")
        time.sleep(0.4 if age == 60 else 0)
        return {"predictions": [int(age > 40)]}

kserve.ModelServer(http_port=19621, enable_grpc=False).start([Income()])
"""
ADDRESS = "http://127.0.0.1:19621"

if __name__ == "__main__":
    record_server(
        f"KServe {version('kserve')}",
        ["python", "model.py"],
        {"model.py": MODEL},
        {
            "ready": f"{ADDRESS}/v2/health/ready",
            "predict": f"{ADDRESS}/v1/models/income:predict",
            "metrics": f"{ADDRESS}/metrics",
        },
        lambda age: {"instances": [age]},
        r"request_(preprocess|predict|postprocess)_seconds_(count|sum)\{.*",
    )
