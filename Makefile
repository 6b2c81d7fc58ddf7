# Everything installs itself into .venv: the first run builds llama.cpp (about four minutes), later runs only look.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin

.PHONY: demo test lint mcpb

demo: $(VENV)/installed
	$(BIN)/dp-tools demo

test: $(VENV)/ready-to-test
	$(BIN)/python -m pytest -n 2 --dist loadfile

lint: $(VENV)/ready-to-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

$(VENV)/installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"
	@echo "Installing; llama.cpp is compiled on the first run, which takes about four minutes on two cores."
	$(BIN)/python -m pip install --quiet --editable .
	touch $@

$(VENV)/ready-to-test: $(VENV)/installed
	$(BIN)/python -m pip install --quiet --editable ".[langchain,tables]" --group dev
	touch $@

mcpb: $(VENV)/installed
	$(BIN)/python bundle/make_mcpb.py
