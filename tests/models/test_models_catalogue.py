"""Naming a model: the catalogue, paths, hub ids, and what is said when there is no such model."""

from __future__ import annotations

from pathlib import Path

import pytest

from dp_tools.engine.questions import Segment
from dp_tools.errors import ModelUnavailable
from dp_tools.models.catalogue import CATALOGUE, resolve
from dp_tools.prompts import PROMPT_TEMPLATES, prompt_template_of
from dp_tools.prompts.prompt import Prompt


def test_the_embedded_model_is_found_without_a_hub():
    path = resolve("nano").locate()
    assert path.stat().st_size == 98_362_432
    assert path.read_bytes()[:4] == b"GGUF"


def test_every_entry_names_its_licence_and_a_wire_format():
    for spec in CATALOGUE.values():
        assert spec.licence != "unknown"
        assert spec.prompt_template in PROMPT_TEMPLATES


@pytest.mark.parametrize("size", ["7", "8", "13"])
def test_a_file_of_a_published_checkpoint_keeps_its_own_format(tmp_path: Path, size: str):
    path = tmp_path / f"NECOUDBFM_Jellyfish-{size}B.i1-Q4_K_M.gguf"
    path.write_bytes(b"GGUF rest")
    spec = resolve(str(path))
    assert spec.prompt_template == f"jellyfish-{size}b"
    assert "NC" in spec.licence
    assert spec.name == f"NECOUDBFM_Jellyfish-{size}B.i1-Q4_K_M"


def test_an_adapter_takes_the_place_of_the_shipped_one_with_the_calibration_beside_it(tmp_path: Path):
    trained = tmp_path / "my shop" / "adapter.gguf"
    trained.parent.mkdir()
    trained.write_bytes(b"GGUF rest")
    spec = resolve(f"nano+{trained}")
    assert spec.name == "nano+my-shop"
    assert (spec.adapter, spec.calibration) == (trained, trained.with_name("calibration.json"))
    assert spec.source == CATALOGUE["nano"].source
    other = trained.rename(tmp_path / "shelf.gguf")
    assert resolve(f"nano+{other}").name == "nano+shelf"


def test_a_hub_file_is_not_fetched_before_it_is_needed():
    assert resolve("hf:someone/some-GGUF/some.Q4_K_M.gguf").name == "some.Q4_K_M"


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("nono", "no model called"),
        ("hf:someone/nothing", "hf:owner/repository/file.gguf"),
        ("there/is/none.gguf", "no model file"),
        ("none.gguf", "no model file"),
        ("nano+none.gguf", "no model file"),
    ],
)
def test_a_model_that_is_not_there_is_named(name: str, says: str):
    with pytest.raises(ModelUnavailable, match=says):
        resolve(name)


def test_a_file_that_is_no_gguf_and_a_folder_are_refused(tmp_path: Path):
    text = tmp_path / "notes.gguf"
    text.write_text("not a model")
    with pytest.raises(ModelUnavailable, match="is not a GGUF file"):
        resolve(str(text))
    with pytest.raises(ModelUnavailable, match="is a folder"):
        resolve(str(tmp_path))


def test_a_checkpoint_without_a_published_gguf_says_what_to_do():
    with pytest.raises(ModelUnavailable, match="convert_hf_to_gguf"):
        resolve("jellyfish-7b").locate()


def test_a_model_outside_the_catalogue_answers_in_its_own_chat_template(tmp_path: Path):
    path = tmp_path / "mine.gguf"
    path.symlink_to(resolve("nano").locate())
    wire = prompt_template_of(resolve(str(path)))
    first, message, last = wire.render(Prompt("follow_instruction", instruction="Say yes."))
    assert first.control
    assert first.text.startswith("<|im_start|>system\n")
    assert first.text.endswith("<|im_start|>user\n")
    assert not message.control
    assert last == Segment("<|im_end|>\n<|im_start|>assistant\n", control=True)
    assert wire.end == "<|im_end|>"


def test_a_model_file_cut_short_is_said_to_be_incomplete(tmp_path: Path):
    path = tmp_path / "half.gguf"
    path.write_bytes(resolve("nano").locate().read_bytes()[:4096])
    with pytest.raises(ModelUnavailable, match="check that the file is complete"):
        prompt_template_of(resolve(str(path)))
