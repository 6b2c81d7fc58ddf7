"""Preparing weights: merged, chosen by speed, made again when damaged, nothing half-written."""

from __future__ import annotations

import json
import resource
from dataclasses import replace
from pathlib import Path

import pytest
from tiny_model import write_tiny_adapter, write_tiny_model

from dp_tools.engine.local import LocalEngine
from dp_tools.engine.preparing import prepare_weights
from dp_tools.engine.questions import Labels, LabelScores, Question, Segment
from dp_tools.errors import ModelUnavailable
from dp_tools.models.catalogue import ModelSpec
from dp_tools.models.prepare import find, merge, prepare

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
    made = prepare(spec, folder=tmp_path, speed_of=lambda path: speeds[path.name.split(".")[-3]])
    assert made.format == "Q8_0"
    assert made.tokens_per_second == speeds
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".gguf", ".json", ".lock"]


def test_formats_are_timed_by_decoding_with_them(spec: ModelSpec, tmp_path: Path):
    seen: list[tuple[str, float]] = []
    made = prepare_weights(spec, threads=1, folder=tmp_path, report=lambda what, share: seen.append((what, share)))
    assert set(made.tokens_per_second) == {"BF16", "Q8_0"}
    assert made.format == max(made.tokens_per_second, key=made.tokens_per_second.__getitem__)
    shares = [share for _, share in seen]
    assert shares == sorted(shares)
    assert seen[-1] == ("done", 1.0)


def test_prepared_weights_are_made_once(spec: ModelSpec, tmp_path: Path):
    made = prepare(spec, formats=("BF16",), folder=tmp_path)
    stamp = made.path.stat().st_mtime_ns
    assert prepare(spec, formats=("BF16",), folder=tmp_path) == made
    assert made.path.stat().st_mtime_ns == stamp


def test_a_damaged_file_is_made_again(spec: ModelSpec, tmp_path: Path):
    made = prepare(spec, formats=("BF16",), folder=tmp_path)
    good = made.path.read_bytes()
    made.path.write_bytes(good[:-1] + bytes([good[-1] ^ 1]))
    assert find(spec, tmp_path) is None
    assert prepare(spec, formats=("BF16",), folder=tmp_path).path.read_bytes() == good


@pytest.mark.parametrize("note", ["", "{}", "[]", "not json"])
def test_a_damaged_note_is_made_again(spec: ModelSpec, tmp_path: Path, note: str):
    made = prepare(spec, formats=("BF16",), folder=tmp_path)
    made.path.with_suffix(".json").write_text(note)
    assert find(spec, tmp_path) is None
    prepare(spec, formats=("BF16",), folder=tmp_path)
    assert json.loads(made.path.with_suffix(".json").read_text())["format"] == "BF16"


def test_another_adapter_is_another_file_and_the_old_one_goes(spec: ModelSpec, tmp_path: Path):
    first = prepare(spec, formats=("BF16",), folder=tmp_path)
    other = replace(spec, adapter=write_tiny_adapter(tmp_path / "other.gguf", seed=2))
    second = prepare(other, formats=("BF16",), folder=tmp_path)
    assert first.path != second.path
    assert not first.path.exists()
    assert second.path.exists()


def test_a_full_disk_leaves_nothing_behind_and_says_so(spec: ModelSpec, tmp_path: Path):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, hard))
    try:
        with pytest.raises(ModelUnavailable, match="the disk is full"):
            prepare(spec, formats=("BF16",), folder=tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert [path.suffix for path in tmp_path.iterdir()] == [".lock"]


def test_a_folder_that_cannot_be_made_is_named(spec: ModelSpec, tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ModelUnavailable, match="DP_TOOLS_CACHE"):
        prepare(spec, formats=("BF16",), folder=tmp_path / "file" / "models")


def test_an_adapter_for_another_model_is_refused(spec: ModelSpec, tmp_path: Path):
    wrong = replace(spec, adapter=write_tiny_adapter(tmp_path / "wrong.gguf", hidden=32))
    with pytest.raises(ModelUnavailable, match="made for another model"):
        prepare(wrong, formats=("BF16",), folder=tmp_path)
    with pytest.raises(ModelUnavailable, match="made for another model"):
        probabilities(wrong)


def test_weights_cut_short_are_refused(spec: ModelSpec, tmp_path: Path):
    short = tmp_path / "short.gguf"
    short.write_bytes(spec.locate().read_bytes()[:9000])
    with pytest.raises(ModelUnavailable, match="check that it is complete"):
        prepare(ModelSpec("short", str(short), "nano"), formats=("BF16",), folder=tmp_path)
