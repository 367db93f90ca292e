# bandit-operator: `make help` lists what can be made.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= python3
CLUSTER_DIR := build/cluster
# Where KUBECONFIG names a cluster, kubectl, install, demo and tests use that one.
TOOLS = $$($(PYTHON) cluster/build.py)
CRD := crds/bandit-operator.dev_banditdeployments.yaml
# Where the environment forbids bytecode, each worker and each program that a test starts would compile all
# modules again, which costs more than the tests.
PYTEST := PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest

help: ## List the targets
	@awk -F':.*## ' '/^[a-z][a-z-]*:.*## /{printf "  \033[1m%-16s\033[0m %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# ---- the main things ----------------------------------------------------------

demo: venv ## Watch a real rollout: models moved, a loser rolled back and brought back (about 5 minutes)
	@$(BIN)/python -m demo $(ARGS)

# Tests on a cluster mostly wait, and the slow ones take the processor time that these leave. The demos, whose
# stories have their time, have the machine to themselves.
test: venv lint test-fast ## Everything: lint, unit, golden and real-cluster tests
	@mkdir -p build; \
	nice -n 19 env $(PYTEST) tests -m "slow and not cluster and not image and not gitops" -n 2 --dist worksteal \
	  $(ARGS) > build/slow-tests.log 2>&1 & slow=$$!; trap 'kill $$slow 2> /dev/null || true' EXIT; \
	echo "slow tests run beside the next ones; their progress: tail -f build/slow-tests.log"; \
	cluster=0; $(PYTEST) tests -m "cluster and not alone and not image and not gitops" $(ARGS) || cluster=$$?; \
	echo "waiting for the slow tests"; \
	if wait $$slow; then tail -n 1 build/slow-tests.log; else cat build/slow-tests.log; exit 1; fi; \
	if [ $$cluster != 0 ]; then exit $$cluster; fi; \
	$(PYTEST) tests -m "cluster and alone" $(ARGS)

test-fast: venv ## Tests that need no cluster and are quick, in about a minute
	@$(PYTEST) tests -m "not cluster and not slow" -n 2 --dist worksteal $(ARGS)

slow-tests: venv ## Measure which tests are slow, and write it to tests/slow.txt (four minutes)
	@$(PYTEST) tests -m "not cluster and not slow" -n 2 --dist worksteal --measure-durations $(ARGS)

fuzz: venv ## Play 20,000 made-up worlds, and read a million nearly valid documents (two hours; WORLDS= and CASES= for less)
	@WORLDS=$${WORLDS:-20000} CASES=$${CASES:-200000} $(PYTEST) tests/reconcile/test_worlds.py tests/fuzz -n 2 --dist worksteal $(ARGS)

mutants: venv ## Put known faults back, one by one, and show that the made-up worlds find each (about 10 minutes)
	@$(BIN)/python -m tests.mutations $(ARGS)

chaos: venv ## Inject every known fault on a cluster under load, and judge what happens (about 30 minutes)
	@$(BIN)/python -m bench.chaos $(ARGS)

lint: venv ## ruff, vulture, mypy, the layers, gofmt and go vet
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/vulture
	@$(BIN)/mypy --config-file pyproject.toml
	@report=$$($(BIN)/lint-imports 2>&1) || { echo "$$report"; exit 1; }; grep Contracts: <<< "$$report"
	@$(PYTHON) cluster/lint.py

fmt: venv ## Fix what ruff can, and format Python and Go
	@$(BIN)/ruff check --fix-only --quiet .
	@$(BIN)/ruff format .
	@$(PYTHON) cluster/lint.py --fix

monitoring: venv ## Make the chart's alert rules and dashboards again, from monitoring/
	@$(BIN)/python -m monitoring

bench: venv ## Measure the decisions against their goals and other libraries (half an hour; ARGS=--quick for minutes)
	@$(BIN)/python -m bench.decisions $(ARGS)

bench-collector: venv ## Measure how many events a second the reward collector takes (about 2 minutes)
	@$(BIN)/python -m bench.collector $(ARGS)

bench-overhead: venv ## Measure what the operator costs, on a cluster: requests, ticks, small arms, reaction, a fleet, a shadow (about two hours)
	@$(BIN)/python -m bench.overhead $(ARGS)

profile: venv ## Show where the processor time of a tick goes, step by step, at 1 and 1,000 resources (about 15 minutes)
	@$(BIN)/python -m bench.profile $(ARGS)

study: venv ## Compare bandits, A/B tests and simpler ways on real streams (DATA=folder, ARGS=--quick for minutes)
	@$(BIN)/python -m bandit_study fetch
	@$(BIN)/python -m bandit_study run $(if $(DATA),--data $(DATA)) $(ARGS)

study-replay: venv ## Replay months of one of its streams through the real operator (about 10 minutes)
	@$(BIN)/python -m demo.replay $(ARGS)

