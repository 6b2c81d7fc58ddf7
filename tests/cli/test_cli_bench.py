"""The benchmark: any folder of the layout is read, the same instances every time, scored as the field does."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from dp_tools.cli import main
from dp_tools.errors import TableUnavailable
from dp_tools.evaluation.bench import markdown, means, measure
from dp_tools.evaluation.datasets import read_datasets
from dp_tools.evaluation.instances import Instance
from dp_tools.evaluation.published import published
from dp_tools.evaluation.scores import calibration_error, score
from dp_tools.tasks import TASKS
from dp_tools.tasks.task import Outcome

PLACE = {"name": "citrus", "city": "los angeles"}
ROWS = {
    "EM/Fodors-Zagats": [{"left": {**PLACE, "class": "6"}, "right": {**PLACE, "class": "6"}, "label": 1}],
    "EM/invented": [{"left": {"a": n}, "right": {"a": 3}, "label": int(n == 3)} for n in range(10)],
    "SM/invented": [
        {"left": {"name": "zip", "description": "code", "table_description": "t"}, "right": {"name": "x"}, "label": 0}
    ],
    "ED/invented": [
        {"record": {**PLACE, "id": str(row)}, "attribute": name, "label": row % 2, "clean": "", "row_id": row}
        for name in PLACE
        for row in range(14)
    ],
    "DI/invented": [{"record": {"name": "citrus"}, "attribute": "city", "label": "los angeles"}],
    "CTA/invented": [{"column": ["1", None], "table": [["1"]], "column_index": 0, "label": "b", "label_text": "bee"}],
    "AVE/invented": [
        {"title": "red cup", "attribute": "colour", "label": "red", "values": ["red"]},
        {"title": "red cup", "attribute": "size", "label": None, "values": []},
    ],
    "EXTRA/invented": [{"left": "1 main st", "right": "1 main street", "label": 1}],
}  # fmt: skip


@pytest.fixture
def data(tmp_path: Path) -> Path:
    for number, (place, rows) in enumerate(ROWS.items()):
        folder = tmp_path / place
        folder.mkdir(parents=True)
        text = "".join(json.dumps(row) + "\n" for row in rows)
        if number % 2:
            (folder / "test.jsonl").write_text(text, encoding="utf-8")
        else:
            (folder / "test.jsonl.gz").write_bytes(gzip.compress(text.encode()))
    (tmp_path / "CTA/invented/train.jsonl").write_text(
        json.dumps({"column": ["x"], "table": [], "column_index": 0, "label": "a"}) + "\n", encoding="utf-8"
    )
    return tmp_path


def test_any_folder_of_the_layout_is_read_and_every_instance_is_asked_about_once(data):
    datasets = read_datasets(data)
    assert [f"{dataset.folder}/{dataset.name}" for dataset in datasets] == list(ROWS)
    for dataset in datasets:
        split = dataset.split("test")
        batches = split.batches(dataset=dataset.name)
        for batch in batches:
            assert batch.request.dataset == dataset.name
            assert len(TASKS[split.task].cases(batch.request, split.facts)) == len(batch.instances)
        asked = [instance for batch in batches for instance in batch.instances]
        assert sorted(map(id, asked)) == sorted(map(id, split.instances))


def test_the_gold_id_is_never_shown(data):
    (dataset,) = read_datasets(data, ["EM/Fodors-Zagats"])
    (instance,) = dataset.split("test").instances
    assert "class" not in instance.row["left"]
    assert "class" not in instance.row["right"]


def test_the_types_to_choose_from_are_those_of_every_split(data):
    (dataset,) = read_datasets(data, ["CTA"])
    assert dataset.split("test").types == ("a", "bee")


def test_the_cells_of_one_record_stand_together_and_the_whole_split_gives_evidence(data):
    (dataset,) = read_datasets(data, ["ED"])
    split = dataset.split("test").sample(4)
    assert len(split.table) == 14
    assert split.facts is not None
    assert split.facts.about(split.table[0], "city") != ()
    for batch in dataset.split("test").batches():
        assert len({instance.row["row_id"] for instance in batch.instances}) == 1


def test_the_values_of_the_train_split_testify_for_a_gap_unless_records_are_judged_alone(data):
    rows = [
        {"record": {"phone": f"{code}-{n}"}, "attribute": "city", "label": city}
        for code, city in ((617, "boston"), (312, "chicago"))
        for n in range(9)
    ]
    folder = data / "DI" / "phones"
    folder.mkdir()
    for split, kept in (("train", rows), ("test", rows[:1])):
        (folder / f"{split}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in kept), encoding="utf-8")
    (dataset,) = read_datasets(data, ["DI/phones"])
    (case,) = dataset.split("test").asked().cases
    assert case.prompt.evidence == ('by phone "617-": "boston" 9 of 9',)
    (case,) = dataset.split("test").alone().asked().cases
    assert case.prompt.evidence == ()
    assert dataset.split("train").table == ()


def test_records_that_are_judged_alone_have_no_evidence_from_their_table(data):
    (dataset,) = read_datasets(data, ["ED"])
    split = dataset.split("test")
    assert any(case.prompt.evidence for case in split.asked().cases)
    assert not any(case.prompt.evidence for case in split.alone().asked().cases)


def test_a_limit_takes_the_same_instances_every_time_at_the_natural_rate(data):
    (dataset,) = read_datasets(data, ["EM/invented"])
    split = dataset.split("test")
    assert split.sample(5) == split.sample(5)
    assert [i.label for i in split.sample(5).instances].count("yes") == 1
    assert split.sample(100) is split


@given(st.lists(st.sampled_from(["yes", "no"]), min_size=1, max_size=60), st.integers(1, 60))
def test_a_sample_has_the_asked_size_and_keeps_the_order(labels, limit):
    from dp_tools.evaluation.splits import Split

    split = Split("EM", "x", "test", tuple(Instance({"n": n}, label) for n, label in enumerate(labels)))
    numbers = [instance.row["n"] for instance in split.sample(limit).instances]
    assert len(numbers) == min(limit, len(labels))
    assert numbers == sorted(set(numbers))


def test_a_missing_split_a_bad_line_and_an_empty_folder_are_told(data):
    (dataset,) = read_datasets(data, ["SM"])
    with pytest.raises(TableUnavailable, match="SM/invented has no split 'valid': it has test"):
        dataset.split("valid")
    (data / "SM/invented/valid.jsonl").write_text('{"left": {"name": "a"}, "right": {"name": "b"}, "label": 7}\n')
    with pytest.raises(TableUnavailable, match=r"Line 1 of .* is not an instance of SM"):
        read_datasets(data, ["SM"])[0].split("valid")
    with pytest.raises(TableUnavailable, match="There is no ED/unheard of"):
        read_datasets(data, ["ED/unheard of"])
    with pytest.raises(TableUnavailable, match="no labelled instances"):
        read_datasets(data / "ED")
    with pytest.raises(TableUnavailable, match="There is no folder"):
        read_datasets(data / "nowhere")


def verdicts(pairs: str) -> tuple[list[Instance], list[Outcome]]:
    """From letters, right answer then given answer: "yy yn n-" is a hit, a miss, and no answer to a no."""
    word = {"y": "yes", "n": "no", "-": None}
    instances = [Instance({}, word[pair[0]]) for pair in pairs.split()]
    outcomes = [
        Outcome("unanswered", failure="none") if pair[1] == "-" else Outcome("model", word[pair[1]], 0.9)
        for pair in pairs.split()
    ]
    return instances, outcomes


def test_f1_is_that_of_the_positive_class_and_no_answer_is_no_hit():
    result = score("match_entities", *verdicts("yy yy yn y- ny nn nn n-"))
    assert (result.n, result.positives, result.unanswered) == (8, 4, 2)
    assert result.precision == pytest.approx(100 * 2 / 3)
    assert result.recall == 50
    assert result.score == pytest.approx(2 * (200 / 3) * 50 / (200 / 3 + 50))


def test_nothing_found_scores_zero():
    assert score("detect_errors", *verdicts("yn nn")).score == 0


def test_imputation_counts_the_best_alternative_and_is_lenient_on_case_and_spaces():
    instances = [Instance({}, label) for label in ("New  York", "boston", "paris")]
    outcomes = [
        Outcome("model", "new york", 0.9),
        Outcome("model", None, 0.6, ranking=(("Boston", 0.3), ("x", 0.1))),
        Outcome("model", None, 0.9),
    ]
    result = score("impute", instances, outcomes)
    assert (result.metric, result.score) == ("accuracy", pytest.approx(200 / 3))


def test_extraction_counts_a_wrong_value_against_precision_and_recall():
    labels = [("red", "red"), ("red", "blue"), ("red", None), (None, "blue"), (None, None)]
    instances = [Instance({}, label, (label,) if label else ()) for label, _ in labels]
    outcomes = [Outcome("model", value, 0.5) for _, value in labels]
    result = score("extract_values", instances, outcomes)
    assert result.precision == pytest.approx(100 / 3)
    assert result.recall == pytest.approx(100 / 3)


def test_any_accepted_value_is_right():
    instance = Instance({}, "Xeon E5335", ("Xeon E5335", "Intel Xeon E5335"))
    assert score("extract_values", [instance], [Outcome("model", "intel xeon e5335", 1.0)]).score == 100


def test_confidence_that_means_what_it_says_has_no_calibration_error():
    assert calibration_error([(0.75, True), (0.75, True), (0.75, True), (0.75, False)]) == 0
    assert calibration_error([(1.0, False)]) == 1
    assert calibration_error([]) == 0


def test_the_published_results_are_known_by_name_in_any_case():
    assert published("EM", "beer") == published("EM", "Beer")
    assert published("EM", "invented") is None
    (figures,) = [published("SM", "CMS")]
    assert figures is not None
    assert "GPT-3.5" not in figures


def test_the_published_means_are_those_of_the_table():
    names = {
        "ED": "Adult Hospital Flights Rayyan",
        "DI": "Buy Restaurant Flipkart Phone",
        "SM": "MIMIC-III Synthea CMS",
    }
    names["EM"] = "Amazon-Google Beer DBLP-ACM DBLP-GoogleScholar Fodors-Zagats iTunes-Amazon Abt-Buy Walmart-Amazon"
    found = [published(folder, name) for folder, group in names.items() for name in group.split()]
    for system, mean in (("non-LLM", 80.44), ("GPT-4o", 72.58), ("Jellyfish-7B", 82.74), ("Jellyfish-13B", 86.02)):
        assert sum(figures[system] for figures in found if figures) / len(found) == pytest.approx(mean, abs=0.01)


def test_a_row_is_measured_through_the_products_own_path(data, preprocessor):
    (dataset,) = read_datasets(data, ["EM/Fodors-Zagats"])
    row = measure(preprocessor, dataset.split("test"))
    assert row.result.n == 1
    kept = row.as_json()
    wanted = "task dataset n positives metric score precision recall instances_per_second calibration_error paper"
    assert set(wanted.split()) <= set(kept)
    assert "| EM | Fodors-Zagats | 1 | 1 | f1 |" in markdown([row])
    assert [entry.name for entry in means([row])] == ["EM", "the paper's sets"]


def test_the_command_prints_rows_and_means_and_writes_json(data, lent_engine):  # noqa: ARG001
    out = data / "out.json"
    arguments = ["bench", "--data", str(data), "--only", "EM/Fodors-Zagats", "CTA/invented", "--limit", "1"]
    written = ["--json", str(out), "--markdown", str(data / "out.md"), "--picture", str(data / "out.svg")]
    result = CliRunner().invoke(main, [*arguments, "--rules", "general", *written])
    assert result.exit_code == 0, result.output
    assert "Fodors-Zagats" in result.stdout
    assert "the paper's sets (1)" in result.stdout
    assert [row["dataset"] for row in json.loads(out.read_text())] == ["Fodors-Zagats", "invented"]
    assert (data / "out.md").read_text().startswith("| task | dataset |")
    assert "EM Fodors-Zagats" in (data / "out.svg").read_text()


def test_the_command_leaves_out_what_lacks_the_split_and_says_so(data, lent_engine):  # noqa: ARG001
    result = CliRunner().invoke(main, ["bench", "--data", str(data), "--only", "CTA", "SM", "--split", "train"])
    assert result.exit_code == 0, result.output
    assert "SM/invented has no split train: left out." in result.stderr


def test_a_dataset_that_cannot_be_asked_about_is_named_and_the_others_are_measured(data, lent_engine):  # noqa: ARG001
    row = {"record": {"name": "citrus"}, "attribute": "elsewhere", "label": 1}
    (data / "ED/odd").mkdir()
    (data / "ED/odd/test.jsonl").write_text(json.dumps(row) + "\n", encoding="utf-8")
    result = CliRunner().invoke(main, ["bench", "--data", str(data), "--only", "ED/odd", "DI"])
    assert result.exit_code == 1
    assert "Not measured: ED/odd: The records have no attribute 'elsewhere'" in result.stderr
    assert "mean  DI (1)" in result.stdout


def test_the_command_refuses_what_it_does_not_know(data):
    result = CliRunner().invoke(main, ["bench", "--data", str(data), "--only", "EM/nothing"])
    assert result.exit_code == 2
    assert "There is no EM/nothing" in result.stderr
