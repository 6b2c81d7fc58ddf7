"""Explanations: what is measured, what decided, what would turn it, and when there is none."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from visits_table import ASTRAY, VISITS

from dp_tools.engine import open_engine
from dp_tools.engine.questions import Engine, Question, Result
from dp_tools.errors import Cancelled, InvalidRequest
from dp_tools.explain import (
    ExplainRequest,
    Explanation,
    answer_permutation_averaged,
    explain,
    explain_answer,
    rationale,
)
from dp_tools.explain.perturbed_questions import mean_outcome, probability_of
from dp_tools.explain.text import confidence_band
from dp_tools.models.calibration import Calibration, PlattCalibration
from dp_tools.preprocessor import Preprocessor
from dp_tools.rules.rule import Example, Rule
from dp_tools.tasks import TASKS
from dp_tools.tasks.match_entities import MatchEntitiesAnswer
from dp_tools.tasks.request_errors import read_request
from dp_tools.tasks.task import Item, Outcome, Request

CAMERA = {"title": "Sony DSC-W55 silver", "price": "199.99", "maker": "sony"}
LENS = {"title": "Sony DSC-W80 black", "price": "249.00", "maker": None}
CITIES = [{"city": "boston", "zip": "02115"}, {"city": "rome", "zip": "00118"}] * 8 + [
    {"city": "bostxn", "zip": "02115"}
]
REQUESTS: dict[str, dict[str, Any]] = {
    "detect_errors": {"records": CITIES[-1:], "context": CITIES[:-1], "attributes": ["city"]},
    "impute": {"records": [{"zip": "02115", "state": "MA"}], "attribute": "city", "allowed": ["boston", "rome"]},
    "match_entities": {"pairs": [{"left": CAMERA, "right": LENS}]},
    "match_schemas": {"left": [{"name": "zip", "samples": ["02115"]}], "right": [{"name": "postal code"}]},
    "annotate_columns": {"columns": [{"values": ["1999", "2004"], "name": "y"}], "types": ["year", "city"]},
    "extract_values": {"texts": ["Sony camera, black"], "attributes": [{"name": "colour"}]},
    "follow_instruction": {"records": [{"title": "Pale Ale", "kind": "beer"}], "instruction": "Is this a drink?"},
}
PAIR = REQUESTS["match_entities"]


class Counting:
    """The tests' engine, with the sizes of the batches it was asked."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.batches: list[int] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)

    def close(self) -> None:
        """It is the session's."""

    def answer(self, questions: Sequence[Question], **options: Any) -> list[Result]:
        self.batches.append(len(questions))
        return self._engine.answer(questions, **options)


def request_of(task: str, **more: Any) -> Request:
    return read_request(TASKS[task], {**REQUESTS[task], **more})


def explained(preprocessor: Preprocessor, task: str, **more: Any) -> Explanation:
    (explanation,) = explain(preprocessor.decider, request_of(task, **more)).explanations
    return explanation


@pytest.mark.parametrize("task", TASKS)
def test_every_task_can_be_explained_and_the_answer_is_the_one_that_was_given(
    preprocessor: Preprocessor, task: str
) -> None:
    given = preprocessor.run(request_of(task))
    (item,) = next(
        value for value in given.__dict__.values() if isinstance(value, list) and value and isinstance(value[0], Item)
    )
    explanation = explained(preprocessor, task)
    assert explanation.decided_by == "model"
    assert explanation.probability == pytest.approx(item.confidence, abs=0.05)
    assert explanation.decided
    assert explanation.text.endswith(".")
    assert explanation.rationale is None
    changes = [abs(entry.change) for entry in explanation.decided if entry.kind != "rule"]
    assert all(one >= other for one, other in itertools.pairwise(changes))


def test_a_contribution_is_the_probability_with_less_the_probability_without(preprocessor: Preprocessor) -> None:
    explanation = explained(preprocessor, "match_entities")
    without = {side: {n: v for n, v in record.items() if n != "price"} for side, record in PAIR["pairs"][0].items()}
    answer = preprocessor.run(request_of("match_entities", pairs=[without]))
    assert isinstance(answer, MatchEntitiesAnswer)
    (pair,) = answer.pairs
    assert pair.confidence is not None
    same = ("yes" if pair.match else "no") == explanation.answer
    left = pair.confidence if same else 1 - pair.confidence
    price = next(entry for entry in explanation.decided if entry.name == "price")
    assert explanation.probability is not None
    assert price.change == pytest.approx(explanation.probability - left, abs=0.05)
    assert price.flips is not same


