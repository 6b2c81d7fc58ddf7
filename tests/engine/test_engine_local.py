"""The local engine: label scores, constrained values, long questions, stopping, threads, memory."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tiny_model import write_tiny_adapter, write_tiny_model

from dp_tools.engine import open_engine
from dp_tools.engine.cache import question_key
from dp_tools.engine.llama import Llama
from dp_tools.engine.local import LocalEngine
from dp_tools.engine.questions import (
    Engine,
    GeneratedValue,
    Labels,
    LabelScores,
    Question,
    Result,
    Segment,
    Unanswered,
    Value,
)
from dp_tools.errors import Cancelled, ModelUnavailable
from dp_tools.models.catalogue import ModelSpec

END = "<|im_end|>"
YES_NO = Labels(("Yes", "No"), end=END)


def ask(text: str, answer: Labels | Value) -> Question:
    """A question in the embedded model's chat format."""
    return Question(
        (
            Segment("<|im_start|>user\n", control=True),
            Segment(text),
            Segment(f"{END}\n<|im_start|>assistant\n", control=True),
        ),
        answer,
    )


def value_of(engine: Engine, question: Question) -> GeneratedValue:
    (result,) = engine.answer([question])
    assert isinstance(result, GeneratedValue)
    return result


def yes(engine: Engine, questions: list[Question]) -> list[float]:
    """How probable the first label is, of each."""
    results = engine.answer(questions)
    scores = [result.probabilities[0] for result in results if isinstance(result, LabelScores)]
    assert len(scores) == len(questions)
    return scores


@pytest.fixture
def tiny(tiny_model: Path) -> Iterator[LocalEngine]:
    engine = LocalEngine(ModelSpec("tiny", str(tiny_model), "nano"), context=512, threads=1)
    yield engine
    engine.close()


def test_probabilities_of_labels_are_in_their_order_and_sum_to_one(engine: Engine):
    question = ask("What is the capital of France?", Labels(("London", "Paris", "Rome"), end=END))
    turned = ask("What is the capital of France?", Labels(("Paris", "Rome", "London"), end=END))
    first, second = engine.answer([question, turned])
    assert isinstance(first, LabelScores)
    assert isinstance(second, LabelScores)
    assert sum(first.probabilities) == pytest.approx(1)
    assert second.probabilities == pytest.approx(
        (first.probabilities[1], first.probabilities[2], first.probabilities[0])
    )
    assert first.model == "tiny"


def test_labels_that_begin_alike_are_scored_whole(engine: Engine, tiny_model: Path):
    places = ("New York", "New Delhi", "New York City")
    question = ask("What is the capital of India?", Labels(places, end=END))
    (scores,) = engine.answer([question])
    assert isinstance(scores, LabelScores)
    llama = Llama(tiny_model, cells=512, batch=512, sequences=32, threads=1)
    prompt, end = llama.tokenize(question.segments), llama.tokenize([Segment(END, control=True)])
    # The end tells "New York" from "New York City".
    chances = np.array(
        [
            chance_of(llama, prompt, [*llama.tokenize([Segment(place)]), *(end if place == "New York" else [])])
            for place in places
        ]
    )
    llama.close()
    assert scores.probabilities == pytest.approx(tuple(chances / chances.sum()), rel=0.01, abs=1e-4)


def chance_of(llama: Llama, prompt: list[int], label: list[int]) -> float:
    """The probability of a label's tokens behind a prompt, from bare logits."""
    tokens, first = [*prompt, *label], len(prompt) - 1
    llama.clear()
    llama.decode(tokens, range(len(tokens)), [[0]] * len(tokens), range(first, len(tokens) - 1))
    logs = 0.0
    for place, token in enumerate(label, first):
        row = llama.logits(place).astype(np.float64)
        logs += row[token] - row.max() - np.log(np.exp(row - row.max()).sum())
    return float(np.exp(logs))


def test_an_allowed_value_is_the_answer_and_nothing_else(engine: Engine):
    allowed = ("Berlin", "Paris", "São Paulo", "New York City")
    value = value_of(engine, ask("What is the capital of France?", Value(END, allowed=allowed, alternatives=3)))
    assert {value.text, *(text for text, _ in value.alternatives)} == set(allowed)
    chances = [probability for _, probability in value.alternatives]
    assert chances == sorted(chances, reverse=True)
    assert value.probability + sum(chances) == pytest.approx(1, abs=0.02)


def test_the_only_allowed_value_is_certain(engine: Engine):
    assert value_of(engine, ask("Anything?", Value(END, allowed=("only this",)))).probability == pytest.approx(1)


def test_a_copied_value_is_a_stretch_of_its_text(engine: Engine):
    text = 'Canon PowerShot SX10 – 10.0 Mpx, "black" 日本 é'
    questions = [
        ask(f"Copy the {what} from this text: {text}", Value(END, copy_from=text, or_else=("n/a",), alternatives=3))
        for what in ("brand", "colour", "model number", "country", "letter with an accent")
    ]
    for result in engine.answer(questions):
        assert isinstance(result, GeneratedValue)
        for copied, probability in ((result.text, result.probability), *result.alternatives):
            assert copied in text or copied == "n/a"
            assert 0 < probability <= 1


