"""Adapter training: low-rank matrices on every projection, the loss on answers only.

Method: LoRA (Hu et al., 2022). The weights are those of the GGUF that will run, dequantised, so the adapter is trained
against exactly what it will be merged into. Examples that begin alike share a row, so their beginning is computed once;
steps hold rows of like length up to a number of tokens; the output layer is computed at answer positions only, or its
memory would dwarf everything else.
"""

from __future__ import annotations

import hashlib
import json
import logging
import math
import os
import shutil
import time
from array import array
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random
from typing import Any

from dp_tools.adapters.adapter_file import read_adapter, write_adapter
from dp_tools.adapters.rows import Encoded, Row, pack
from dp_tools.errors import InvalidRequest, ModelUnavailable

logger = logging.getLogger(__name__)

PROJECTIONS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
_WARM_UP = 0.03
_ALIGNED = 8
"""Tokens that a row's length is a multiple of on a GPU."""
_WORTH_COMPILING: dict[str, float] = {"cpu": 50_000, "cuda": 5_000_000}
"""Tokens of a training from which on it makes up for the time of compiling: a minute and a half on two old cores, and
as long on a GPU, which sees millions of tokens in that time."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How to train.

    Args:
        rank: rank of the matrices; 32 on SmolLM2-135M gives 9.8 million parameters, 19.6 MB in 16 bits.
        alpha: the adapter is scaled by alpha / rank.
        rate: peak learning rate; it rises over the first 3% of the steps and falls as a cosine.
        epochs: passes over the examples.
        tokens: tokens a step, padding included.
        longest: tokens of a example; longer ones are left out.
        steps: how many there are at the most, whatever is left; None for no limit.
        minutes: time after which training ends, whatever is left; the learning rate falls in time. None for no limit.
        seed: of the order and of the first matrices.
    """

    rank: int = 32
    alpha: int = 64
    rate: float = 1e-3
    epochs: float = 2.0
    tokens: int = 16384
    longest: int = 1400
    steps: int | None = None
    minutes: float | None = None
    seed: int = 13


Report = Callable[[int, int, float, float], None]
"""Called with (step, steps, mean loss of the steps since the last call, seconds left)."""


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


def load_network(weights: Path, device: str) -> Any:
    """The dequantised network of a GGUF, in the number format to train in."""
    from transformers import AutoModelForCausalLM

    # The fused attention of a CPU is made for long texts: at 150 tokens its way back takes three times the plain one.
    attention = "sdpa" if device.startswith("cuda") else "eager"
    network: Any = AutoModelForCausalLM.from_pretrained(
        str(weights.parent), gguf_file=weights.name, dtype=number_format(device), attn_implementation=attention
    )
    return network.to(device)


def number_format(device: str) -> Any:
    """The dtype that training on this device is faster in: torch.bfloat16, or torch.float32 on a processor without it.

    A processor that has no instructions for bfloat16 takes eight times as long with it, one that has them half as long
    or less. Which it is depends on what torch makes of them, so a product of a step's size is timed.
    """
    import torch

    if not device.startswith("cpu"):
        return torch.bfloat16
    return min((torch.bfloat16, torch.float32), key=_seconds_a_product)


def _seconds_a_product(dtype: Any) -> float:
    """The least of a few, since anything else that runs only adds to it."""
    import torch

    states, weights = torch.ones(1024, 576, dtype=dtype), torch.ones(1536, 576, dtype=dtype)
    taken = []
    for _ in range(5):
        began = time.perf_counter()
        torch.nn.functional.linear(states, weights)
        taken.append(time.perf_counter() - began)
    return min(taken)


def with_adapter(network: Any, settings: Settings) -> Any:
    """The network with fresh low-rank matrices on all projections, the only ones that learn."""
    import torch
    from peft import LoraConfig, get_peft_model

    torch.manual_seed(settings.seed)
    config = LoraConfig(
        r=settings.rank, lora_alpha=settings.alpha, target_modules=list(PROJECTIONS), task_type="CAUSAL_LM"
    )
    return get_peft_model(network, config)