def test_all_variants_of_all_items_are_one_batch_and_one_more_for_what_it_makes_worth_asking(engine: Engine) -> None:
    counting = Counting(engine)
    with Preprocessor(knowledge=":memory:", engine=counting) as preprocessor:
        request = request_of("match_entities", pairs=PAIR["pairs"] * 2)
        explanations = explain(preprocessor.decider, request, [0, 1]).explanations
    assert [explanation.item for explanation in explanations] == [0, 1]
    assert len(counting.batches) <= 2
    # As asked, three attributes, a rule, a rewrite; the second pair makes the same questions, which are asked once.
    assert counting.batches[0] == 6


def test_the_check_that_decided_is_named_first_with_what_the_answer_would_be_without_it(
    preprocessor: Preprocessor,
) -> None:
    preprocessor.knowledge.add(
        Rule(
            id="city-no-x",
            task="detect_errors",
            attribute="city",
            statement="City has no letter x.",
            check={"type": "string", "not": {"pattern": "x"}},
        ),
        who="a test",
    )
    explanation = explained(preprocessor, "detect_errors")
    assert (explanation.answer, explanation.decided_by, explanation.probability) == ("yes", "check", 1.0)
    first = explanation.decided[0]
    assert (first.kind, first.name, first.statement) == ("check", "city-no-x", "City has no letter x.")
    assert first.change > 0
    assert explanation.confidence_band == "decided by a check"
    assert "city-no-x" in explanation.text
    assert "City has no letter x." in [fact.text.split(": ", 1)[-1] for fact in explanation.facts]


def test_the_example_that_decided_is_named_first(preprocessor: Preprocessor) -> None:
    labelled = Example(case=PAIR["pairs"][0], label="yes")
    preprocessor.knowledge.add(
        Rule(id="known-pair", task="match_entities", statement="This pair is known.", examples=(labelled,)),
        who="a test",
    )
    explanation = explained(preprocessor, "match_entities")
    assert explanation.decided_by == "example"
    assert (explanation.decided[0].kind, explanation.decided[0].name) == ("example", "known-pair")


def test_what_the_table_keeps_is_named_where_it_decided_and_what_it_hangs_on_turns_it(
    preprocessor: Preprocessor,
) -> None:
    fields = {"records": [ASTRAY], "context": VISITS, "attributes": ["town"]}
    (explanation,) = explain(preprocessor.decider, read_request(TASKS["detect_errors"], fields)).explanations
    assert (explanation.decided_by, explanation.answer) == ("table", "yes")
    assert (
        "A data constraint of the table decides it: zip determines town. 99.2% of the cells conform to it."
        in explanation.text
    )
    assert explanation.would_change is not None
    assert (explanation.would_change.kind, explanation.would_change.name) == ("attribute", "zip")


def test_a_rule_of_the_call_is_measured_like_any_other(preprocessor: Preprocessor) -> None:
    preprocessor.knowledge.retire("general-match-gap", who="a test")
    explanation = explained(preprocessor, "match_entities", rules=["Sony never makes lenses."])
    rule = next(entry for entry in explanation.decided if entry.kind == "rule")
    assert (rule.name, rule.statement) == ("call-1", "Sony never makes lenses.")


def test_facts_that_code_knows_do_not_need_the_model(preprocessor: Preprocessor) -> None:
    facts_by_kind = {fact.kind: fact.text for fact in explained(preprocessor, "match_entities").facts}
    assert facts_by_kind["different"] == "title and price differ"
    assert facts_by_kind["missing"] == "maker is missing on a side"
    assert facts_by_kind["models"] == "model numbers on one side only: dsc-w55 on the left and dsc-w80 on the right"
    facts_by_kind = {fact.kind: fact.text for fact in explained(preprocessor, "detect_errors").facts}
    assert facts_by_kind["near"] == "it is 1 edit away from “boston”, which the column has 8 times"
    assert facts_by_kind["rows"] == "8 of 8 other records with the same zip have “boston”"
    assert [fact.text for fact in explained(preprocessor, "annotate_columns").facts] == [
        "100% of the values are written like: integer",
        "its numbers lie from 1999 to 2004",
        "100% of the values have the shape 9",
        "its values have 1 to 1 words",
        "2 of 2 values are distinct",
    ]
    cities = ((617, "boston"), (39, "rome"))
    phones = [{"phone": f"{code}-{n}", "city": city} for n in range(9) for code, city in cities]
    gap = explained(preprocessor, "impute", records=[{"phone": "617-99"}], allowed=None, context=phones)
    assert "9 of 9 records whose phone begins with “617-” have “boston”" in [fact.text for fact in gap.facts]


