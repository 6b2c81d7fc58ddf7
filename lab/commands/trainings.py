"""What the commands about trainings share: their options, and running other commands once."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from dp_tools.evaluation.splits import AskedSplit, Split
from dp_tools.preprocessor import Preprocessor
from dp_tools.rules.injection import Injection

DATA = click.option("--data", type=click.Path(path_type=Path, exists=True), required=True, help="Labelled instances.")
DEVICE = click.option("--device", default="cpu", show_default=True, help="cpu, or a torch device such as cuda.")
OUT = click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder for what is made.")

TWINS = {"EM/DBLP-ACM": "EM/Dirty_DBLP-ACM", "EM/iTunes-Amazon": "EM/Dirty_iTunes-Amazon"}
"""Sets of the same records, corrupted: who has seen one has seen the other."""
OTHER_TASKS = ("SM", "CTA", "AVE", "EXTRA")
ON_A_CPU = ("--longest", "400", "--tokens", "2600")
ON_A_GPU = ("--tokens", "16384")


def asked_of(
    preprocessor: Preprocessor, split: Split, dataset: str | None = None
) -> tuple[AskedSplit, dict[str | None, Injection]]:
    """The questions about a split, and the general rules that hold for them, or those for a dataset of this name."""
    asked = split.asked(dataset=dataset)
    assert asked.request is not None
    return asked, preprocessor.decider.inject(split.task, asked.cases, asked.request)


def with_twins(names: Sequence[str]) -> list[str]:
    return [*names, *(TWINS[name] for name in names if name in TWINS)]


def each_left_out(names: Sequence[str]) -> list[str]:
    return [part for name in names for part in ("--leave-out", name)]


def train_once(data: Path, out: Path, device: str, *how: str) -> None:
    """Train unless it is done; one that was stopped goes on from its checkpoint."""
    if not (out / "adapter.gguf").exists():
        always = ("--device", device, "--epochs", "1", "--valid", "0")
        sizes = ON_A_CPU if device == "cpu" else ON_A_GPU
        run("lab", "train", "--data", str(data), "--out", str(out), *always, *sizes, *how)


def once(file: Path, program: str, *command: str, option: str = "--out", **environment: str) -> None:
    """Run what writes a file, unless the file is there. It is there only when all of it is."""
    if not file.exists():
        part = file.with_suffix(".part")
        part.unlink(missing_ok=True)
        run(program, *command, option, str(part), **environment)
        part.replace(file)


def run(program: str, *command: str, **environment: str) -> None:
    """Run a command of the product ("dp_tools") or of the laboratory ("lab")."""
    click.echo(f"{program} {' '.join(command)}", err=True)
    whole = [sys.executable, "-m", program, *command]
    subprocess.run(whole, check=True, stdout=sys.stderr, env={**os.environ, **environment})
