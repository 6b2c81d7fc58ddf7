"""How fast the engine answers on this machine, beside the loop that everyone writes and beside bare llama.cpp.

Three jobs: 500 pairs of products, every cell of 200 records, 300 gaps to fill. Each is timed in our engine, in the
naive loop with the same prompts, and in the naive loop with the published prompt; the loop takes a sample of the
questions. Medians of several repeats. Every case is asked of the model, those that a check would decide too.
"""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import anyio

from dp_tools.engine.local import LocalEngine
from dp_tools.engine.preparing import decode_speed
from dp_tools.engine.questions import GeneratedValue, LabelScores, Progress, Question, Result, Value
from dp_tools.errors import InvalidRequest
from dp_tools.models.catalogue import resolve
from dp_tools.preprocessor import Preprocessor, with_rules
from dp_tools.prompts import WIRE_FORMATS
from dp_tools.prompts.wire_format import WireFormat, to_question
from dp_tools.tasks import TASKS
from dp_tools.tasks.detect_errors import DetectErrorsRequest
from dp_tools.tasks.impute import ImputeRequest
from dp_tools.tasks.match_entities import MatchEntitiesRequest, RecordPair
from dp_tools.tasks.task import Request
from dp_tools.tuning import naive
from dp_tools.tuning.instances import Dataset, Split, read_datasets

Report = Callable[[str], None]

