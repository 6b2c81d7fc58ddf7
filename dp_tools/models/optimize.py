"""Optimizes weights for this machine: merges the adapter and picks the fastest format that keeps full accuracy.

The shipped Q4_1 file is small to install and slow to run. Its values fit BF16 and Q8_0 without a loss that scores can
show, so whichever of these this processor decodes faster is kept in the user's cache folder, with its hash beside it.
"""

from __future__ import annotations

import errno
import hashlib
import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gguf
import numpy as np
from gguf import quants
from numpy.typing import NDArray

from dp_tools.errors import ModelUnavailable
from dp_tools.models.catalogue import ModelSpec
from dp_tools.models.formats import FORMATS
from dp_tools.models.optimized import (
    OptimizedWeights,
    being_made,
    find,
    making,
    note,
    note_of,
    optimized_path,
    pace_of,
    part_of,
    sweep,
)

Report = Callable[[str, float], None]
"""Called with what is being done and how far it is, 0 to 1."""

_TIMING = 1.0
"""What timing takes, in the time that writing one format takes, about."""
_ROUNDS = 6
"""Rounds of timing at the most."""


def optimize(
    spec: ModelSpec,
    *,
    formats: tuple[str, ...] = FORMATS,
    folder: Path | None = None,
    report: Report = lambda _what, _share: None,
    speed_of: Callable[[Path], float] | None = None,
    again: bool = False,
) -> OptimizedWeights:
    """Optimized weights of a model: those there are when they are intact, else made now.

    Args:
        spec: the model; its adapter is merged.
        formats: what to choose from, by speed on this machine.
        folder: where they are kept; default: the user's cache folder.
        report: called with the progress.
        speed_of: measures prompt tokens per second with a file; without it the first format is taken.
        again: make them even when they are there.

    Raises:
        ModelUnavailable: the sources cannot be read, the adapter is for another model, or the disk is full.
    """
    path = optimized_path(spec, folder)
    try:
        if being_made(path):
            report("waiting for another process that optimizes it", 0.0)
        sweep(path.parent)
        with making(path):
            there = None if again else find(path)
            return there or _make(spec, path, formats, report, speed_of)
    except OSError as error:
        # numpy writes without an error number: "4096 requested and 0 written"
        full = error.errno in (None, errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
        reason = "the disk is full" if full else error.strerror
        raise ModelUnavailable(
            f"The model cannot be optimized in {path.parent} ({reason}): make room there, or set DP_TOOLS_CACHE to "
            "another folder."
        ) from error


def _make(
    spec: ModelSpec, path: Path, formats: tuple[str, ...], report: Report, speed_of: Callable[[Path], float] | None
) -> OptimizedWeights:
    written: dict[str, Path] = {}

    def with_progress(speed_of: Callable[[Path], float]) -> Callable[[Path], float]:
        measures = itertools.count()

        def speed(file: Path) -> float:
            done = min(1.0, next(measures) / (2 * len(formats)))  # two rounds, if they agree
            report("timing the formats", (len(formats) + _TIMING * done) / (len(formats) + _TIMING))
            return speed_of(file)

        return speed

    try:
        for number, name in enumerate(formats):
            written[name] = part_of(path, name)

            def share(done: float, number: int = number, name: str = name) -> None:
                report(f"writing {name}", (number + done) / (len(formats) + _TIMING))

            merge(spec.locate(), spec.adapter, written[name], name, share)
        speeds, rounds, agreed = timed(written, with_progress(speed_of)) if speed_of else (dict[str, float](), 0, True)
        best = max(formats, key=lambda name: speeds.get(name, 0.0)) if agreed else formats[0]
        with written[best].open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        note_of(path).unlink(missing_ok=True)  # without it the file is none, so there is never half of one
        written[best].replace(path)
        optimized = OptimizedWeights(path, best, digest, speeds, rounds, agreed)
        note(optimized)
        for older in path.parent.glob(f"{spec.name}-*.gguf"):
            if older != path:
                older.unlink(missing_ok=True)
                note_of(older).unlink(missing_ok=True)
                pace_of(older).unlink(missing_ok=True)
        report("done", 1.0)
        return optimized
    finally:
        for left in written.values():
            left.unlink(missing_ok=True)


def timed(
    files: Mapping[str, Path], speed_of: Callable[[Path], float], rounds: int = _ROUNDS
) -> tuple[dict[str, float], int, bool]:
    """Time files in turn until two rounds agree: a machine that does something else meanwhile tells nothing.

    Args:
        files: what to time, by name.
        speed_of: measures one.
        rounds: how many, at the most.

    Returns:
        The speeds of the last round, how many rounds there were, and whether the last two agreed within a tenth.
    """
    before: dict[str, float] = {}
    for number in range(1, rounds + 1):
        speeds = {name: round(speed_of(file), 1) for name, file in files.items()}
        if before and all(abs(speeds[name] - before[name]) <= 0.1 * max(speeds[name], before[name]) for name in files):
            return {name: max(speeds[name], before[name]) for name in files}, number, True
        before = speeds
    return before, rounds, False


def merge(
    weights: Path,
    adapter: Path | None,
    target: Path,
    format: str,  # noqa: A002
    report: Callable[[float], None] = lambda _share: None,
) -> None:
    """Write weights with an adapter merged in: every matrix becomes scale · B·A more (Hu et al., LoRA, 2021).

    Args:
        weights: a GGUF in any format.
        adapter: a LoRA GGUF made for it, or None.
        target: where to write.
        format: of the matrices, a name of `gguf.GGMLQuantizationType`; vectors and the embedding keep theirs.
        report: called with the progress, 0 to 1.

    Raises:
        ModelUnavailable: a file cannot be read, or the adapter does not fit the weights.
    """
    source = _read(weights)
    deltas = _deltas(adapter, {tensor.name: _shape(tensor) for tensor in source.tensors}) if adapter else {}
    kind = gguf.GGMLQuantizationType[format]
    writer = gguf.GGUFWriter(target, source.fields["general.architecture"].contents(), use_temp_file=False)
    try:
        _copy_metadata(source, writer, kind)
        plan = [(tensor, _kind(tensor, kind, tensor.name in deltas)) for tensor in source.tensors]
        for tensor, wanted in plan:
            shape = quants.quant_shape_to_byte_shape(_shape(tensor), wanted)
            writer.add_tensor_info(tensor.name, shape, np.dtype(np.uint8), _bytes_of(shape), wanted)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_ti_data_to_file()
        for number, (tensor, wanted) in enumerate(plan):
            writer.write_tensor_data(_converted(tensor, deltas.get(tensor.name), wanted))
            report((number + 1) / len(plan))
        writer.flush()
    finally:
        writer.close()


class _Reader(gguf.GGUFReader):
    """Reads the file through a plain array, three times as fast.

    Numpy takes long to slice a mapped array, and a vocabulary takes 250,000 slices.
    """

    @property
    def data(self) -> Any:
        """The bytes of the file, fetched as they are read."""
        return self._plain

    @data.setter
    def data(self, mapped: NDArray[np.uint8]) -> None:
        self._plain = np.asarray(mapped)


def _read(path: Path) -> Any:
    try:
        return _Reader(path)
    except OSError:
        raise
    except Exception as error:  # the reader raises whatever its parsing meets
        raise ModelUnavailable(f"{path} cannot be read as a GGUF file: check that it is complete.") from error


def _copy_metadata(source: Any, writer: Any, kind: gguf.GGMLQuantizationType) -> None:
    for field in source.fields.values():
        if field.name.startswith("GGUF.") or field.name in ("general.architecture", "general.file_type"):
            continue
        part = field.types[-1] if field.types[0] == gguf.GGUFValueType.ARRAY else None
        writer.add_key_value(field.name, field.contents(), field.types[0], sub_type=part)
    if f"MOSTLY_{kind.name}" in gguf.LlamaFileType.__members__:
        writer.add_file_type(gguf.LlamaFileType[f"MOSTLY_{kind.name}"])


def _kind(tensor: Any, kind: gguf.GGMLQuantizationType, merged: bool) -> gguf.GGMLQuantizationType:
    """Matrices of the layers take the new format; the embedding only when it has changed or is no block format."""
    if len(tensor.shape) < 2:
        return gguf.GGMLQuantizationType(tensor.tensor_type)
    own = gguf.GGMLQuantizationType(tensor.tensor_type)
    if tensor.name == "token_embd.weight" and own is gguf.GGMLQuantizationType.Q8_0 and not merged:
        return own
    return kind


@dataclass(frozen=True, slots=True)
class _Delta:
    """What an adapter adds to a matrix of shape (rows, columns): scale · left · right, made when it is needed.

    All of them at once take as much memory as the whole model in 32 bits.
    """

    scale: float
    left: NDArray[np.float32]
    right: NDArray[np.float32]

    def matrix(self) -> NDArray[np.float32]:
        return (self.scale * (self.left @ self.right)).astype(np.float32)


def _converted(tensor: Any, delta: _Delta | None, kind: gguf.GGMLQuantizationType) -> NDArray[np.uint8]:
    if delta is None and tensor.tensor_type == kind:
        return np.ascontiguousarray(tensor.data).view(np.uint8)
    values = quants.dequantize(tensor.data, tensor.tensor_type)
    if delta is not None:
        values = values + delta.matrix()
    return np.ascontiguousarray(quants.quantize(values, kind)).view(np.uint8)


def _deltas(adapter: Path, shapes: dict[str, tuple[int, ...]]) -> dict[str, _Delta]:
    """What an adapter adds to each matrix."""
    source = _read(adapter)
    parts = {tensor.name: quants.dequantize(tensor.data, tensor.tensor_type) for tensor in source.tensors}
    alpha = source.fields.get("adapter.lora.alpha")
    deltas = {}
    for name, left in parts.items():
        weight, _, side = name.rpartition(".lora_")
        if side != "b":
            continue
        right = parts.get(f"{weight}.lora_a")
        if right is None or weight not in shapes or (len(left), right.shape[-1]) != shapes[weight]:
            raise ModelUnavailable(f"The adapter {adapter} was made for another model: remove it, or name its model.")
        rank = left.shape[1]
        scale = float(alpha.contents()) / rank if alpha is not None and float(alpha.contents()) else 1.0
        deltas[weight] = _Delta(scale, left, right)
    if not deltas:
        raise ModelUnavailable(f"{adapter} is not a LoRA adapter: give a GGUF that convert_lora_to_gguf.py made.")
    return deltas


def _shape(tensor: Any) -> tuple[int, ...]:
    """Rows first, as numpy has it; GGUF keeps the fastest dimension first."""
    return tuple(int(size) for size in reversed(tensor.shape))


def _bytes_of(shape: tuple[int, ...]) -> int:
    return int(np.prod(shape))
