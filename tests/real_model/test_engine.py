"""The engine on the embedded model: it knows what it knows, agrees with itself, can be stopped, and stays small."""

from __future__ import annotations

import subprocess
import sys
import threading

import pytest

from dp_tools.engine.local import LocalEngine
from dp_tools.engine.questions import Engine, Labels, LabelScores, Question, Segment
from dp_tools.errors import Cancelled

END = "<|im_end|>"


def ask(text: str, *labels: str) -> Question:
    """A question in the embedded model's chat format."""
    return Question(
        (
            Segment("<|im_start|>user\n", control=True),
            Segment(text),
            Segment(f"{END}\n<|im_start|>assistant\n", control=True),
        ),
        Labels(labels or ("Yes", "No"), end=END),
    )


def scores(engine: Engine, questions: list[Question]) -> list[tuple[float, ...]]:
    """The probabilities of each question's labels."""
    results = engine.answer(questions)
    found = [result.probabilities for result in results if isinstance(result, LabelScores)]
    assert len(found) == len(questions)
    return found


def test_the_right_label_is_the_most_probable_wherever_it_stands(engine: Engine):
    places = ("London", "Paris", "Rome")
    first, second = scores(
        engine, [ask("What is the capital of France?", *p) for p in (places, places[1:] + places[:1])]
    )
    assert sum(first) == pytest.approx(1)
    assert max(first) == first[1]
    assert second == pytest.approx((first[1], first[2], first[0]))


def test_a_batch_agrees_with_itself_one_by_one(engine: Engine):
    questions = [
        ask(f'Record: name: "{name}", price: "{price}"\nIs this a camera?')
        for name in ("Canon PowerShot", "Sony Bravia", "Nikon D90", "Dell Latitude")
        for price in ("100", "299.99", "nan")
    ]
    together = scores(engine, questions)
    # How many tokens are decoded at once changes how sums are rounded. Over many orders of these questions that moved a
    # probability by up to 0.018 in F32, 0.026 in BF16 and 0.056 in Q8_0; a camera and another thing are 0.15 apart.
    alone = [scores(engine, [question])[0] for question in questions]
    assert [one for one, _ in together] == pytest.approx([one for one, _ in alone], abs=0.1)


def test_cancelling_reaches_into_a_running_call_and_the_next_one_is_right(engine: LocalEngine):
    questions = [ask(f"Is {number} a prime number? " + "Think about it. " * 30) for number in range(200)]
    before, cancel, decoded = scores(engine, questions[:3]), threading.Event(), engine.work.decoded

    def stop_at_the_first_answer(done: int, _total: int) -> None:
        if done:
            cancel.set()

    with pytest.raises(Cancelled):
        engine.answer(questions, progress=stop_at_the_first_answer, cancel=cancel)
    after = scores(engine, questions[:3])
    assert [one for one, _ in after] == pytest.approx([one for one, _ in before], abs=0.05)
    assert engine.work.decoded - decoded < 0.5 * sum(engine.count_tokens(question.segments) for question in questions)


def test_the_model_stays_under_700_mb(engine: Engine):
    scores(engine, [ask("Is it?")])  # the weights are optimized
    script = """
import psutil
from dp_tools.engine import open_engine
from dp_tools.engine.questions import Labels, Question, Segment
engine = open_engine("nano", cache=False)
engine.answer([Question((Segment(f"{n} " * 300),), Labels(("Yes", "No"))) for n in range(6)])
print(psutil.Process().memory_info().rss)
engine.close()
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 700e6
