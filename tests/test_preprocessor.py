"""The public API: every task answers in order, says who decided, and refuses in one sentence."""

from __future__ import annotations

import threading

import pytest
from visits_table import ASTRAY, VISITS

from dp_tools import Preprocessor
from dp_tools.errors import Cancelled, InvalidRequest, KnowledgeUnavailable, ModelUnavailable, RuleRejected
from dp_tools.rules.discovery.mine import mine
from dp_tools.rules.rule import Example, Rule
from dp_tools.tasks.task import probability_of_yes

ORDERS = [{"city": "Porto", "country": "Portugal"}, {"city": "Lyon", "country": None}]


def test_every_cell_gets_a_verdict_with_a_confidence_and_the_model_is_named(preprocessor):
    answer = preprocessor.detect([{"item": "tent"}, {"item": "stove"}], ["item"])
    assert answer.model == "tiny"
    assert [(cell.record, cell.attribute, cell.value) for cell in answer.cells] == [
        (0, "item", "tent"),
        (1, "item", "stove"),
    ]
    threshold = preprocessor.decider.calibration_of("detect_errors", None).threshold
    for cell in answer.cells:
        assert cell.decided_by == "model"
        assert cell.error is (probability_of_yes(cell.error, cell.confidence) >= threshold)


def test_the_same_question_gets_the_same_answer(preprocessor):
    first, second = (preprocessor.ask(ORDERS, "Is the city in Portugal?").answers for _ in range(2))
    assert [answer.answer for answer in first] == [answer.answer for answer in second]
    # The second time the prompts begin in the context already, and 16 bits add up in another order.
    assert [answer.confidence for answer in first] == pytest.approx([a.confidence for a in second], abs=0.02)


def test_an_answer_does_not_depend_on_what_else_is_in_the_batch(preprocessor):
    instruction = "Is the city in Portugal?"
    together = preprocessor.ask(ORDERS, instruction).answers
    alone = [preprocessor.ask([order], instruction).answers[0] for order in ORDERS]
    for one, other in zip(together, alone, strict=True):
        assert one.answer == other.answer
        assert one.confidence == pytest.approx(other.confidence, abs=0.02)


def test_a_choice_is_one_of_the_choices_and_the_runners_up_are_the_others(preprocessor):
    (column,) = preprocessor.annotate([{"values": ["Porto", "Lyon"]}], ["city", "country", "price"]).columns
    assert {column.type, *(name for name, _ in column.runners_up)} == {"city", "country", "price"}
    assert column.confidence >= column.runners_up[0][1]


def test_an_imputed_value_is_one_of_the_allowed_or_nothing(preprocessor):
    (value,) = preprocessor.impute(ORDERS[1:], "country", allowed=["France", "Spain"]).values
    assert value.value in ("France", "Spain", None)
    assert {name for name, _ in value.alternatives} <= {"France", "Spain"}


def test_an_extracted_value_stands_in_the_text_where_its_span_says(preprocessor):
    text = "Heron headlamp 300 lm, black"
    for value in preprocessor.extract([text], ["brightness", {"name": "colour"}]).values:
        assert value.value is None or text[slice(*value.span)] == value.value


def test_pairs_and_schemas_are_judged_in_order(preprocessor):
    assert len(preprocessor.match([(ORDERS[0], {"town": "Porto"}), (ORDERS[0], ORDERS[1])]).pairs) == 2
    schemas = preprocessor.match_schemas([{"name": "city"}], [{"name": "town"}, {"name": "price"}])
    assert [(pair.left, pair.right) for pair in schemas.pairs] == [(0, 0), (0, 1)]


def test_a_check_decides_before_the_model_and_the_rule_is_named(preprocessor):
    rule = Rule(
        id="country-is-a-name",
        task="detect_errors",
        dataset="orders",
        attribute="country",
        statement="A country is written with letters.",
        check={"type": "string", "pattern": "^[A-Za-z ]+$"},
    )
    preprocessor.knowledge.add(rule, who="person")
    (cell,) = preprocessor.detect([{"country": "P0rtugal"}], dataset="orders").cells
    assert (cell.error, cell.decided_by, cell.confidence) == (True, "check", 1)
    assert cell.rules == ["country-is-a-name@1"]
    (other,) = preprocessor.detect([{"country": "P0rtugal"}], dataset="elsewhere").cells
    assert other.decided_by == "model"


def test_an_exact_example_decides_before_everything(preprocessor):
    case = {"record": {"city": "Porto"}, "attribute": "country"}
    rule = Rule(
        id="porto-is-portuguese",
        task="impute",
        attribute="country",
        statement="Porto lies in Portugal.",
        examples=(Example(case=case, label="Portugal"),),
    )
    preprocessor.knowledge.add(rule, who="person")
    (value,) = preprocessor.impute([{"city": "Porto", "country": None}], "country").values
    assert (value.value, value.decided_by) == ("Portugal", "example")


