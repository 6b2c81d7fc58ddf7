"""Training an adapter of the tiny model for real, on a few examples. Runs where the extra "tune" is installed."""

from __future__ import annotations

import copy
import json
import math
import shutil
import warnings
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch", reason='needs the extra "tune"')
pytest.importorskip("peft", reason='needs the extra "tune"')


from dp_tools.adapters.rows import Encoded, Row, pack
from dp_tools.adapters.tokens import Tokens
from dp_tools.adapters.train import _WORTH_COMPILING, Settings, load_network, mean_loss, number_format, train
from dp_tools.engine.local import LocalEngine
from dp_tools.engine.questions import Labels, LabelScores, Question, Segment
from dp_tools.models.catalogue import ModelSpec

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def tokens(tiny_model: Path) -> Tokens:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return Tokens(tiny_model)


@pytest.fixture(scope="module")
def network(tiny_model: Path) -> Any:
    """What is loaded takes a training's matrices in, so each training gets a copy."""
    return load_network(tiny_model, "cpu")


def test_training_reads_the_same_tokens_as_the_engine(tokens: Tokens, engine: LocalEngine) -> None:
    texts = (
        "Yes",
        ' "12.0 oz"\n',
        "título: “Café” 中文 🎉",
        "a <|im_start|> b",
        "  two  spaces\t",
        "x" * 300,
        "2005 a1b2",
    )
    segments = [*(Segment(text) for text in texts), Segment("<|im_start|>", control=True)]
    for segment in segments:
        assert tokens.encode_all([[segment]])[0] == engine.tokenize([segment])


def test_examples_in_one_row_have_the_loss_that_they_have_alone(network: Any, tokens: Tokens) -> None:
    import torch

    texts = ("a: red\nb: green\n", "a: red\nb: blue\n", "a: red\n", "something else\n")
    prompts = tokens.encode_all([(Segment(text),) for text in texts])
    examples = [Encoded(prompt, [prompt[0], 2]) for prompt in prompts]
    row = Row()
    places: list[int] = []
    for example, shared in zip(examples, (0, 5, 4, 0), strict=True):
        places = row.add(example, places[:shared])
    with torch.no_grad():
        together = mean_loss(network, [row], "cpu")
        alone = [mean_loss(network, pack([example]), "cpu") for example in examples]
        padded = mean_loss(network, [one for example in examples for one in pack([example])], "cpu")
    assert float(together) == pytest.approx(float(sum(alone)) / len(alone), rel=0.02)
    assert float(padded) == pytest.approx(float(together), rel=0.02)


