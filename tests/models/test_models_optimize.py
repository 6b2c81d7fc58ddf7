"""Optimizing weights: merged, chosen by speed, made again when damaged, nothing half-written."""

from __future__ import annotations

import hashlib
import itertools
import json
import resource
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from tiny_model import write_tiny_adapter, write_tiny_model
from waiting import until

from dp_tools.cli import main
from dp_tools.engine import background_optimize
from dp_tools.engine.format_choice import optimize_weights
from dp_tools.engine.local import LocalEngine
from dp_tools.engine.questions import Labels, LabelScores, Question, Segment
from dp_tools.errors import Cancelled, ModelUnavailable
from dp_tools.mcp_server.server_context import ServerContext
from dp_tools.models.catalogue import ModelSpec, resolve
from dp_tools.models.optimize import merge, optimize
from dp_tools.models.optimized import OptimizedWeights, find, making, note, note_of, optimized_path, part_of, sweep

QUESTION = Question((Segment("Is the sky blue?\n"),), Labels(("A", "B", "C")))


@pytest.fixture(scope="module")
def spec(tmp_path_factory: pytest.TempPathFactory) -> ModelSpec:
    folder = tmp_path_factory.mktemp("tiny")
    weights = write_tiny_model(folder / "tiny.gguf", words=2048)
    return ModelSpec("tiny", str(weights), "nano", adapter=write_tiny_adapter(folder / "adapter.gguf"))


def probabilities(spec: ModelSpec) -> tuple[float, ...]:
    engine = LocalEngine(spec, context=256, threads=1)
    (scores,) = engine.answer([QUESTION])
    engine.close()
    assert isinstance(scores, LabelScores)
    return scores.probabilities


def test_a_merged_adapter_answers_as_one_that_is_loaded(spec: ModelSpec, tmp_path: Path):
    merge(spec.locate(), spec.adapter, tmp_path / "merged.gguf", "F32")
    merged = probabilities(ModelSpec("merged", str(tmp_path / "merged.gguf"), "nano"))
    loaded = probabilities(spec)
    plain = probabilities(replace(spec, adapter=None))
    assert merged == pytest.approx(loaded, abs=1e-3)
    assert max(abs(a - b) for a, b in zip(merged, plain, strict=True)) > 0.02


def test_the_format_that_is_fastest_here_is_kept(spec: ModelSpec, tmp_path: Path):
    speeds = {"BF16": 10.0, "Q8_0": 20.0}
    made = optimize(spec, folder=tmp_path, speed_of=lambda path: speeds[path.name.split(".")[-2]])
    assert made.format == "Q8_0"
    assert made.tokens_per_second == speeds
    assert made.rounds == 2
    assert made.why == "It is the fastest here: BF16 10, Q8_0 20 tokens a second; the last two of 2 rounds agreed."
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".gguf", ".json", ".lock"]


def test_a_timing_that_other_work_spoiled_is_repeated(spec: ModelSpec, tmp_path: Path):
    measured = {"BF16": iter([3.0, 10.0, 10.5]), "Q8_0": iter([20.0, 20.0, 19.0])}
    made = optimize(spec, folder=tmp_path, speed_of=lambda path: next(measured[path.name.split(".")[-2]]))
    assert made.format == "Q8_0"
    assert made.rounds == 3
    assert made.tokens_per_second == {"BF16": 10.5, "Q8_0": 20.0}


def test_timings_that_never_agree_choose_nothing(spec: ModelSpec, tmp_path: Path):
    growing = (2.0**number for number in itertools.count())
    made = optimize(spec, folder=tmp_path, speed_of=lambda _: next(growing))
    assert made.format == "BF16"
    assert not made.agreed
    assert made.why.startswith("The machine was busy: no two of 6 rounds agreed within a tenth")


def test_formats_are_timed_by_decoding_with_them(spec: ModelSpec, tmp_path: Path):
    seen: list[tuple[str, float]] = []
    made = optimize_weights(spec, threads=1, folder=tmp_path, report=lambda what, share: seen.append((what, share)))
    assert set(made.tokens_per_second) == {"BF16", "Q8_0"}
    if made.agreed:
        assert made.format == max(made.tokens_per_second, key=made.tokens_per_second.__getitem__)
    shares = [share for _, share in seen]
    assert shares == sorted(shares)
    assert seen[-1] == ("done", 1.0)