def test_the_smallest_change_turns_the_answer_when_it_is_made(preprocessor: Preprocessor) -> None:
    # Whichever way the model leans, a rule that settles the pair is one change away from the other answer.
    lean = explained(preprocessor, "match_entities").answer
    other = "no" if lean == "yes" else "yes"
    labelled = Example(case=PAIR["pairs"][0], label=other)
    preprocessor.knowledge.add(
        Rule(id="known", task="match_entities", statement="Known.", examples=(labelled,)), who="a test"
    )
    explanation = explained(preprocessor, "match_entities")
    assert explanation.answer == other
    assert explanation.would_change is not None
    assert explanation.would_change.answer == lean


def test_a_model_that_was_not_tuned_to_justify_itself_is_not_asked_to_and_one_that_was_is(
    preprocessor: Preprocessor, tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rationale, "LONGEST", 8)
    assert explained(preprocessor, "match_entities").rationale is None
    named = tmp_path / "jellyfish-7b.gguf"
    named.symlink_to(tiny_model)
    engine = open_engine(str(named), cache=False)
    with Preprocessor(str(named), ":memory:", engine=engine) as published:
        (explanation,) = explain(published.decider, request_of("match_entities")).explanations
    assert explanation.rationale
    assert explanation.rationale not in explanation.text


def test_an_item_that_the_answer_does_not_have_is_refused(preprocessor: Preprocessor) -> None:
    with pytest.raises(InvalidRequest, match="no item 3: it has 1, counted from 0"):
        explain(preprocessor.decider, request_of("match_entities"), [3])
    with pytest.raises(InvalidRequest, match="records is missing"):
        explain_answer(preprocessor.decider, ExplainRequest(task="detect_errors", request={}))


def test_an_explanation_can_be_stopped(preprocessor: Preprocessor) -> None:
    stop = threading.Event()
    stop.set()
    pairs = [{"left": {**CAMERA, "price": f"{number}.00"}, "right": LENS} for number in range(60)]
    with pytest.raises(Cancelled):
        explain(preprocessor.decider, request_of("match_entities", pairs=pairs), range(60), cancel=stop)


def test_progress_never_goes_back(preprocessor: Preprocessor) -> None:
    seen: list[tuple[int, int]] = []
    explain(preprocessor.decider, request_of("match_entities"), progress=lambda done, total: seen.append((done, total)))
    assert seen == sorted(seen)


def test_an_averaged_answer_is_the_same_for_every_order(preprocessor: Preprocessor) -> None:
    swapped = {"left": dict(reversed(LENS.items())), "right": CAMERA}
    one = answer_permutation_averaged(preprocessor.decider, request_of("match_entities"))
    other = answer_permutation_averaged(preprocessor.decider, request_of("match_entities", pairs=[swapped]))
    assert isinstance(one.answer, MatchEntitiesAnswer)
    assert isinstance(other.answer, MatchEntitiesAnswer)
    assert one.answer.pairs[0].confidence == pytest.approx(other.answer.pairs[0].confidence, abs=0.02)
    assert one.answer.rules == other.answer.rules


def test_an_averaged_answer_has_every_item_in_its_place(preprocessor: Preprocessor) -> None:
    request = request_of("detect_errors", attributes=["zip", "city"])
    permutation_averaged = answer_permutation_averaged(preprocessor.decider, request)
    assert [cell.attribute for cell in permutation_averaged.answer.cells] == ["zip", "city"]  # type: ignore[attr-defined]
    explanation = explain(preprocessor.decider, request, [1], permutation_averaged=True).explanations[0]
    cell = permutation_averaged.answer.cells[1]  # type: ignore[attr-defined]
    assert explanation.probability == pytest.approx(cell.confidence, abs=0.05)
    assert explanation.rewrite_sensitive is (1 in permutation_averaged.order_sensitive)
    assert [entry.rewrite for entry in explanation.rewrites] == ["order 1", "order 2"]


