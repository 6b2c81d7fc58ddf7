"""The measures of explanations, on a few cases of our own: that they count what they say, not how good the model is."""

from __future__ import annotations

import json
from math import exp
from pathlib import Path
from random import Random

import pytest
from click.testing import CliRunner
from visits_table import VISITS

from dp_tools.adapters.calibration_fit import Sample
from dp_tools.evaluation.datasets import read_datasets
from dp_tools.evaluation.instances import Instance
from dp_tools.evaluation.scores import Judged
from dp_tools.evaluation.splits import Split
from dp_tools.models.calibration import Calibration, PlattCalibration
from dp_tools.preprocessor import Preprocessor
from dp_tools.rules.rule import Rule
from dp_tools.tasks.task import probability_of_yes
from lab.__main__ import main
from lab.benchmarks.faithfulness import Faithfulness, cost, faithfulness, planted
from lab.benchmarks.reliability import judged, reliability, steadiness
from lab.model_calibration import fit_calibration

BEERS = [("Pale Ale", "5.0"), ("Stout", "6%"), ("Porter", "4.5"), ("Lager", "12 oz")]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    pairs = [
        {"left": {"beer": a, "abv": b}, "right": {"beer": c, "abv": d}, "label": int(a == c)}
        for (a, b), (c, d) in zip(BEERS, [BEERS[0], *BEERS[2:], BEERS[1]], strict=True)
    ]
    cells = [
        {"record": {"beer": a, "abv": b}, "attribute": "abv", "label": int(not b[-1].isdigit()), "row_id": n}
        for n, (a, b) in enumerate(BEERS)
    ]
    for place, rows in (("EM/Ales", pairs), ("ED/Ales", cells)):
        folder = tmp_path / "data" / place
        folder.mkdir(parents=True)
        for split in ("valid", "test"):
            (folder / f"{split}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return tmp_path / "data"


@pytest.fixture
def splits(data: Path) -> dict[str, Split]:
    return {dataset.folder: dataset.split("test") for dataset in read_datasets(data)}


def test_areas_are_mean_falls_from_the_whole_case() -> None:
    result = Faithfulness("x", 1, (0.9, 0.5, 0.3), (0.9, 0.8, 0.6), (0.2, 0.8, 0.9), (0.2, 0.4, 0.6))
    assert result.deletion == (pytest.approx(0.5), pytest.approx(0.2))
    assert result.sufficiency == (pytest.approx(0.05), pytest.approx(0.4))


def test_curves_begin_at_the_answer_and_take_away_what_the_explanation_names(
    preprocessor: Preprocessor, splits: dict[str, Split]
) -> None:
    (result,) = faithfulness(preprocessor, splits["ED"].sample(2), depth=2)
    assert (result.name, result.answers) == ("Ales", 2)
    assert result.deleted[0] == pytest.approx(result.deleted_random[0], abs=0.02)
    assert result.kept[0] == pytest.approx(result.kept_random[0], abs=0.02)
    # Of two attributes the stronger one is taken away, and then no more.
    assert result.deletion[0] >= result.deletion[1] - 0.02
    assert result.deleted[1] == pytest.approx(result.deleted[2], abs=0.02)


def test_planted_checks_and_examples_are_named_first_and_retired_afterwards(
    preprocessor: Preprocessor, splits: dict[str, Split]
) -> None:
    found = {result.kind: result for result in planted(preprocessor, [splits["ED"]], 4)}
    for kind in ("check", "example"):
        assert (found[kind].cases, found[kind].first) == (1, 1)
    assert found["statement"].first <= found["statement"].cases <= 2
    assert not [rule for rule in preprocessor.knowledge.list(status="active") if rule.id.startswith("planted")]


def test_calibration_is_judged_against_what_was_so() -> None:
    always = [Judged(0.9, True), Judged(0.9, False)] * 10
    result = reliability("impute", [always], Calibration({"impute": PlattCalibration(scale=0.05, shift=0.0)}))
    assert result.cases == 20
    assert result.before == pytest.approx(0.4)
    assert result.after < 0.05
    assert result.bins_before[9] == (pytest.approx(0.9), pytest.approx(0.5), 20)


def test_the_models_own_probabilities_are_collected_and_its_calibration_stays(
    preprocessor: Preprocessor, splits: dict[str, Split]
) -> None:
    preprocessor.decider.calibration = Calibration({"match_entities": PlattCalibration(shift=9.0)})
    found = judged(preprocessor, splits["EM"])
    assert [case.so for case in found] == [True, False, False, False]
    assert all(case.probability < 0.999 for case in found)
    assert preprocessor.decider.calibration.by_task


def test_averaged_labels_do_not_change_with_the_order(preprocessor: Preprocessor, splits: dict[str, Split]) -> None:
    result = steadiness(preprocessor, splits["EM"])
    assert result.pairs == 4
    assert result.permutation_averaged <= 0.25  # rounding may tip one that stands at the threshold


def test_the_command_writes_markdown_and_pictures(data: Path, tmp_path: Path, lent_engine: object) -> None:  # noqa: ARG001
    pytest.importorskip("matplotlib", reason='needs the extra "plots"')
    needed = CliRunner().invoke(
        main,
        [
            *("bench-explain", "--data", str(data), "--dataset", "EM", "--limit", "4"),
            *("--only", "faithfulness", "--only", "calibration", "--pictures", str(tmp_path / "drawn")),
        ],
    )
    assert needed.exit_code == 0, needed.output
    assert "### Faithfulness\n" in needed.stdout
    assert "| Ales | 4 |" in needed.stdout
    assert "(drawn/reliability-match_entities.svg)" in needed.stdout
    assert sorted(path.name for path in (tmp_path / "drawn").iterdir()) == [
        "faithfulness-ales-kept.svg",
        "faithfulness-ales-taken-away.svg",
        "reliability-match_entities.svg",
    ]


def test_a_case_that_stands_for_many_counts_as_many() -> None:
    random = Random(3)
    every = [Judged(min(max(random.gauss(0.55, 0.2), 0.01), 0.99), False) for _ in range(2000)]
    every += [Judged(min(max(random.gauss(0.8, 0.1), 0.01), 0.99), True) for _ in range(100)]
    enriched = Sample([*every[:100], *every[2000:]], yes=1.0, no=20.0)
    whole, some = (
        fit_calibration({"match_schemas": [sample]}, frozenset({"match_schemas"})).by_task["match_schemas"]
        for sample in (Sample(every), enriched)
    )
    assert some(0.7) == pytest.approx(whole(0.7), abs=0.05)
    assert some.threshold == pytest.approx(whole.threshold, abs=0.1)


def test_evidence_weighs_as_much_as_it_knows_beyond_the_model() -> None:
    random = Random(5)

    def calibration(needed: float, heard: float) -> PlattCalibration:
        """Of a model whose logit hears so much of the evidence; the truth needs `told` of it."""
        cases = []
        for _ in range(3000):
            own, against = random.gauss(-1, 1), random.choice((0.0, 0.0, 2.0, 4.0))
            so = random.random() < 1 / (1 + exp(-own - needed * against))
            cases.append(Judged(1 / (1 + exp(-own - heard * against)), so, against))
        return fit_calibration({"detect_errors": [Sample(cases)]}, frozenset({"detect_errors"})).by_task[
            "detect_errors"
        ]

    deaf, attentive = calibration(needed=1.0, heard=0.0), calibration(needed=1.0, heard=1.0)
    assert deaf.evidence == pytest.approx(1.0, abs=0.2)
    assert attentive.evidence == pytest.approx(0.0, abs=0.2)
    assert deaf(0.3, 4.0) > 0.8 > 0.4 > deaf(0.3, 0.0)


def test_a_small_sample_of_a_rare_verdict_holds_its_positive_cases() -> None:
    instances = tuple(Instance({}, "yes" if number % 50 == 0 else "no") for number in range(1000))
    chosen, yes, no = Split("SM", "rare", "valid", instances).enriched(100)
    labels = [instance.label for instance in chosen.instances]
    assert (labels.count("yes"), labels.count("no")) == (20, 80)
    assert (yes, no) == (1.0, 12.25)


def test_a_calibration_is_fitted_on_valid_splits_and_written_whole(
    data: Path,
    tmp_path: Path,
    lent_engine: object,  # noqa: ARG001
) -> None:
    out = tmp_path / "calibration.json"
    arguments = ["calibrate", "--data", str(data), "--leave-out", "ED/Ales", "-o", str(out)]
    needed = CliRunner().invoke(main, arguments)
    assert needed.exit_code == 0, needed.output
    assert needed.stdout.startswith("match_entities: scale ")
    assert list(Calibration.load(out).by_task) == ["match_entities"]
    again = CliRunner().invoke(main, arguments)
    assert (again.exit_code, "--force" in again.output) == (2, True)
    nothing = CliRunner().invoke(main, [*arguments, "--force", "--leave-out", "EM/Ales"])
    assert (nothing.exit_code, "valid split" in nothing.output) == (2, True)


def test_the_rarer_a_match_the_more_pairs_are_calibrated_on(
    data: Path,
    tmp_path: Path,
    lent_engine: object,  # noqa: ARG001
) -> None:
    for dataset, every in (("often", 2), ("seldom", 20)):
        pairs = [{"left": {"name": f"{n}"}, "right": {"name": "1"}, "label": int(n % every == 0)} for n in range(40)]
        (data / "EM" / dataset).mkdir()
        (data / "EM" / dataset / "valid.jsonl").write_text("\n".join(map(json.dumps, pairs)), encoding="utf-8")
    needed = CliRunner().invoke(
        main,
        ["calibrate", "--data", str(data), "--limit", "4", "--leave-out", "ED", "-o", str(tmp_path / "lines.json")],
    )
    assert needed.exit_code == 0, needed.output
    assert "EM/often: 4 judged" in needed.stderr
    assert "EM/seldom: 8 judged" in needed.stderr


def test_cells_whose_label_only_a_rule_can_tell_are_not_calibrated_on(
    data: Path,
    tmp_path: Path,
    lent_engine: object,  # noqa: ARG001
) -> None:
    (data / "ED" / "Ales").rename(data / "ED" / "Beers")  # there the unit of "abv" is a convention of the house
    synthetic = [part for name in ("flights", "orders") for part in ("--leave-out", f"ED/Synthetic_{name}")]
    out = tmp_path / "calibration.json"
    needed = CliRunner().invoke(main, ["calibrate", "--data", str(data), "--limit", "20", "-o", str(out), *synthetic])
    assert needed.exit_code == 0, needed.output
    assert "ED/Beers: 0 judged" in needed.stderr
    lines = Calibration.load(out).by_task
    # Its cells under a rule are, since a rule tells.
    assert set(lines) == {"match_entities", "detect_errors under a rule"}


def test_cells_of_tables_that_nobody_has_learned_from_are_calibrated_on_too(
    data: Path,
    tmp_path: Path,
    lent_engine: object,  # noqa: ARG001
) -> None:
    out = tmp_path / "lines.json"
    needed = CliRunner().invoke(
        main, ["calibrate", "--data", str(data), "--limit", "4", "--leave-out", "EM", "-o", str(out)]
    )
    assert needed.exit_code == 0, needed.output
    for name in ("Ales", "Synthetic_flights", "Synthetic_orders"):
        assert f"ED/{name}: 4 judged" in needed.stderr
    assert set(Calibration.load(out).by_task) == {"detect_errors", "detect_errors under a rule"}


def test_what_rows_alike_say_weighs_as_the_calibration_has_it(preprocessor: Preprocessor) -> None:
    records = VISITS[:24]
    records[3] = {**records[3], "town": "Tampa"}
    errors = []
    for evidence in (0.0, 3.0):
        preprocessor.decider.calibration = Calibration({"detect_errors": PlattCalibration(evidence=evidence)})
        cells = preprocessor.detect(records, attributes=["town"]).cells
        errors.append([probability_of_yes(cell.error, cell.confidence) for cell in cells])
    without, with_it = errors
    assert with_it[3] > 0.9
    assert with_it[3] > without[3]
    assert [*with_it[:3], *with_it[4:]] == pytest.approx([*without[:3], *without[4:]], abs=0.1)


def test_what_the_words_of_a_pair_share_weighs_as_the_calibration_has_it(preprocessor: Preprocessor) -> None:
    pairs = [
        ({"name": "amber ale"}, {"name": "amber ale by hand"}),
        ({"name": "amber ale"}, {"name": "porter"}),
    ]
    matches = []
    for words in (0.0, 2.0):
        preprocessor.decider.calibration = Calibration({"match_entities": PlattCalibration(overlap=words)})
        matches.append([probability_of_yes(p.match, p.confidence) for p in preprocessor.match(pairs).pairs])
    (alike, unlike), (alike_heard, unlike_heard) = matches
    assert alike_heard > alike
    assert unlike_heard < unlike


def test_a_cell_that_a_rule_is_about_is_judged_by_the_calibration_of_such_cells(preprocessor: Preprocessor) -> None:
    preprocessor.decider.calibration = Calibration(
        {
            "detect_errors": PlattCalibration(threshold=0.9999),
            "detect_errors under a rule": PlattCalibration(threshold=0.0001),
        }
    )

    def verdict(*rules: str) -> bool | None:
        answer = preprocessor.detect([{"beer": "Pale Ale", "abv": "5.0"}], ["abv"], rules=list(rules))
        return answer.cells[0].error

    assert verdict() is False
    assert verdict("Opening hours are given for weekdays.") is False
    assert verdict("The abv is a share of one.") is True
    preprocessor.knowledge.add(
        Rule(id="share", task="detect_errors", attribute="abv", statement="A share of one."), who="a test"
    )
    assert verdict() is True  # kept for this attribute, whatever its words


def test_the_cost_is_that_of_pairs_that_the_model_answers(preprocessor: Preprocessor, splits: dict[str, Split]) -> None:
    result = cost(preprocessor, splits["EM"].sample(2))
    assert result is not None
    assert (result.pairs, result.name) == (2, "Ales")
    decides = {"type": "object"}
    rule = Rule(id="all", task="match_entities", statement="All match.", check=decides, decides="both")
    preprocessor.knowledge.add(rule, who="a test")
    assert cost(preprocessor, splits["EM"].sample(2)) is None
