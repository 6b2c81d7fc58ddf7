"""What each part of a prompt costs in tokens, task by task, on the example tables that the golden prompts are made of.

A token counts as shown in every prompt that holds it, and as read only where the engine has to decode it: prompts are
taken in the order of their tokens, and what one shares with the prompt before it is not read again.
"""

from __future__ import annotations

import csv
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dp_tools.engine.local import LocalEngine
from dp_tools.engine.questions import Question, Segment
from dp_tools.models.catalogue import resolve
from dp_tools.preprocessor import Preprocessor
from dp_tools.tasks import TASKS

_WORDS = {"rule:": "rules", "facts:": "facts", "form:": "form", "choices:": "choices", "instruction:": "instruction"}
_TURNS = ("ask\n", "answer\n")
_FACTS = ("by", "words", "a only", "b only", "seen", "column", "shape", "values", "kind", "numbers", "usual")


@dataclass
class TaskTokens:
    """The tokens of one task's prompts, by part.

    Args:
        prompts: how many there are.
        shown: tokens in all prompts.
        read: those of them that the engine decodes.
        facts: of the facts, by the kind of fact, those that are shown.
    """

    prompts: int = 0
    shown: Counter[str] = field(default_factory=Counter)
    read: Counter[str] = field(default_factory=Counter)
    facts: Counter[str] = field(default_factory=Counter)


def measure_prompt_tokens(examples: Path) -> dict[str, TaskTokens]:
    """The tokens of the embedded model's prompts about the example tables, by task."""
    engine = LocalEngine(resolve("nano"))
    found: dict[str, TaskTokens] = defaultdict(TaskTokens)
    with Preprocessor("nano", ":memory:", engine=engine, cache=False) as preprocessor:
        decider = preprocessor.decider
        for task, arguments in _requests(examples):
            ready = decider.ready(TASKS[task].request.model_validate(arguments))
            questions = list(dict.fromkeys(filter(None, decider.questions(ready))))
            _count(found[task], questions, engine)
    return dict(found)


def _requests(examples: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    orders, left, right = (
        _records(examples / name) for name in ("orders_dirty.csv", "catalogue_a.csv", "catalogue_b.csv")
    )
    columns = [
        [{"name": name, "samples": [record[name] for record in side[:5] if record[name]]} for name in side[0]]
        for side in (left, right)
    ]
    titles = [record["title"] for record in left if record["title"]]
    yield "detect_errors", {"records": orders}
    gaps = [{**order, "city": None} for order in orders[:40]]
    yield "impute", {"records": gaps, "attribute": "city", "context": orders}
    yield "match_entities", {"pairs": [{"left": a, "right": b} for a in left[:12] for b in right[:12]]}
    yield "match_schemas", {"left": columns[0], "right": columns[1]}
    values = [{"values": [order[name] for order in orders[:12]]} for name in orders[0]]
    yield "annotate_columns", {"columns": values, "types": ["city", "country", "price", "product"]}
    yield "extract_values", {"texts": titles, "attributes": [{"name": "brand"}, {"name": "power"}, {"name": "colour"}]}
    yield "follow_instruction", {"records": orders[:40], "instruction": "Is the city in the north of Europe?"}


def _records(file: Path) -> list[dict[str, str | None]]:
    with file.open(encoding="utf-8", newline="") as lines:
        return [{name: value or None for name, value in record.items()} for record in csv.DictReader(lines)]


def _count(found: TaskTokens, questions: Sequence[Question], engine: LocalEngine) -> None:
    """Add the tokens of these prompts."""
    known: dict[Segment, list[int]] = {}

    def tokens_of(segment: Segment) -> list[int]:
        if segment not in known:
            known[segment] = engine.tokenize([segment])
        return known[segment]

    prompts = []
    for question in questions:
        parts = [(part, token) for part, segment in _parts(question) for token in tokens_of(segment)]
        prompts.append(([token for _, token in parts], [part for part, _ in parts]))
        for part, segment in _parts(question):
            if part == "facts":
                for fact in segment.text.removeprefix("facts:").split(";"):
                    found.facts[_kind(fact.strip())] += engine.count_tokens([Segment(fact + ";")])
    before: list[int] = []
    for tokens, parts_of in sorted(prompts):
        same = next((n for n, (one, other) in enumerate(zip(tokens, before, strict=False)) if one != other), None)
        shared = min(len(tokens), len(before)) if same is None else same
        found.shown.update(parts_of)
        found.read.update(parts_of[shared:])
        before = tokens
    found.prompts += len(questions)


def _parts(question: Question) -> Iterator[tuple[str, Segment]]:
    """The segments of a prompt, each with the part that it belongs to."""
    turn, opened = "", False
    for segment in question.segments:
        if segment.control:
            opened = True
            yield "frame", segment
        elif opened:
            turn, opened = segment.text, False
            yield "frame", segment
        elif (word := segment.text.split(" ", 1)[0]) in _WORDS:
            yield _WORDS[word], segment
        else:
            yield "attribute and value" if turn in _TURNS else "data", segment


def _kind(fact: str) -> str:
    """What kind of fact it is: what it says of an attribute or a pair, without whose it is."""
    named = next((kind for kind in _FACTS if fact == kind or fact.startswith(f"{kind} ")), None)
    return named or ("likeness of an attribute" if fact.rsplit(" ", 1)[-1].isdigit() else "other")
