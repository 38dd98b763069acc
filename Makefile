# Licet. `make` alone prints this list.
.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMPS := .make
# What runs on modules that the compiled build replaces.
COMPILED_TESTS := tests/front tests/origin tests/hostile tests/test_stepping.py tests/provenance/test_shapes.py tests/provenance/test_waking.py \
  tests/provenance/test_audience.py tests/visitors/test_conduct.py tests/journeys/test_main_job.py tests/journeys/test_tls.py
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# Tests start thousands of processes: without files of bytecode each would compile all of the gateway again.
export PYTHONDONTWRITEBYTECODE :=
# Tests share the machine so many at once, whole files each: one more than there are cores, since gateways wait a lot.
TESTERS ?= $(shell n=$$(nproc 2>/dev/null || echo 2); echo $$((n < 8 ? n + 1 : 8)))
SPREAD := -n $(TESTERS) --dist loadfile --no-loadscope-reorder
# All; the folders that print a table at the end by name too, or the process that prints would not know of them.
ALL_TESTS := tests tests/conformance tests/faults tests/hostile tests/interop

.PHONY: help demo check test faults bench detect tournament night clean

help: ## this list
	@awk -F':.*## ' '/^[a-z]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(STAMPS)/venv:
	@mkdir -p $(STAMPS)
	@if ! $(PYTHON) -m venv $(VENV) >/dev/null 2>&1; then \
	  echo "making the Python environment needs python3-venv"; \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then apt-get update -qq && apt-get install -y -qq python3-venv >/dev/null && $(PYTHON) -m venv $(VENV); \
	  else echo "install it (Debian: sudo apt install -y python3-venv) and try again"; exit 1; fi; fi
	@touch $@

$(STAMPS)/server: pyproject.toml $(STAMPS)/venv
	@echo "installing licet with its server part into $(VENV) …"
	@$(BIN)/pip install -q -e '.[server]' 2>&1 | grep -v '^WARNING: Location' || true
	@$(BIN)/licet --help >/dev/null
	@touch $@

$(STAMPS)/dev: pyproject.toml $(STAMPS)/server
	@echo "installing what checks and tests need …"
	@$(BIN)/pip install -q -U pip 2>&1 | grep -v '^WARNING: Location' || true
	@$(BIN)/pip install -q --group dev 2>&1 | grep -v '^WARNING: Location' || true
	@$(BIN)/pytest --version >/dev/null && $(BIN)/ruff --version >/dev/null
	@touch $@

# Real programs that some tests drive. Without root, or without Debian, those tests skip and say so. PostgreSQL and Redis
# are not started: tests make servers of their own (tests/postgres_cluster.py, tests/redis_servers.py); of Redis only the
# tools are installed, whose file of that name is the server too, since the package of the server would start one.
$(STAMPS)/debian:
	@mkdir -p $(STAMPS)
	@missing=""; for pair in chromium:chromium nginx:nginx curl:curl jq:jq slowhttptest:slowhttptest varnishtest:varnish fusermount3:fuse3 faketime:faketime haproxy:haproxy ip:iproute2 redis-check-rdb:redis-tools php:php-cli; do \
	  command -v $${pair%%:*} >/dev/null || missing="$$missing $${pair##*:}"; done; \
	ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || missing="$$missing postgresql"; \
	if [ -n "$$missing" ] && [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  echo "installing$$missing from Debian …"; \
	  case "$$missing" in *postgresql*) mkdir -p /etc/postgresql-common; \
	    [ -e /etc/postgresql-common/createcluster.conf ] || echo "create_main_cluster = false" >/etc/postgresql-common/createcluster.conf;; esac; \
	  (apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing >/dev/null 2>&1) \
	    || echo "could not install$$missing: tests that need them will skip"; fi
	@touch $@

