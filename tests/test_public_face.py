"""The public face: what a person types in a script or a notebook, and what comes back."""

from __future__ import annotations

import datetime
import inspect
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import anyio
import numpy as np
import pandas as pd
import polars as pl
import pytest
from tables_job import ScriptedEngine

import dp_tools
from dp_tools import (
    AsyncPreprocessor,
    Cancelled,
    CleanAnswer,
    InvalidRequest,
    Preprocessor,
    Rule,
    TableSource,
    TableUnavailable,
)
from dp_tools.engine.questions import LabelScores, Question, Result
from dp_tools.frames import changed, texts_of
from dp_tools.tasks import TASKS, VERBS
from dp_tools.tasks.detect_errors import CellVerdict, DetectErrorsAnswer
from dp_tools.tasks.extract_values import ExtractedValue, ExtractValuesAnswer
from dp_tools.tasks.impute import ImputeAnswer, ImputedValue

TOWNS = [("Porto", "Portugal"), ("Lyon", "France"), ("Graz", "Austria"), ("Bergen", "Norway")]
COUNTS = [str(3 + number % 7) for number in range(40)]
RECORDS = [
    {"town": TOWNS[number % 4][0], "country": TOWNS[number % 4][1], "count": COUNTS[number]} for number in range(40)
]
RECORDS[6] = {**RECORDS[6], "country": "Austia"}
RECORDS[11] = {**RECORDS[11], "country": None}
COUNTRIES = Rule(
    id="countries",
    task="detect_errors",
    attribute="country",
    statement="The shop sells to four countries.",
    check={"enum": ["Portugal", "France", "Austria", "Norway", None]},
)
METHODS = (
    "annotate",
    "ask",
    "clean",
    "dedupe",
    "detect",
    "explain",
    "extract",
    "impute",
    "match",
    "match_schemas",
    "profile",
)
"""What is done with records or a table."""


class Calm(ScriptedEngine):
    """Finds nothing wrong with any cell; all else is as scripted."""

    def answer(self, questions: Sequence[Question], **options: Any) -> list[Result]:
        found = super().answer(questions, **options)
        asked = ["".join(segment.text for segment in question.segments) for question in questions]
        fine = LabelScores((0.02, 0.98), self.name)
        return [fine if "detect errors" in text else one for text, one in zip(asked, found, strict=True)]


class Slow(Calm):
    """Says that it was asked, and answers only once it is stopped."""

    def __init__(self) -> None:
        super().__init__(most=0)


@pytest.fixture
def pre(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Preprocessor]:
    """A preprocessor with a scripted model, in a folder with the table `towns.csv`."""
    monkeypatch.chdir(tmp_path)
    frame().write_csv("towns.csv")
    with Preprocessor(knowledge=":memory:", engine=Calm(), state=tmp_path / "state") as opened:
        opened.knowledge.add(COUNTRIES, who="person")
        yield opened


def frame() -> pl.DataFrame:
    return pl.DataFrame(RECORDS).with_columns(pl.col("count").cast(pl.Int64))


CELLS = DetectErrorsAnswer(
    model="tiny",
    cells=[
        CellVerdict(record=0, attribute="city", value="P0rto", error=True, confidence=0.9, rules=["letters@1"]),
        CellVerdict(record=1, attribute="city", value="<b>", error=False, confidence=0.7),
        CellVerdict(record=2, attribute="city", value=None, error=None),
    ],
)


def test_an_answer_has_a_length_and_is_walked_through_and_indexed_by_item():
    assert len(CELLS) == 3
    assert [cell.value for cell in CELLS] == ["P0rto", "<b>", None]
    assert CELLS[0].error is True
    assert [cell.record for cell in CELLS[1:]] == [1, 2]


def test_an_answer_is_shown_in_one_short_line_and_in_a_notebook_as_a_table():
    assert repr(CELLS) == str(CELLS) == "<DetectErrorsAnswer: 3 cells, 1 errors, 1 without an answer (model tiny)>"
    shown = CELLS._repr_html_()
    assert "<th>attribute</th>" in shown
    assert "<td>P0rto</td>" in shown
    assert "<td>&lt;b&gt;</td>" in shown


