# Every command sets up what it needs first: an environment in .venv, and the compiled modules beside their sources.

VENV := .venv
BENCH_VENV := .venv-bench
BIN := $(VENV)/bin
SUITABLE := import sys; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$python -c '$(SUITABLE)' 2>/dev/null && { echo $$python; break; }; done)
PIP_INSTALL := -m pip install --disable-pip-version-check -qq
PIP_WHEEL := -m pip wheel --disable-pip-version-check -qq --no-deps --no-build-isolation --no-cache-dir
BUILD_REQUIREMENTS := import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["build-system"]["requires"], sep="\n")

# setup.py is the one place where the modules to compile are listed.
HOT := $(shell grep -o 'autodiff/[a-z_/]*\.py' setup.py)
STUBS := $(subst /,.,$(basename $(wildcard autodiff/*/*.pyi)))
SIDE_BY_SIDE := -n auto --dist worksteal
EXAMPLES := $(wildcard examples/*.py)

.PHONY: help demo test coverage fuzz mutants check bench examples docs dist clean vscode
.NOTPARALLEL:
.DELETE_ON_ERROR:

help:  # the default: this list
	@echo "make COMMAND, where COMMAND is one of"
	@sed -n 's/^\([a-z]*\):.*  ## /  \1\t/p' Makefile | expand -t 12

demo: $(VENV)/demo.stamp $(VENV)/compiled.stamp  ## train the smallest network and a perceptron, draw them into out/
	@$(BIN)/python -m autodiff demo --out out

test: $(VENV)/dev.stamp $(VENV)/compiled.stamp  ## run the tests, compiled and interpreted (PYTEST_ARGS="-k name")
	@set -e; implementation=$$(env -u AUTODIFF_PURE $(BIN)/python -c 'import autodiff; print(autodiff.implementation)'); \
	if [ "$$implementation" = compiled ]; then \
		echo "=== tests, compiled modules"; \
		env -u AUTODIFF_PURE $(BIN)/python -m pytest $(SIDE_BY_SIDE) $(PYTEST_ARGS); \
		echo "=== tests, interpreted modules (AUTODIFF_PURE=1), but for those that are the same both ways"; \
		AUTODIFF_PURE=1 $(BIN)/python -m pytest $(SIDE_BY_SIDE) -m "not once" $(PYTEST_ARGS); \
	else \
		echo "=== nothing is compiled here: the tests run once, interpreted"; \
		AUTODIFF_PURE=1 $(BIN)/python -m pytest $(SIDE_BY_SIDE) $(PYTEST_ARGS); \
	fi

coverage: $(VENV)/dev.stamp $(VENV)/onnx.stamp  ## the lines and branches that the interpreted tests take
	@AUTODIFF_PURE=1 $(BIN)/python -m pytest $(SIDE_BY_SIDE) --cov --cov-report=term $(if $(PYTEST_ARGS),--cov-fail-under=0) $(PYTEST_ARGS)

mutants: $(VENV)/mutants.stamp  ## plant faults that no test may miss, for an hour (MUTANTS_ARGS="autodiff/nn/losses.py --minutes 5")
	@nice -n 15 $(BIN)/python -m tests.mutants $(MUTANTS_ARGS)

fuzz: $(VENV)/dev.stamp $(VENV)/compiled.stamp  ## a long run of random programs, every way against every other (FUZZ=20000)
	@AUTODIFF_FUZZ=$(or $(FUZZ),20000) $(BIN)/python -m pytest -m fuzz --hypothesis-profile=fuzz $(SIDE_BY_SIDE) $(PYTEST_ARGS)
	@AUTODIFF_FUZZ=$(or $(FUZZ),20000) AUTODIFF_PURE=1 $(BIN)/python -m pytest -m fuzz --hypothesis-profile=fuzz $(SIDE_BY_SIDE) $(PYTEST_ARGS)

check: $(VENV)/dev.stamp  ## lint, formatting and types
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/mypy --strict tests/typing/user.py
	@$(BIN)/basedpyright --level error --pythonpath $(BIN)/python tests/typing/user.py
	@AUTODIFF_PURE=1 $(BIN)/python -m mypy.stubtest --concise --ignore-missing-stub --mypy-config-file pyproject.toml \
		--allowlist tests/typing/stubtest.allow $(STUBS)

bench: $(BENCH_VENV)/bench.stamp $(VENV)/compiled.stamp  ## time and memory, beside other engines (BENCH_ARGS="...": a part)
	@$(BENCH_VENV)/bin/python -m benchmarks $(or $(BENCH_ARGS),--keep docs/benchmarks.txt)

examples: $(VENV)/examples.stamp $(VENV)/compiled.stamp  ## run every script in examples/, pictures into out/examples/
	@for example in $(EXAMPLES); do echo "=== $$example"; $(BIN)/python $$example || exit 1; done

# All pages anew each time: their code runs against the sources of now.
docs: $(VENV)/docs.stamp  ## build the site into docs/_build/html, its code run; the playground takes npm
	@mkdir -p build
	@rm -rf docs/_build docs/_made docs/reference
	@$(BIN)/python docs/playground/gather.py
	@AUTODIFF_PURE=1 $(BIN)/python -m sphinx -E -W --keep-going -q -b html -d docs/_build/doctrees docs docs/_build/html \
		>build/docs.log 2>&1 || { grep -v IPKernelApp build/docs.log | tail -n 60; exit 1; }
	@rm -rf docs/_build/doctrees
	@echo "docs/_build/html/index.html: $$(du -sh docs/_build/html | cut -f1) in $$(find docs/_build/html -type f | wc -l) files"

dist: $(VENV)/dist.stamp  ## build sdist, pure wheel and this machine's wheel into dist/, try each in an empty environment
	@rm -rf dist build/dist *.egg-info
	@mkdir -p build/dist
	@echo "Building the sdist, and from it the pure and the compiled wheel"
	@$(BIN)/python -m build --sdist --no-isolation --outdir dist >build/dist.log 2>&1 || { tail -n 30 build/dist.log; exit 1; }
	@AUTODIFF_PURE=1 $(BIN)/python $(PIP_WHEEL) --wheel-dir dist dist/*.tar.gz
	@env -u AUTODIFF_PURE $(BIN)/python $(PIP_WHEEL) --wheel-dir build/dist dist/*.tar.gz
	@$(BIN)/python contrib/distribute.py dist build/dist
	@$(BIN)/python -m twine check --strict dist/*
	@ls -l dist

vscode:  ## pack the VS Code extension into build/ (needs node and npm)
	@mkdir -p build
	@cd contrib/vscode && npx --yes @vscode/vsce package --no-dependencies --skip-license --allow-missing-repository \
		--out ../../build/autodiff-debug.vsix

clean:  ## remove all that was made
	@rm -rf $(VENV) $(BENCH_VENV) build dist out docs/_build docs/_made docs/reference *.egg-info .hypothesis .mypy_cache .pytest_cache .ruff_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
	@find autodiff -name '*.so' -delete

define create-environment
	@test -n "$(PYTHON)" || { echo "autodiff needs Python 3.11 or newer and finds none; make PYTHON=/path/to/python names one"; exit 1; }
	@"$(PYTHON)" -c '$(SUITABLE)' || { echo "autodiff needs Python 3.11 or newer; $(PYTHON) is $$("$(PYTHON)" -V 2>&1)"; exit 1; }
	@"$(PYTHON)" -c 'import ensurepip, venv' 2>/dev/null || \
		{ echo "$(PYTHON) cannot make environments; on Debian and Ubuntu: apt install python3-venv"; exit 1; }
	@"$(PYTHON)" -m venv $(@D)
	@$(@D)/bin/python -c '$(BUILD_REQUIREMENTS)' | $(@D)/bin/python $(PIP_INSTALL) -r /dev/stdin
endef

$(VENV)/tools.stamp: pyproject.toml
	@echo "Setting up $(@D), once: a minute or so"
	$(create-environment)
	@touch $@

# Compiling has its own rule below, so nothing is compiled here. Every extra here but `dist` and `onnx` contains `demo`.
EXTRA_STAMPS := $(patsubst %,$(VENV)/%.stamp,demo dev dist docs examples mutants onnx)
$(EXTRA_STAMPS): $(VENV)/%.stamp: pyproject.toml $(VENV)/tools.stamp
	@AUTODIFF_PURE=1 $(BIN)/python $(PIP_INSTALL) --no-build-isolation --editable '.[$*]'
	@touch $(if $(filter dist onnx,$*),,$(VENV)/demo.stamp) $@

# Old compiled files go first, so that they never answer for a newer source. Where nothing could be compiled there is no
# stamp: the next make tries again, and says so again.
$(VENV)/compiled.stamp: setup.py $(wildcard $(HOT) $(HOT:.py=.pxd)) | $(VENV)/tools.stamp
	@find autodiff -name '*.so' -delete
	@mkdir -p build
	@env -u AUTODIFF_PURE $(BIN)/python setup.py build_ext --inplace >build/compile.log 2>&1 || \
		{ tail -n 60 build/compile.log; echo "autodiff: compiling failed, see above; the whole output is in build/compile.log"; exit 1; }
	@grep '^autodiff: ' build/compile.log
	@if grep -q '^autodiff: compiled' build/compile.log; then touch $@; fi

# Every peer is optional: one that cannot be installed is left out of the table.
$(BENCH_VENV)/bench.stamp: pyproject.toml benchmarks/requirements.txt
	@echo "Setting up $(@D), once: a few minutes"
	$(create-environment)
	@AUTODIFF_PURE=1 $(@D)/bin/python $(PIP_INSTALL) --no-build-isolation --editable .
	@grep -v '^ *\(#\|$$\)' benchmarks/requirements.txt | while read -r peer; do \
		$(@D)/bin/python $(PIP_INSTALL) "$$peer" </dev/null || echo "$$peer cannot be installed here: left out"; done
	@touch $@