# A wheel of this checkout whose octet-moving modules are C, unpacked beside it. Built from the sdist, so that no
# compiled file ever lies among the sources.
$(STAMPS)/compiled: pyproject.toml $(shell find gateway policies static -type f -not -path '*/__pycache__/*') | $(STAMPS)/dev
	@command -v cc >/dev/null || { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && apt-get update -qq && apt-get install -y -qq gcc >/dev/null; } \
	  || { echo "compiling needs a C compiler (Debian: sudo apt install -y gcc)"; exit 1; }
	@echo "compiling what moves octets …"
	@rm -rf .bench/compiled .bench/wheels
	@HATCH_BUILD_HOOK_ENABLE_MYPYC=true $(BIN)/python -m build --outdir .bench/wheels . >.make/compiled.log 2>&1 || { tail -n 20 .make/compiled.log; exit 1; }
	@$(BIN)/pip install -q --no-deps --target .bench/compiled .bench/wheels/*.whl
	@touch $@

demo: $(STAMPS)/server ## the whole story in a minute: a site, a gateway, a crawler that buys
	@$(BIN)/licet demo

# They know nothing of each other, so they run beside one another; each says what it found in one piece, and all do.
CHECKS := check-types check-examples check-layers check-style check-form
.PHONY: $(CHECKS)

check: $(STAMPS)/dev ## style, types, import layers, doctests
	@$(MAKE) -s -k -j2 --output-sync=target $(CHECKS)

check-types:
	@$(BIN)/mypy

check-examples:
	@$(BIN)/python -m pytest -q --doctest-modules gateway -p no:cacheprovider

check-layers:
	@$(BIN)/lint-imports --no-cache | tail -n 12

check-style:
	@$(BIN)/ruff check .

check-form:
	@$(BIN)/ruff format --check .

# The compiled build is made meanwhile. Files of tests lie in memory where there is room for them: what is synced there
# need not be waited for, and no test takes the power from a real disk (loadtests/faults has one of its own).
test: $(STAMPS)/dev $(STAMPS)/debian ## everything, with the time of each folder
	@$(MAKE) -s $(STAMPS)/compiled >$(STAMPS)/compiling.log 2>&1 & compiling=$$!; \
	if [ "$$(df -k --output=avail /dev/shm 2>/dev/null | tail -n 1)" -gt 4000000 ] 2>/dev/null; then \
	  TMPDIR=$$(mktemp -d /dev/shm/licet.XXXX); chmod 755 $$TMPDIR; export TMPDIR; trap 'rm -rf "$$TMPDIR"' EXIT; fi; \
	rest=0; $(BIN)/pytest -q $(SPREAD) $(ALL_TESTS) || rest=$$?; \
	built=0; wait $$compiling || built=$$?; cat $(STAMPS)/compiling.log; \
	if [ $$built = 0 ]; then \
	  echo "again, with what moves octets compiled to C:"; \
	  PYTHONPATH=$(CURDIR)/.bench/compiled PYTHONSAFEPATH=1 LICET_TEST_COMPILED=1 \
	    $(BIN)/pytest -q $(SPREAD) $(COMPILED_TESTS) || rest=$$((rest | $$?)); \
	elif [ -n "$$CI" ]; then rest=1; \
	else echo "the compiled build was not tested: it could not be made here"; fi; exit $$rest

faults: $(STAMPS)/dev $(STAMPS)/debian ## the fault table: every fault with its count, and its known-bad twin
	@$(BIN)/python -m loadtests.faults

bench: $(STAMPS)/dev ## speed beside nginx and its peers, as ratios of the same run
	@$(BIN)/python -m loadtests.bench

$(STAMPS)/detect: pyproject.toml $(STAMPS)/dev
	@$(BIN)/pip install -q --group detect 2>&1 | grep -v '^WARNING: Location' || true
	@touch $@

detect: $(STAMPS)/detect ## who is asking? the catalog beside its peers on labelled User-Agents
	@$(BIN)/python -m loadtests.detect

tournament: $(STAMPS)/server ## two gateways' bargaining engines against hundreds of generated buyers
	@$(BIN)/python -m loadtests.tournament

$(STAMPS)/fuzz: pyproject.toml $(STAMPS)/dev
	@$(BIN)/pip install -q --group fuzz 2>&1 | grep -v '^WARNING: Location' || true
	@touch $@

$(STAMPS)/foreign: pyproject.toml $(STAMPS)/dev
	@$(BIN)/pip install -q --group foreign 2>&1 | grep -v '^WARNING: Location' || true
	@if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends golang-golang-x-mod-dev buildah debootstrap >/dev/null 2>&1 || true; fi
	@touch $@

night: $(STAMPS)/dev $(STAMPS)/debian $(STAMPS)/fuzz $(STAMPS)/foreign ## long runs by hand: kills, soak, fuzzing, millions of records
	@for target in listener hygiene answers; do $(BIN)/python -m loadtests.fuzz --target $$target --seconds 180; done
	@$(BIN)/python -m pytest -q tests/interop/test_sumdb.py tests/interop/test_client_hooks.py tests/interop/test_bundle_tokens.py -k "sumdb or go"
	@$(BIN)/python -m loadtests.growing --count 10000000
	@$(BIN)/python -m pytest -q -m night tests --timeout 7200

clean: ## remove what was made here (never your data)
	@rm -rf $(STAMPS) $(VENV) .bench build dist .mypy_cache .ruff_cache .pytest_cache