_WORDS = ("canon", "sony", "adobe", "camera", "suite", "printer", "black", "office", "42in", "200", "300d", "windows")


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is measured.

    Args:
        pairs, rows, values: of the three jobs.
        sample: questions of each job that the naive loop gets per repeat.
        repeats: of everything that is timed.
        agreement: questions that are also asked one by one.
        calls: MCP calls of one pair.
        batch: pairs in a large MCP call.
    """

    pairs: int = 500
    rows: int = 200
    values: int = 300
    sample: int = 40
    repeats: int = 3
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
    """All figures of this machine: see the module, and docs/performance.md for what each means.

    Args:
        data: a folder of labelled data that holds EM/Amazon-Google, ED/Hospital and DI/Restaurant; without one, made-up
            records of the same shape are used.
        sizes: how much is measured.
        report: told what is being measured.

    Raises:
        InvalidRequest: the folder lacks one of the datasets.
    """
    engine = LocalEngine(resolve("nano"), prepared=True)
    preprocessor = Preprocessor("nano", ":memory:", engine=engine)
    try:
        report("reading the data")
        jobs = _jobs(preprocessor, data, sizes)
        engine.answer(jobs["pairs"].ours[:1])
        figures: dict[str, Any] = {"data": "made up" if data is None else data.name, "threads": engine.threads}
        report("bare llama.cpp")
        raw = statistics.median(decode_speed(engine.weights, engine.threads) for _ in range(sizes.repeats))
        figures["llama_decode_tokens_per_second"] = round(raw, 1)
        for name, job in jobs.items():
            report(f"{name}: our engine")
            before = engine.work.decoded
            seconds = [_timed(engine, job.ours) for _ in range(sizes.repeats)]
            rate = (engine.work.decoded - before) / sum(seconds)
            report(f"{name}: the naive loop")
            figures[name] = _compared(engine, job, statistics.median(seconds), sizes)
            figures[name]["decoded_tokens_per_second"] = round(rate, 1)
            figures[name]["efficiency"] = round(rate / raw, 3)
        figures["efficiency"] = figures["pairs"]["efficiency"]
        report("tokens and agreement")
        figures["token_ratio"] = _token_ratio(engine, [*jobs["pairs"].ours, *jobs["cells"].ours])
        figures |= _agreement(engine, [*jobs["pairs"].ours, *jobs["cells"].ours], sizes.agreement)
        report("MCP")
        figures |= _mcp_overhead(preprocessor, engine, sizes)
        return figures
    finally:
        preprocessor.close()


# --- what is asked


def _jobs(preprocessor: Preprocessor, data: Path | None, sizes: Sizes) -> dict[str, _Job]:
    pairs, cells, values = _made_up(sizes) if data is None else _from(data, sizes)
    return {
        "pairs": _job(preprocessor, "match_entities", pairs),
        "cells": _job(preprocessor, "detect_errors", cells),
        "values": _job(preprocessor, "impute", values),
    }


def _job(preprocessor: Preprocessor, task: str, requests: Sequence[Request]) -> _Job:
    ours, published = (
        [q for request in requests for q in _questions(preprocessor, task, request, wire)]
        for wire in (preprocessor.wire, WIRE_FORMATS["chatml"])
    )
    return _Job(ours, published)


def _questions(preprocessor: Preprocessor, task: str, request: Request, wire: WireFormat) -> list[Question]:
    cases = TASKS[task].cases(request, None)
    injections = preprocessor.inject(task, cases, request)
    asked = [with_rules(case, injections[case.attribute]) for case in cases]
    return [to_question(wire, case.prompt, case.ask) for case in asked]


def _from(data: Path, sizes: Sizes) -> tuple[list[Request], list[Request], list[Request]]:
    pairs = _split(data, "EM", "Amazon-Google").sample(sizes.pairs)
    table = _split(data, "ED", "Hospital").table[: sizes.rows]
    gaps = _whole(data, "DI", "Restaurant").sample(sizes.values)
    return (
        [batch.request for batch in pairs.batches(dataset=pairs.dataset)],
        [DetectErrorsRequest(records=list(table), dataset="Hospital")],
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


def _made_up(sizes: Sizes) -> tuple[list[Request], list[Request], list[Request]]:
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
        [DetectErrorsRequest(records=rows, dataset="Hospital")],
        [ImputeRequest(records=gaps, attribute="city", dataset="Restaurant")],
    )


# --- what is measured


def _timed(engine: LocalEngine, questions: Sequence[Question]) -> float:
    engine.forget()
    start = time.perf_counter()
    engine.answer(questions)
    return time.perf_counter() - start


def _compared(engine: LocalEngine, job: _Job, seconds: float, sizes: Sizes) -> dict[str, float]:
    """Questions a second: ours, the naive loop's with the same prompts, the naive loop's with the published ones."""
    ours = len(job.ours) / seconds
    same = _naive(engine, job.ours, sizes)
    whole = _naive(engine, job.published, sizes)
    return {
        "n": len(job.ours),
        "naive_per_second": round(whole, 2),
        "same_prompt_per_second": round(same, 2),
        "ours_per_second": round(ours, 2),
        "same_prompt_ratio": round(ours / same, 2),
        "ratio": round(ours / whole, 2),
    }


def _naive(engine: LocalEngine, questions: Sequence[Question], sizes: Sizes) -> float:
    """The median rate of the naive loop over slices of consecutive questions, with the weights as they are shipped."""
    size = min(sizes.sample, len(questions))
    step = max((len(questions) - size) // max(sizes.repeats - 1, 1), 0)
    slices = [
        [engine.tokenize(question.segments) for question in questions[number * step : number * step + size]]
        for number in range(sizes.repeats)
    ]
    answer = questions[0].answer
    longest, stop = (answer.max_tokens, ["\n"]) if isinstance(answer, Value) else (3, [])
    times = naive.seconds(engine.spec.locate(), engine.threads, slices, longest, stop)
    return size / statistics.median(times)


def _token_ratio(engine: LocalEngine, questions: Sequence[Question]) -> float:
    """Tokens decoded over the distinct tokens of the tree."""
    engine.forget()
    decoded, distinct = engine.work.decoded, engine.work.distinct
    engine.answer(questions)
    return round((engine.work.decoded - decoded) / (engine.work.distinct - distinct), 4)


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
    from mcp import Client

    from dp_tools.mcp_server.owner import Owner
    from dp_tools.mcp_server.server import create_server

    timed = _Timed(engine)
    preprocessor.engine = timed
    (request,) = _made_up(Sizes(pairs=sizes.calls + sizes.batch, rows=1, values=1))[0]
    pairs = request.model_dump()["pairs"]
    batch = pairs[sizes.calls :]

    async def beyond(client: Client, some: Sequence[Any]) -> float:
        engine.forget()
        start = time.perf_counter()
        await client.call_tool("match_entities", {"pairs": some, "dataset": "Amazon-Google"})
        return time.perf_counter() - start - timed.seconds

    async def measured() -> tuple[list[float], list[float]]:
        async with Client(create_server(Owner(preprocessor=preprocessor))) as client:
            await beyond(client, pairs[:1])
            singles = [await beyond(client, [pair]) for pair in pairs[: sizes.calls]]
            batches = [await beyond(client, batch) / timed.seconds for _ in range(sizes.repeats)]
        return singles, batches

    singles, batches = anyio.run(measured)
    preprocessor.engine = engine
    return {
        "mcp_overhead_ms": round(statistics.median(singles) * 1000, 2),
        "mcp_batch_overhead": round(statistics.median(batches), 4),
    }
