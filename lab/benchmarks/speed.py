"""How fast the engine answers on this machine, beside the loop that everyone writes and beside bare llama.cpp.

Three jobs: 500 pairs of products, every cell of 200 records, 300 gaps to fill. Each is timed in our engine, in the
naive loop with the same prompts, and in the naive loop with the published prompt; the loop takes a sample of the
questions. What is compared is timed right after each other, since a machine's speed drifts over minutes, and the ratios
are medians over several rounds. Every case is asked of the model, those that a check would decide too.
"""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from operator import attrgetter
from pathlib import Path
from typing import Any

import anyio
from mcp import Client

from dp_tools.decision import with_rules
from dp_tools.engine.format_choice import decode_speed, optimize_weights
from dp_tools.engine.local import LocalEngine
from dp_tools.engine.questions import GeneratedValue, LabelScores, Question, Result, Value
from dp_tools.errors import InvalidRequest
from dp_tools.evaluation.datasets import Dataset, read_datasets
from dp_tools.evaluation.splits import Split
from dp_tools.mcp_server.server import create_server
from dp_tools.mcp_server.server_context import ServerContext
from dp_tools.models.catalogue import resolve
from dp_tools.preprocessor import Preprocessor
from dp_tools.progress import Progress
from dp_tools.prompts import PROMPT_TEMPLATES
from dp_tools.prompts.templates.template import PromptTemplate, to_question
from dp_tools.tasks import TASKS
from dp_tools.tasks.detect_errors import DetectErrorsRequest
from dp_tools.tasks.impute import ImputeRequest
from dp_tools.tasks.match_entities import MatchEntitiesRequest, RecordPair
from dp_tools.tasks.task import Request
from lab.benchmarks import naive

Report = Callable[[str], None]

