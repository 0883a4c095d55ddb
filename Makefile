# Every target sets up what it needs: Python 3.11 and make are enough.

UV_VERSION := 0.13.9
UV := $(or $(shell command -v uv 2>/dev/null),.bootstrap/bin/uv)
RUN := $(UV) run --no-sync
BENCH_HOME := .reelindex-bench

# Dagster's, Great Expectations' and the model libraries' telemetry stays off; no model hub is asked.
export DO_NOT_TRACK := 1
export GX_ANALYTICS_ENABLED := false
export DAGSTER_DISABLE_TELEMETRY := 1

.PHONY: demo test lint types bench ui serve setup hooks clean

demo: setup  ## make a small corpus, ingest it through Dagster, ask it five questions
	$(RUN) reelindex demo

test: setup  ## run all tests
	$(RUN) pytest -n 2 --dist loadgroup

lint: setup  ## style, import rules, unused and undeclared dependencies
	$(RUN) ruff check
	$(RUN) ruff format --check
	$(RUN) lint-imports
	$(RUN) deptry .

types: setup  ## strict types
	$(RUN) mypy

bench: setup  ## what the corpus of CORPUS=folder gives: a migration, relevance, word errors, overhead
	$(RUN) python -m benchmarks.migration $(CORPUS) --home $(BENCH_HOME)
	$(RUN) python -m benchmarks.backfill_rate $(BENCH_HOME)
	$(RUN) python -m benchmarks.relevance $(CORPUS) $(BENCH_HOME)
	$(RUN) python -m benchmarks.transcription $(CORPUS)
	$(RUN) python -m benchmarks.ingest_overhead $(CORPUS)/videos
	$(RUN) python -m benchmarks.search_latency

ui: setup  ## the Dagster web UI with its daemon
	$(RUN) reelindex ui

serve: setup  ## a page to search on, and the HTTP API
	$(RUN) reelindex serve

setup: .venv/.synced hooks

# uv is installed beside the project where the machine has none; the stamp spares a sync that would change nothing.
.venv/.synced: pyproject.toml uv.lock | $(UV)
	$(UV) sync --locked --all-extras
	@touch $@

.bootstrap/bin/uv:
	python3.11 -m venv .bootstrap
	.bootstrap/bin/pip install --quiet uv==$(UV_VERSION)

hooks:
	@if [ -d .git ]; then git config core.hooksPath .githooks; fi

clean:
	rm -rf .venv .bootstrap dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
