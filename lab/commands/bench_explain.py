"""`python -m lab bench-explain`: how true explanations are, what they cost, and how far to believe probabilities."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import click

from dp_tools.cli.answering import MODEL, bar, interruptible, onward
from dp_tools.engine import open_engine
from dp_tools.errors import TableUnavailable
from dp_tools.evaluation.datasets import SPLITS, read_datasets
from dp_tools.evaluation.splits import Split
from dp_tools.explain.plots import curves
from dp_tools.explain.plots import reliability as diagram
from dp_tools.preprocessor import Preprocessor
from lab.benchmarks.faithfulness import Faithfulness, cost, faithfulness, planted
from lab.benchmarks.reliability import VERDICTS, judged, reliability, steadiness

Picture = Callable[[str, bytes], str]
MEASURES = ("faithfulness", "planted", "cost", "calibration", "steadiness")
FAITHFUL = ("EM/Amazon-Google", "ED/Hospital")
_FOUR = 4
"""Attributes of the pairs whose explanations are timed."""
_TIMED = 100
"""Pairs that are timed at most."""


@click.command()
@click.option("--data", type=click.Path(path_type=Path), required=True, help="Folder laid out as TASK/dataset/split.")
@click.option("--only", type=click.Choice(MEASURES), multiple=True, help="A measure to take; all if left out.")
@click.option(
    "--dataset",
    "datasets",
    multiple=True,
    help="A TASK/dataset or TASK; if left out all, but for faithfulness Amazon-Google and Hospital.",
)
@click.option("--limit", type=click.IntRange(min=4), default=200, show_default=True, help="Instances of each dataset.")
@click.option("--split", type=click.Choice(SPLITS), default="test", show_default=True, help="Which split to measure.")
@MODEL
@click.option("--pictures", type=click.Path(path_type=Path, file_okay=False), help="Draw the curves into this folder.")
def bench_explain(
    data: Path,
    only: tuple[str, ...],
    datasets: tuple[str, ...],
    limit: int,
    split: str,
    model: str,
    pictures: Path | None,
) -> None:
    """Measure the explanations on a folder of labelled data, and write the results as Markdown to stdout."""
    found = [dataset.split(split) for dataset in read_datasets(data, datasets) if split in dataset.files]
    engine = open_engine(model, cache=False, wait=True)
    picture = _into(pictures)
    with Preprocessor(model, ":memory:", engine=engine, adapters=False) as preprocessor:
        takes = {
            "faithfulness": lambda: _faithfulness(preprocessor, _faithful(found, datasets), limit, picture),
            "planted": lambda: _planted(preprocessor, found, limit),
            "cost": lambda: _cost(preprocessor, found, limit),
            "calibration": lambda: _calibration(preprocessor, found, limit, picture),
            "steadiness": lambda: _steadiness(preprocessor, found, limit),
        }
        for name in only or MEASURES:
            for line in takes[name]():
                click.echo(line)


def _faithful(splits: Sequence[Split], datasets: Sequence[str]) -> list[Split]:
    return [split for split in splits if datasets or f"{split.folder}/{split.dataset}" in FAITHFUL]


def _faithfulness(preprocessor: Preprocessor, splits: Sequence[Split], limit: int, picture: Picture) -> Iterator[str]:
    yield "### Faithfulness\n"
    yield from _table(
        "dataset", "answers", "fall without named", "without random", "ratio", "fall with only named", "random", "ratio"
    )
    drawn: list[str] = []
    for split in splits:
        with bar(min(limit, len(split.instances))) as advance, interruptible() as cancel:
            results = faithfulness(preprocessor, split.sample(limit), progress=onward(advance, 0), cancel=cancel)
        for result in results:
            gone, gone_random = result.deletion
            kept, kept_random = result.sufficiency
            first = f"{gone:.3f}", f"{gone_random:.3f}", _ratio(gone, gone_random)
            second = f"{kept:.3f}", f"{kept_random:.3f}", _ratio(kept_random, kept)
            yield _row(result.name, str(result.answers), *first, *second)
            drawn += _curves(result, picture)
    yield ""
    yield from drawn


def _curves(result: Faithfulness, picture: Picture) -> Iterator[str]:
    what = "probability of the answer"
    for name, named, others in (
        ("taken away", result.deleted, result.deleted_random),
        ("kept", result.kept, result.kept_random),
    ):
        image = curves({"named": named, "random": others}, f"{result.name}: attributes {name}", what)
        place = picture(f"faithfulness-{result.name}-{name}", image)
        if place:
            yield f"![{result.name}, attributes {name}]({place})"


def _planted(preprocessor: Preprocessor, splits: Sequence[Split], limit: int) -> Iterator[str]:
    yield "### Planted rules\n"
    yield from _table("rule", "cases", "named first", "share")
    cases = min(limit, 100)
    with bar(cases) as advance, interruptible() as cancel:
        results = planted(preprocessor, splits, cases, progress=onward(advance, 0), cancel=cancel)
    for result in results:
        yield _row(result.kind, str(result.cases), str(result.first), _share(result.first, result.cases))
    first, total = sum(result.first for result in results), sum(result.cases for result in results)
    yield _row("all", str(total), str(first), _share(first, total)) + "\n"


def _cost(preprocessor: Preprocessor, splits: Sequence[Split], limit: int) -> Iterator[str]:
    yield f"### Cost, pairs of {_FOUR} attributes\n"
    yield from _table("dataset", "pairs", "answer, s", "explanation, s", "ratio")
    for split in splits:
        if split.folder != "EM" or not split.instances or len(split.instances[0].row["left"]) != _FOUR:
            continue
        with interruptible() as cancel:
            result = cost(preprocessor, split.sample(min(limit, _TIMED)), cancel=cancel)
        if result is None:
            continue
        times = f"{result.answer:.3f}", f"{result.explanation:.3f}"
        yield _row(result.name, str(result.pairs), *times, f"{result.ratio:.1f}")
    yield ""


def _calibration(preprocessor: Preprocessor, splits: Sequence[Split], limit: int, picture: Picture) -> Iterator[str]:
    yield "### Calibration\n"
    yield from _table("task", "cases", "ECE before", "ECE after")
    drawn = []
    for task in dict.fromkeys(split.task for split in splits):
        sample = [split.sample(limit) for split in splits if split.task == task]
        with interruptible() as cancel:
            found = [judged(preprocessor, split, cancel=cancel) for split in sample]
        if not any(found):
            continue
        result = reliability(task, [cases for cases in found if cases], preprocessor.decider.calibration)
        yield _row(task, str(result.cases), f"{100 * result.before:.1f}", f"{100 * result.after:.1f}")
        what = "probability of yes" if task in VERDICTS else "probability of the answer"
        bins = {"before": result.bins_before, "after": result.bins_after}
        place = picture(f"reliability-{task}", diagram(bins, f"{task}: {what}"))
        if place:
            drawn.append(f"![Reliability of {task}]({place})")
    yield ""
    yield from drawn


def _steadiness(preprocessor: Preprocessor, splits: Sequence[Split], limit: int) -> Iterator[str]:
    yield "### Sides swapped and attributes shuffled\n"
    yield from _table("dataset", "pairs", "labels changed", "permutation-averaged", "marked unstable", "cost")
    for split in splits:
        if split.folder != "EM":
            continue
        with interruptible() as cancel:
            result = steadiness(preprocessor, split.sample(limit), cancel=cancel)
        shares = (
            f"{100 * share:.1f}%" for share in (result.plain, result.permutation_averaged, result.order_sensitive)
        )
        yield _row(result.name, str(result.pairs), *shares, f"{result.cost:.1f}x")
    yield ""


def _table(*names: str) -> Iterator[str]:
    yield _row(*names)
    yield _row("---", *["---:"] * (len(names) - 1))


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _ratio(more: float, less: float) -> str:
    if less > 0:
        return f"{more / less:.1f}"
    return "∞" if more > 0 else "-"


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.0f}%" if whole else "-"


def _into(folder: Path | None) -> Picture:
    """Writes pictures into a folder, if there is one, and says where they are."""

    def write(name: str, image: bytes) -> str:
        if folder is None:
            return ""
        file = folder / f"{name.lower().replace(', ', '-').replace(' ', '-')}.svg"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            file.write_bytes(image)
        except OSError as error:
            raise TableUnavailable(f"{file} cannot be written ({error.strerror}): choose another folder.") from error
        return f"{folder.name}/{file.name}"

    return write
