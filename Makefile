# GNU Make 3.81 (macOS) or newer. `make` alone lists the targets.

PYTHON ?= python3
LAB_ARGS ?=
PIP_ARGS ?=
PYTEST_ARGS ?=
BENCH_ARGS ?=
MUTATION_ARGS ?=
RELIABILITY_ARGS ?=

BIN := .venv/bin
STAMP := .venv/.installed

# On small networks a second thread gains nothing, and stalls whenever another
# process wants the core.
export OMP_NUM_THREADS := 1
export OPENBLAS_NUM_THREADS := 1

# Two processes at once; a notebook, and each other file, stays in one of them.
IN_TWO := -n 2 --dist loadfile

.DEFAULT_GOAL := help
.PHONY: help lab lecture test test-browser test-oldest test-newest lint format notebooks \
	links slides html bench bench-peers mutation reliability audit clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' Makefile
	@echo
	@echo 'PYTHON=python3.12   the Python (3.11 or newer) that .venv is made with'
	@echo 'LAB_ARGS=...        more arguments for jupyter lab, such as --port 8899'
	@echo 'PIP_ARGS=...        more arguments for pip install; on Linux, those that find'
	@echo '                    the CPU build of PyTorch'
	@echo 'PYTEST_ARGS=...     more arguments for pytest'
	@echo 'BENCH_ARGS=...      the benchmarks to run, such as "notebooks scale"'
	@echo 'MUTATION_ARGS=...   such as "--only losses --number 30"'
	@echo 'RELIABILITY_ARGS=...  the faults to try, such as "kills load"'

lab: ## Open your own copies of the notebooks in JupyterLab
lab: COPIES := my_notebooks
lecture: ## Open copies that keep the stored results, for the lecture hall
lecture: COPIES := my_lecture --outputs
lecture: export PG_HELPERS_PROGRESS :=
# Named as an address, not as a file: for a file JupyterLab takes its folder as the
# root, out of reach of the README, and --no-browser prints an address without it.
lab lecture: $(STAMP)
	$(BIN)/python tools/copies.py $(COPIES)
	$(BIN)/jupyter lab $(LAB_ARGS) \
		--LabApp.default_url=/lab/tree/$(firstword $(COPIES))/00_start_here.ipynb

test: $(STAMP) ## Run the tests and every notebook
	$(BIN)/python -m pytest $(IN_TWO) $(PYTEST_ARGS)

test-browser: $(STAMP) ## Drive every notebook and demo in a real browser
	$(BIN)/python -m pytest tests/browser -n 2 $(PYTEST_ARGS)

test-oldest: ## Run the tests with the oldest versions that pyproject.toml admits
test-newest: ## Run the tests with the newest versions that there are
test-oldest test-newest: test-%:
	$(PYTHON) -m venv .venv-$*
	.venv-$*/bin/python -m pip install -q --disable-pip-version-check $(PIP_ARGS) \
		-U packaging setuptools
	.venv-$*/bin/python tools/bounds.py $* > .venv-$*/constraints.txt
	$(if $(PIP_ARGS),,$(call cpu_torch,.venv-$*))
	.venv-$*/bin/python -m pip install -q --disable-pip-version-check $(PIP_ARGS) \
		-U --upgrade-strategy eager -c .venv-$*/constraints.txt -e '.[test,docs,binder]'
	.venv-$*/bin/python -m pytest $(IN_TWO) $(PYTEST_ARGS)

lint: $(STAMP) ## Check style, types and the state of the notebooks
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python tools/notebooks.py check

format: $(STAMP) ## Fix what ruff can fix, and format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

notebooks: $(STAMP) ## Execute the notebooks in place
	$(BIN)/python tools/notebooks.py run

links: $(STAMP) ## Write owner, repository and branch into every Binder link
	$(BIN)/python tools/links.py

slides: $(STAMP) ## Write the notebooks as slides into build/slides
	$(BIN)/python tools/publish.py slides

html: $(STAMP) ## Write the notebooks as pages to read and print into build/html
	$(BIN)/python tools/publish.py html

bench: $(STAMP) ## Run the benchmarks
	$(BIN)/python benchmarks/run.py $(BENCH_ARGS)

bench-peers: $(STAMP) ## Install other trainers, and run the benchmark beside them
	$(BIN)/python -m pip install -q --disable-pip-version-check \
		-c constraints.txt $(PIP_ARGS) -e '.[bench]'
	$(BIN)/python benchmarks/run.py peers

mutation: $(STAMP) ## Break pg_helpers in 400 places, one at a time: do the tests see it?
	$(BIN)/python -m pip install -q --disable-pip-version-check \
		-c constraints.txt $(PIP_ARGS) -e '.[mutation]'
	$(BIN)/python tools/mutation.py $(MUTATION_ARGS)

reliability: $(STAMP) ## Kill, crowd, and feed nonsense to it: over an hour
	$(BIN)/python reliability/run.py $(RELIABILITY_ARGS)

# Without --strict, pip-audit succeeds when no database answers.
audit: $(STAMP) ## Ask for known vulnerabilities of the pinned packages
	$(BIN)/pip-audit --strict --no-deps --disable-pip -r constraints.txt

clean: ## Remove .venv and all caches
	rm -rf .venv .venv-oldest .venv-newest .pytest_cache .mypy_cache .ruff_cache \
		.hypothesis build *.egg-info tests/browser/screenshots
	find . -type d \( -name __pycache__ -o -name .ipynb_checkpoints \) -prune \
		-exec rm -rf {} +

# On Linux, pip's own index has PyTorch with gigabytes of CUDA; uv knows where the CPU
# build is. Without a way there pip takes what it has; PIP_ARGS says where pip looks.
define cpu_torch
@test "$$(uname -s)" != Linux || { \
	$(1)/bin/python -m pip install -q --disable-pip-version-check \
		-c constraints.txt uv && \
	UV_HTTP_RETRIES=1 $(1)/bin/uv pip install -q --python $(1)/bin/python --no-deps \
		--torch-backend=cpu -c constraints.txt torch; } || \
	echo "The CPU build of PyTorch was not found: pip takes what it finds, which may" \
		"bring gigabytes of CUDA."
endef

# The stamp is touched last, so that a broken installation is begun again.
$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo '"$(PYTHON)" is not Python 3.11 or newer.' \
			'Name one that is, for example: make lab PYTHON=python3.12' >&2; \
		exit 1; }
	@$(PYTHON) -c 'import sys, pg_course.installed as i; sys.exit(i.intel_mac() or 0)'
	@echo 'Installing into .venv, this first time only: about 420 MB to download,' \
		'190 MB of it PyTorch; 1.7 GB on disk.'
	$(PYTHON) -m venv .venv
	$(if $(PIP_ARGS),,$(call cpu_torch,.venv))
	$(BIN)/python -m pip install -q --disable-pip-version-check \
		-c constraints.txt $(PIP_ARGS) -e '.[dev]'
	@touch $@
