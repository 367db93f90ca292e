#!/bin/sh
# Makes /opt/bandit-operator, a virtual environment with the packages of a lock: packages.sh LOCK
# It runs where an image is built, for TARGETARCH: wheels are chosen for that processor, none is compiled.
set -eu
case "${TARGETARCH:-$(uname -m)}" in
  amd64 | x86_64) machine=x86_64 ;;
  arm64 | aarch64) machine=aarch64 ;;
  *) echo "there are no locked wheels for $TARGETARCH" >&2; exit 1 ;;
esac
# Every package is pinned by its hash, that which builds the wheel too: nothing is resolved here.
python3 -m venv /build
/build/bin/pip install --require-hashes --no-deps -r requirements-build.lock
/build/bin/pip install --require-hashes --no-deps --only-binary :all: --target /packages \
  --platform "manylinux_2_28_$machine" --platform "manylinux_2_27_$machine" \
  --platform "manylinux_2_17_$machine" --platform "manylinux2014_$machine" -r "$1"
python3 -m venv --without-pip /opt/bandit-operator
rm -rf /packages/bin # commands whose first line names this machine's Python
cp -r /packages/. /opt/bandit-operator/lib/python3.*/site-packages/
