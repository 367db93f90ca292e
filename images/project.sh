#!/bin/sh
# Adds the project's own wheel to /opt/bandit-operator, and compiles all of it: project.sh
set -eu
/build/bin/pip wheel --no-deps --no-build-isolation --wheel-dir /wheels .
/build/bin/pip --python /opt/bandit-operator install --no-deps /wheels/*.whl
/build/bin/pip --python /opt/bandit-operator check
# The root filesystem may be read-only, so modules are compiled now; by their hash, as times would not repeat.
python3 -m compileall -q -j 0 --invalidation-mode unchecked-hash /opt/bandit-operator/lib
