"""An adapter as a GGUF file: what llama.cpp loads beside the weights, and what is merged when weights are optimized."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from gguf import GGUFReader, GGUFWriter

from dp_tools.errors import InvalidRequest

_NAMES = {
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}
_TENSOR = re.compile(r"layers\.(\d+)\.(.+?)\.lora_([AB])\.")


def write_adapter(path: Path, model: Any, *, alpha: float) -> Path:
    """Write the low-rank matrices of a peft model, in 16 bits; written beside and renamed.

    Args:
        path: the file to write.
        model: a peft model with one adapter on a Llama network.
        alpha: the adapter's scale times its rank.
    """
    return write_matrices(path, _stored(model), alpha=alpha)


def write_matrices(path: Path, matrices: Iterable[tuple[str, Any]], *, alpha: float) -> Path:
    """Write low-rank matrices, in 16 bits; written beside and renamed.

    Args:
        path: the file to write.
        matrices: each with its name in the file: "blk.0.attn_q.weight.lora_a" of shape (rank, columns) and "…lora_b" of
            shape (rows, rank), as numpy arrays, in the order of rows that GGUF keeps.
        alpha: the adapter's scale times its rank.
    """
    beside = path.with_suffix(".part")
    writer = GGUFWriter(str(beside), "llama")
    writer.add_type("adapter")
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", alpha)
    for name, values in matrices:
        writer.add_tensor(name, values.astype("float16"))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return beside.replace(path)


def read_adapter(path: Path, model: Any) -> None:
    """Load what `write_adapter` wrote into a peft model whose adapter has the same rank and scale.

    Raises:
        InvalidRequest: the adapter is of another rank, scale or network.
    """
    import torch

    reader = GGUFReader(str(path))
    stored = {tensor.name: tensor.data for tensor in reader.tensors}
    scale = reader.get_field("adapter.lora.alpha")
    if scale is None or scale.contents() != model.peft_config["default"].lora_alpha:
        raise InvalidRequest(f"{path} was trained at another scale, so training cannot start from it.")
    for name, tensor, heads in _matrices(model):
        values = stored.get(name)
        if values is None or values.shape != tuple(tensor.shape):
            raise InvalidRequest(f"{path} was made for another network or rank, so training cannot start from it.")
        if heads:
            values = _halved(values, heads)
        tensor.copy_(torch.from_numpy(values.astype("float32")))


def _stored(model: Any) -> Iterator[tuple[str, Any]]:
    """Each low-rank matrix as the file keeps it."""
    for name, tensor, heads in _matrices(model):
        values = tensor.detach().float().cpu().numpy()
        yield name, _interleaved(values, heads) if heads else values


def _matrices(model: Any) -> Iterator[tuple[str, Any, int]]:
    """Each low-rank matrix: its name in the file, the tensor, and the heads whose rows the file reorders, or 0."""
    config = model.get_base_model().config
    heads = {"attn_q": config.num_attention_heads, "attn_k": config.num_key_value_heads}
    for name, tensor in sorted(model.state_dict().items()):
        found = _TENSOR.search(name)
        if found is not None:
            layer, module, side = found.groups()
            kind = _NAMES[module]
            rotary = heads.get(kind, 0) if side == "B" else 0
            yield f"blk.{layer}.{kind}.weight.lora_{side.lower()}", tensor, rotary


def _halved(values: Any, heads: int) -> Any:
    """The way back from `_interleaved`."""
    rows, columns = values.shape
    return values.reshape(heads, rows // heads // 2, 2, columns).swapaxes(1, 2).reshape(rows, columns)


def _interleaved(values: Any, heads: int) -> Any:
    """Rows in the order that GGUF keeps for rotary attention: the two halves of each head, pair by pair."""
    rows, columns = values.shape
    return values.reshape(heads, 2, rows // heads // 2, columns).swapaxes(1, 2).reshape(rows, columns)
