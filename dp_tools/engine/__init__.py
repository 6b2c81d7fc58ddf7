"""Prompts to answers: llama.cpp batches, remote endpoints, the answer cache, constraints."""

from __future__ import annotations

from dp_tools.engine.opening import open_engine

__all__ = ["open_engine"]
