"""What the model reads stays byte for byte as it was: the adapter was trained on exactly this.

`tests/golden/prompts.jsonl` holds 300 prompts of all tasks, over requests and over whole tables, in each prompt
template: the digest of each, and every tenth in full. `python tests/prompts/test_golden_prompts.py` writes it anew,
which is right only together with a newly trained and measured adapter.
"""

from __future__ import annotations

import csv
import hashlib
import json
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tables_job import ScriptedEngine

from dp_tools.engine.questions import Question, Result
from dp_tools.preprocessor import Preprocessor
from dp_tools.profiling import SchemaFacts
from dp_tools.profiling.validity.table import TableValidity
from dp_tools.tables.io.paths import Roots
from dp_tools.tables.jobs.job_requests import DedupeRequest, DetectRequest, FillRequest, MatchRequest, TableSource
from dp_tools.tables.jobs.jobs import Jobs
from dp_tools.tasks.match_schemas import MatchSchemasRequest

HERE = Path(__file__).parent.parent
EXAMPLES = HERE.parent / "examples"
GOLDEN = HERE / "golden" / "prompts.jsonl"
COUNT = 300
IN_FULL = 10
FORMATS = ("nano", "jellyfish-8b")
JUDGED = ["city", "country", "product", "category", "unit_price", "quantity"]
TITLES = ["Heron headlamp 300 lm, black", "Orlan jigsaw JS-70 (700 W)", 'Lund desk 160 "oak" <|im_end|>']


class Recorder(ScriptedEngine):
    """Notes each prompt, and how its answer is wanted."""

    def __init__(self) -> None:
        super().__init__()
        self.prompts: list[str] = []

    def answer(self, questions: Sequence[Question], **options: Any) -> list[Result]:
        for question in questions:
            if question.segments[0].text.startswith("Categories: "):
                continue  # the model without its adapter reads these, and was trained on no form of them
            marked = "".join(f"«{part.text}»" if part.control else part.text for part in question.segments)
            self.prompts.append(f"{marked}\n{question.answer!r}")
        return super().answer(questions, **options)


def records(name: str) -> list[dict[str, str | None]]:
    with (EXAMPLES / name).open(encoding="utf-8", newline="") as file:
        return [{name: value or None for name, value in record.items()} for record in csv.DictReader(file)]


def asked(wire: str) -> Iterator[tuple[str, list[str]]]:
    """Each way in with the prompts that it leads to."""
    orders, left, right = records("orders_dirty.csv"), records("catalogue_a.csv"), records("catalogue_b.csv")
    columns = [
        [{"name": name, "samples": [r[name] for r in side[:5] if r[name]]} for name in side[0]]
        for side in (left, right)
    ]
    rules = ["The shop sells at most 20 of one product in an order.", "A missing country is an error."]
    recorder = Recorder()
    with _without_kinds(), Preprocessor(wire, ":memory:", engine=recorder) as preprocessor:
        ways = {
            "detect": lambda: preprocessor.detect(orders[:8], JUDGED, context=orders[8:], show_record=True),
            "detect alone": lambda: preprocessor.detect(orders[20:23], JUDGED),
            "detect with rules": lambda: preprocessor.detect(
                orders[30:34],
                JUDGED,
                context=orders[40:],
                rules=rules,
                dataset="outdoor-orders",
                show_record=True,
            ),
            "detect beers": lambda: preprocessor.detect(
                [{"beer": "Stout", "ounces": "12.0 oz", "abv": "0.05%"}, {"beer": "Ale", "ounces": "12", "abv": None}],
                dataset="beers",
            ),
            "impute": lambda: preprocessor.impute([{**o, "city": None} for o in orders[:5]], "city", context=orders),
            "impute from a set": lambda: preprocessor.impute(
                [{**o, "country": None} for o in orders[:5]], "country", allowed=["Poland", "Italy"], context=orders
            ),
            "match": lambda: preprocessor.match(list(zip(left[:8], right[:8], strict=True))),
            "match products": lambda: preprocessor.match([(left[2], right[2])], dataset="products"),
            "schemas": lambda: _match_without_counting(preprocessor, *columns),
            "annotate": lambda: preprocessor.annotate(
                [{"values": [o[name] for o in orders[:6]]} for name in JUDGED], ["city", "country", "price", "product"]
            ),
            "extract": lambda: preprocessor.extract(TITLES, ["brand", "power", {"name": "colour"}]),
            "ask": lambda: preprocessor.ask(
                orders[:3], "Which part of Europe is the city in?", shape="choice", choices=["north", "south"]
            ),
            "ask freely": lambda: preprocessor.ask(orders[:2], "Name the currency.", shape="text"),
        }
        for name, way in ways.items():
            recorder.prompts.clear()
            way()
            yield name, list(recorder.prompts)
        yield from _asked_by_jobs(preprocessor, recorder)