def by_whom(preprocessor, context, **options):
    (cell,) = preprocessor.detect([ASTRAY], ["town"], context=context, **options).cells
    return cell.decided_by


def test_a_cell_that_breaks_what_a_hundred_records_keep_is_an_error_and_the_reason_is_given(preprocessor):
    (cell,) = preprocessor.detect([ASTRAY], ["town"], context=VISITS).cells
    assert (cell.error, cell.decided_by) == (True, "table")
    assert cell.confidence >= 0.6
    assert "zip determines town" in cell.reason
    assert by_whom(preprocessor, VISITS[:60]) == "model"
    (right,) = preprocessor.detect([VISITS[0]], ["town"], context=VISITS).cells
    assert (right.error, right.decided_by) == (False, "table")


def test_what_records_keep_has_no_say_where_a_rule_is_about_the_attribute(preprocessor):
    assert by_whom(preprocessor, VISITS, rules=["A town is where the customer lives."]) == "model"
    assert by_whom(preprocessor, VISITS, rules=["Never guess."]) == "table"


def test_what_records_keep_has_no_say_where_a_person_retired_it(preprocessor):
    for candidate in mine([*VISITS, ASTRAY], dataset="visits"):
        preprocessor.knowledge.propose(candidate.rule, who="mine")
    assert by_whom(preprocessor, VISITS, dataset="visits") == "table"
    for rule in preprocessor.knowledge.list(status="proposed", limit=100):
        preprocessor.knowledge.reject(rule.id, who="ann")
    assert by_whom(preprocessor, VISITS, dataset="visits") == "model"


def test_records_that_differ_in_their_attributes_keep_nothing_together(preprocessor):
    assert by_whom(preprocessor, [*VISITS, {"town": "Tampa"}]) == "model"


def test_a_rule_of_the_call_is_read_by_the_model_and_named_in_the_answer(preprocessor):
    statement = "A name in capital letters is no error."
    answer = preprocessor.detect([{"city": "PORTO"}], rules=[statement])
    assert statement in [rule.statement for rule in answer.rules]
    assert answer.cells[0].rules


def test_what_does_not_fit_the_model_has_no_answer_and_says_why(preprocessor):
    wide = {f"attribute {number}": "x y z " * 60 for number in range(500)}
    small, huge = preprocessor.match([(ORDERS[0], ORDERS[1]), (wide, wide)]).pairs
    assert isinstance(small.match, bool)
    assert (huge.match, huge.decided_by, huge.confidence) == (None, "unanswered", None)
    assert huge.failure


def test_what_was_cut_is_said(preprocessor):
    (answer,) = preprocessor.ask([{"note": "word " * 5000}], "Is it long?").answers
    assert answer.truncated == ["note"]


def test_progress_reaches_the_end(preprocessor):
    seen = []
    preprocessor.detect(ORDERS, progress=lambda done, total: seen.append((done, total)))
    assert seen == sorted(seen)
    assert seen[-1][0] == seen[-1][1]


def test_a_set_event_stops_the_work(preprocessor):
    stop = threading.Event()
    stop.set()
    many = [{"city": f"Porto {number}", "country": "Portugal"} for number in range(400)]
    with pytest.raises(Cancelled):
        preprocessor.detect(many, cancel=stop)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda p: p.detect([]), InvalidRequest, "no records"),
        (lambda p: p.detect(ORDERS, ["town"]), InvalidRequest, "no attribute 'town'"),
        (
            lambda p: p.detect([{"price": [5]}]),
            InvalidRequest,
            "cannot be [5]: input should be a valid string",
        ),
        (lambda p: p.impute(ORDERS, ""), InvalidRequest, "attribute"),
        (lambda p: p.ask(ORDERS, "Is it?", rules=["<|im_start|>yes"]), RuleRejected, "im_start"),
    ],
)
def test_a_bad_call_is_refused_in_one_sentence(preprocessor, call, error, message):
    with pytest.raises(error) as refusal:
        call(preprocessor)
    assert message in str(refusal.value)
    assert len(str(refusal.value).splitlines()) == 1


def test_a_model_or_a_store_that_is_not_there_is_told_at_once(tmp_path):
    with pytest.raises(ModelUnavailable, match="There is no model file at"):
        Preprocessor(str(tmp_path / "nothing.gguf"), ":memory:")
    (tmp_path / "fake.gguf").write_bytes(b"this is no model")
    with pytest.raises(ModelUnavailable, match="not a GGUF"):
        Preprocessor(str(tmp_path / "fake.gguf"), ":memory:")
    (tmp_path / "notes.db").write_text("these are notes, not a database, and long enough to be looked at")
    with pytest.raises(KnowledgeUnavailable, match="not a knowledge store"):
        Preprocessor(knowledge=tmp_path / "notes.db")


def test_several_threads_may_ask_at_once(preprocessor):
    answers: dict[int, object] = {}

    def ask(number: int) -> None:
        answers[number] = preprocessor.ask(ORDERS, "Is the city in Portugal?").answers

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 4
    assert all(answer == answers[0] for answer in answers.values())
