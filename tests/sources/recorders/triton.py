"""Record NVIDIA Triton, on a processor: an environment with ``nvidia-pytriton``, which carries the server."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path

from tests.sources.recorders.common import record_server

VERSION = "2.51.0"
"""What the server of nvidia-pytriton 0.7.0 says of itself."""
CONFIGURATION = """\
backend: "python"
input [{ name: "age" data_type: TYPE_FP64 dims: [1] }]
output [{ name: "predict" data_type: TYPE_INT64 dims: [1] }]
instance_group [{ kind: KIND_CPU }]
"""
MODEL = """\
import triton_python_backend_utils as utils

class TritonPythonModel:
    def execute(self, requests):
        ages = [utils.get_input_tensor_by_name(one, "age").as_numpy() for one in requests]
        if any(age[0] < 0 for age in ages):
            raise RuntimeError("negative")
        answers = [utils.Tensor("predict", (age > 40).astype("int64")) for age in ages]
        return [utils.InferenceResponse([answer]) for answer in answers]
"""
START = """\
mkdir backends && cp -r "$1"/tritonserver/backends/python backends/
cp "$1"/tritonserver/python_backend_stubs/$2/triton_python_backend_stub backends/python/
export LD_LIBRARY_PATH="$1"/../nvidia_pytriton.libs PATH=$3:$PATH
exec "$1"/tritonserver/bin/tritonserver --model-repository=models --backend-directory=backends \\
  --http-address=127.0.0.1 --http-port=19641 --allow-grpc=false \\
  --metrics-address=127.0.0.1 --metrics-port=19643
"""
ADDRESS = "http://127.0.0.1:19641/v2"

if __name__ == "__main__":
    found = find_spec("pytriton")
    assert found is not None, "install nvidia-pytriton"
    assert found.origin is not None, "install nvidia-pytriton"
    package, python = str(Path(found.origin).parent), "{}.{}".format(*sys.version_info)
    record_server(
        f"Triton {VERSION}",
        ["/bin/sh", "-c", START, "sh", package, python, str(Path(sys.executable).parent)],
        {"models/income/config.pbtxt": CONFIGURATION, "models/income/1/model.py": MODEL},
        {
            "ready": f"{ADDRESS}/health/ready",
            "predict": f"{ADDRESS}/models/income/infer",
            "metrics": "http://127.0.0.1:19643/metrics",
        },
        lambda age: {"inputs": [{"name": "age", "shape": [1], "datatype": "FP64", "data": [age]}]},
        r"nv_inference_(request_(success|failure|duration_us)|count|exec_count)\{.*",
    )
