"""From a folder of labelled data to an adapter."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from dp_tools.adapters.rows import Encoded
from dp_tools.adapters.tokens import Tokens
from dp_tools.adapters.train import Report, Settings, load_network, require_torch, train
from dp_tools.adapters.training_example import encode
from dp_tools.models.catalogue import resolve
from dp_tools.prompts import PROMPT_TEMPLATES
from lab.mixture import Recipe, make_examples


def encoded_examples(data: Path, recipe: Recipe) -> list[Encoded]:
    """The training mixture in the embedded model's tokens.

    Args:
        data: labelled instances, laid out as `dp_tools.evaluation.datasets` says.
        recipe: the training mixture.

    Raises:
        ModelUnavailable: the packages of the extra "tune" are not installed.
    """
    require_torch()
    return encode(make_examples(data, recipe), Tokens(resolve("nano").locate()), PROMPT_TEMPLATES["nano"])


def train_adapter(
    examples: Sequence[Encoded],
    out: Path,
    settings: Settings,
    *,
    start: Path | None = None,
    device: str = "cpu",
    report: Report | None = None,
) -> Path:
    """Train an adapter for the embedded model.

    Args:
        examples: what it learns from.
        out: folder for the checkpoint, the log and `adapter.gguf`; the same call goes on from a checkpoint in it.
        settings: how to train.
        start: an adapter to go on from; by default a fresh one.
        device: "cpu" or a torch device.
        report: progress.

    Returns:
        The path of the adapter.

    Raises:
        ModelUnavailable: the packages of the extra "tune" are not installed.
        InvalidRequest: there is nothing to learn from.
    """
    require_torch()
    network = load_network(resolve("nano").locate(), device)
    return train(network, examples, out, settings, start=start, device=device, report=report)