def test_an_answer_becomes_a_frame_of_typed_columns():
    frame = CELLS.to_polars()
    assert frame.columns[:4] == ["record", "attribute", "value", "error"]
    assert frame.schema["error"] == pl.Boolean
    assert frame.schema["confidence"] == pl.Float64
    assert frame["rules"].to_list() == ["letters@1", None, None]
    assert CELLS.to_pandas()["error"].tolist() == [True, False, pd.NA]
    assert CELLS.to_dicts()[0]["rules"] == ["letters@1"]


def test_an_answer_without_items_becomes_a_frame_with_all_columns():
    frame = DetectErrorsAnswer(cells=[]).to_polars()
    assert (frame.height, frame.columns) == (0, CELLS.to_polars().columns)


def test_alternatives_are_text_in_a_frame_and_a_span_is_a_start_and_an_end():
    values = ImputeAnswer(values=[ImputedValue(value="Porto", alternatives=[("Lyon", 0.25)], confidence=0.7)])
    assert values.to_polars()["alternatives"].to_list() == ["Lyon (0.25)"]
    found = ExtractValuesAnswer(values=[ExtractedValue(text=0, attribute="size", value="5 l", span=(3, 6))])
    assert found.to_polars().select("span_start", "span_end").row(0) == (3, 6)


def test_a_frame_shows_its_values_as_its_library_writes_them():
    frame = pl.DataFrame(
        {
            "code": ["007", None, ""],
            "count": [5, None, 7],
            "price": [1.5, float("nan"), 2.0],
            "open": [True, None, False],
            "day": [datetime.date(2024, 1, 5)] * 3,
        }
    )
    texts = {
        "code": ["007", None, ""],
        "count": ["5", None, "7"],
        "price": ["1.5", None, "2.0"],
        "open": ["true", None, "false"],
        "day": ["2024-01-05"] * 3,
    }
    assert texts_of(frame) == texts
    assert texts_of(frame.to_arrow()) == texts


def test_a_gap_does_not_turn_the_whole_numbers_of_a_pandas_column_into_fractions():
    frame = pd.DataFrame(
        {
            "gap": [5, None, 7],
            "nullable": pd.array([5, None, 7], dtype="Int64"),
            "fractions": [5.0, 6.0, 7.0],
            "mixed": [1.5, None, 2.0],
            "narrow": np.array([0.1, 0.2, 0.3], dtype="float32"),
            "day": pd.to_datetime(["2024-01-05", None, "2024-02-01"]),
            "kind": pd.Categorical(["a", None, "b"]),
            "any": ["007", 1, None],
        }
    )
    assert texts_of(frame) == {
        "gap": ["5", None, "7"],
        "nullable": ["5", None, "7"],
        "fractions": ["5.0", "6.0", "7.0"],
        "mixed": ["1.5", None, "2.0"],
        "narrow": ["0.1", "0.2", "0.3"],
        "day": ["2024-01-05", None, "2024-02-01"],
        "kind": ["a", None, "b"],
        "any": ["007", "1", None],
    }


def test_a_changed_column_keeps_its_type_where_the_new_values_are_of_it():
    before = pl.DataFrame({"count": [5, None], "open": [True, False], "day": [datetime.date(2024, 1, 5)] * 2})
    after = changed(before, {"count": {1: "6"}, "open": {0: "perhaps"}, "day": {0: "2024-02-02"}})
    assert after.schema == {"count": pl.Int64, "open": pl.String, "day": pl.Date}
    assert after.row(0) == (5, "perhaps", datetime.date(2024, 2, 2))
    assert before.row(0) == (5, True, datetime.date(2024, 1, 5))
    assert changed(before.to_arrow(), {"count": {1: "6"}})["count"].to_pylist() == [5, 6]


