"""Prompts to answers: llama.cpp batches, remote endpoints, the answer cache, constraints."""
