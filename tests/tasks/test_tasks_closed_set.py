"""Choosing among the values of a closed set: what is probable for any record is left out, and trust is measured."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from dp_tools.engine.questions import Labels, LabelScores, Question, Result, Unanswered
from dp_tools.tasks.closed_set import Choice, closed_set_of
from dp_tools.tasks.impute import own_values

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
            [
                (known if KINDS.get(name) == text else 0.0) + (self.lean if text == self.inclined else 0.0)
                for text in texts
            ]
        )
        odds = np.exp(scores)
        return LabelScores(tuple((odds / odds.sum()).tolist()), "knowing")


def chosen(
    ask: Knowing, listed: Sequence[str] = (), known: Sequence[dict[str, str | None]] = FILLED
) -> list[Choice | None]:
    closed_set = closed_set_of(ask, "kind", listed, known, GAPS)
    assert closed_set is not None
    return closed_set.choose(GAPS)


def values_of(choices: Sequence[Choice | None]) -> list[str | None]:
    return [choice and choice.value for choice in choices]


@pytest.mark.parametrize("lean", [0.0, 1.5, 3.0])
def test_what_a_model_says_of_everything_does_not_count(lean: float) -> None:
    assert values_of(chosen(Knowing("fish", lean))) == list(KINDS.values())


def test_the_hidden_rows_tell_how_often_it_is_right() -> None:
    closed_set = closed_set_of(Knowing(), "kind", (), FILLED, GAPS)
    assert closed_set is not None
    assert (closed_set.right, closed_set.hidden) == (24, 24)
    assert closed_set.reason == "Chosen among the values of kind; of 24 rows whose value was hidden, 24 got it back."


def test_choices_that_are_no_better_than_the_most_frequent_value_do_not_help() -> None:
    def ignorant(questions: Sequence[Question]) -> list[Result]:
        return [LabelScores((1 / 3, 1 / 3, 1 / 3), "ignorant") for _ in questions]

    known = [{"item": str(n), "kind": record["kind"]} for n, record in enumerate(FILLED)]
    assert closed_set_of(ignorant, "kind", (), known, GAPS) is None


def least(choices: Sequence[Choice | None]) -> float:
    return min(choice.confidence for choice in choices if choice)


def test_a_choice_is_trusted_less_where_nobody_listed_the_values() -> None:
    assert least(chosen(Knowing())) < least(chosen(Knowing(), ["fish", "fruit"]))


def test_a_record_of_which_other_is_as_likely_is_trusted_less_than_one_of_a_value() -> None:
    class Doubting(Knowing):
        def _answer(self, question: Question) -> Result:
            found = super()._answer(question)
            assert isinstance(found, LabelScores)
            if "carp" not in question.segments[-1].text:
                return found
            others = np.array(found.probabilities)
            others[-1] = others.max()
            return LabelScores(tuple((others / others.sum()).tolist()), "doubting")

    found = dict(zip(KINDS, chosen(Doubting()), strict=True))
    assert found["carp"] is not None
    assert found["tuna"] is not None
    assert found["carp"].value == "fish"
    assert found["carp"].confidence < found["tuna"].confidence


def test_the_order_in_which_values_are_listed_does_not_matter() -> None:
    assert chosen(Knowing(), ["fruit", "fish"]) == chosen(Knowing(), ["fish", "fruit"])


@pytest.mark.parametrize("rows", [0, 3, 7])
def test_what_was_hardly_measured_is_proposed_and_never_filled(rows: int) -> None:
    found = chosen(Knowing(), ["fish", "fruit"], FILLED[:rows])
    assert values_of(found) == list(KINDS.values())
    assert max(choice.confidence for choice in found if choice) < 0.8


def test_the_more_rows_were_right_the_surer_is_a_choice() -> None:
    few, many = (chosen(Knowing(), ["fish", "fruit"], FILLED[:rows]) for rows in (9, 24))
    assert least(few) < least(many)


def test_what_stands_again_and_again_in_filled_rows_counts_where_the_model_knows_nothing() -> None:
    def ignorant(questions: Sequence[Question]) -> list[Result]:
        return [LabelScores((1 / 3, 1 / 3, 1 / 3), "ignorant") for _ in questions]

    shops = {"Brinkhoff": "food", "Tankolux": "fuel"}
    known = [{"text": f"{shop} branch {n}", "budget": budget} for n in range(8) for shop, budget in shops.items()]
    gaps = [{"text": f"{shop} branch 99", "budget": None} for shop in shops]
    closed_set = closed_set_of(ignorant, "budget", (), known, gaps)
    assert closed_set is not None
    assert values_of(closed_set.choose(gaps)) == ["food", "fuel"]


def test_a_record_without_an_answer_gets_no_choice_and_the_others_keep_theirs() -> None:
    found = values_of(chosen(Knowing(unknown="carp")))
    assert found[-1] is None
    assert found[:-1] == list(KINDS.values())[:-1]


def test_thirty_values_are_asked_about_without_thousands_of_questions() -> None:
    asked = [0]

    def counting(questions: Sequence[Question]) -> list[Result]:
        asked[0] += len(questions)
        size = len(questions[0].answer.texts)  # type: ignore[union-attr]
        return [LabelScores(tuple(1 / size for _ in range(size)), "even") for _ in questions]

    known = [{"item": f"thing {n}", "kind": f"kind {n % 30}", "note": f"note {n % 7}"} for n in range(120)]
    gaps = [{"item": f"gap {n}", "kind": None, "note": "none"} for n in range(400)]
    closed_set_of(counting, "kind", (), known, gaps)
    assert asked[0] <= 300


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