def test_a_changed_pandas_frame_keeps_its_index_and_the_types_that_fit():
    before = pd.DataFrame({"count": [5, None], "kind": pd.Categorical(["a", "b"])}, index=["x", "y"])
    after = changed(before, {"count": {1: "6"}, "kind": {0: "c"}})
    assert after.index.tolist() == ["x", "y"]
    assert after["count"].tolist() == [5.0, 6.0]
    assert after["kind"].tolist() == ["c", "b"]
    assert before["kind"].tolist() == ["a", "b"]


@pytest.mark.parametrize(
    ("frame", "said"),
    [
        (pl.LazyFrame({"city": ["Porto"]}), "give frame.collect()"),
        (pl.DataFrame(), "has no columns"),
        (pd.DataFrame([["Porto"]]), "named 0"),
        (pd.DataFrame([["Porto", "Lyon"]], columns=["city", "city"]), "distinct names"),
        (pl.DataFrame({"cities": [["Porto"]]}), "not plain values"),
        (pd.DataFrame({"city": [b"Porto"]}), "not plain values"),
    ],
)
def test_a_frame_that_is_no_table_of_plain_values_is_refused_in_one_sentence(frame, said):
    with pytest.raises(InvalidRequest) as refusal:
        texts_of(frame)
    assert said in str(refusal.value)
    assert len(str(refusal.value).splitlines()) == 1


def test_the_face_shows_a_dozen_names_and_the_package_about_fifteen():
    shown = [name for name in dir(Preprocessor) if not name.startswith("_")]
    assert sorted(shown) == sorted([*METHODS, "close", "register", "run", "undo"])
    assert dir(dp_tools) == sorted(dp_tools.__all__)
    assert len(dp_tools.__all__) <= 16
    assert all(getattr(dp_tools, name) is not None for name in dp_tools.__all__)


def test_the_package_is_imported_without_numpy_and_polars():
    code = "import sys, dp_tools; print(any(n in sys.modules for n in ('numpy', 'polars', 'llama_cpp')))"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "False"


@pytest.mark.parametrize("face", [Preprocessor, AsyncPreprocessor])
@pytest.mark.parametrize("name", METHODS)
def test_every_option_of_every_method_is_named_typed_and_explained(face, name):
    method = getattr(face, name)
    options = inspect.signature(method).parameters
    assert not [o for o in options.values() if o.kind in (o.VAR_KEYWORD, o.VAR_POSITIONAL)]
    untyped = [o.name for o in options.values() if o.name != "self" and o.annotation in (o.empty, "Any")]
    assert not untyped
    for option in options:
        assert option == "self" or f"            {option}: " in method.__doc__, option


def test_options_that_are_left_out_are_those_that_a_tool_leaves_out():
    for method, task in VERBS.items():
        options = inspect.signature(getattr(Preprocessor, method)).parameters
        for name, field in TASKS[task].request.model_fields.items():
            if name in options and not field.is_required() and name != "shape":  # it follows from the choices
                given, default = options[name].default, field.default
                assert given == (tuple(default) if isinstance(default, list) else default), (method, name)


def test_both_faces_have_the_same_options():
    for name in METHODS:
        assert inspect.signature(getattr(Preprocessor, name)) == inspect.signature(getattr(AsyncPreprocessor, name))
    assert inspect.signature(Preprocessor) == inspect.signature(AsyncPreprocessor)


def test_a_file_is_cleaned_into_a_file_beside_it_that_can_be_undone(pre, tmp_path):
    answer = pre.clean("towns.csv")
    assert answer.files[0] == tmp_path / "towns.clean.csv"
    assert [(c["row"], c["attribute"], c["old"], c["new"]) for c in answer.changes] == [
        (7, "country", "Austia", "Austria")
    ]
    assert pl.read_csv("towns.clean.csv", infer_schema=False).fill_null("").equals(answer.to_polars())
    assert len(answer) == 40
    assert answer[6]["country"] == "Austria"
    assert repr(answer).startswith("<CleanAnswer: 40 rows, 1 changed")
    assert answer.undo("back.csv")
    assert pre.undo("towns.clean.csv", "again.csv")
    assert Path("again.csv").read_bytes() == Path("towns.csv").read_bytes()
    assert Path("back.csv").read_bytes() == Path("towns.csv").read_bytes()


