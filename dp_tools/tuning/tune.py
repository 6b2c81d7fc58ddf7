"""From a folder of labelled data to an adapter, in one go."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from dp_tools.engine.questions import Segment
from dp_tools.errors import ModelUnavailable
from dp_tools.models.catalogue import resolve
from dp_tools.prompts import WIRE_FORMATS
from dp_tools.prompts.templates.template import WireFormat
from dp_tools.tuning.mix import Lesson, Recipe, make_lessons
from dp_tools.tuning.rows import Encoded
from dp_tools.tuning.tokens import Tokens
from dp_tools.tuning.train import Report, Settings, load_network, train


def tune(
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
        data: labelled instances, laid out as `dp_tools.tuning.instances` says.
        out: folder for the checkpoint, the log and `adapter.gguf`; the same call goes on from a checkpoint in it.
        recipe: the mix.
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
    lessons = encode(make_lessons(data, recipe), Tokens(weights), WIRE_FORMATS["nano"])
    return train(load_network(weights, device), lessons, out, settings, start=start, device=device, report=report)


def require_torch() -> None:
    """Make torch use every processor that this process may use.

    Raises:
        ModelUnavailable: the packages of the extra "tune" are not installed.
    """
    try:
        import peft  # noqa: F401
        import torch
    except ImportError:
        raise ModelUnavailable('Tuning needs torch, transformers and peft: install "dp-tools[tune]".') from None
    torch.set_num_threads(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)


def encode(lessons: Sequence[Lesson], tokens: Tokens, wire: WireFormat) -> list[Encoded]:
    """Lessons as ids, in a model's wire format."""
    prompts = tokens.encode_all([wire.render(lesson.prompt) for lesson in lessons])
    end = Segment(wire.end, control=True)
    answers = tokens.encode_all([(Segment(lesson.answer), end) for lesson in lessons])
    return [Encoded(prompt, answer) for prompt, answer in zip(prompts, answers, strict=True)]