def test_prepared_weights_are_made_once(spec: ModelSpec, tmp_path: Path):
    made = optimize(spec, formats=("BF16",), folder=tmp_path)
    stamp = made.path.stat().st_mtime_ns
    assert optimize(spec, formats=("BF16",), folder=tmp_path) == made
    assert made.path.stat().st_mtime_ns == stamp


def test_a_damaged_file_is_made_again(spec: ModelSpec, tmp_path: Path):
    made = optimize(spec, formats=("BF16",), folder=tmp_path)
    good = made.path.read_bytes()
    made.path.write_bytes(good[:-1] + bytes([good[-1] ^ 1]))
    assert find(made.path) is None
    assert optimize(spec, formats=("BF16",), folder=tmp_path).path.read_bytes() == good


@pytest.mark.parametrize("text", ["", "{}", "[]", "not json"])
def test_a_damaged_note_is_made_again(spec: ModelSpec, tmp_path: Path, text: str):
    made = optimize(spec, formats=("BF16",), folder=tmp_path)
    made.path.with_suffix(".json").write_text(text)
    assert find(made.path) is None
    optimize(spec, formats=("BF16",), folder=tmp_path)
    assert json.loads(made.path.with_suffix(".json").read_text())["format"] == "BF16"


def test_another_adapter_is_another_file_and_the_old_one_goes(spec: ModelSpec, tmp_path: Path):
    first = optimize(spec, formats=("BF16",), folder=tmp_path)
    other = replace(spec, adapter=write_tiny_adapter(tmp_path / "other.gguf", seed=2))
    second = optimize(other, formats=("BF16",), folder=tmp_path)
    assert first.path != second.path
    assert not first.path.exists()
    assert second.path.exists()