@pytest.mark.parametrize("library", ["polars", "pandas", "pyarrow"])
def test_a_frame_is_cleaned_into_a_frame_of_its_library_with_its_types(pre, library):
    given = {"polars": frame, "pandas": lambda: frame().to_pandas(), "pyarrow": lambda: frame().to_arrow()}[library]()
    answer = pre.clean(given)
    cleaned = answer.to_native()
    assert type(cleaned) is type(given)
    assert answer.to_polars()["country"][6] == "Austria"
    assert answer.to_polars().schema["count"] == pl.Int64
    assert answer.to_pandas()["country"].tolist()[6] == "Austria"
    assert answer.to_pandas()["count"].tolist() == [int(count) for count in COUNTS]
    assert answer.files == []
    assert list(Path().glob("*.clean.*")) == []


def test_the_same_table_gets_the_same_answer_as_a_file_a_frame_or_records(pre):
    answers = [pre.clean(given).changes.to_dicts() for given in ("towns.csv", frame(), frame().to_pandas(), RECORDS)]
    assert all(answer == answers[0] for answer in answers)
    cells = [pre.detect(given, ["town"]).to_dicts() for given in (Path("towns.csv"), frame(), frame().to_arrow())]
    assert len(cells[0]) == 40
    assert all(answer == cells[0] for answer in cells)


def test_verdicts_of_a_table_can_be_limited_to_the_errors(pre):
    every, errors = pre.detect(frame()), pre.detect(frame(), only="errors")
    assert [cell for cell in errors] == [cell for cell in every if cell.error]  # noqa: C416
    assert sum(errors.left_out.values()) == len(every) - len(errors)


def test_gaps_of_a_file_and_of_a_frame_are_filled(pre, tmp_path):
    filled = pre.impute("towns.csv", "country", allowed=["Norway", "Spain"], output="all.csv")
    assert filled.files[0] == tmp_path / "all.csv"
    assert isinstance(filled, CleanAnswer)
    assert (
        pre.impute(frame(), "country", allowed=["Norway", "Spain"]).to_dicts()[11]["country"] == filled[11]["country"]
    )
    assert len(pre.impute(RECORDS[:3], "country", allowed=["Norway", "Spain"])) == 3


def test_tables_are_matched_and_pairs_are_judged_by_the_same_word(pre):
    Path("other.csv").write_bytes(Path("towns.csv").read_bytes())
    answer = pre.match("towns.csv", "other.csv", exclude=["count"])
    assert answer.to_polars().columns[:3] == ["left_row", "right_row", "score"]
    assert answer.to_polars().schema["score"] == pl.Float64
    same = pre.match(frame(), frame().to_pandas(), exclude=["count"])
    assert same.to_polars().select("left_row", "right_row").equals(answer.to_polars().select("left_row", "right_row"))
    assert [pair.pair for pair in pre.match([(RECORDS[0], RECORDS[1]), (RECORDS[0], RECORDS[4])])] == [0, 1]


def test_duplicates_come_as_groups_of_rows(pre):
    answer = pre.dedupe(frame(), include=["count"])
    assert sum(map(len, answer.groups)) == len(answer) == answer.to_pandas()["row"].nunique()


def test_columns_texts_and_records_may_come_from_a_frame(pre):
    towns = frame()
    assert len(pre.match_schemas(towns, "towns.csv")) == 9
    assert len(pre.match_schemas(["town"], [{"name": "place"}, "price"])) == 2
    assert len(pre.annotate(towns.to_pandas(), ["town", "country", "number"])) == 3
    assert len(pre.extract(towns["town"], ["place"])) == 40
    assert len(pre.extract(towns, ["place"], columns=["town", "country"])) == 40
    assert {item.answer for item in pre.ask(towns, "Where is it?", choices=["north", "south"])} <= {"north", "south"}
    assert pre.profile(towns).records == 40