def test_a_copied_value_begins_and_ends_where_words_and_numbers_do(tiny: LocalEngine):
    text = "running shoes 1250 ml BlackUPC"
    whole = {"running", "shoes", "1250", "ml", "Black", "UPC"}
    questions = [
        Question((Segment(f"{number}\n"),), Value(END, copy_from=text, alternatives=3, max_tokens=6))
        for number in range(12)
    ]
    for result in tiny.answer(questions):
        assert isinstance(result, GeneratedValue)
        for copied in (result.text, *(other for other, _ in result.alternatives)):
            assert set(copied.replace("BlackUPC", "Black UPC").split()) <= whole


def test_a_copied_value_can_be_the_wording_for_none(tiny: LocalEngine):
    question = Question((Segment("x\n"),), Value(END, copy_from=" ", or_else=("n/a",)))
    assert value_of(tiny, question).text == "n/a"


def test_a_free_value_ends_at_its_end_or_at_the_line(engine: Engine):
    questions = [ask(f"Name the capital of country {number}.", Value(END, max_tokens=12)) for number in range(6)]
    for result in engine.answer(questions):
        assert isinstance(result, GeneratedValue)
        assert result.text == result.text.strip()
        assert "\n" not in result.text
        assert END not in result.text


def test_generation_stops_at_its_longest(engine: Engine):
    value = value_of(engine, ask("Tell a long story.", Value(END, max_tokens=5)))
    assert 1 <= engine.count_tokens([Segment(value.text)]) <= 6


def test_control_tokens_count_only_where_the_format_wrote_them(engine: Engine):
    meant = engine.count_tokens([Segment(END, control=True)])
    found = engine.count_tokens([Segment(END)])
    assert meant == 1
    assert found > 1


def test_the_working_memory_grows_for_a_long_question_and_short_ones_are_answered_as_before(tiny_model: Path):
    short = [ask("Is the sky blue?", YES_NO), ask("Is 3 a number?", YES_NO)]
    mixed = [short[0], ask("word " * 2100, YES_NO), short[1]]
    engine = LocalEngine(ModelSpec("tiny", str(tiny_model), "nano"), threads=1)

    def asked(*questions: Question) -> list[float]:
        engine.forget()
        return yes(engine, list(questions))

    try:
        before = [*asked(short[0]), *asked(short[1])]
        growing, grown = asked(*mixed), asked(*mixed)
        after = [*asked(short[0]), *asked(short[1])]
    finally:
        engine.close()
    assert grown == pytest.approx(growing, abs=1e-6)
    assert after == pytest.approx(before, abs=1e-6)
    assert [growing[0] < 0.5, growing[2] < 0.5] == [was < 0.5 for was in before]


def test_a_question_longer_than_the_context_is_named_and_the_others_are_answered(engine: Engine):
    results = engine.answer([ask("Is it?", YES_NO), ask("word " * 5000, YES_NO), ask("Is it not?", YES_NO)])
    assert isinstance(results[0], LabelScores)
    assert isinstance(results[1], Unanswered)
    assert "context holds 4096" in results[1].reason
    assert isinstance(results[2], LabelScores)


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (Labels(("Yes", "")), "no tokens for the label"),
        (Value(END, allowed=()), "permits no value"),
        (Value(END, copy_from=""), "permits no value"),
    ],
)
def test_an_answer_that_cannot_be_given_says_why(tiny: LocalEngine, answer: Labels | Value, says: str):
    (result,) = tiny.answer([Question((Segment("Is it?\n"),), answer)])
    assert isinstance(result, Unanswered)
    assert says in result.reason


def test_an_empty_prompt_and_an_empty_batch_do_no_harm(tiny: LocalEngine):
    assert tiny.answer([]) == []
    (result,) = tiny.answer([Question((), YES_NO)])
    assert result == Unanswered("The prompt is empty.")


def test_identical_questions_are_asked_once(tiny: LocalEngine):
    tiny.answer([ask("Is it?", YES_NO)] * 50)
    assert tiny.work.decoded == tiny.count_tokens(ask("Is it?", YES_NO).segments)


def test_two_calls_with_the_same_beginning_pay_for_it_once(tiny: LocalEngine):
    rules = "A rule that everyone shares. " * 20
    tiny.answer([ask(rules + "\nfirst record", YES_NO)])
    before = tiny.work.decoded
    tiny.answer([ask(rules + "\nsecond record", YES_NO)])
    assert tiny.work.decoded - before < 20


def test_cancelling_reaches_into_a_running_call_and_the_next_one_is_right(engine: LocalEngine):
    questions = [ask(f"Is {number} a prime number? " + "Think about it. " * 150, YES_NO) for number in range(400)]
    before = engine.answer(questions[:3])
    cancel, decoded = threading.Event(), engine.work.decoded

    def stop_at_the_first_answer(done: int, _total: int) -> None:
        if done:
            cancel.set()

    with pytest.raises(Cancelled):
        engine.answer(questions, progress=stop_at_the_first_answer, cancel=cancel)
    assert_same(engine.answer(questions[:3]), before)
    whole = sum(engine.count_tokens(question.segments) for question in questions)
    assert 0 < engine.work.decoded - decoded < 0.5 * whole