# ---- images and releases ------------------------------------------------------

images: venv ## Build the images without Docker, by buildah (ARGS="--arch amd64" for one processor)
	@$(BIN)/python -m images build $(ARGS)

build/images/bandit-serving:
	@$(MAKE) images

e2e-image: venv build/images/bandit-serving ## Install the images that were built on an embedded cluster, and try them (about 2 minutes)
	@$(PYTEST) tests/images -m image $(ARGS)

e2e-flux: venv ## Have the controllers of Flux reconcile a rollout from Git, both ways (about 25 minutes; MINUTES=2 for less)
	@MINUTES=$${MINUTES:-10} $(PYTEST) tests/gitops/test_flux.py -m gitops $(ARGS)

e2e-argocd: venv ## Have the controller of Argo CD apply a rollout from Git, both ways (about 25 minutes; MINUTES=2 for less)
	@MINUTES=$${MINUTES:-10} $(PYTEST) tests/gitops/test_argocd.py -m gitops $(ARGS)

release: venv build/images/bandit-serving ## Put chart, images, bills of materials and checksums into build/release
	@$(BIN)/python -m images release

# ---- the embedded cluster -----------------------------------------------------

cluster-build: ## Build the embedded cluster once, outside the work tree
	@$(PYTHON) cluster/build.py

cluster-up: venv ## Start an embedded cluster that knows the project's images
	@mkdir -p $(CLUSTER_DIR)
	@$(BIN)/python -m testbed.installation > $(CLUSTER_DIR)/images.json
	@tools=$(TOOLS) && $$tools/bin/cluster up --detach --dir $(CLUSTER_DIR)

cluster-down: ## End it; its state stays
	@tools=$(TOOLS) && $$tools/bin/cluster down --dir $(CLUSTER_DIR)

kubectl: ## Run kubectl in the cluster in use: make kubectl ARGS="get bd -A"
	@tools=$(TOOLS) && $$tools/bin/cluster kubectl $(ARGS)

install: ## Install the operator's chart into the cluster in use
	@tools=$(TOOLS) && KUBECONFIG=$${KUBECONFIG:-$(CLUSTER_DIR)/kubeconfig} $$tools/bin/helm upgrade --install \
	  bandit-operator charts/bandit-operator --namespace bandit-system --create-namespace \
	  --take-ownership --force-conflicts --server-side=true \
	  --set image.tag=dev,prometheus.address=http://prometheus.monitoring:9090 --wait --timeout 90s

# ---- generated files ----------------------------------------------------------

crds: venv ## Write the CRD from the models
	@$(BIN)/python -m bandit_operator.api.crd > $(CRD).new && mv $(CRD).new $(CRD)
	@cp $(CRD) charts/bandit-operator/files/crd.yaml

golden: venv crds ## Write the golden files of the tests again
	@UPDATE_GOLDEN=1 $(PYTEST) -q tests/charts/test_templates.py tests/charts/test_values.py \
	  tests/sources/test_sources.py tests/sources/test_presets.py

docs-site: venv ## Build the documentation as a website into build/site (SOURCE= the address of the sources, for links)
	@$(BIN)/python -m docsite $(ARGS)

screenshots: venv ## Take the pictures of docs/web.md again, with the browser that tests use
	@SCREENSHOTS=docs/web $(PYTEST) -q tests/watch/web/test_browser.py -k shut_out $(ARGS)

# ---- set-up -------------------------------------------------------------------

$(VENV)/ready: requirements.lock pyproject.toml
	@echo "python: installing the locked packages into $(VENV) (about a minute)"
	@$(PYTHON) -m venv --clear $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

venv: $(VENV)/ready ## Install the locked Python packages into .venv

COMPILE = uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-annotate --no-header \
	--no-emit-package bandit-operator

lock: ## Resolve the locked packages again (needs uv)
	$(COMPILE) pyproject.toml --all-extras -o requirements.lock
	@$(MAKE) lock-image

# Parts of requirements.lock: --constraint keeps its versions.
lock-image: ## Write the locks of the images again: what each needs, and what builds the wheel (needs uv)
	$(COMPILE) pyproject.toml --extra simulate --constraint requirements.lock -o requirements-operator.lock
	$(COMPILE) pyproject.toml --extra serving --constraint requirements.lock -o requirements-serving.lock
	echo 'hatchling>=1.27' | $(COMPILE) - --constraint requirements.lock -o requirements-build.lock

clean: ## Delete what was built here; the cache outside stays
	@rm -rf build .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis

.PHONY: help demo test test-fast slow-tests fuzz mutants chaos lint fmt bench bench-collector bench-overhead profile monitoring study study-replay cluster-build cluster-up cluster-down kubectl install images e2e-image e2e-flux e2e-argocd release crds golden docs-site screenshots venv lock lock-image clean