def test_an_answer_is_explained_by_the_task_and_what_was_asked(pre):
    asked = {"records": RECORDS[4:8], "attributes": ["country"]}
    (explanation,) = pre.explain("detect", asked, [2]).explanations
    assert explanation.answer == "yes"
    assert "four countries" in explanation.text
    with pytest.raises(InvalidRequest, match="'clean' cannot be explained"):
        pre.explain("clean", asked)


def test_gaps_of_records_may_be_written_as_nan(pre):
    (cell,) = pre.detect([{"town": float("nan")}])
    assert cell.value is None


def test_a_file_may_be_given_with_options_of_reading_it(pre):
    Path("semicolons.txt").write_text("town;country\nPorto;Portugal\nLyon;France\n", encoding="utf-16")
    answer = pre.detect(TableSource(path="semicolons.txt", encoding="utf-16", delimiter=";"), ["town"])
    assert [cell.value for cell in answer] == ["Porto", "Lyon"]


def test_work_that_was_cancelled_goes_on_where_it_stopped_when_it_is_asked_for_again(pre, tmp_path):  # noqa: ARG001
    stop, slow = threading.Event(), Slow()
    first = Preprocessor(knowledge=":memory:", engine=slow, state=tmp_path / "other")
    threading.Thread(target=lambda: slow.reached.wait(60) and stop.set(), daemon=True).start()
    with pytest.raises(Cancelled, match="the same call goes on") as stopped:
        first.clean("towns.csv", cancel=stop)
    assert not Path("towns.clean.csv").exists()
    slow.most = None
    seen: list[tuple[int, int]] = []
    answer = first.clean("towns.csv", progress=lambda done, total: seen.append((done, total)))
    assert f"The job {answer.job} was" in str(stopped.value)
    assert seen
    first.close()


@pytest.mark.parametrize(
    ("call", "error", "said"),
    [
        (lambda p: p.clean("nothing.csv"), TableUnavailable, "no file"),
        (lambda p: p.clean(3), InvalidRequest, "is no table"),
        (lambda p: p.clean("towns.csv", ["price"]), InvalidRequest, "no attribute 'price'"),
        (lambda p: p.clean([]), InvalidRequest, "no records"),
        (lambda p: p.clean([{"town": ["Porto"]}]), InvalidRequest, "text or numbers"),
        (lambda p: p.match(RECORDS), InvalidRequest, "two tables"),
        (lambda p: p.extract("towns.csv", ["place"]), InvalidRequest, "columns"),
        (lambda p: p.detect("towns.csv", show_record=True), InvalidRequest, "give records"),
    ],
)
def test_what_cannot_be_done_with_a_table_is_refused_in_one_sentence(pre, call, error, said):
    with pytest.raises(error) as refusal:
        call(pre)
    assert said in str(refusal.value)
    assert len(str(refusal.value).splitlines()) == 1


def test_the_async_twin_gives_the_same_answers(pre, tmp_path):
    async def ask() -> None:
        async with AsyncPreprocessor(knowledge=":memory:", engine=Calm(), state=tmp_path / "a") as twin:
            twin.knowledge.add(COUNTRIES, who="person")
            assert (await twin.detect(frame())).to_dicts() == pre.detect(frame()).to_dicts()
            assert (await twin.clean("towns.csv")).changes.to_dicts() == pre.clean(frame()).changes.to_dicts()
            with pytest.raises(InvalidRequest):
                await twin.detect([])

    anyio.run(ask)


def test_cancelling_an_awaited_call_stops_the_model(pre):  # noqa: ARG001
    async def ask() -> None:
        slow = Slow()
        async with AsyncPreprocessor(knowledge=":memory:", engine=slow) as twin:
            with anyio.move_on_after(60) as scope:
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(lambda: twin.detect(RECORDS))
                    await anyio.to_thread.run_sync(slow.reached.wait)
                    tasks.cancel_scope.cancel()
            assert not scope.cancelled_caught

    anyio.run(ask)