def test_training_computes_in_the_number_format_that_this_processor_is_faster_in(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import torch

    for fast, slow in ((torch.bfloat16, torch.float32), (torch.float32, torch.bfloat16)):
        seconds = {fast: 0.1, slow: 0.2}
        monkeypatch.setattr("dp_tools.adapters.train._seconds_a_product", seconds.__getitem__)
        assert number_format("cpu") is fast
        assert number_format("cuda") is torch.bfloat16


def test_either_number_format_computes_the_same_loss(network: Any, tokens: Tokens) -> None:
    import torch

    (prompt,) = tokens.encode_all([(Segment("a step of training, on a record that is neither long nor short\n" * 12),)])
    row = pack([Encoded(prompt, [2])])
    with torch.no_grad():
        losses = [
            float(mean_loss(copy.deepcopy(network).to(dtype), row, "cpu")) for dtype in (torch.bfloat16, torch.float32)
        ]
    assert losses[0] == pytest.approx(losses[1], rel=0.05)


@pytest.mark.skipif(shutil.which("c++") is None, reason="compiling needs a C++ compiler")
def test_a_long_training_is_compiled_and_learns_the_same(
    tmp_path: Path, network: Any, tokens: Tokens, monkeypatch: pytest.MonkeyPatch
) -> None:
    prompts = tokens.encode_all([(Segment(f"what comes after {word}?\n"),) for word in ("one", "two", "three")])
    examples = [Encoded(prompt, [prompt[0], 2]) for prompt in prompts]
    settings = Settings(tokens=40, rate=1e-3, epochs=7)
    losses = []
    for name, worth in (("plain", math.inf), ("compiled", 0)):
        monkeypatch.setitem(_WORTH_COMPILING, "cpu", worth)
        train(copy.deepcopy(network), examples, tmp_path / name, settings)
        lines = (tmp_path / name / "losses.jsonl").read_text(encoding="utf-8").splitlines()
        losses.append([json.loads(line)["loss"] for line in lines])
    assert losses[0][-1] < losses[0][0]
    assert losses[1] == pytest.approx(losses[0], rel=0.1)


@pytest.fixture
def answering(tiny_model: Path) -> Iterator[LocalEngine]:
    opened = LocalEngine(ModelSpec("tiny", str(tiny_model), "nano"), threads=1)
    yield opened
    opened.close()


def test_a_trained_adapter_changes_the_engines_answer_the_way_it_was_taught(
    tmp_path: Path, network: Any, tokens: Tokens, answering: LocalEngine
) -> None:
    prompt = (Segment("<|im_start|>", control=True), Segment("is the sky green?\n"), Segment("answer\n"))
    question = Question(prompt, Labels(("Yes", "No"), end="<|im_end|>"))
    ids, answer = tokens.encode_all([prompt, (Segment("Yes"), Segment("<|im_end|>", control=True))])
    adapter = train(copy.deepcopy(network), [Encoded(ids, answer)], tmp_path, Settings(rate=2e-3, epochs=12))
    (before,) = answering.answer([question])
    (after,) = answering.answer([replace(question, adapter=adapter)])
    assert isinstance(before, LabelScores)
    assert isinstance(after, LabelScores)
    assert after.probabilities[0] > max(0.9, before.probabilities[0])
    assert adapter.stat().st_size < 20_000_000
    settings = Settings(tokens=80, rate=1e-9, epochs=1)
    further = train(copy.deepcopy(network), [Encoded(ids, answer)], tmp_path / "on", settings, start=adapter)
    (still,) = answering.answer([replace(question, adapter=further)])
    assert isinstance(still, LabelScores)
    assert still.probabilities[0] == pytest.approx(after.probabilities[0], abs=0.02)


def test_a_stopped_training_goes_on_where_it_was_and_other_examples_begin_anew(
    tmp_path: Path, network: Any, tokens: Tokens
) -> None:
    class Stopped(Exception):
        pass

    def until(last: int, examples: list[Encoded]) -> int:
        """The first step that is reported, of a training that ends at a later one."""
        reported: list[int] = []

        def report(step: int, *_: object) -> None:
            reported.append(step)
            if step >= last:
                raise Stopped

        with pytest.raises(Stopped):
            train(copy.deepcopy(network), examples, tmp_path, settings, report=report, save_every_s=0)
        return reported[0]

    settings = Settings(rank=2, tokens=8, epochs=120)
    ids, answer = tokens.encode_all([(Segment("is it?"),), (Segment("Yes"),)])
    assert until(21, [Encoded(ids, answer)]) == 1
    assert until(41, [Encoded(ids, answer)]) == 21
    assert until(1, [Encoded(answer, ids)]) == 1


def test_a_training_ends_after_the_steps_it_was_given(tmp_path: Path, network: Any, tokens: Tokens) -> None:
    reported: list[tuple[int, int]] = []

    def report(step: int, steps: int, *_: object) -> None:
        reported.append((step, steps))

    ids, answer = tokens.encode_all([(Segment("is it?"),), (Segment("Yes"),)])
    settings = Settings(rank=2, tokens=8, epochs=120, steps=3)
    train(copy.deepcopy(network), [Encoded(ids, answer)], tmp_path, settings, report=report)
    assert reported == [(1, 3), (3, 3)]
