"""User adapters: kept by dataset and task, chosen by the dataset a call names, removable."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from engines import Lent
from tiny_model import write_tiny_adapter

from dp_tools.adapters.calibration_fit import Sample, fit_few
from dp_tools.adapters.user_adapter import reviewed, tune_user_adapter
from dp_tools.cli import main
from dp_tools.engine.questions import Engine
from dp_tools.errors import InvalidRequest
from dp_tools.evaluation.scores import Judged
from dp_tools.models.calibration import PlattCalibration
from dp_tools.models.catalogue import resolve
from dp_tools.models.user_adapters import About, UserAdapters, base_of
from dp_tools.preprocessor import Preprocessor
from dp_tools.rules.rule import Example, Rule
from dp_tools.rules.store.knowledge_store import KnowledgeStore

pytestmark = pytest.mark.usefixtures("tiny_nano")
RECORD = {"name": "Tarn pot set", "price": "58.00"}


def about(**fields: object) -> About:
    known: dict[str, object] = {
        "dataset": "shelf",
        "task": "detect_errors",
        "base": base_of(resolve("nano")),
        "cases": 75,
        "held": 25,
        "metric": "f1",
        "before": 40.0,
        "after": 80.0,
    }
    return About(**{**known, **fields})  # type: ignore[arg-type]


@pytest.fixture
def adapters(tmp_path: Path) -> UserAdapters:
    return UserAdapters(tmp_path / "adapters")


@pytest.fixture
def adapter(tmp_path: Path) -> Path:
    return write_tiny_adapter(tmp_path / "made.gguf")


def test_a_call_that_names_the_dataset_is_answered_with_its_adapter_and_no_other_call_is(
    engine: Engine, adapters: UserAdapters, adapter: Path
) -> None:
    with Preprocessor("nano", ":memory:", engine=Lent(engine), adapters=adapters.folder) as preprocessor:  # type: ignore[arg-type]
        before = preprocessor.detect([RECORD], dataset="Shelf")
        adapters.install(adapter, about())
        with_it = preprocessor.detect([RECORD], dataset="Shelf")
        elsewhere = preprocessor.detect([RECORD], dataset="Shop")
        adapters.remove("shelf", "detect_errors")
        removed = preprocessor.detect([RECORD], dataset="Shelf")
    assert with_it.model == "tiny+shelf"
    assert elsewhere.model == before.model == removed.model == "tiny"
    assert [cell.confidence for cell in with_it.cells] != [cell.confidence for cell in before.cells]
    same = [cell.confidence for cell in before.cells]
    assert [cell.confidence for cell in removed.cells] == pytest.approx(same, abs=0.02)
    assert [cell.confidence for cell in elsewhere.cells] == pytest.approx(same, abs=0.02)


def test_an_adapter_of_ones_own_answers_with_its_own_calibration(
    engine: Engine, adapters: UserAdapters, adapter: Path
) -> None:
    with Preprocessor("nano", ":memory:", engine=Lent(engine), adapters=adapters.folder) as preprocessor:  # type: ignore[arg-type]
        verdicts = []
        for line in (PlattCalibration(threshold=0.0001), PlattCalibration(threshold=0.9999)):
            adapters.install(adapter, about(calibration=line))
            (cell,) = preprocessor.detect([RECORD], attributes=["price"], dataset="Shelf").cells
            verdicts.append(cell.error)
        assert preprocessor.decider.calibration_of("detect_errors", "Shelf").threshold == 0.9999
        assert preprocessor.decider.calibration_of("detect_errors", "Shop") == preprocessor.decider.calibration.of(
            "detect_errors"
        )
    assert verdicts == [True, False]


def test_a_few_cases_change_a_calibration_little_and_many_put_it_right() -> None:
    def judged(count: int) -> list[Judged]:
        return [Judged(0.9, number % 2 == 0) for number in range(count)]

    few, many = fit_few(Sample(judged(4)), verdict=False), fit_few(Sample(judged(4000)), verdict=False)
    assert many(0.9) == pytest.approx(0.5, abs=0.01)
    assert 0.6 < few(0.9) < 0.9
    assert fit_few(Sample([]), verdict=True) == PlattCalibration()


def test_a_prevalence_below_that_of_the_labelled_cases_makes_a_yes_less_probable() -> None:
    signs = [(number % 10 < 5) * (-1) ** (number % 3) for number in range(400)]
    cases = [Judged(0.5 + 0.4 * sign, number % 4 == 0) for number, sign in enumerate(signs)]
    as_labelled = fit_few(Sample(cases), verdict=True)
    rarer = fit_few(Sample(cases, yes=0.05 / 100, no=0.95 / 300), verdict=True)
    assert rarer(0.5) < as_labelled(0.5) - 0.1


def test_an_adapter_that_was_made_for_other_weights_is_not_used(adapters: UserAdapters, adapter: Path) -> None:
    adapters.install(adapter, about(base="another"))
    assert adapters.find("shelf", "detect_errors", resolve("nano")) is None


def test_a_new_adapter_takes_the_place_of_the_old_one(adapters: UserAdapters, adapter: Path) -> None:
    adapters.install(adapter, about())
    adapters.install(adapter, about(after=90.0))
    assert [known.after for known in adapters.all()] == [90.0]


def test_a_dataset_whose_name_is_a_path_stays_inside_the_folder(adapters: UserAdapters, adapter: Path) -> None:
    kept = adapters.install(adapter, about(dataset="../../etc/passwd"))
    assert kept.resolve().is_relative_to(adapters.folder.resolve())


def test_half_an_adapter_is_none(adapters: UserAdapters, adapter: Path) -> None:
    kept = adapters.install(adapter, about())
    kept.with_suffix(".json").write_text("{", encoding="utf-8")
    assert adapters.find("shelf", "detect_errors", resolve("nano")) is None
    assert adapters.all() == []


def test_adapters_are_listed_and_removed_by_commands(
    adapters: UserAdapters, adapter: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DP_TOOLS_ADAPTERS", str(adapters.folder))
    adapters.install(adapter, about())
    listed = CliRunner().invoke(main, ["models", "adapters"])
    assert "shelf" in listed.output
    assert "80.00" in listed.output
    assert CliRunner().invoke(main, ["models", "remove-adapter", "Shelf", "detect_errors"]).exit_code == 0
    again = CliRunner().invoke(main, ["models", "remove-adapter", "Shelf", "detect_errors"])
    assert again.exit_code == 2
    assert "no adapter" in again.output


def test_the_answers_of_reviews_are_labelled_cases() -> None:
    with KnowledgeStore.open(":memory:") as store:
        case = {"record": RECORD, "attribute": "price", "value": "58.00"}
        examples = (Example(case=case, label="no"), Example(case={**case, "attribute": "name"}, label="yes"))
        store.add(
            Rule(id="seen", task="detect_errors", dataset="Shelf", statement="Reviewed.", examples=examples), who="me"
        )
        split = reviewed(store, task="detect_errors", dataset="Shelf")
        with pytest.raises(InvalidRequest, match="No labelled example"):
            reviewed(store, task="match_entities", dataset="Shelf")
    assert [instance.label for instance in split.instances] == ["no", "yes"]


def test_too_few_cases_and_other_models_are_refused(preprocessor: Preprocessor, tmp_path: Path) -> None:
    with KnowledgeStore.open(":memory:") as store:
        case = {"record": RECORD, "attribute": "price", "value": "58.00"}
        store.add(
            Rule(
                id="seen",
                task="detect_errors",
                dataset="Shelf",
                statement="Reviewed.",
                examples=(Example(case=case, label="no"),),
            ),
            who="me",
        )
        split = reviewed(store, task="detect_errors", dataset="Shelf")
    with pytest.raises(InvalidRequest, match="20 labelled cases or more"):
        tune_user_adapter(preprocessor, split, "Shelf", folder=tmp_path)


def test_the_command_says_what_it_needs() -> None:
    result = CliRunner().invoke(main, ["tune"])
    assert result.exit_code == 2
    assert "--dataset" in result.output


@pytest.mark.filterwarnings("ignore")
def test_an_adapter_is_learned_from_labelled_cases_scored_on_others_and_installed_only_if_it_helps(
    preprocessor: Preprocessor, tmp_path: Path
) -> None:
    pytest.importorskip("torch", reason='needs the extra "tune"')
    pytest.importorskip("peft", reason='needs the extra "tune"')
    rows = [
        {"record": {"code": f"{letter}{n}", "shop": "Tarn"}, "attribute": "code", "label": int(letter == "Q")}
        for n in range(10)
        for letter in "QB"
    ]
    path = tmp_path / "cases.jsonl"
    path.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    from dp_tools.adapters.train import Settings
    from dp_tools.evaluation.labelled_cases import read_labelled

    split = read_labelled(path, task="detect_errors", dataset="Shelf")
    settings = Settings(rank=8, alpha=16, rate=2e-3, epochs=3, tokens=600)
    tuned = tune_user_adapter(preprocessor, split, "Shelf", folder=tmp_path / "own", settings=settings)
    assert (tuned.about.cases, tuned.about.held) == (20, 20)
    assert tuned.about.after >= tuned.about.before - 1e-9
    assert (tuned.installed is not None) == (UserAdapters(tmp_path / "own").all() != [])
