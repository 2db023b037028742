# Two commands matter: `make demo` and `make test`. Both set everything up first, in a .venv of their own.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
UV      = $(shell command -v uv || echo $(BIN)/uv)
UV_PIN := uv==0.13.9
SEED   ?= 5
# two more than cores: a third of the time tests wait for files, processes and daemons
WORKERS ?= 4
# every process would compile all modules anew, which is most of what a short command costs
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo lab lab-packages test test-deep kernels check fix bench eval mutants newest lock clean

demo: $(VENV)/.runtime
	$(BIN)/twinops run --network sndlib/germany50 --seed $(SEED)
	@echo "The same circuit in a browser: pip install 'twinops[console]', $(BIN)/twinops serve --demo --open; it fails there within a minute,"
	@echo "is worked on as you look, and a plan for it waits for your approval."

test: kernels lab-packages
	$(BIN)/pytest -n $(WORKERS) --dist worksteal

# Whole grids and slices, ten times as many examples of properties: what repeats the paths of `make test` with other values.
test-deep: kernels lab-packages
	TWINOPS_DEEP=1 $(BIN)/pytest -n $(WORKERS) --dist worksteal

kernels: $(VENV)/.kernels

$(VENV)/.kernels: $(VENV)/.dev tests/kernels.py $(shell find twin -name '*.py')
	@$(BIN)/python -m tests.kernels
	@touch $@

# Twelve real routers, one fault in them, and the four agents from the first symptom to a network that is well again.
lab: $(VENV)/.runtime lab-packages
	$(BIN)/twinops lab up --routers 12 --seed 2 --interval 2 --peak 0.5
	@$(BIN)/twinops lab wait 16 && $(BIN)/twinops lab fault 'one_way_data_loss@R07->R08=0.3' && $(BIN)/twinops lab wait 6 && \
	  $(BIN)/twinops run --site lab; code=$$?; $(BIN)/twinops lab down; exit $$code

# What the tests on real routers need. Where it cannot be installed they are skipped, and say why.
lab-packages:
	@[ -x /usr/lib/frr/isisd -a -x /usr/sbin/netconfd -a -x /usr/sbin/sshd ] && command -v nft ip tc > /dev/null || { [ "$$(id -u)" = 0 ] && command -v apt-get > /dev/null && \
	  apt-get -qq update > /dev/null 2>&1 && apt-get -qq install -y --no-install-recommends frr iproute2 nftables netconfd openssh-server > /dev/null 2>&1; } || \
	  echo "no real routers for the tests: install frr iproute2 nftables netconfd openssh-server to have them"

check: $(VENV)/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/basedpyright
	$(BIN)/lint-imports

fix: $(VENV)/.dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/.dev
	$(BIN)/python -m tests.benchmarks

eval: $(VENV)/.runtime
	$(BIN)/twinops eval run all --baselines --workers 2 --scoreboard docs/scoreboard.md

# Puts declared faults into a copy of the code, one at a time: some test of `make test` has to notice each. Minutes.
mutants: $(VENV)/.dev
	$(BIN)/python -m tests.mutants

# The newest versions that the bounds allow, in an environment of their own: the main job and a small suite, and every
# line of stdout is JSON. Then what differs from the lock. Kernels are kept apart, as another compiler made them.
NEWEST := .venv-newest
newest: $(BIN)/python
	@[ -x $(NEWEST)/bin/python ] || $(PYTHON) -m venv $(NEWEST)
	$(UV) pip install --quiet --upgrade --python $(NEWEST)/bin/python -e '.[console,forecast,mcp,openai]'
	@export NUMBA_CACHE_DIR=$(NEWEST)/kernels TWINOPS_HOME=$(NEWEST)/home; set -e; \
	  for job in 'eval run verify --cases 1' 'run --network synthetic/8-1 --seed 1 --runs $(NEWEST)/runs'; do \
	    $(NEWEST)/bin/twinops $$job --json > $(NEWEST)/result.json; \
	    $(NEWEST)/bin/python -c 'import json, sys; [json.loads(line) for line in open(sys.argv[1])]' $(NEWEST)/result.json; \
	    echo "$$job: $$(wc -l < $(NEWEST)/result.json) line of JSON and nothing else"; done
	@$(UV) pip freeze --python $(NEWEST)/bin/python | grep == | while read one; do \
	  grep -qiF "$$one " requirements-dev.lock || echo "not as locked: $$one"; done

# The locks pin every version by hash and name no index: they install with uv or pip, from any mirror.
lock:
	$(UV) pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-annotate --no-header --extra dev pyproject.toml -o requirements-dev.lock
	$(UV) pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-annotate --no-header -c requirements-dev.lock pyproject.toml -o requirements.lock

clean:
	rm -rf $(VENV) runs .pytest_cache .ruff_cache .hypothesis

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "twinops needs Python 3.11 or newer: make PYTHON=python3.12 ..."; exit 2; }
	$(PYTHON) -m venv $(VENV)
	@command -v uv > /dev/null || $(BIN)/python -m pip install --quiet --disable-pip-version-check $(UV_PIN)

$(VENV)/.runtime: $(BIN)/python requirements.lock pyproject.toml
	$(UV) pip install --quiet --python $(BIN)/python --require-hashes -r requirements.lock
	$(UV) pip install --quiet --python $(BIN)/python --no-deps -e .
	@touch $@

$(VENV)/.dev: $(VENV)/.runtime requirements-dev.lock
	$(UV) pip install --quiet --python $(BIN)/python --require-hashes -r requirements-dev.lock
	@touch $@
