"""One cell gets one answer, whichever way in it comes: Python, MCP, the commands and jobs, over records or a file."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import anyio
import polars
import pytest
from click.testing import CliRunner
from engines import Lent
from mcp import Client
from tables_job import ScriptedEngine

from dp_tools.cli import main
from dp_tools.engine.questions import GeneratedValue, Labels, LabelScores, Question, Result
from dp_tools.explain import explain
from dp_tools.mcp_server.server import create_server
from dp_tools.mcp_server.server_context import ServerContext
from dp_tools.preprocessor import Preprocessor
from dp_tools.rules.rule import Example, Rule
from dp_tools.tables.io.paths import Roots
from dp_tools.tables.jobs.job_requests import DetectRequest, FillRequest, TableSource
from dp_tools.tables.jobs.jobs import Jobs
from dp_tools.tasks.detect_errors import DetectErrorsRequest
from dp_tools.tasks.impute import ImputeRequest

Fields = dict[str, str | None]
Verdict = tuple[bool, float, str]
"""Whether the cell is wrong, how sure that is, and who decided."""

CITIES = {"Porto": "Portugal", "Lyon": "France", "Graz": "Austria", "Bergen": "Norway"}
RULES = [
    Rule(
        id="positive",
        task="detect_errors",
        dataset="shop",
        attribute="price",
        statement="A price is a number above zero.",
        check={"type": "number", "exclusiveMinimum": 0},
    ),
    Rule(
        id="sizes",
        task="detect_errors",
        dataset="shop",
        attribute="size",
        statement="Sizes are written in capitals.",
    ),
    Rule(
        id="seen",
        task="detect_errors",
        dataset="shop",
        attribute="size",
        statement="This one is right.",
        examples=(
            Example(
                case={
                    "record": {"city": "Graz", "country": "Austria", "bin": "RegalC24", "price": "12.5", "size": "xl"},
                    "attribute": "size",
                    "value": "xl",
                },
                label="no",
            ),
        ),
    ),
]
ENUM = Rule(
    id="states",
    dataset="shop",
    attribute="state",
    statement="A state is open, shut or moved.",
    check={"enum": ["open", "shut", "moved"]},
)


class Opinionated(ScriptedEngine):
    """Calls every bin wrong, and other cells as the digest of the question has it."""

    def answer(self, questions: Sequence[Question], **options: Any) -> list[Result]:
        results = super().answer(questions, **options)
        for number, question in enumerate(questions):
            text = "".join(segment.text for segment in question.segments)
            if isinstance(question.answer, Labels) and "\nbin: " in text:
                results[number] = LabelScores((0.97, 0.03), self.name)
        return results


def table(rows: int) -> list[Fields]:
    """Orders with a few errors of each kind in them; every bin is a text of its own."""
    records: list[Fields] = []
    for n in range(rows):
        city = list(CITIES)[n % len(CITIES)]
        records.append(
            {
                "city": city,
                "country": CITIES[city],
                "bin": f"Regal{'ABCD'[n % 4]}{10 + n * 7 % 31}",
                "price": f"{n % 9 + 1}.5",
                "size": ["S", "M", "L"][n % 3],
            }
        )
    records[3]["city"] = "Brgen"
    records[5]["country"] = "Norway"
    records[6]["price"] = "-4"
    records[7]["price"] = "none"
    records[8]["size"] = "m"
    records[9]["country"] = None
    records[10] |= {"city": "Graz", "country": "Austria", "bin": "RegalC24", "price": "12.5", "size": "xl"}
    return records


class House:
    """A table in a file and in memory, one knowledge store, and every way in to them."""

    def __init__(self, folder: Path, records: list[Fields]) -> None:
        self.folder, self.records = folder, records
        self.names = list(records[0])
        self.knowledge = folder / "knowledge.db"
        self.file = folder / "orders.csv"
        with self.file.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, self.names, lineterminator="\n")
            writer.writeheader()
            writer.writerows({name: value or "" for name, value in record.items()} for record in records)
        self.engine = Opinionated()
        self.preprocessor = Preprocessor(knowledge=self.knowledge, engine=self.engine, adapters=False)
        self.jobs = Jobs(lambda: self.preprocessor.decider, Roots.of([folder]), folder / "state")

    def close(self) -> None:
        self.jobs.close()
        self.preprocessor.close()

    def tool(self, name: str, **arguments: Any) -> dict[str, Any]:
        async def call() -> dict[str, Any]:
            async with Client(
                create_server(ServerContext(preprocessor=self.preprocessor, roots=[self.folder]))
            ) as client:
                found = await client.call_tool(name, arguments)
                assert not found.is_error, found
                assert found.structured_content is not None
                return found.structured_content

        return anyio.run(call)

    def command(self, *arguments: str) -> str:
        done = CliRunner().invoke(main, [*arguments, "--dataset", "shop", "--knowledge", str(self.knowledge)])
        assert done.exit_code == 0, done.output
        return done.stdout

    def by_python(self) -> dict[tuple[int, str], Verdict]:
        return self.by_python_over(self.records)

    def by_python_over(self, table: Any) -> dict[tuple[int, str], Verdict]:
        answer = self.preprocessor.detect(table, dataset="shop")
        return {(c.record, c.attribute): (bool(c.error), c.confidence or 0.0, c.decided_by) for c in answer.cells}

    def by_tool(self) -> dict[tuple[int, str], Verdict]:
        cells = self.tool("detect_errors", records=self.records, dataset="shop", only="all")["cells"]
        return {(c["record"], c["attribute"]): (c["error"], c["confidence"], c["decided_by"]) for c in cells}

    def by_command(self) -> dict[tuple[int, str], Verdict]:
        lines = csv.DictReader(io.StringIO(self.command("detect", str(self.file))))
        return {
            (int(c["row"]) - 1, c["attribute"]): (c["error"] == "yes", float(c["confidence"]), c["decided_by"])
            for c in lines
        }

    def _wrong_cells(self, path: Path) -> dict[tuple[int, str], Verdict]:
        with path.open(encoding="utf-8", newline="") as file:
            return {
                (int(c["row"]) - 1, c["attribute"]): (True, float(c["confidence"]), c["decided_by"])
                for c in csv.DictReader(file)
            }

    def by_clean(self) -> dict[tuple[int, str], Verdict]:
        out = self.folder / "cleaned.csv"
        named = [part for name in self.names for part in ("-a", name)]
        self.command(
            "clean", "--detect-only", str(self.file), "-o", str(out), *named, "--state", str(self.folder / "s")
        )
        return self._wrong_cells(out)

    def by_job(self) -> dict[tuple[int, str], Verdict]:
        out = self.folder / "job.csv"
        source = TableSource(path=str(self.file))
        request = DetectRequest(source=source, attributes=self.names, dataset="shop", output=str(out))
        assert self.jobs.start(request, wait=60).status == "done"
        return self._wrong_cells(out)

    def by_job_over_records(self) -> dict[tuple[int, str], Verdict]:
        out = self.folder / "inline.csv"
        source = TableSource(records=self.records)
        request = DetectRequest(source=source, attributes=self.names, dataset="shop", output=str(out))
        assert self.jobs.start(request, wait=60).status == "done"
        return self._wrong_cells(out)


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[list[Fields]], House]]:
    made: list[House] = []

    def make(records: list[Fields]) -> House:
        built = House(tmp_path, records)
        monkeypatch.setattr("dp_tools.preprocessor.open_engine", lambda *_, **__: Lent(built.engine))
        made.append(built)
        return built

    yield make
    for built in made:
        built.close()


@pytest.mark.parametrize("rows", [11, 40, 120], ids=["too few for evidence", "with evidence", "with constraints"])
def test_a_cell_gets_the_same_verdict_confidence_and_decider_by_every_way_in(house, rows):
    here = house(table(rows))
    here.preprocessor.knowledge.add_all(RULES, who="ann")
    expected = here.by_python()
    assert len(expected) == 5 * rows
    assert here.by_python_over(str(here.file)) == expected
    assert here.by_python_over(polars.DataFrame(here.records)) == expected
    assert here.by_tool() == expected
    assert here.by_command() == expected
    wrong = {cell: verdict for cell, verdict in expected.items() if verdict[0]}
    assert here.by_clean() == wrong
    assert here.by_job() == wrong
    assert here.by_job_over_records() == wrong
    deciders = {by for _, _, by in expected.values()}
    assert deciders >= {"model", "check", "example"}
    counted = {name for (_, name), (_, _, decided_by) in expected.items() if decided_by == "table"}
    assert (counted > {"city", "country"}) == (rows > 11)  # of fewer records only places that are known are counted


def test_a_column_that_the_model_has_not_understood_is_no_column_of_errors_over_records(house):
    answer = house(table(40)).preprocessor.detect(table(40), ["bin"])
    assert not any(cell.error for cell in answer.cells)
    assert {cell.decided_by for cell in answer.cells} == {"table"}
    assert "values of bin wrong" in (answer.cells[0].reason or "")


def test_a_table_says_the_same_of_a_cell_that_is_judged_with_the_other_records_as_context(house):
    here = house(table(120))
    whole = here.preprocessor.detect(here.records, ["city", "country"]).cells
    few = here.preprocessor.detect(here.records[:12], ["city", "country"], context=here.records[12:]).cells
    assert [(c.error, c.confidence, c.decided_by) for c in few] == [
        (c.error, c.confidence, c.decided_by) for c in whole[:24]
    ]


def test_the_explanation_of_a_cell_begins_with_the_answer_that_was_given(house):
    here = house(table(40))
    names = ["city", "country", "size", "bin"]
    request = DetectErrorsRequest(records=here.records, attributes=names)
    cells = here.preprocessor.detect(here.records, names).cells
    agreed = next(number for number, cell in enumerate(cells) if cell.decided_by == "table" and cell.attribute != "bin")
    asked = next(number for number, cell in enumerate(cells) if cell.decided_by == "model")
    false_alarm = next(number for number, cell in enumerate(cells) if cell.attribute == "bin")
    for number in (agreed, asked, false_alarm):
        (explanation,) = explain(here.preprocessor.decider, request, [number]).explanations
        assert explanation.decided_by == cells[number].decided_by
        assert explanation.answer == ("yes" if cells[number].error else "no")
    explained = json.loads(here.command("explain", "detect", str(here.file), "--row", "1", "-a", "bin", "--json"))
    assert (explained["explanations"][0]["decided_by"], explained["explanations"][0]["answer"]) == ("table", "no")


@pytest.mark.parametrize("task", ["impute", "detect_errors", "all"])
def test_gaps_are_filled_from_the_values_of_a_rule_and_not_from_those_of_the_column(house, task):
    states = ["OPN", "CLSD", "OPN", None]
    here = house([{"shop": f"Shop {n % 5}", "state": states[n % 4]} for n in range(40)])
    here.preprocessor.knowledge.add(ENUM.model_copy(update={"task": task}), who="ann")
    gaps = [record for record in here.records if record["state"] is None]
    wanted = {"open", "shut", "moved"}

    known = [record for record in here.records if record["state"] is not None]
    by_python = here.preprocessor.impute(gaps, "state", context=known, dataset="shop")
    assert {value.value for value in by_python.values} <= wanted | {None}
    by_tool = here.tool("impute", records=gaps, attribute="state", context=known, dataset="shop")
    assert {value["value"] for value in by_tool["values"]} <= wanted | {None}

    lines = list(csv.DictReader(io.StringIO(here.command("impute", str(here.file), "-a", "state"))))
    assert {line["state"] for number, line in enumerate(lines) if number % 4 == 3} <= wanted | {""}

    out = here.folder / "filled.csv"
    request = FillRequest(source=TableSource(path=str(here.file)), attribute="state", dataset="shop", output=str(out))
    job = here.jobs.start(request, wait=60)
    assert job.status == "done"
    with out.open(encoding="utf-8", newline="") as file:
        filled = [line["state"] for line in csv.DictReader(file)]
    assert set(filled) <= wanted | {"OPN", "CLSD", ""}
    assert {value for number, value in enumerate(filled) if number % 4 == 3} <= wanted | {""}
    with here.jobs.store.connected() as connection:
        offered = [json.dumps(row["proposal"]) for row in connection.execute("SELECT proposal FROM reviews")]
    assert set(offered) <= {json.dumps(value) for value in wanted}


KINDS = {
    "Claw hammer": "Tools",
    "Hand saw": "Tools",
    "Rose bush": "Garden",
    "Lawn mower": "Garden",
    "Desk lamp": "Lighting",
    "LED bulb": "Lighting",
}
DEPARTMENTS = ["Tools", "Garden", "Lighting"]
UNSURE = "Brush"


class Knowing(ScriptedEngine):
    """Does not tell values from records, but knows what kind of thing most items are."""

    def answer(self, questions: Sequence[Question], **_options: Any) -> list[Result]:
        return [self._answer(question) for question in questions]

    def _answer(self, question: Question) -> Result:
        if not isinstance(question.answer, Labels):
            return GeneratedValue("unknown", 0.97, (("Tools", 0.01),), self.name)
        item = question.segments[-1].text.removeprefix("Item: ").partition("\n")[0].partition(" no.")[0]
        odds = [12.0 + len(item) if KINDS.get(item) == label.strip() else 1.0 for label in question.answer.texts]
        return LabelScores(tuple(share / sum(odds) for share in odds), self.name)


def stock() -> list[Fields]:
    """Items of which every third has no department, and an item that nobody knows."""
    items = [(f"{item} no. {n}", kind) for n in range(5) for item, kind in KINDS.items()]
    records: list[Fields] = [
        {"item": item, "department": None if n % 3 == 2 else kind} for n, (item, kind) in enumerate(items)
    ]
    return [*records, {"item": f"{UNSURE} no. 1", "department": None}]


@pytest.mark.parametrize("allowed", [None, DEPARTMENTS], ids=["of the column", "listed"])
def test_a_gap_gets_the_same_value_and_confidence_by_every_way_in(house, monkeypatch, allowed):
    here = house(stock())
    knowing = Knowing()
    monkeypatch.setattr("dp_tools.preprocessor.open_engine", lambda *_, **__: Lent(knowing))
    here.preprocessor.close()
    here.preprocessor = Preprocessor(knowledge=here.knowledge, engine=knowing, adapters=False)
    gaps = [record for record in here.records if record["department"] is None]
    known = [record for record in here.records if record["department"] is not None]
    options = {} if allowed is None else {"allowed": allowed}

    answer = here.preprocessor.impute(gaps, "department", context=known, **options)
    expected = [(value.value, value.confidence) for value in answer.values]
    assert [value for value, _ in expected[:-1]] == [
        KINDS[str(record["item"]).partition(" no.")[0]] for record in gaps[:-1]
    ]
    assert min(confidence for _, confidence in expected[:-1]) >= 0.8
    assert expected[-1][1] < 0.8 or expected[-1][0] is None
    assert answer.values[0].reason == (
        "Chosen among the values of department; of 20 rows whose value was hidden, 20 got it back."
    )

    by_tool = here.tool("impute", records=gaps, attribute="department", context=known, **options)
    assert [(value["value"], value["confidence"]) for value in by_tool["values"]] == expected

    named = [part for value in allowed or () for part in ("--allowed", value)]
    lines = list(csv.DictReader(io.StringIO(here.command("impute", str(here.file), "-a", "department", *named))))
    found = [line for line, record in zip(lines, here.records, strict=True) if record["department"] is None]
    by_command = [(line["department"] or None, float(line["department confidence"])) for line in found]
    assert by_command == expected

    filled = here.preprocessor.impute(str(here.file), "department", output=here.folder / "filled.csv", **options)
    assert [(change["new"], change["confidence"]) for change in filled.changes] == [
        pair for pair in expected if pair[0] is not None and pair[1] >= 0.8
    ]

    request = ImputeRequest(records=gaps, attribute="department", context=known, **options)
    (explanation,) = explain(here.preprocessor.decider, request, [0]).explanations
    assert (explanation.answer, explanation.probability) == expected[0]
    if allowed is None:
        row = str(here.records.index(gaps[0]) + 1)
        shown = json.loads(
            here.command("explain", "impute", str(here.file), "--row", row, "-a", "department", "--json")
        )
        (explained,) = shown["explanations"]
        assert (explained["answer"], explained["probability"]) == expected[0]


def test_values_that_are_listed_are_proposed_without_any_record_that_holds_one(tmp_path):
    with Preprocessor(knowledge=tmp_path / "k.db", engine=Knowing(), adapters=False) as preprocessor:
        found = preprocessor.impute([{"item": "Claw hammer"}, {"item": "LED bulb"}], "department", allowed=DEPARTMENTS)
    assert [value.value for value in found] == ["Tools", "Lighting"]
    assert all(0.5 <= value.confidence < 0.8 for value in found)