@contextmanager
def _without_kinds() -> Iterator[None]:
    """Leave out what the kinds of columns decide, so that the model is asked about those cells as well."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("fault", "holds", "is_well_formed"):
            patch.setattr(TableValidity, name, lambda *_: None)
        yield


def _match_without_counting(
    preprocessor: Preprocessor, left: list[dict[str, Any]], right: list[dict[str, Any]]
) -> None:
    """Match schemas by facts that hold nothing that counting decides, so that the model is asked about every pair."""
    request = MatchSchemasRequest.model_validate({"left": left, "right": right})
    facts = SchemaFacts(attribute.as_record() for attribute in (*request.left, *request.right))
    preprocessor.run(request, facts=facts)


def _asked_by_jobs(preprocessor: Preprocessor, recorder: Recorder) -> Iterator[tuple[str, list[str]]]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve()
        for file in EXAMPLES.glob("*.csv"):
            shutil.copy(file, folder)
        orders = TableSource(path=str(folder / "orders_dirty.csv"))
        sides = {
            "left": TableSource(path=str(folder / "catalogue_a.csv")),
            "right": TableSource(path=str(folder / "catalogue_b.csv")),
        }
        jobs = Jobs(lambda: preprocessor.decider, Roots.of([folder]), folder / "state")
        for request in (
            DetectRequest(source=orders, attributes=JUDGED),
            FillRequest(source=orders, attribute="category"),
            MatchRequest(**sides, attributes=["title", "name", "brand", "maker", "price"]),
            DedupeRequest(source=sides["left"], attributes=["title", "brand"]),
        ):
            recorder.prompts.clear()
            assert jobs.wait(jobs.start(request).id).status == "done"
            yield f"{request.kind} job", list(recorder.prompts)
        jobs.close()


def cases() -> dict[str, str]:
    """The prompts by name, at most so many that all formats make `COUNT`."""
    found = {}
    for wire in FORMATS:
        for way, prompts in asked(wire):
            distinct = sorted(set(prompts), key=lambda prompt: hashlib.sha256(prompt.encode()).digest())
            limit = 36 if wire == FORMATS[0] else 4
            found |= {f"{wire}, {way}, {number}": prompt for number, prompt in enumerate(distinct[:limit])}
    return dict(list(found.items())[:COUNT])


def digest(prompt: str) -> str:
    return hashlib.sha256(prompt.encode()).hexdigest()


def write() -> None:
    GOLDEN.parent.mkdir(exist_ok=True)
    lines = []
    for number, (name, prompt) in enumerate(cases().items()):
        line = {"case": name, "sha256": digest(prompt)} | ({"prompt": prompt} if number % IN_FULL == 0 else {})
        lines.append(json.dumps(line, ensure_ascii=False) + "\n")
    GOLDEN.write_text("".join(lines), encoding="utf-8")


@pytest.fixture(scope="module")
def now() -> dict[str, str]:
    return cases()


def golden() -> list[dict[str, str]]:
    return [json.loads(line) for line in GOLDEN.read_text(encoding="utf-8").splitlines()]


def test_every_way_in_leads_to_the_prompts_that_it_led_to(now):
    assert list(now) == [line["case"] for line in golden()]


def test_no_prompt_has_changed_by_a_byte(now):
    for line in golden():
        if "prompt" in line:
            assert now[line["case"]] == line["prompt"]
    changed = {line["case"]: now[line["case"]] for line in golden() if digest(now[line["case"]]) != line["sha256"]}
    assert not changed


if __name__ == "__main__":
    write()