_WORDS = ("canon", "sony", "adobe", "camera", "suite", "printer", "black", "office", "42in", "200", "300d", "windows")


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is measured.

    Args:
        pairs, rows, values: of the three jobs.
        sample: questions of each job that the naive loop gets per round.
        repeats: rounds of everything that is timed.
        probes: batches that llama.cpp alone decodes before and after each job; the fastest counts.
        agreement: questions that are also asked one by one.
        calls: MCP calls of one pair.
        batch: pairs in a large MCP call.
    """

    pairs: int = 500
    rows: int = 200
    values: int = 300
    sample: int = 40
    repeats: int = 3
    probes: int = 3
    agreement: int = 1000
    calls: int = 30
    batch: int = 100


_DEFAULT = Sizes()


@dataclass(frozen=True, slots=True)
class _Job:
    """One job as questions: in our format, and in the published one."""

    ours: list[Question]
    published: list[Question]


def measure_speed(
    data: Path | None = None, sizes: Sizes = Sizes(), report: Report = lambda _what: None
) -> dict[str, Any]:
    """All figures of this machine: see the module, and lab/results/2026-11-26/speed-and-formats.md for what each means.

    Args:
        data: a folder of labelled data that holds EM/Amazon-Google, ED/Hospital and DI/Restaurant; without one,
            synthetic records of the same shape are used.
        sizes: how much is measured.
        report: told what is being measured.

    Raises:
        InvalidRequest: the folder lacks one of the datasets.
    """
    optimize_weights(resolve("nano"))
    engine = LocalEngine(resolve("nano"), optimized=True)
    preprocessor = Preprocessor("nano", ":memory:", engine=engine)
    try:
        report("reading the data")
        jobs = _jobs(preprocessor, data, sizes)
        engine.answer(jobs["pairs"].ours[:1])
        figures: dict[str, Any] = {"data": "synthetic" if data is None else data.name, "threads": engine.threads}
        rounds: dict[str, list[_Round]] = {}
        for name, job in jobs.items():
            for number in range(sizes.repeats):
                report(f"{name}, round {number + 1} of {sizes.repeats}")
                rounds.setdefault(name, []).append(_round(engine, job, number, sizes))
            figures[name] = _compared(len(job.ours), rounds[name])
        bare = [one.bare for some in rounds.values() for one in some]
        figures["llama_decode_tokens_per_second"] = round(statistics.median(bare), 1)
        figures["efficiency"] = figures["pairs"]["efficiency"]
        scored = [*rounds["pairs"], *rounds["cells"]]
        decoded, distinct = (sum(map(attrgetter(tokens), scored)) for tokens in ("decoded", "distinct"))
        figures["token_ratio"] = round(decoded / distinct, 4)
        report("agreement")
        figures |= _agreement(engine, [*jobs["pairs"].ours, *jobs["cells"].ours], sizes.agreement)
        report("MCP")
        figures |= _mcp_overhead(preprocessor, engine, sizes)
        return figures
    finally:
        preprocessor.close()


# --- what is asked


def _jobs(preprocessor: Preprocessor, data: Path | None, sizes: Sizes) -> dict[str, _Job]:
    pairs, cells, values = synthetic_requests(sizes) if data is None else requests_from(data, sizes)
    return {
        "pairs": _job(preprocessor, "match_entities", pairs),
        "cells": _job(preprocessor, "detect_errors", cells),
        "values": _job(preprocessor, "impute", values),
    }


def _job(preprocessor: Preprocessor, task: str, requests: Sequence[Request]) -> _Job:
    ours, published = (
        [q for request in requests for q in _questions(preprocessor, task, request, template)]
        for template in (preprocessor.decider.template, PROMPT_TEMPLATES["chatml"])
    )
    return _Job(ours, published)


def _questions(preprocessor: Preprocessor, task: str, request: Request, template: PromptTemplate) -> list[Question]:
    cases = TASKS[task].cases(request, None)
    injections = preprocessor.decider.inject(task, cases, request)
    asked = [with_rules(case, injections[case.attribute]) for case in cases]
    return [to_question(template, case.prompt, case.ask) for case in asked]


def requests_from(data: Path, sizes: Sizes) -> tuple[list[Request], list[Request], list[Request]]:
    """Pairs, cells and gaps of labelled data.

    Raises:
        InvalidRequest: a dataset is missing.
    """
    pairs = _split(data, "EM", "Amazon-Google").sample(sizes.pairs)
    table = _split(data, "ED", "Hospital").table[: sizes.rows]
    gaps = _whole(data, "DI", "Restaurant").sample(sizes.values)
    return (
        [batch.request for batch in pairs.batches(dataset=pairs.dataset)],
        [DetectErrorsRequest(records=list(table), dataset="Hospital", show_record=True)],
        [batch.request for batch in gaps.batches(dataset=gaps.dataset)],
    )


def _split(data: Path, folder: str, name: str) -> Split:
    return _dataset(data, folder, name).split("test")


def _whole(data: Path, folder: str, name: str) -> Split:
    """All splits as one: a test split alone is too small to time, and nothing is scored here."""
    dataset = _dataset(data, folder, name)
    splits = [dataset.split(split) for split in dataset.files]
    return replace(splits[0], instances=tuple(instance for split in splits for instance in split.instances))


def _dataset(data: Path, folder: str, name: str) -> Dataset:
    found = read_datasets(data, (f"{folder}/{name}",))
    if not found:
        raise InvalidRequest(f"{data} has no {folder}/{name}: give a folder that has it, or measure without --data.")
    return found[0]


def synthetic_requests(sizes: Sizes) -> tuple[list[Request], list[Request], list[Request]]:
    """Records of the same shape as the three datasets."""
    choose = random.Random(0)

    def some(count: int) -> str:
        return " ".join(choose.choice(_WORDS) for _ in range(count))

    def product() -> dict[str, str | None]:
        return {"title": some(8), "manufacturer": some(1), "price": f"{choose.randint(5, 999)}.99"}

    def row() -> dict[str, str | None]:
        return {f"column {number}": some(1 + number % 4) for number in range(19)}

    pairs = [RecordPair(left=product(), right=product()) for _ in range(sizes.pairs)]
    rows = [row() for _ in range(sizes.rows)]

    def place() -> dict[str, str | None]:
        return {"name": some(2), "address": some(4), "type": some(1)}

    gaps = [place() for _ in range(sizes.values)]
    return (
        [MatchEntitiesRequest(pairs=pairs, dataset="Amazon-Google")],
        [DetectErrorsRequest(records=rows, dataset="Hospital", show_record=True)],
        [ImputeRequest(records=gaps, attribute="city", dataset="Restaurant")],
    )


# --- what is measured


def _timed(engine: LocalEngine, questions: Sequence[Question]) -> float:
    engine.forget()
    start = time.perf_counter()
    engine.answer(questions)
    return time.perf_counter() - start


@dataclass(frozen=True, slots=True)
class _Round:
    """What one round measured.

    Args:
        ours, same_prompt, naive: questions a second of each way.
        decoded, distinct: tokens that our engine decoded, and that the tree of its prompts has.
        seconds: that it took for them.
        bare: tokens a second of llama.cpp alone.
    """

    ours: float
    same_prompt: float
    naive: float
    decoded: int
    distinct: int
    seconds: float
    bare: float


def _round(engine: LocalEngine, job: _Job, number: int, sizes: Sizes) -> _Round:
    before, bare = replace(engine.work), decode_speed(engine.weights, engine.threads, sizes.probes)
    seconds = _timed(engine, job.ours)
    bare = (bare + decode_speed(engine.weights, engine.threads, sizes.probes)) / 2
    return _Round(
        ours=len(job.ours) / seconds,
        same_prompt=_naive(engine, job.ours, number, sizes),
        naive=_naive(engine, job.published, number, sizes),
        decoded=engine.work.decoded - before.decoded,
        distinct=engine.work.distinct - before.distinct,
        seconds=seconds,
        bare=bare,
    )


def _compared(count: int, rounds: Sequence[_Round]) -> dict[str, float]:
    """Medians over the rounds; a ratio is taken within each round."""

    def middle(figure: Callable[[_Round], float], digits: int = 2) -> float:
        return round(statistics.median(map(figure, rounds)), digits)

    return {
        "n": count,
        "naive_per_second": middle(lambda one: one.naive),
        "same_prompt_per_second": middle(lambda one: one.same_prompt),
        "ours_per_second": middle(lambda one: one.ours),
        "same_prompt_ratio": middle(lambda one: one.ours / one.same_prompt),
        "ratio": middle(lambda one: one.ours / one.naive),
        "decoded_tokens_per_second": middle(lambda one: one.decoded / one.seconds, 1),
        "efficiency": middle(lambda one: one.decoded / one.seconds / one.bare, 3),
    }


def _naive(engine: LocalEngine, questions: Sequence[Question], number: int, sizes: Sizes) -> float:
    """Questions a second of the naive loop over a round's slice of consecutive ones, with the weights as shipped."""
    size = min(sizes.sample, len(questions))
    start = number * max((len(questions) - size) // max(sizes.repeats - 1, 1), 0)
    prompts = [engine.tokenize(question.segments) for question in questions[start : start + size]]
    answer = questions[0].answer
    longest, stop = (answer.max_tokens, ["\n"]) if isinstance(answer, Value) else (3, [])
    return size / naive.seconds(engine.spec.locate(), engine.threads, prompts, longest, stop)


def _agreement(engine: LocalEngine, questions: Sequence[Question], count: int) -> dict[str, Any]:
    """How often a batch gives the label that the same question gets alone in an empty context."""
    some = random.Random(1).sample(list(questions), min(count, len(questions)))
    together = engine.answer(some)
    same, largest = 0, 0.0
    for question, result in zip(some, together, strict=True):
        engine.forget()
        (alone,) = engine.answer([question])
        label, other = _label(result), _label(alone)
        same += label[0] == other[0]
        largest = max(largest, abs(label[1] - other[1]))
    return {
        "questions_compared": len(some),
        "label_agreement": round(same / len(some), 4),
        "max_probability_difference": round(largest, 4),
    }


def _label(result: Result) -> tuple[Any, float]:
    """The answer, and the probability of the first label."""
    if isinstance(result, LabelScores):
        return result.probabilities.index(max(result.probabilities)), result.probabilities[0]
    return (result.text, result.probability) if isinstance(result, GeneratedValue) else (None, 0.0)


class _Timed:
    """The engine, with the seconds that its last call took."""

    def __init__(self, engine: LocalEngine) -> None:
        self._engine = engine
        self.seconds = 0.0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)

    def answer(
        self, questions: Sequence[Question], *, progress: Progress | None = None, cancel: Any = None
    ) -> list[Result]:
        start = time.perf_counter()
        try:
            return self._engine.answer(questions, progress=progress, cancel=cancel)
        finally:
            self.seconds = time.perf_counter() - start


