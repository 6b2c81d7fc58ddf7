"""llama.cpp as this engine needs it: weights, vocabulary, one context, batches with logits where they are read.

Nothing else touches the C library. A `Llama` belongs to one thread at a time; only `stop` may be called from another.
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import Any

# Read when the library below is loaded. Threads that spin while they wait for each other make decoding many times
# slower as soon as anything else runs on the machine.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import llama_cpp as lib
import numpy as np
from numpy.typing import NDArray

from dp_tools.engine.questions import Segment
from dp_tools.errors import Cancelled, DpToolsError, ModelUnavailable

Tokens = tuple[int, ...]

_KNOWN_SEGMENTS = 4096
_NOT_TEXT = lib.LLAMA_TOKEN_ATTR_UNKNOWN | lib.LLAMA_TOKEN_ATTR_UNUSED | lib.LLAMA_TOKEN_ATTR_CONTROL

_messages: deque[str] = deque(maxlen=8)


@lib.llama_log_callback  # type: ignore[untyped-decorator]
def _keep_message(level: int, text: bytes, _data: Any) -> None:
    if level >= 3 and level != 4:  # errors (3) and their continuations (5); 4 is debug
        _messages.append(text.decode("utf-8", "replace").strip())


class OutOfCells(DpToolsError):
    """The context holds too many tokens for this batch; the memory is as it was before."""


class Llama:
    """One model with one context.

    Args:
        path: a GGUF file.
        cells: tokens that the context holds in all, to begin with.
        batch: tokens in one decode at most.
        sequences: branches that are open at one time at most.
        threads: threads of a decode.

    Raises:
        ModelUnavailable: llama.cpp cannot load the file.
    """

    def __init__(self, path: Path, *, cells: int, batch: int, sequences: int, threads: int) -> None:
        lib.llama_log_set(_keep_message, ctypes.c_void_p(0))
        lib.llama_backend_init()
        _messages.clear()
        self.batch = batch
        self.sequences = sequences
        self._threads = threads
        self._flag = ctypes.create_string_buffer(2)
        self._adapters: dict[Path, Any] = {}
        self._context: Any = None
        self._memory: Any = None
        self._model: Any = lib.llama_model_load_from_file(str(path).encode(), lib.llama_model_default_params())
        if not self._model:
            raise ModelUnavailable(f"llama.cpp cannot load {path} ({_reason()}): check that the file is complete.")
        if lib.llama_model_is_recurrent(self._model) or lib.llama_model_is_hybrid(self._model):
            self.close()
            raise ModelUnavailable(f"{path.name} is a recurrent model, which cannot share prompts: use a transformer.")
        self._vocabulary: Any = lib.llama_model_get_vocab(self._model)
        self.cells = 0
        if not self.resize(cells):
            self.close()
            raise ModelUnavailable(f"There is not enough memory to run {path.name} with a context of {cells} tokens.")
        self.vocabulary_size: int = lib.llama_vocab_n_tokens(self._vocabulary)
        self.bos: Tokens = (
            (lib.llama_vocab_bos(self._vocabulary),) if lib.llama_vocab_get_add_bos(self._vocabulary) else ()
        )
        self._line = self._raw_tokens("\n", control=False)
        first = self._raw_tokens("x", control=False)
        self._pads = bool(first) and self.piece(first[0])[:1] == b" "
        self._known: dict[Segment, Tokens] = {}
        self._token = np.zeros(batch, np.int32)
        self._position = np.zeros(batch, np.int32)
        self._count = np.zeros(batch, np.int32)
        self._wanted = np.zeros(batch, np.int8)
        self._members = np.zeros((batch, sequences), np.int32)
        rows = self._members.ctypes.data + np.arange(batch, dtype=np.uint64) * np.uint64(self._members.strides[0])
        self._rows = rows.astype(np.uintp)
        self._batch = lib.llama_batch(
            n_tokens=0,
            token=self._token.ctypes.data_as(ctypes.POINTER(ctypes.c_int32)),
            embd=None,
            pos=self._position.ctypes.data_as(ctypes.POINTER(ctypes.c_int32)),
            n_seq_id=self._count.ctypes.data_as(ctypes.POINTER(ctypes.c_int32)),
            seq_id=self._rows.ctypes.data_as(ctypes.POINTER(ctypes.POINTER(ctypes.c_int32))),
            logits=self._wanted.ctypes.data_as(ctypes.POINTER(ctypes.c_int8)),
        )

    def resize(self, cells: int) -> bool:
        """Hold this many tokens, or as many as the model was made for; as before, where there is no memory for them.

        The context is empty afterwards, and without adapters. False where there is none at all.
        """
        for size in dict.fromkeys((min(cells, lib.llama_model_n_ctx_train(self._model) or cells), self.cells)):
            if self._context:
                lib.llama_free(self._context)
            self._context = self._open_context(size) if size else None
            if self._context:
                self.cells = size
                self._memory = lib.llama_get_memory(self._context)
                return True
        return False

    def _open_context(self, cells: int) -> Any:
        wanted = lib.llama_context_default_params()
        wanted.n_ctx = cells
        wanted.n_batch = wanted.n_ubatch = self.batch
        wanted.n_seq_max = wanted.n_outputs_max = self.sequences
        wanted.n_threads = wanted.n_threads_batch = self._threads
        wanted.kv_unified = True
        wanted.no_perf = True
        # strlen reads the flag without Python's lock: "" is 0 and goes on, "\x01" is 1 and stops the decode.
        wanted.abort_callback = ctypes.cast(_c_library().strlen, lib.llama_cpp.ggml_abort_callback)
        wanted.abort_callback_data = ctypes.addressof(self._flag)
        return lib.llama_init_from_model(self._model, wanted)

    def close(self) -> None:
        """Free everything; harmless the second time."""
        for adapter in self._adapters.values():
            lib.llama_adapter_lora_free(adapter)
        self._adapters.clear()
        if self._context:
            lib.llama_free(self._context)
            self._context = None
        if self._model:
            lib.llama_model_free(self._model)
            self._model = None

    # --- vocabulary

    def tokenize(self, segments: Sequence[Segment]) -> list[int]:
        """The tokens of a prompt, each segment by itself, with the start token where the model wants one."""
        tokens = list(self.bos)
        for segment in segments:
            tokens += self.tokens_of(segment, inside=len(tokens) > len(self.bos))
        return tokens

    def tokens_of(self, segment: Segment, *, inside: bool = True) -> Tokens:
        """The tokens of one segment; `inside` a prompt no space is put before it, whatever the vocabulary's habit."""
        if not inside and self._pads:
            return self._raw_tokens(segment.text, control=segment.control)
        known = self._known.get(segment)
        if known is None:
            if len(self._known) >= _KNOWN_SEGMENTS:
                self._known.clear()
            known = self._known[segment] = self._unpadded_tokens(segment)
        return known

    def _unpadded_tokens(self, segment: Segment) -> Tokens:
        """As if the text followed a line break, which keeps SentencePiece vocabularies from adding a space."""
        if not self._pads:
            return self._raw_tokens(segment.text, control=segment.control)
        tokens = self._raw_tokens("\n" + segment.text, control=segment.control)
        return tokens[len(self._line) :] if tokens[: len(self._line)] == self._line else tokens

    def _raw_tokens(self, text: str, *, control: bool) -> Tokens:
        data = text.encode("utf-8", "replace")
        room = len(data) + 8
        tokens = (ctypes.c_int32 * room)()
        count = lib.llama_tokenize(self._vocabulary, data, len(data), tokens, room, False, control)
        return tuple(tokens[:count])

    def piece(self, token: int) -> bytes:
        """The bytes that a token writes; none for control tokens."""
        buffer = ctypes.create_string_buffer(256)
        count = lib.llama_token_to_piece(self._vocabulary, token, buffer, len(buffer), 0, False)
        return buffer.raw[: max(count, 0)]

    def ends_generation(self, token: int) -> bool:
        """Whether the model says with this token that it is done."""
        return bool(lib.llama_vocab_is_eog(self._vocabulary, token))

    def is_text(self, token: int) -> bool:
        """Whether the token writes text: it is no control, unknown or unused token."""
        return not lib.llama_vocab_get_attr(self._vocabulary, token) & _NOT_TEXT

    # --- decoding

    def decode(
        self,
        tokens: Sequence[int],
        positions: Sequence[int],
        members: Sequence[Sequence[int]],
        wanted: Sequence[int],
    ) -> None:
        """Decode tokens, each into every sequence of its members, and keep logits at the wanted indices.

        Raises:
            OutOfCells: there is no room; nothing has changed.
            Cancelled: `stop` was called; the memory has been cleared.
            ModelUnavailable: llama.cpp failed.
        """
        size = len(tokens)
        self._token[:size] = tokens
        self._position[:size] = positions
        for index, ids in enumerate(members):
            self._count[index] = len(ids)
            self._members[index, : len(ids)] = ids
        self._wanted[:size] = 0
        self._wanted[list(wanted)] = 1
        self._batch.n_tokens = size
        _messages.clear()
        code = lib.llama_decode(self._context, self._batch)
        if code == 0:
            return
        if code == 1:
            raise OutOfCells("The context is full.")
        self.clear()
        if code == 2:
            raise Cancelled("The work was stopped.")
        raise ModelUnavailable(f"llama.cpp could not compute this batch (code {code}: {_reason()}).")

    def logits(self, index: int) -> NDArray[np.float32]:
        """The logits at a wanted index of the last decode: a view that lives until the next one."""
        row = lib.llama_get_logits_ith(self._context, index)
        return np.ctypeslib.as_array(row, shape=(self.vocabulary_size,))

    def copy(self, source: int, target: int, length: int) -> None:
        """Let a sequence begin with the first tokens of another; no work is done again."""
        lib.llama_memory_seq_cp(self._memory, source, target, 0, length)

    def cut(self, sequence: int, length: int = 0) -> None:
        """Forget a sequence from this position on."""
        lib.llama_memory_seq_rm(self._memory, sequence, length, -1)

    def clear(self) -> None:
        """Forget all sequences."""
        lib.llama_memory_clear(self._memory, False)

    def stop(self) -> None:
        """End a running decode, and every later one until `go_on`. The one method for other threads."""
        self._flag[0] = b"\x01"

    def go_on(self) -> None:
        """Allow decoding again."""
        self._flag[0] = b"\x00"

    # --- adapters

    def use_adapters(self, paths: Sequence[Path]) -> None:
        """Decode with these LoRA adapters on top of the weights from now on; what was decoded before is not touched.

        Raises:
            ModelUnavailable: a file is missing or does not belong to this model.
        """
        loaded = [self._adapter(path) for path in paths]
        count = len(loaded)
        kind = lib.llama_cpp.llama_adapter_lora_p_ctypes
        lib.llama_set_adapters_lora(
            self._context, (kind * count)(*loaded), count, (ctypes.c_float * count)(*[1.0] * count)
        )

    def _adapter(self, path: Path) -> Any:
        if path not in self._adapters:
            _messages.clear()
            loaded = lib.llama_adapter_lora_init(self._model, str(path).encode()) if path.is_file() else None
            if not loaded:
                raise ModelUnavailable(f"The adapter {path} is missing or was made for another model.")
            self._adapters[path] = loaded
        return self._adapters[path]


def metadata(path: Path, key: str) -> str | None:
    """One text of a GGUF file's metadata, read without loading the weights; None when it has no such key.

    Raises:
        ModelUnavailable: llama.cpp cannot read the file.
    """
    lib.llama_log_set(_keep_message, ctypes.c_void_p(0))
    _messages.clear()
    wanted = lib.llama_model_default_params()
    wanted.vocab_only = True
    model = lib.llama_model_load_from_file(str(path).encode(), wanted)
    if not model:
        raise ModelUnavailable(f"llama.cpp cannot read {path} ({_reason()}): check that the file is complete.")
    try:
        size = lib.llama_model_meta_val_str(model, key.encode(), ctypes.create_string_buffer(1), 1)
        if size < 0:
            return None
        buffer = ctypes.create_string_buffer(size + 1)
        lib.llama_model_meta_val_str(model, key.encode(), buffer, size + 1)
        return buffer.value.decode("utf-8", "replace")
    finally:
        lib.llama_model_free(model)


def _reason() -> str:
    return next((message for message in _messages if message), "no reason given").rstrip(".")


def _c_library() -> Any:
    return ctypes.cdll.msvcrt if sys.platform == "win32" else ctypes.CDLL(None)
