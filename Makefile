# Everything installs itself into .venv. The first run compiles llama.cpp, unless pip has kept a wheel of it; later runs
# only look.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
INSTALL := $(BIN)/python install/with_progress.py

.PHONY: demo test lint mcpb

demo: $(VENV)/installed
	$(BIN)/dp-tools demo

test: $(VENV)/ready-to-test
	$(BIN)/python -m pytest -n 2

lint: $(VENV)/ready-to-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

mcpb: $(VENV)/installed
	$(BIN)/python bundle/make_mcpb.py

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"

$(VENV)/installed: pyproject.toml | $(VENV)/bin/python
	@echo "Installing; llama.cpp is compiled the first time, in two minutes on two fast cores, in several on slow ones."
	$(INSTALL) --editable .
	touch $@

$(VENV)/ready-to-test: $(VENV)/installed
	$(INSTALL) --editable ".[langchain,tables,plots,ray]" --group dev
	touch $@
