"""The answer cache: what it keeps, when it must not answer, and that it never stands in the way."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from dp_tools.engine import open_engine
from dp_tools.engine.cache import AnswerCache, CachedEngine, question_key
from dp_tools.engine.local import LocalEngine
from dp_tools.engine.questions import GeneratedValue, Labels, LabelScores, Question, Result, Segment, Unanswered, Value
from dp_tools.models.catalogue import ModelSpec
from dp_tools.progress import Progress

YES_NO = Question((Segment("Rule: gaps are errors.\n"), Segment("Is it?\n")), Labels(("Yes", "No")))
VALUE = Question((Segment("What is it?\n"),), Value("", allowed=("one", "two", "three"), alternatives=2))


class Counting(LocalEngine):
    """The local engine, with the number of questions that reached it."""

    reached = 0

    def answer(
        self,
        questions: Sequence[Question],
        *,
        progress: Progress | None = None,
        cancel: threading.Event | None = None,
    ) -> list[Result]:
        self.reached += len(questions)
        return super().answer(questions, progress=progress, cancel=cancel)


@pytest.fixture(scope="module")
def counting(tiny_model: Path) -> Counting:
    return Counting(ModelSpec("tiny", str(tiny_model), "nano"), context=256, threads=1)


@pytest.fixture
def cached(counting: Counting, tmp_path: Path) -> CachedEngine:
    counting.reached = 0
    return CachedEngine(counting, AnswerCache(tmp_path / "answers.db"))


def reached(cached: CachedEngine) -> int:
    assert isinstance(cached.engine, Counting)
    return cached.engine.reached


def test_a_question_is_computed_once(cached: CachedEngine):
    first = cached.answer([YES_NO, VALUE])
    assert reached(cached) == 2
    assert cached.answer([VALUE, YES_NO]) == [first[1], first[0]]
    assert reached(cached) == 2


def test_answers_outlive_the_engine(cached: CachedEngine):
    first = cached.answer([YES_NO, VALUE])
    again = CachedEngine(cached.engine, AnswerCache(cached.cache.path))
    assert again.answer([YES_NO, VALUE]) == first
    assert reached(cached) == 2


def test_only_what_is_new_is_computed_and_order_is_kept(cached: CachedEngine):
    cached.answer([VALUE])
    seen: list[tuple[int, int]] = []
    results = cached.answer([YES_NO, VALUE, YES_NO], progress=lambda done, total: seen.append((done, total)))
    assert isinstance(results[0], LabelScores)
    assert results[0] == results[2]
    assert seen == sorted(seen)
    assert seen[-1] == (3, 3)


@pytest.mark.parametrize(
    "other",
    [
        replace(YES_NO, segments=(Segment("Rule: gaps are no errors.\n"), Segment("Is it?\n"))),
        replace(YES_NO, segments=(Segment("Rule: gaps are errors.\nIs it?\n"),)),
        replace(YES_NO, segments=(Segment("Rule: gaps are errors.\n", control=True), Segment("Is it?\n"))),
        replace(YES_NO, answer=Labels(("No", "Yes"))),
        replace(YES_NO, answer=Labels(("Yes", "No"), end="</s>")),
        replace(YES_NO, answer=Value("", or_else=("Yes", "No"))),
    ],
)
def test_a_key_changes_with_everything_that_can_change_the_answer(other: Question):
    assert question_key("model", YES_NO) != question_key("model", other)


def test_a_key_changes_with_the_model_and_with_every_setting_of_a_value():
    assert question_key("one", YES_NO) != question_key("two", YES_NO)
    plain = Value("end")
    changed = [
        replace(plain, end="e"),
        replace(plain, allowed=("a",)),
        replace(plain, copy_from="a"),
        replace(plain, or_else=("a",)),
        replace(plain, max_tokens=3),
        replace(plain, alternatives=1),
    ]
    keys = {question_key("model", Question((), answer)) for answer in (plain, *changed)}
    assert len(keys) == 7


def test_what_could_not_be_answered_is_asked_again(cached: CachedEngine):
    long = replace(YES_NO, segments=(Segment("word " * 999),))
    for calls in (1, 2):
        assert isinstance(cached.answer([long])[0], Unanswered)
        assert reached(cached) == calls


def test_the_file_stays_within_its_bound_and_the_latest_stay(tmp_path: Path):
    cache = AnswerCache(tmp_path / "answers.db", most=20)
    keys = [bytes([number]) for number in range(50)]
    for key in keys:
        cache.put({key: "{}"})
    kept = cache.get(keys)
    assert len(kept) <= 20
    assert keys[-1] in kept


def test_clearing_forgets_everything(cached: CachedEngine):
    cached.answer([YES_NO, VALUE])
    assert cached.cache.clear() == 2
    cached.answer([YES_NO])
    assert reached(cached) == 3


def test_a_damaged_file_is_begun_anew(cached: CachedEngine):
    first = cached.answer([YES_NO])
    cached.cache.path.write_bytes(b"this is no database, it only has its name" * 100)
    for suffix in ("-wal", "-shm"):
        cached.cache.path.with_name(cached.cache.path.name + suffix).unlink(missing_ok=True)
    assert cached.answer([YES_NO]) == first
    assert cached.answer([YES_NO]) == first
    cached.answer([YES_NO])
    assert reached(cached) == 3 or reached(cached) == 2


@pytest.mark.parametrize(
    "kept",
    [
        "",
        "not JSON",
        "[" * 5000,
        "7",
        "{}",
        '{"probabilities": 7}',
        '{"probabilities": []}',
        '{"probabilities": [1.0]}',
        '{"probabilities": [0.5, 0.25, 0.25]}',
        '{"probabilities": [NaN, NaN]}',
        '{"probabilities": [Infinity, -Infinity]}',
        '{"probabilities": [0.9, 0.9]}',
        '{"probabilities": [2.0, -1.0]}',
        '{"probabilities": ["0.5", "0.5"]}',
        '{"probabilities": [true, false]}',
        '{"text": "Yes", "probability": 1.0, "alternatives": []}',
    ],
)
def test_kept_scores_that_answer_no_such_question_are_computed_again(cached: CachedEngine, kept: str):
    cached.cache.put({question_key(cached.fingerprint, YES_NO): kept})
    right = cached.answer([YES_NO])
    assert isinstance(right[0], LabelScores)
    assert cached.answer([YES_NO]) == right
    assert reached(cached) == 1


@pytest.mark.parametrize(
    "kept",
    [
        '{"probabilities": [0.2, 0.3, 0.5]}',
        '{"text": "four", "probability": 1.0, "alternatives": []}',
        '{"text": 1, "probability": 1.0, "alternatives": []}',
        '{"text": "one", "probability": NaN, "alternatives": []}',
        '{"text": "one", "probability": 1.0}',
        '{"text": "one", "probability": 1.0, "alternatives": [["two"]]}',
        '{"text": "one", "probability": 0.5, "alternatives": [["four", 0.5]]}',
        '{"text": "one", "probability": 0.5, "alternatives": [["two", 0.1], ["three", 0.1], ["one", 0.1]]}',
    ],
)
def test_a_kept_value_that_answers_no_such_question_is_computed_again(cached: CachedEngine, kept: str):
    cached.cache.put({question_key(cached.fingerprint, VALUE): kept})
    right = cached.answer([VALUE])
    assert isinstance(right[0], GeneratedValue)
    assert cached.answer([VALUE]) == right
    assert reached(cached) == 1


def test_an_answer_kept_under_another_question_is_computed_again(cached: CachedEngine):
    other = replace(YES_NO, segments=(Segment("Is it not?\n"),))
    cached.answer([YES_NO, other])
    with closing(sqlite3.connect(cached.cache.path)) as database, database:
        keys = [question_key(cached.fingerprint, question) for question in (YES_NO, other)]
        results = dict(database.execute("SELECT key, result FROM answers"))
        database.executemany(
            "UPDATE answers SET result = ? WHERE key = ?", [(results[keys[1]], keys[0]), (results[keys[0]], keys[1])]
        )
    cached.answer([YES_NO, other])
    assert reached(cached) == 4


def test_a_file_with_other_tables_is_begun_anew(cached: CachedEngine):
    with closing(sqlite3.connect(cached.cache.path)) as database, database:
        database.execute("CREATE TABLE answers (something TEXT)")
    first = cached.answer([YES_NO])
    assert cached.answer([YES_NO]) == first
    cached.answer([YES_NO])
    assert reached(cached) == 1


def test_a_folder_that_cannot_be_made_costs_no_answer(cached: CachedEngine, tmp_path: Path):
    (tmp_path / "file").write_text("")
    blocked = CachedEngine(cached.engine, AnswerCache(tmp_path / "file" / "answers.db"))
    assert isinstance(blocked.answer([YES_NO])[0], LabelScores)


def test_the_cache_can_be_turned_off(tmp_path: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("DP_TOOLS_CACHE", str(tmp_path))
    off = open_engine(str(tiny_model), cache=False, threads=1)
    off.answer([YES_NO])
    assert not (tmp_path / "answers.db").exists()
    on = open_engine(str(tiny_model), threads=1)
    on.answer([YES_NO])
    assert (tmp_path / "answers.db").exists()
    off.close()
    on.close()
