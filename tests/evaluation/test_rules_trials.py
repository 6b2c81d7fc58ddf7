"""Trials of rules through the Python API."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dp_tools.errors import InvalidRequest
from dp_tools.evaluation.labelled_cases import read_labelled
from dp_tools.evaluation.rule_trials import audit, learn, try_rule
from dp_tools.evaluation.splits import Split
from dp_tools.preprocessor import Preprocessor
from dp_tools.rules.rule import Rule

PAIRS = [
    ("the sims 2", "1997", "the sims 2", "1997", 1),
    ("the sims 2", "1997", "the sims 2", "2003", 0),
    ("office 2007 home", "2007", "office home 2007", "2007.0", 1),
    ("office 2007 home", "2007", "office 2004 mac", "2004", 0),
]


def pairs(folder: Path, times: int = 1) -> Split:
    file = folder / "pairs.jsonl"
    rows = [
        {"left": {"title": a, "year": b}, "right": {"title": c, "year": d}, "label": label}
        for a, b, c, d, label in PAIRS * times
    ]
    file.write_text("\n".join(json.dumps(row) for row in rows))
    return read_labelled(file, task="match_entities", dataset="Games")


def sure(rule_id: str, check: dict[str, object], **fields: object) -> Rule:
    made = {"id": rule_id, "statement": f"{rule_id}.", "check": {"type": "object", **check}, "task": "match_entities"}
    return Rule.model_validate({**made, **fields})


YEAR = sure("year", {"not": {"x-differ": ["year"]}}, decides="both", priority=1)
MATCH = sure("match", {}, decides="both")


def test_a_rule_that_is_not_active_is_tried_as_if_it_were(tmp_path: Path, preprocessor: Preprocessor) -> None:
    preprocessor.knowledge.add(MATCH, who="ann")
    before = preprocessor.knowledge.verify()
    trial = try_rule(preprocessor, pairs(tmp_path), YEAR, dataset="Games")
    assert (trial.before.recall, trial.before.precision) == (100.0, 50.0)
    assert (trial.after.score, trial.mended, trial.broken) == (100.0, 2, 0)
    assert {(flip.number, flip.before, flip.after, flip.right) for flip in trial.flips} == {
        (1, "yes", "no", "no"),
        (3, "yes", "no", "no"),
    }
    assert preprocessor.knowledge.verify() == before


def test_an_active_rule_is_compared_with_its_absence(tmp_path: Path, preprocessor: Preprocessor) -> None:
    preprocessor.knowledge.add_all([MATCH, YEAR], who="ann")
    trial = try_rule(preprocessor, pairs(tmp_path), preprocessor.knowledge.get("year"), dataset="Games")
    assert (trial.before.score, trial.after.score) == (pytest.approx(200 / 3), 100.0)


def test_a_statement_is_tried_on_the_model(tmp_path: Path, preprocessor: Preprocessor) -> None:
    rule = Rule(id="edition", task="match_entities", statement="Another year is another edition.", status="proposed")
    trial = try_rule(preprocessor, pairs(tmp_path), rule)
    assert (trial.before.n, trial.after.n, trial.before.unanswered, trial.after.unanswered) == (4, 4, 0, 0)
    assert trial.mended + trial.broken == len(trial.flips)


def test_a_rule_for_other_cases_is_refused(tmp_path: Path, preprocessor: Preprocessor) -> None:
    split = pairs(tmp_path)
    with pytest.raises(InvalidRequest, match="is for impute and the data for match_entities"):
        try_rule(preprocessor, split, Rule(id="r", task="impute", statement="s."))
    with pytest.raises(InvalidRequest, match="holds for none of these cases"):
        try_rule(preprocessor, split, YEAR.model_copy(update={"domain": "books"}))


def test_learning_keeps_what_raises_the_score_on_held_back_cases(tmp_path: Path, preprocessor: Preprocessor) -> None:
    preprocessor.knowledge.add(MATCH.model_copy(update={"priority": -1}), who="ann")
    useless = sure("useless", {"x-same": ["title"]})
    learned = learn(preprocessor, pairs(tmp_path, times=6), dataset="Games", candidates=[useless])
    assert [rule.id for rule in learned.kept] == ["learned-games-all-differ-year"]
    assert (learned.before.score, learned.after.score) == (pytest.approx(200 / 3), 100.0)
    assert learned.tried >= 2
    assert preprocessor.knowledge.list(status="proposed") == ()


def test_learning_needs_cases(tmp_path: Path, preprocessor: Preprocessor) -> None:
    with pytest.raises(InvalidRequest, match="needs 8 labelled cases"):
        learn(preprocessor, pairs(tmp_path))


def test_an_audit_measures_every_rule_in_force(tmp_path: Path, preprocessor: Preprocessor) -> None:
    preprocessor.knowledge.add_all([MATCH, MATCH.model_copy(update={"id": "match-too"}), YEAR], who="ann")
    found = {entry.rule.id: entry for entry in audit(preprocessor, pairs(tmp_path), dataset="Games")}
    assert (found["year"].flips, found["year"].cases, found["year"].towards) == (2, 4, {"no": 2})
    assert found["year"].outlier
    assert (found["match"].flips, found["match"].outlier) == (0, False)
    assert "general-match-gap" in found


def test_progress_counts_to_the_end(tmp_path: Path, preprocessor: Preprocessor) -> None:
    preprocessor.knowledge.add(MATCH, who="ann")
    seen: list[tuple[int, int]] = []
    try_rule(preprocessor, pairs(tmp_path), YEAR, progress=lambda done, total: seen.append((done, total)))
    assert seen == sorted(seen)


def test_an_answer_names_the_rule_that_decided_and_the_one_that_would_have_decided_otherwise(
    preprocessor: Preprocessor,
) -> None:
    preprocessor.knowledge.add_all([MATCH, YEAR], who="ann")
    pair = ({"title": "the sims 2", "year": "1997"}, {"title": "the sims 2", "year": "2003"})
    answer = preprocessor.match([pair])
    assert (answer.pairs[0].match, answer.pairs[0].decided_by, answer.pairs[0].rules) == (False, "check", ["year@1"])
    assert "year" in {rule.id for rule in answer.rules}
    assert [(rule.id, rule.reason) for rule in answer.overridden] == [("match", "says yes; year takes precedence")]