def _mcp_overhead(preprocessor: Preprocessor, engine: LocalEngine, sizes: Sizes) -> dict[str, float]:
    """What an MCP call takes beyond the engine's own time: one pair, in milliseconds; a batch of pairs, as a share."""
    timed = _Timed(engine)
    preprocessor.decider.engine = timed
    (request,) = synthetic_requests(Sizes(pairs=sizes.calls + sizes.batch, rows=1, values=1))[0]
    pairs = request.model_dump()["pairs"]
    batch = pairs[sizes.calls :]

    async def beyond(client: Client, some: Sequence[Any]) -> float:
        engine.forget()
        start = time.perf_counter()
        await client.call_tool("match_entities", {"pairs": some, "dataset": "Amazon-Google"})
        return time.perf_counter() - start - timed.seconds

    async def measured() -> tuple[list[float], list[float]]:
        async with Client(create_server(ServerContext(preprocessor=preprocessor))) as client:
            await beyond(client, pairs[:1])
            singles = [await beyond(client, [pair]) for pair in pairs[: sizes.calls]]
            batches = [await beyond(client, batch) / timed.seconds for _ in range(sizes.repeats)]
        return singles, batches

    singles, batches = anyio.run(measured)
    preprocessor.decider.engine = engine
    return {
        "mcp_overhead_ms": round(statistics.median(singles) * 1000, 2),
        "mcp_batch_overhead": round(statistics.median(batches), 4),
    }
