"""Encoded training examples in a file: made on one machine, learned from on another, which may be lent for minutes."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from dp_tools.adapters.rows import Encoded
from dp_tools.engine.prefix_tree import shared_beginning
from dp_tools.errors import TableUnavailable


def write_examples(path: Path, examples: Sequence[Encoded]) -> None:
    """Write examples; what one begins with like the one before it, in the order of their tokens, is written once."""
    order = sorted(range(len(examples)), key=lambda number: examples[number].prompt)
    counts, tokens = [], []
    before: list[int] = []
    for number in order:
        example = examples[number]
        shared = shared_beginning(before, example.prompt)
        counts.append((shared, len(example.prompt) - shared, len(example.answer), number))
        tokens += example.prompt[shared:] + example.answer
        before = example.prompt
    narrow = np.min_scalar_type(max(tokens, default=0))
    with path.open("wb") as file:  # by its name alone, numpy would put ".npz" behind it
        np.savez_compressed(file, counts=np.array(counts, np.uint32), tokens=np.array(tokens, narrow))


def read_examples(path: Path) -> list[Encoded]:
    """The examples, in the order in which they were given.

    Raises:
        TableUnavailable: the file is not one that `write_examples` has written.
    """
    try:
        with np.load(path, allow_pickle=False) as kept:
            counts, tokens = kept["counts"].tolist(), kept["tokens"]
    except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile):
        raise TableUnavailable(f"{path} holds no examples: make them with `python -m lab examples`.") from None
    found: dict[int, Encoded] = {}
    at, prompt = 0, list[int]()
    for shared, further, answer, number in counts:
        prompt = prompt[:shared] + tokens[at : at + further].tolist()
        at += further
        found[number] = Encoded(prompt, tokens[at : at + answer].tolist())
        at += answer
    return [found[number] for number in range(len(found))]
