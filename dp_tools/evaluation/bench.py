"""The benchmark: every labelled dataset of a folder through the product's own path, scored as the paper scores."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from dp_tools.evaluation.instances import TASK_OF
from dp_tools.evaluation.published import COLUMNS, published
from dp_tools.evaluation.scores import Score, mean, score
from dp_tools.evaluation.splits import Split
from dp_tools.preprocessor import Preprocessor
from dp_tools.progress import Progress


@dataclass(frozen=True, slots=True)
class Row:
    """The result on one dataset.

    Args:
        task: the task's folder, such as "EM".
        dataset: its name.
        split: which split was measured.
        result: how well it was answered.
        seconds: from instances to answers.
        paper: published scores on it by system; None for a dataset that the paper does not have.
    """

    task: str
    dataset: str
    split: str
    result: Score
    seconds: float
    paper: dict[str, float] | None

    def as_json(self) -> dict[str, Any]:
        """The row as one flat object; shares in percent, with two decimals."""
        result = {
            name: round(value, 2) if isinstance(value, float) else value for name, value in asdict(self.result).items()
        }
        return {
            "task": self.task,
            "dataset": self.dataset,
            "split": self.split,
            **result,
            "seconds": round(self.seconds, 2),
            "instances_per_second": round(self.result.n / self.seconds, 2) if self.seconds else None,
            "paper": self.paper,
        }


def measure(
    preprocessor: Preprocessor,
    split: Split,
    *,
    packs: bool = True,
    progress: Progress | None = None,
    cancel: threading.Event | None = None,
) -> Row:
    """Answer every instance of a split and score the answers.

    Args:
        preprocessor: what answers.
        split: the instances.
        packs: whether the dataset is named, so that its own rules apply besides the general ones.
        progress: called with (questions answered, questions in all).
        cancel: set it to stop.

    Raises:
        InvalidRequest: an instance cannot be asked about.
        ModelUnavailable: no question can be answered.
        Cancelled: `cancel` was set.
    """
    started = time.perf_counter()
    asked = split.asked(dataset=split.dataset if packs else None)
    injections = preprocessor.decider.inject(split.task, asked.cases, asked.request) if asked.request else {}
    outcomes = preprocessor.decider.outcomes(split.task, asked.cases, injections, progress=progress, cancel=cancel)
    result = score(split.task, asked.instances, outcomes)
    seconds = time.perf_counter() - started
    return Row(split.folder, split.dataset, split.name, result, seconds, published(split.folder, split.dataset))


@dataclass(frozen=True, slots=True)
class Mean:
    """A mean of scores, ours and the published ones over the same datasets."""

    name: str
    datasets: int
    score: float
    paper: dict[str, float]


def means(rows: Sequence[Row]) -> list[Mean]:
    """The mean per task, and where the folder has datasets of the paper, the mean over those."""
    groups = [(folder, [row for row in rows if row.task == folder]) for folder in TASK_OF]
    groups.append(("the paper's sets", [row for row in rows if row.paper is not None]))
    return [
        Mean(name, len(group), sum(row.result.score for row in group) / len(group), _paper_means(group))
        for name, group in groups
        if group
    ]


HEADER = ("task", "dataset", "n", "positives", "metric", "score", "precision", "recall", "ECE", "a second", *COLUMNS)


def cells(rows: Sequence[Row]) -> list[tuple[str, ...]]:
    """The rows and the means as text, under `HEADER`."""
    lines = [
        (
            row.task,
            row.dataset,
            str(row.result.n),
            str(row.result.positives),
            row.result.metric,
            f"{row.result.score:.2f}",
            f"{row.result.precision:.2f}",
            f"{row.result.recall:.2f}",
            f"{row.result.calibration_error:.1f}",
            f"{row.result.n / row.seconds:.1f}" if row.seconds else "",
            *_figures(row.paper or {}),
        )
        for row in rows
    ]
    for entry in means(rows):
        shown = ("mean", f"{entry.name} ({entry.datasets})", "", "", "", f"{entry.score:.2f}", "", "", "", "")
        lines.append((*shown, *_figures(entry.paper)))
    return lines


def markdown(rows: Sequence[Row]) -> str:
    """The rows and the means as a Markdown table."""
    numbers = ["---", "---", *["---:"] * (len(HEADER) - 2)]
    return "".join(f"| {' | '.join(line)} |\n" for line in (HEADER, numbers, *cells(rows)))


def _figures(paper: dict[str, float]) -> Iterable[str]:
    return (f"{paper[name]:.2f}" if name in paper else "" for name in COLUMNS)


def _paper_means(rows: Sequence[Row]) -> dict[str, float]:
    """Published means, of the systems that have a figure on every one of these datasets."""
    found = {}
    for name in COLUMNS:
        figures = [row.paper[name] for row in rows if row.paper is not None and name in row.paper]
        average = mean(figures)
        if len(figures) == len(rows) and average is not None:
            found[name] = average
    return found
