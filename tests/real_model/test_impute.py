"""Imputation with the embedded model: from the record, from a closed set, and from what other records say."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from real_model_ways import assert_the_explanation_is_of_the_answer, assert_the_tool_answers_as_the_api_does

from dp_tools.decision import Decider
from dp_tools.engine import open_engine
from dp_tools.engine.questions import Engine
from dp_tools.models.catalogue import resolve
from dp_tools.preprocessor import Preprocessor
from dp_tools.rules.store.knowledge_store import KnowledgeStore
from dp_tools.tables.asking import NoJournal, Work
from dp_tools.tables.clean.filling import fill_column
from dp_tools.tables.snapshot import open_table
from dp_tools.tasks.impute import ImputeAnswer, ImputeRequest

CAMERAS = [
    {"name": "Sony DSC-W55 digital camera", "manufacturer": None},
    {"name": "Canon PowerShot SX10", "manufacturer": None},
]
REQUEST: dict[str, Any] = {"records": CAMERAS, "attribute": "manufacturer", "allowed": ["Canon", "Sony", "Nikon"]}
PHONES = [
    {"phone": f"{code}-{n}", "city": city} for n in range(9) for code, city in ((617, "boston"), (312, "chicago"))
]
TOOLS = [
    "Claw hammer 16oz",
    "Cordless drill 18V",
    "Hand saw 500mm",
    "Screwdriver set",
    "Spanner",
    "Wrench",
    "Chisel",
    "Pliers",
]
LIGHTING = [
    "LED bulb E27",
    "Desk lamp black",
    "Ceiling light",
    "Floor lamp brass",
    "Wall light",
    "Table lamp",
    "Bulb 9W",
    "Light strip",
]
GARDEN = [
    "Rose bush red",
    "Lawn mower",
    "Garden hose 20m",
    "Potting soil 40l",
    "Grass seed",
    "Tulip bulbs",
    "Plant pot",
    "Hedge plant",
]
GAPS = [{"phone": "617-99", "city": None}, {"phone": "312-77", "city": None}]


@pytest.mark.parametrize("allowed", [None, ["Canon", "Sony", "Nikon"]], ids=["free", "closed"])
def test_what_the_record_says_is_filled_in(preprocessor: Preprocessor, allowed: list[str] | None) -> None:
    values = preprocessor.impute(CAMERAS, "manufacturer", allowed=allowed).values
    assert [(value.value, value.decided_by) for value in values] == [("Sony", "model"), ("Canon", "model")]
    assert min(value.confidence or 0 for value in values) > 0.9


def test_what_other_records_say_is_filled_in(preprocessor: Preprocessor) -> None:
    values = preprocessor.impute(GAPS, "city", allowed=["chicago", "boston"], context=PHONES).values
    assert [value.value for value in values] == ["boston", "chicago"]


def test_a_half_empty_column_of_few_values_is_filled_as_far_as_hidden_rows_confirm(
    engine: Engine, tmp_path: Path
) -> None:
    kinds = {"tools": TOOLS, "lighting": LIGHTING, "garden": GARDEN}
    rows = [(item, kind) for trio in zip(*kinds.values(), strict=True) for item, kind in zip(trio, kinds, strict=True)]
    lines = [f"{n},{item},{kind if n < 15 else ''}" for n, (item, kind) in enumerate(rows)]
    (tmp_path / "stock.csv").write_text("no,article,department\n" + "\n".join(lines) + "\n")
    spec = resolve("nano")
    untuned = partial(open_engine, replace(spec, adapter=None), cache=False, optimized=False)
    with KnowledgeStore.open(":memory:") as knowledge, open_table(tmp_path / "stock.csv") as table:
        decider = Decider(spec, knowledge, engine, untuned=untuned)
        filling = fill_column(Work(decider, NoJournal()), table, "department")
        decider.untuned.close()
    told = {change.row: change.new for change in [*filling.changes, *filling.doubtful]}
    assert filling.hidden == 15
    assert filling.right >= 12
    assert len(told) >= 7
    assert sum(rows[row][1] == value for row, value in told.items()) >= len(told) - 1
    assert all(rows[change.row][1] == change.new for change in filling.changes)


GROCERIES = {
    "Dairy": "Whole milk 1l|Salted butter 250g|Mozzarella ball 125g|Cheddar block 350g|Greek yoghurt 500g",
    "Bakery": "Cinnamon rolls|Rye bread sliced|Sourdough loaf|Sesame bagels|Butter croissant 4pk",
    "Produce": "Red onions 1kg|Avocado ripe each|Baby spinach 200g|Bananas loose|Vine tomatoes 500g",
    "Beverages": "Sparkling water 6x1.5l|Apple cider 500ml|Cola zero can 330ml|Green tea 20 bags|Orange juice 1l",
    "Household": "Laundry detergent|Toilet paper 12 rolls|Dish soap lemon",
}
"""The first three of each but household goods have their category."""


def test_of_the_values_that_are_listed_most_gaps_are_filled_and_none_wrongly(engine: Engine) -> None:
    rows = [(item, kind, n) for kind, items in GROCERIES.items() for n, item in enumerate(items.split("|"))]
    known = [{"item": item, "category": kind} for item, kind, n in rows if n < 3 and kind != "Household"]
    gaps = [(item, kind) for item, kind, n in rows if n >= 3 or kind == "Household"]
    spec = resolve("nano")
    untuned = partial(open_engine, replace(spec, adapter=None), cache=False, optimized=False)
    with KnowledgeStore.open(":memory:") as knowledge:
        decider = Decider(spec, knowledge, engine, untuned=untuned)
        request = ImputeRequest(
            records=[{"item": item, "category": None} for item, _ in gaps],
            attribute="category",
            allowed=list(GROCERIES),
            context=known,
        )
        answer = decider.answer(request)
        decider.untuned.close()
    assert isinstance(answer, ImputeAnswer)
    filled = [(value.value, kind) for value, (_, kind) in zip(answer, gaps, strict=True) if value.confidence >= 0.8]
    assert len(filled) >= 6
    assert all(value == kind for value, kind in filled)


@pytest.mark.anyio
async def test_the_tool_answers_as_the_api_does(engine: Engine, tmp_path: Path) -> None:
    await assert_the_tool_answers_as_the_api_does(engine, tmp_path, "impute", REQUEST)


def test_the_explanation_is_of_the_answer(preprocessor: Preprocessor) -> None:
    assert_the_explanation_is_of_the_answer(preprocessor, "impute", REQUEST)