def train(
    network: Any,
    examples: Sequence[Encoded],
    out: Path,
    settings: Settings,
    *,
    start: Path | None = None,
    device: str = "cpu",
    report: Report | None = None,
    save_every_s: float = 300.0,
) -> Path:
    """Train an adapter and write it as GGUF.

    A training that was stopped goes on from its last checkpoint when called again with the same arguments.

    Args:
        network: from `load_network`; the matrices are put into it, so it serves one training.
        examples: the encoded examples.
        out: folder for the checkpoint, the log of losses and `adapter.gguf`.
        settings: how.
        start: an adapter of the same rank and scale to go on from; by default a fresh one.
        device: "cpu" or a torch device.
        report: progress.
        save_every_s: seconds between checkpoints.

    Returns:
        The path of the adapter.

    Raises:
        InvalidRequest: there is nothing to learn from, or `start` does not fit.
    """
    import torch

    usable = [example for example in examples if len(example) <= settings.longest]
    if not usable:
        raise InvalidRequest("There is no example short enough to learn from: give labelled cases.")
    out.mkdir(parents=True, exist_ok=True)
    model = with_adapter(network, settings)
    if start is not None:
        read_adapter(start, model)
    learning = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(learning, lr=settings.rate, weight_decay=0.0, betas=(0.9, 0.98))
    plan = _plan(usable, settings)
    _compile_if_worth_it(model, plan, device)
    checkpoint = out / "checkpoint.pt"
    course = {**asdict(settings), "examples": _digest(usable)}
    first, spent = _restore(checkpoint, model, optimizer, device, course)
    lately: list[Any] = []
    clock = _Clock(len(plan), spent, settings.minutes)
    saved = time.monotonic()
    model.train()
    for step in range(first, len(plan)):
        progress = clock.progress(step)
        if progress > 1:
            break
        for group in optimizer.param_groups:
            group["lr"] = settings.rate * _schedule(progress)
        loss = mean_loss(model.get_base_model(), plan[step], device)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(learning, 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        lately.append(loss.detach())
        if step % 20 == 0 or step + 1 == len(plan):
            # Only here: reading a loss makes a GPU wait.
            mean = float(sum(lately)) / len(lately)
            lately.clear()
            with (out / "losses.jsonl").open("a", encoding="utf-8") as log:
                log.write(json.dumps({"step": step, "steps": len(plan), "loss": round(mean, 4)}) + "\n")
            if report is not None:
                report(step + 1, len(plan), mean, clock.left(progress))
        if time.monotonic() - saved > save_every_s:
            _save(checkpoint, model, optimizer, step + 1, progress, course)
            saved = time.monotonic()
    adapter = write_adapter(out / "adapter.gguf", model, alpha=settings.alpha)
    checkpoint.unlink(missing_ok=True)
    logger.info("trained in %d steps on what %d examples gave", len(plan), len(usable))
    return adapter


class _Clock:
    """How far a training is, by its steps or by its time.

    Args:
        steps: how many there are.
        spent: the share of the training that was done before, 0 to 1.
        minutes: time after which it ends; None for no limit.
    """

    def __init__(self, steps: int, spent: float, minutes: float | None) -> None:
        self._steps, self._spent, self._minutes = steps, spent, minutes
        self._started = time.monotonic()

    def progress(self, step: int) -> float:
        """The share that is done once this step is; above 1 when the time is up."""
        share = (step + 1) / self._steps
        if self._minutes is None:
            return share
        return max(share, self._spent + (time.monotonic() - self._started) / (60 * self._minutes))

    def left(self, progress: float) -> float:
        """Seconds left at this progress."""
        return (time.monotonic() - self._started) * (1 - progress) / max(progress - self._spent, 1e-9)


def _compile_if_worth_it(model: Any, plan: Sequence[Sequence[Row]], device: str) -> None:
    """One kernel for each run of small steps: a fifth (float32) to a half (bfloat16) more examples a second."""
    worth = _WORTH_COMPILING.get(device.split(":")[0])
    if worth is not None and shutil.which("c++") and sum(len(row) for step in plan for row in step) > worth:
        for layer in model.get_base_model().model.layers:
            layer.compile(dynamic=True)


def _plan(examples: Sequence[Encoded], settings: Settings) -> list[list[Row]]:
    """Which rows stand in which step: like lengths together, up to `settings.tokens` with padding."""
    random = Random(settings.seed)
    plan: list[list[Row]] = []
    whole, part = divmod(settings.epochs, 1)
    for share in [1.0] * int(whole) + ([part] if part else []):
        rows = pack(random.sample(examples, max(1, round(share * len(examples)))))
        random.shuffle(rows)
        batches: list[list[Row]] = []
        # Sorting windows rather than everything keeps steps of one length different from epoch to epoch.
        for start in range(0, len(rows), 8192):
            batch: list[Row] = []
            for row in sorted(rows[start : start + 8192], key=len):
                if batch and (len(batch) + 1) * len(row) > settings.tokens:
                    batches.append(batch)
                    batch = []
                batch.append(row)
            batches.append(batch)
        random.shuffle(batches)
        plan += batches
    return plan[: settings.steps]


def mean_loss(network: Any, batch: Sequence[Row], device: str) -> Any:
    """The mean cross-entropy of what the rows' examples answer, by the examples' weights."""
    import torch

    cuda = device.startswith("cuda")
    longest = max(len(row) for row in batch)
    # The fused attention of a GPU reads a mask whose rows are aligned.
    size = -(-longest // _ALIGNED) * _ALIGNED if cuda else longest
    ids, positions, ends = torch.zeros((3, len(batch), size), dtype=torch.long)
    ends += torch.arange(size)
    for number, row in enumerate(batch):
        for tensor, values in ((ids, row.tokens), (positions, row.positions()), (ends, row.ends())):
            tensor[number, : len(row)] = torch.tensor(values)
    targets = [(number, *target) for number, row in enumerate(batch) for target in row.targets]
    columns = [torch.tensor(column) for column in zip(*targets, strict=True)]
    rows, places, tokens, weights = (column.to(device, non_blocking=True) for column in columns)
    ids, positions, ends = (tensor.to(device, non_blocking=True) for tensor in (ids, positions, ends))
    here = torch.arange(size, device=device)
    visible = (here <= here[:, None]) & (here[:, None] <= ends[:, None, :])
    dtype = network.dtype
    mask = torch.zeros(visible.shape, dtype=dtype, device=device).masked_fill_(~visible, torch.finfo(dtype).min)
    with torch.autocast(device.split(":")[0], dtype=torch.bfloat16, enabled=dtype == torch.bfloat16):
        hidden = network.model(
            input_ids=ids, position_ids=positions, attention_mask=mask[:, None], use_cache=False
        ).last_hidden_state
        logits = network.lm_head(hidden[rows, places])
    losses = torch.nn.functional.cross_entropy(logits.float(), tokens, reduction="none")
    return (losses * weights).sum() / weights.sum()


def _schedule(progress: float) -> float:
    """The share of the peak learning rate at this share of the training."""
    if progress < _WARM_UP:
        return progress / _WARM_UP
    return 0.5 * (1 + math.cos(math.pi * (progress - _WARM_UP) / (1 - _WARM_UP)))


def _digest(examples: Sequence[Encoded]) -> str:
    digest = hashlib.sha256()
    for example in examples:
        for part in (example.prompt, example.answer):
            digest.update(array("q", [len(part), *part]))
    return digest.hexdigest()


def _save(path: Path, model: Any, optimizer: Any, step: int, progress: float, course: dict[str, Any]) -> None:
    import torch
    from peft import get_peft_model_state_dict

    kept = {
        "adapter": get_peft_model_state_dict(model, save_embedding_layers=False),
        "optimizer": optimizer.state_dict(),
        "step": step,
        "progress": progress,
        "course": course,
    }
    beside = path.with_suffix(".part")
    torch.save(kept, beside)
    beside.replace(path)


def _restore(path: Path, model: Any, optimizer: Any, device: str, course: dict[str, Any]) -> tuple[int, float]:
    """The step and the progress to go on from: 0, or those of a checkpoint of the same settings and examples."""
    import torch
    from peft import set_peft_model_state_dict

    if not path.exists():
        return 0, 0.0
    kept = torch.load(path, map_location=device, weights_only=True)
    if kept.get("course") != course:
        return 0, 0.0
    set_peft_model_state_dict(model, kept["adapter"])
    optimizer.load_state_dict(kept["optimizer"])
    return int(kept["step"]), float(kept["progress"])
