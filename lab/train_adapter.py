"""From a folder of labelled data to an adapter, in one go."""

from __future__ import annotations

from pathlib import Path

from dp_tools.adapters.tokens import Tokens
from dp_tools.adapters.train import Report, Settings, load_network, require_torch, train
from dp_tools.adapters.training_example import encode
from dp_tools.models.catalogue import resolve
from dp_tools.prompts import PROMPT_TEMPLATES
from lab.mixture import Recipe, make_examples


def train_adapter(
    data: Path,
    out: Path,
    recipe: Recipe,
    settings: Settings,
    *,
    start: Path | None = None,
    device: str = "cpu",
    report: Report | None = None,
) -> Path:
    """Train an adapter for the embedded model.

    Args:
        data: labelled instances, laid out as `dp_tools.evaluation.datasets` says.
        out: folder for the checkpoint, the log and `adapter.gguf`; the same call goes on from a checkpoint in it.
        recipe: the training mixture.
        settings: how to train.
        start: an adapter to go on from; by default a fresh one.
        device: "cpu" or a torch device.
        report: progress.

    Returns:
        The path of the adapter.

    Raises:
        ModelUnavailable: the packages of the extra "tune" are not installed.
        InvalidRequest: the folder holds nothing to learn from.
    """
    require_torch()
    weights = resolve("nano").locate()
    examples = encode(make_examples(data, recipe), Tokens(weights), PROMPT_TEMPLATES["nano"])
    return train(load_network(weights, device), examples, out, settings, start=start, device=device, report=report)
