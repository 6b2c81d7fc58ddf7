"""Judging cells: is this value, in this place, wrong? Each distinct (attribute, value, evidence) is asked once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dp_tools.profiling import CellFacts, Fact, agreement, is_contradicted, is_usual, rendered
from dp_tools.records import clean_name
from dp_tools.rules.coverage import UNNAMED, Ruled, TableVerdict, ruled
from dp_tools.rules.discovery.data_constraints import Regularities
from dp_tools.rules.injection import Injection
from dp_tools.rules.rule import Rule
from dp_tools.tables.asking import Asked, Work, chunks
from dp_tools.tasks.detect_errors import DetectErrorsAnswer, DetectErrorsRequest
from dp_tools.tasks.task import probability_of_yes

Fields = Mapping[str, str | None]
_Key = tuple[str, str | None, tuple[str, ...], str | None]


AGREED = 0.9
"""Share of like rows from which on their agreement outweighs the model's word alone."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What is thought of a value in its place.

    Args:
        wrong: the verdict. The model's may be yes below one half, where that finds the rare ones best.
        error: the probability that it is wrong, 0 to 1; None where nobody could say.
        by: model, check, example, table or nobody.
        reason: why, where a rule or the table itself decided; what went wrong, where nobody could say.
        rule: the rule that decided, as id@version.
    """

    wrong: bool
    error: float | None
    by: str
    reason: str | None = None
    rule: str | None = None


def _vouched_for(judgement: Judgement, evidence: Sequence[Fact]) -> Judgement:
    """The judgement of the table where rows like this one agree with a value that the model alone calls wrong."""
    name, share = agreement(evidence)
    if share < AGREED:
        return judgement
    return Judgement(
        False, 1 - share, "table", f"{share:.0%} of the rows with the same {clean_name(name)} hold this value."
    )


class Judge:
    """Collects cells, asks each distinct question once, and gives the judgements.

    Args:
        work: what asks.
        facts: the evidence of the whole table.
        dataset: whose rules apply.
        rules: rules for this work only.
        regularities: what the table keeps; they decide where no rule speaks of the attribute.
    """

    def __init__(
        self, work: Work, facts: CellFacts, dataset: str | None, rules: list[str], regularities: Regularities
    ) -> None:
        self._work, self._facts, self._dataset, self._rules = work, facts, dataset, rules
        self._regularities = regularities
        self._places: dict[_Key, int] = {}
        self._open: list[tuple[int, str, Fields, tuple[Fact, ...]]] = []
        self._judgements: list[Judgement | None] = []
        self._evidence: list[tuple[Fact, ...]] = []
        self._injections: dict[str, Injection] = {}
        self._ruled: dict[str, Ruled] = {}
        self._guidances: dict[str, Injection] = {}

    def __len__(self) -> int:
        return len(self._places)

    def __getitem__(self, place: int) -> Judgement:
        judgement = self._judgements[place]
        assert judgement is not None, "asked before ask()"
        return judgement

    def doubts(self, place: int) -> bool:
        """Whether the model alone calls the cell wrong, and counting says nothing against it."""
        judgement = self[place]
        return judgement.wrong and judgement.by == "model" and not is_contradicted(self._evidence[place])

    def note(self, record: Fields, attribute: str) -> int:
        """Note a cell to be judged; the same question gets the same number. The record must not change afterwards."""
        value = record[attribute]
        evidence = self._facts.about(record, attribute)
        decision = self.injection(attribute).decide({"record": record, "attribute": attribute, "value": value})
        told = self._table_says(record, attribute, evidence) if decision is None else None
        said = None if told is None else told.id
        if decision is not None:
            said = f"{decision.label} {decision.rule.id}"
        key = (attribute, None if value is None else value.strip(), rendered(evidence), said)
        place = self._places.get(key)
        if place is None:
            place = self._places[key] = len(self._places)
            self._judgements.append(None)
            self._evidence.append(evidence)
            if decision is not None:
                rule = f"{decision.rule.id}@{decision.rule.version}"
                wrong = decision.label == "yes"
                self._judgements[place] = Judgement(wrong, float(wrong), decision.by, decision.reason, rule)
            elif told is not None:
                error = told.certainty if told.wrong else 1 - told.certainty
                self._judgements[place] = Judgement(told.wrong, error, "table", told.reason)
            else:
                self._open.append((place, attribute, record, evidence))
        return place

    def ask(self) -> None:
        """Ask what was noted and not yet asked.

        Raises:
            Cancelled, ModelUnavailable: see `Work.answers`.
        """
        by_attribute: dict[str, list[tuple[int, str, Fields, tuple[Fact, ...]]]] = {}
        for case in self._open:
            by_attribute.setdefault(case[1], []).append(case)
        self._open = []
        parts = [part for cases in by_attribute.values() for part in chunks(cases)]
        self._work.expect(sum(len(part) for part in parts))
        questions = (
            Asked(
                DetectErrorsRequest(
                    records=[dict(record) for _, _, record, _ in part],
                    attributes=[part[0][1]],
                    show_record=False,
                    dataset=self._dataset,
                    rules=self._rules,
                ),
                len(part),
                self._facts,
                tuple(rendered(evidence) for _, _, _, evidence in part),
            )
            for part in parts
        )
        for part, answer in zip(parts, self._work.answers(questions), strict=True):
            assert isinstance(answer, DetectErrorsAnswer)
            for (place, *_), cell in zip(part, answer.cells, strict=True):
                error = probability_of_yes(cell.error, cell.confidence)
                judgement = Judgement(bool(cell.error), error, cell.by, cell.problem)
                self._judgements[place] = judgement
                if self.doubts(place):
                    self._judgements[place] = _vouched_for(judgement, self._evidence[place])

    def injection(self, attribute: str) -> Injection:
        """The rules of detection that hold for an attribute."""
        if attribute not in self._injections:
            self._injections[attribute] = self._inject(attribute, ())
            self._ruled[attribute] = ruled(self._injections[attribute], attribute)
        return self._injections[attribute]

    def guidance(self, attribute: str) -> Injection:
        """The same with what the table keeps as if it were a rule: what to look at for the right value."""
        if attribute not in self._guidances:
            found = self.injection(attribute)
            if self._ruled[attribute] in UNNAMED:
                found = self._inject(attribute, self._regularities.rules(attribute))
            self._guidances[attribute] = found
        return self._guidances[attribute]

    def meant(self, record: Fields, attribute: str) -> list[tuple[str, str]]:
        """What the table says that a cell should hold, each with the reason; nothing where rules in words are first."""
        self.injection(attribute)
        return [] if self._ruled[attribute] == "in words" else self._regularities.meant(record, attribute)

    def _inject(self, attribute: str, trying: Sequence[Rule]) -> Injection:
        return self._work.preprocessor.knowledge.inject(
            task="detect_errors", dataset=self._dataset, attribute=attribute, extra=self._rules, trying=trying
        )

    def _table_says(self, record: Fields, attribute: str, evidence: Sequence[Fact]) -> TableVerdict | None:
        self.injection(attribute)
        found = self._regularities.verdicts(record, attribute, usual=is_usual(record[attribute], evidence))
        return next((verdict for verdict in found if verdict.speaks(self._ruled[attribute])), None)
