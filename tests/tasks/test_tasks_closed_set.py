"""Choosing among the values of a closed set: what is probable for any record is left out, and trust is measured."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from dp_tools.engine.questions import Labels, LabelScores, Question, Result, Unanswered
from dp_tools.tasks.closed_set import ClosedSet, own_values

KINDS = {"apple": "fruit", "pear": "fruit", "plum": "fruit", "cod": "fish", "tuna": "fish", "carp": "fish"}
FILLED = [{"item": f"{name} no. {n}", "kind": kind} for n in range(4) for name, kind in KINDS.items()]
GAPS = [{"item": f"{name} from afar", "kind": None} for name in KINDS]


class Knowing:
    """A model that knows the items, and is inclined to say one of the values whatever it is asked."""

    def __init__(self, inclined: str = "fish", lean: float = 0.0, unknown: str = "") -> None:
        self.inclined, self.lean, self.unknown = inclined, lean, unknown

    def __call__(self, questions: Sequence[Question]) -> list[Result]:
        return [self._answer(question) for question in questions]

    def _answer(self, question: Question) -> Result:
        assert isinstance(question.answer, Labels)
        item = question.segments[-1].text.removeprefix("Item: ")
        name = item.split()[0]
        if name == self.unknown:
            return Unanswered("The record is longer than the model reads.")
        texts = [text.strip() for text in question.answer.texts]
        # Items differ a little in how well they are known, as they do for a real model.
        known = 2.0 + len(item) % 3
        scores = np.array(
            [(known if KINDS[name] == text else 0.0) + (self.lean if text == self.inclined else 0.0) for text in texts]
        )
        odds = np.exp(scores)
        return LabelScores(tuple((odds / odds.sum()).tolist()), "knowing")


def chosen(ask: Knowing, values: Sequence[str] = ("fish", "fruit"), *, listed: bool = False) -> list[str | None]:
    closed_set = ClosedSet(ask, "kind", values, FILLED, GAPS, listed=listed)
    return [choice and choice.value for choice in closed_set.choose(GAPS)]


@pytest.mark.parametrize("lean", [0.0, 1.5, 3.0])
def test_what_a_model_says_of_everything_does_not_count(lean: float) -> None:
    assert chosen(Knowing("fish", lean)) == list(KINDS.values())


def test_the_hidden_rows_tell_how_often_it_is_right() -> None:
    closed_set = ClosedSet(Knowing(), "kind", ["fish", "fruit"], FILLED, GAPS, listed=False)
    assert (closed_set.right, closed_set.hidden) == (24, 24)
    assert closed_set.helps


def test_choices_that_are_no_better_than_the_most_frequent_value_do_not_help() -> None:
    def ignorant(questions: Sequence[Question]) -> list[Result]:
        return [LabelScores((0.5, 0.5), "ignorant") for _ in questions]

    assert not ClosedSet(ignorant, "kind", ["fish", "fruit"], FILLED, GAPS, listed=False).helps


def test_a_choice_is_trusted_less_where_nobody_listed_the_values() -> None:
    values = ["bread", "fish", "fruit"]

    def least(listed: bool) -> float:
        closed_set = ClosedSet(Knowing(), "kind", values, FILLED, GAPS, listed=listed)
        return min(choice.confidence for choice in closed_set.choose(GAPS) if choice)

    assert least(listed=False) < least(listed=True)


def test_a_record_without_an_answer_gets_no_choice_and_the_others_keep_theirs() -> None:
    found = chosen(Knowing(unknown="carp"))
    assert found[-1] is None
    assert found[:-1] == list(KINDS.values())[:-1]


@pytest.mark.parametrize(
    ("counts", "values"),
    [
        ({"open": 5, "shut": 4}, ["open", "shut"]),
        ({"open": 9}, []),
        ({"a": 1, "b": 2, "c": 1}, []),
        ({f"value {n}": 9 for n in range(31)}, []),
    ],
    ids=["few", "one", "seldom repeated", "many"],
)
def test_a_column_with_few_values_is_a_closed_set_by_itself(counts: dict[str, int], values: list[str]) -> None:
    assert own_values(counts) == values