def test_a_call_that_waits_for_another_can_be_cancelled(engine: Engine):
    busy = [ask(f"Is {number} odd? " + "Think. " * 300, YES_NO) for number in range(400)]
    running, stop_busy, stop_waiting = threading.Event(), threading.Event(), threading.Event()
    outcomes: list[type[BaseException]] = []

    def run_busy() -> None:
        with pytest.raises(Cancelled):
            engine.answer(busy, progress=lambda *_: running.set(), cancel=stop_busy)
        outcomes.append(Cancelled)

    thread = threading.Thread(target=run_busy)
    thread.start()
    assert running.wait(60)
    stop_waiting.set()
    with pytest.raises(Cancelled):
        engine.answer([ask("Is it?", YES_NO)], cancel=stop_waiting)
    stop_busy.set()
    thread.join()
    assert outcomes == [Cancelled]


def test_several_threads_get_their_own_answers(engine: Engine):
    questions = [ask(f"Is {number} a colour?", YES_NO) for number in ("red", "seven", "Paris", "blue")]
    alone = [engine.answer([question])[0] for question in questions]
    together: dict[int, Result] = {}

    def run(place: int) -> None:
        together[place] = engine.answer([questions[place]])[0]

    threads = [threading.Thread(target=run, args=(place,)) for place in range(len(questions))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert_same([together[place] for place in range(len(questions))], alone)


def test_progress_never_goes_backwards_and_ends_complete(engine: Engine):
    seen: list[tuple[int, int]] = []
    questions = [ask(f"Is {number} even?", YES_NO) for number in range(60)] + [ask("Is 1 even?", YES_NO)]
    engine.answer(questions, progress=lambda done, total: seen.append((done, total)))
    assert seen == sorted(seen)
    assert seen[-1] == (61, 61)


def test_an_adapter_on_top_changes_answers_and_leaves_the_engine_as_it_was(tiny: LocalEngine, tmp_path: Path):
    question = ask("Is it?", Labels(("Yes", "No", "Perhaps")))
    plain = tiny.answer([question])
    adapted = replace(question, adapter=write_tiny_adapter(tmp_path / "mine.gguf"))
    (changed,) = tiny.answer([adapted])
    assert isinstance(changed, LabelScores)
    assert changed.model == "tiny+mine"
    assert isinstance(plain[0], LabelScores)
    assert max(abs(a - b) for a, b in zip(changed.probabilities, plain[0].probabilities, strict=True)) > 0.01
    assert_same(tiny.answer([question]), plain, tolerance=1e-6)
    assert question_key(tiny.fingerprint, adapted) != question_key(tiny.fingerprint, question)
    assert_same([changed], tiny.answer([adapted]), tolerance=1e-6)
    assert_same([*plain, changed], tiny.answer([question, adapted]), tolerance=1e-4)


def test_a_missing_adapter_is_named(tiny: LocalEngine, tmp_path: Path):
    with pytest.raises(ModelUnavailable, match=r"gone\.gguf"):
        tiny.answer([replace(ask("Is it?", YES_NO), adapter=tmp_path / "gone.gguf")])


def test_other_weights_have_another_fingerprint(tiny: LocalEngine, tiny_model: Path, tmp_path: Path):
    same = LocalEngine(ModelSpec("other name", str(tiny_model), "nano"), threads=1)
    other_format = LocalEngine(ModelSpec("tiny", str(tiny_model), "chatml"), threads=1)
    other_path = write_tiny_model(tmp_path / "tiny.gguf", seed=5)
    other_weights = LocalEngine(ModelSpec("tiny", str(other_path), "nano"), threads=1)
    assert same.fingerprint == tiny.fingerprint
    assert len({tiny.fingerprint, other_format.fingerprint, other_weights.fingerprint}) == 3


def test_a_closed_engine_says_so(tiny_model: Path):
    engine = open_engine(str(tiny_model), cache=False)
    engine.answer([ask("Is it?", YES_NO)])
    engine.close()
    engine.close()
    with pytest.raises(ModelUnavailable, match="has been closed"):
        engine.answer([ask("Is it?", YES_NO)])


def test_a_file_that_llama_cannot_load_is_named(tmp_path: Path):
    path = tmp_path / "hollow.gguf"
    path.write_bytes(b"GGUF" + bytes(64))
    with pytest.raises(ModelUnavailable, match=r"hollow\.gguf"):
        open_engine(str(path), cache=False).answer([ask("Is it?", YES_NO)])


def assert_same(results: list[Result], others: list[Result], *, tolerance: float = 0.05) -> None:
    for result, other in zip(results, others, strict=True):
        assert isinstance(result, LabelScores)
        assert isinstance(other, LabelScores)
        assert result.probabilities == pytest.approx(other.probabilities, abs=tolerance)
