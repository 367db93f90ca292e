"""Record BentoML: an environment with ``bentoml``."""

from __future__ import annotations

from importlib.metadata import version

from tests.sources.recorders.common import record_server

SERVICE = """\
import time
import bentoml

@bentoml.service(metrics={"duration": {"buckets": [0.1, 0.3, 1.0]}})
class Income:
    @bentoml.api
    def predict(self, age: float) -> int:
        if age < 0:
            raise RuntimeError("negative")
        time.sleep(0.4 if age == 60 else 0)
        return int(age > 40)
"""
ADDRESS = "http://127.0.0.1:19601"

if __name__ == "__main__":
    record_server(
        f"BentoML {version('bentoml')}",
        ["bentoml", "serve", "service:Income", "--host", "127.0.0.1", "--port", "19601"],
        {"service.py": SERVICE},
        {"ready": f"{ADDRESS}/readyz", "predict": f"{ADDRESS}/predict", "metrics": f"{ADDRESS}/metrics"},
        lambda age: {"age": age},
        r"bentoml_service_request_(total|in_progress|duration_seconds_(bucket|count|sum))\{.*",
    )
