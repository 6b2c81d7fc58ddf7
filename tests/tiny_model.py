"""A model of two small layers with random weights and the embedded model's vocabulary: real files, made in a second."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import gguf
import numpy as np

from dp_tools.models.catalogue import resolve
from dp_tools.models.optimize import _read

HIDDEN = 64
_INNER = 128
_LAYERS = 2
_WORDS = 49152


@cache
def _metadata() -> list[tuple[str, Any, list[gguf.GGUFValueType]]]:
    """Names, contents and types of what the embedded model's file says of itself."""
    return [
        (field.name, field.contents(), field.types)
        for field in _read(resolve("nano").locate()).fields.values()
        if not field.name.startswith("GGUF.") and field.name not in ("general.architecture", "general.file_type")
    ]


def write_tiny_model(path: Path, *, seed: int = 0, words: int = _WORDS) -> Path:
    """Write the model as F32.

    Args:
        path: where.
        seed: of the weights.
        words: how many of the vocabulary it keeps: the control tokens, every byte, then the commonest pieces. What is
            only read and written takes a tenth of the time with few of them.
    """
    random = np.random.default_rng(seed)
    writer = gguf.GGUFWriter(path, "llama")
    changed = {
        "llama.vocab_size": words,
        "llama.block_count": _LAYERS,
        "llama.embedding_length": HIDDEN,
        "llama.feed_forward_length": _INNER,
        "llama.attention.head_count": 4,
        "llama.attention.head_count_kv": 4,
        "llama.rope.dimension_count": HIDDEN // 4,
    }
    for name, contents, types in _metadata():
        part = types[-1] if types[0] == gguf.GGUFValueType.ARRAY else None
        kept = changed.get(name, contents)
        if name in ("tokenizer.ggml.tokens", "tokenizer.ggml.token_type"):
            kept = kept[:words]
        elif name == "tokenizer.ggml.merges":
            kept = kept[: len(kept) + words - _WORDS]  # each makes a token, in their order
        writer.add_key_value(name, kept, types[0], sub_type=part)

    def add(name: str, *shape: int, spread: float = 0.1) -> None:
        writer.add_tensor(name, random.normal(0, spread, shape).astype(np.float32))

    # It is the output layer, too: with this spread the model is hardly ever sure.
    add("token_embd.weight", words, HIDDEN, spread=0.2)
    writer.add_tensor("output_norm.weight", np.ones(HIDDEN, np.float32))
    for layer in range(_LAYERS):
        for name in ("attn_norm", "ffn_norm"):
            writer.add_tensor(f"blk.{layer}.{name}.weight", np.ones(HIDDEN, np.float32))
        for name in ("attn_q", "attn_k", "attn_v", "attn_output"):
            add(f"blk.{layer}.{name}.weight", HIDDEN, HIDDEN, spread=0.3)
        add(f"blk.{layer}.ffn_gate.weight", _INNER, HIDDEN, spread=0.3)
        add(f"blk.{layer}.ffn_up.weight", _INNER, HIDDEN, spread=0.3)
        add(f"blk.{layer}.ffn_down.weight", HIDDEN, _INNER, spread=0.3)
    _finish(writer)
    return path


def write_tiny_adapter(path: Path, *, seed: int = 1, hidden: int = HIDDEN, strength: float = 0.3) -> Path:
    """Write a LoRA adapter of rank 4 for the tiny model's first layer."""
    random = np.random.default_rng(seed)
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_type("adapter")
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", 8.0)
    for name in ("attn_q", "attn_output"):
        writer.add_tensor(f"blk.0.{name}.weight.lora_a", random.normal(0, strength, (4, hidden)).astype(np.float32))
        writer.add_tensor(f"blk.0.{name}.weight.lora_b", random.normal(0, strength, (hidden, 4)).astype(np.float32))
    _finish(writer)
    return path


def _finish(writer: gguf.GGUFWriter) -> None:
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