def test_the_mean_of_orders_follows_the_threshold_and_keeps_what_a_check_decided() -> None:
    yes, no = Outcome("model", "yes", 0.7), Outcome("model", "no", 0.8)
    mean = mean_outcome([yes, no])
    assert (mean.label, mean.confidence) == ("no", pytest.approx(0.55))
    assert mean_outcome([replace(yes, threshold=0.4), no]).label == "yes"
    assert mean_outcome([Outcome("check", "yes", 1.0), no]).decided_by == "check"
    assert mean_outcome([Outcome("unanswered", failure="too long"), no]).label == "no"
    values = [Outcome("model", "rome", 0.6, (("oslo", 0.3),)), Outcome("model", "oslo", 0.9)]
    assert (mean_outcome(values).label, mean_outcome(values).ranking) == (
        "oslo",
        (("rome", pytest.approx(0.3)),),
    )


def test_a_label_that_lost_keeps_the_probability_it_has() -> None:
    outcome = Outcome("model", "oslo", 0.5, (("rome", 0.25),))
    assert probability_of("rome", outcome) == 0.25
    assert probability_of("paris", outcome) == 0.0
    assert probability_of(None, outcome) == 0.25
    assert probability_of("no", Outcome("model", "yes", 0.9)) == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("confidence", "words"),
    [(0.995, "almost certain"), (0.93, "very likely"), (0.8, "likely"), (0.6, "more likely"), (0.2, "close to")],
)
def test_how_sure_is_said_in_words_with_the_band(confidence: float, words: str) -> None:
    output = confidence_band(Outcome("model", "yes", confidence))
    assert output.startswith(words)
    assert output.endswith(")")


def yes_of(label: str | None, probability: float | None) -> float:
    assert probability is not None
    return probability if label == "yes" else 1 - probability


def test_an_answer_that_a_harmless_rewrite_turns_is_marked_for_review_with_what_turned_it(
    preprocessor: Preprocessor,
) -> None:
    camera = {"title": "Canon EOS 2000D kit", "maker": "Canon", "price": "449.00"}
    others = [
        {"title": "Canon EOS 2000D", "maker": "Canon", "price": "512"},
        {"title": "Canon EOS 2000D kit 18-55mm", "maker": "Canon", "price": "489.00"},
        {"title": "canon eos-2000d with lens 18-55", "maker": "canon inc", "price": "399"},
    ]

    def both(explanation: Explanation) -> tuple[float, float]:
        """The probability of yes as asked and rewritten."""
        first = explanation.rewrites[0]
        return yes_of(explanation.answer, explanation.probability), yes_of(first.answer, first.probability)

    def about(other: dict[str, str]) -> Explanation:
        return explained(preprocessor, "match_entities", pairs=[{"left": camera, "right": other}])

    def move(other: dict[str, str]) -> float:
        asked, rewritten = both(about(other))
        return abs(asked - rewritten)

    # The threshold is put between the two, so the verdict has to change.
    other = max(others, key=move)
    threshold = sum(both(about(other))) / 2
    calibration = preprocessor.decider.calibration.by_task.get("match_entities", PlattCalibration())
    preprocessor.decider.calibration = Calibration({"match_entities": replace(calibration, threshold=threshold)})
    after = about(other)
    assert after.rewrite_sensitive
    assert after.review is not None
    assert "harmless rewrite" in after.text
    assert {"sides swapped", "another spacing"} <= {entry.rewrite for entry in after.rewrites}


def test_a_sure_answer_is_rewritten_once_and_an_unsure_one_further(preprocessor: Preprocessor) -> None:
    preprocessor.decider.calibration = Calibration({"match_entities": PlattCalibration(scale=0.05, shift=6.0)})
    sure = explained(preprocessor, "match_entities")
    assert (sure.rewrite_sensitive, sure.review, len(sure.rewrites)) == (False, None, 1)
    preprocessor.decider.calibration = Calibration({"match_entities": PlattCalibration(scale=0.05, shift=1.0)})
    assert [entry.rewrite for entry in explained(preprocessor, "match_entities").rewrites][-1] == "sides swapped"