def test_a_full_disk_leaves_nothing_behind_and_says_so(spec: ModelSpec, tmp_path: Path):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, hard))
    try:
        with pytest.raises(ModelUnavailable, match="the disk is full"):
            optimize(spec, formats=("BF16",), folder=tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert [path.suffix for path in tmp_path.iterdir()] == [".lock"]


def test_a_folder_that_cannot_be_made_is_named(spec: ModelSpec, tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ModelUnavailable, match="DP_TOOLS_CACHE"):
        optimize(spec, formats=("BF16",), folder=tmp_path / "file" / "models")


def test_an_adapter_for_another_model_is_refused(spec: ModelSpec, tmp_path: Path):
    wrong = replace(spec, adapter=write_tiny_adapter(tmp_path / "wrong.gguf", hidden=32))
    with pytest.raises(ModelUnavailable, match="made for another model"):
        optimize(wrong, formats=("BF16",), folder=tmp_path)
    with pytest.raises(ModelUnavailable, match="made for another model"):
        probabilities(wrong)


def test_weights_cut_short_are_refused(spec: ModelSpec, tmp_path: Path):
    short = tmp_path / "short.gguf"
    short.write_bytes(spec.locate().read_bytes()[:9000])
    with pytest.raises(ModelUnavailable, match="check that it is complete"):
        optimize(ModelSpec("short", str(short), "nano"), formats=("BF16",), folder=tmp_path)


def test_the_installed_weights_answer_until_prepared_ones_are_there(
    spec: ModelSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("DP_TOOLS_CACHE", str(tmp_path))
    engine = LocalEngine(spec, context=256, threads=1, optimized=True)
    (first,) = engine.answer([QUESTION])
    before = engine.weights, engine.fingerprint
    assert before[0] == spec.locate()
    path = optimized_path(spec)
    until(lambda: note_of(path).exists())
    (second,) = engine.answer([QUESTION])
    assert engine.weights == path
    assert engine.fingerprint != before[1], "coarser answers are not taken for those of the optimized weights"
    assert isinstance(first, LabelScores)
    assert isinstance(second, LabelScores)
    assert first.probabilities == pytest.approx(
        second.probabilities, abs=0.1
    )  # random weights are cut more roughly than trained ones
    engine.close()


def test_a_format_that_answers_otherwise_has_another_fingerprint(
    spec: ModelSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("DP_TOOLS_CACHE", str(tmp_path))
    prints = set()
    for name in ("BF16", "Q8_0", "Q4_0"):
        optimize(spec, formats=(name,), again=True)
        prints.add(LocalEngine(spec, context=256, threads=1, optimized=True).fingerprint)
    assert len(prints) == 2


def test_what_a_killed_process_left_half_made_is_swept_and_what_is_being_made_is_not(spec: ModelSpec, tmp_path: Path):
    left, others = tmp_path / "tiny-0123456789abcdef.gguf", tmp_path / "tiny-fedcba9876543210.gguf"
    for path in (left, others):
        for what in ("BF16", "Q8_0", "json"):
            part_of(path, what).write_bytes(b"half")
    with making(others):
        optimize(spec, formats=("BF16",), folder=tmp_path)
        assert not list(tmp_path.glob("tiny-0123*.part"))
        assert len(list(tmp_path.glob("tiny-fedc*.part"))) == 3
    sweep(tmp_path)
    assert not list(tmp_path.glob("*.part"))


@pytest.fixture
def fresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[ModelSpec]:
    """A machine on which nothing was optimized; the models whose optimizing is begun."""
    begun: list[ModelSpec] = []
    monkeypatch.setenv("DP_TOOLS_CACHE", str(tmp_path))
    monkeypatch.setattr(background_optimize, "_started", {})
    monkeypatch.setattr(background_optimize, "_start", begun.append)
    return begun


def test_a_server_has_the_weights_prepared_from_its_start_on_and_once(fresh: list[ModelSpec]):
    server_context = ServerContext()
    server_context.warm_up()
    server_context.warm_up()
    assert fresh == [resolve("nano")]


def test_a_server_for_a_model_of_the_users_own_prepares_nothing(fresh: list[ModelSpec], spec: ModelSpec):
    ServerContext(spec.source, fallback_model="no such model").warm_up()
    assert fresh == []


def test_damaged_weights_are_made_again_while_those_installed_answer(fresh: list[ModelSpec], spec: ModelSpec):
    path = optimize(spec, formats=("BF16",)).path
    path.write_bytes(path.read_bytes()[:-1])
    engine = LocalEngine(spec, context=256, threads=1, optimized=True)
    assert isinstance(engine.answer([QUESTION])[0], LabelScores)
    assert engine.weights == spec.locate()
    assert fresh == [spec]
    optimize(spec, formats=("BF16",))
    engine.answer([QUESTION])
    assert engine.weights == path
    engine.close()


def test_weights_that_another_process_is_making_are_not_made_twice(fresh: list[ModelSpec]):
    with making(optimized_path(resolve("nano"))):
        ServerContext().warm_up()
    assert fresh == []


def test_a_person_at_a_shell_is_told_why_the_first_answers_take_a_moment(fresh: list[ModelSpec], tmp_path: Path):
    table = tmp_path / "beers.csv"
    table.write_text("name,ounces\nLager,12\n")
    result = CliRunner().invoke(main, ["detect", str(table), "--knowledge", ":memory:", "--no-cache"])
    assert result.exit_code == 0, result.output
    assert result.stderr.startswith("Optimizing nano for this machine, once")
    assert fresh == [resolve("nano")]


def test_work_that_waits_for_the_weights_goes_on_when_they_are_there_or_it_is_cancelled(fresh: list[ModelSpec]):
    spec, seconds, stop = resolve("nano"), [], threading.Event()
    path = optimized_path(spec)
    path.parent.mkdir(parents=True)

    def waiting(waited: float) -> None:
        seconds.append(waited)
        if len(seconds) == 2:
            note_of(path).write_text("{}", encoding="utf-8")

    with making(path):
        background_optimize.wait_until_optimized(spec, waiting=waiting)
        assert len(seconds) == 2
        note_of(path).unlink()
        stop.set()
        with pytest.raises(Cancelled):
            background_optimize.wait_until_optimized(spec, cancel=stop)
    background_optimize.wait_until_optimized(spec)
    assert fresh == [spec], "where optimizing failed, nobody waits for it"


def test_the_models_command_says_what_was_chosen_and_why(fresh: list[ModelSpec]):  # noqa: ARG001
    listed = CliRunner().invoke(main, ["models"]).output
    assert "nano on this machine: not optimized yet; this happens at the first question" in listed
    path = optimized_path(resolve("nano"))
    path.parent.mkdir()
    path.write_bytes(b"weights")
    speeds = {"BF16": 245.8, "Q8_0": 182.6}
    note(OptimizedWeights(path, "BF16", hashlib.sha256(b"weights").hexdigest(), speeds, rounds=3, agreed=True))
    listed = CliRunner().invoke(main, ["models"]).output
    assert "nano on this machine: BF16. It is the fastest here: BF16 246, Q8_0 183 tokens a second;" in listed
    with making(path):
        path.unlink()
        listed = CliRunner().invoke(main, ["models"]).output
    assert "nano on this machine: being optimized;" in listed
