"""The prefix tree: the same answers as one by one, whatever the order and the room; nothing computed twice."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dp_tools.engine.decoding import decoder_for
from dp_tools.engine.llama import Llama
from dp_tools.engine.prefix_tree import PrefixTree, TokenSequence
from dp_tools.engine.questions import GeneratedValue, Labels, LabelScores, Question, Result, Segment, Unanswered, Value
from dp_tools.engine.vocabulary import Vocabulary

WORDS = ["alpha", "beta", "gamma", "router", "camera", "black", "white", "42in", "100", "sony"]
WORDS += ["the", "of", "a", "record", "name", "price", "city"]
CELLS = 384


class Bench:
    """A tree over the tiny model, asked directly."""

    def __init__(self, path: Path, *, cells: int, batch: int, sequences: int) -> None:
        self.llama = Llama(path, cells=cells, batch=batch, sequences=sequences, threads=1)
        self.vocabulary = Vocabulary(self.llama)
        self.tree = PrefixTree(self.llama)

    def ask(self, questions: list[Question]) -> list[Result]:
        sequences = []
        for question in questions:
            decoder = decoder_for(question.answer, self.llama, self.vocabulary)
            assert not isinstance(decoder, Unanswered)
            sequences.append(TokenSequence(self.llama.tokenize(question.segments), decoder))
        finished: list[TokenSequence] = []
        self.tree.run(sequences, finished.append)
        assert sorted(map(id, finished)) == sorted(map(id, sequences))
        return [sequence.decoder.result("tiny") if sequence.fits else Unanswered("too long") for sequence in sequences]


@pytest.fixture(scope="module")
def path(tiny_model: Path) -> Path:
    return tiny_model


@pytest.fixture(scope="module")
def benches(path: Path) -> list[Bench]:
    """Roomy, tight in cells, tight in sequences, tight in the batch."""
    return [
        Bench(path, cells=2048, batch=512, sequences=128),
        Bench(path, cells=CELLS, batch=128, sequences=32),
        Bench(path, cells=1024, batch=128, sequences=13),
        Bench(path, cells=1024, batch=16, sequences=24),
    ]


@pytest.fixture(scope="module")
def alone(path: Path) -> Bench:
    return Bench(path, cells=1024, batch=512, sequences=32)


def text(number: int, choose: random.Random) -> str:
    return " ".join(choose.choice(WORDS) for _ in range(number))


def some_questions(seed: int, count: int) -> list[Question]:
    """Questions that share rules and records, of every kind."""
    choose = random.Random(seed)
    rules = [text(choose.randint(2, 50), choose) for _ in range(3)]
    records = [text(choose.randint(2, 25), choose) for _ in range(4)]

    def one() -> Question:
        record = choose.choice(records)
        segments = (
            Segment(choose.choice(rules) + "\n"),
            Segment(record + "\n"),
            Segment(text(choose.randint(0, 5), choose) + "?\n"),
        )
        words = tuple(dict.fromkeys(text(choose.randint(1, 3), choose) for _ in range(6)))
        answer = choose.choice(
            [
                Labels(("Yes", "No")),
                Labels(("zebra", "zebra crossing", *words), end="<|im_end|>"),
                Value("<|im_end|>", allowed=words, alternatives=choose.randint(0, 3)),
                Value("<|im_end|>", copy_from=record, or_else=("n/a",), max_tokens=choose.randint(1, 16)),
                Value("<|im_end|>", max_tokens=choose.randint(1, 24), alternatives=choose.randint(0, 3)),
            ]
        )
        return Question(segments, answer)

    return [one() for _ in range(count)]


def one_by_one(alone: Bench, questions: list[Question]) -> list[Result]:
    results = []
    for question in questions:
        alone.tree.forget()
        results += alone.ask([question])
    return results


def assert_equal(results: list[Result], others: list[Result]) -> None:
    for result, other in zip(results, others, strict=True):
        if isinstance(result, LabelScores):
            assert isinstance(other, LabelScores)
            assert result.probabilities == pytest.approx(other.probabilities, abs=0.01)
        else:
            assert isinstance(result, GeneratedValue)
            assert isinstance(other, GeneratedValue)
            if result.text != other.text:  # rounding may turn two that are as good as equal
                assert result.probability == pytest.approx(other.probability, rel=0.05)
            else:
                assert result.probability == pytest.approx(other.probability, rel=0.05, abs=1e-9)


@settings(max_examples=12, derandomize=True, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 10_000), count=st.integers(1, 14))
def test_a_batch_answers_as_one_by_one(benches: list[Bench], alone: Bench, seed: int, count: int):
    questions = some_questions(seed, count)
    expected = one_by_one(alone, questions)
    for bench in benches:
        assert_equal(bench.ask(questions), expected)


def test_the_order_of_a_batch_changes_nothing(benches: list[Bench]):
    questions = some_questions(7, 20)
    mixed = random.Random(1).sample(range(20), 20)
    for bench in benches:
        straight = bench.ask(questions)
        turned = bench.ask([questions[place] for place in mixed])
        assert_equal(turned, [straight[place] for place in mixed])


def test_nothing_shared_is_computed_twice(path: Path):
    bench = Bench(path, cells=1024, batch=64, sequences=64)
    shared = text(150, random.Random(3))
    questions = [
        Question(
            (Segment(shared), Segment(f"\nrecord {record}\n"), Segment(f"attribute {name}?\n")), Labels(("Yes", "No"))
        )
        for record in range(20)
        for name in WORDS
    ]
    bench.ask(questions)
    assert bench.tree.work.decoded <= bench.tree.work.distinct * 1.03
    one = len(bench.llama.tokenize(questions[0].segments))
    assert bench.tree.work.decoded < one * len(questions) / 10


def test_a_value_that_grows_past_the_room_is_begun_again_not_lost(path: Path):
    bench = Bench(path, cells=256, batch=64, sequences=64)
    questions = [Question((Segment(f"tell {number} "),), Value("", max_tokens=90)) for number in range(8)]
    results = bench.ask(questions)
    assert all(isinstance(result, GeneratedValue) for result in results)


def test_a_value_that_cannot_fit_at_all_is_given_up_alone(path: Path):
    bench = Bench(path, cells=256, batch=64, sequences=64)
    long = Question((Segment("word " * 230),), Value("", max_tokens=200))
    results = bench.ask([long, Question((Segment("short"),), Labels(("Yes", "No")))])
    assert isinstance(results[0], Unanswered)
    assert isinstance(results[1], LabelScores)


def test_what_is_kept_between_calls_is_bounded_and_the_oldest_leaves(path: Path):
    bench = Bench(path, cells=1024, batch=128, sequences=32)
    prompts = [Question((Segment(text(60, random.Random(seed))),), Labels(("Yes", "No"))) for seed in range(12)]
    for prompt in prompts:
        bench.ask([prompt])
    assert 0 < bench.tree.kept_tokens <= 1024 // 4

    def cost(prompt: Question) -> int:
        before = bench.tree.work.decoded
        bench.ask([prompt])
        return bench.tree.work.decoded - before

    assert cost(prompts[-1]) == 1
    assert cost(prompts[-2]) == 1
    assert cost(prompts[0]) > 50


def test_between_calls_stays_what_all_prompts_of_a_call_began_with_and_no_record_of_theirs(path: Path):
    choose = random.Random(5)
    rules, *records = (text(50, choose) for _ in range(9))

    def call(which: list[str], beginning: str) -> list[Question]:
        return [
            Question((Segment(beginning), Segment(record), Segment(ask)), Labels(("Yes", "No")))
            for record in which
            for ask in ("name", "price")
        ]

    bench = Bench(path, cells=1024, batch=128, sequences=32)
    bench.ask(call(records[:4], rules))
    assert bench.tree.kept_tokens == len(bench.llama.tokenize([Segment(rules)]))
    bench.ask(call(records[4:], ""))
    before = bench.tree.work.decoded
    bench.ask(call(records[4:5], rules))
    assert bench.tree.work.decoded - before < 80


def test_many_labels_are_scored_within_few_sequences(path: Path, alone: Bench):
    bench = Bench(path, cells=512, batch=64, sequences=10)
    labels = tuple(f"class {a} of {b}" for a in ("red", "green", "blue") for b in range(20))
    questions = [Question((Segment(f"column {number}\n"),), Labels(labels)) for number in range(5)]
    assert_equal(bench.ask(questions), one_by_one(alone, questions))
