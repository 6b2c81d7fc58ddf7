"""Finding and repairing the wrong cells of a whole table.

Detection asks each distinct question once. Repair puts every proposal in the place of the doubtful value and asks the
same question about it: the dirty value stays unless it is judged wrong and a proposal is judged right in its place.
"""

from __future__ import annotations

import csv
from array import array
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from dp_tools.decision import is_misunderstood, weighed_alarm
from dp_tools.errors import InvalidRequest
from dp_tools.tables.asking import Asked, Work, chunks
from dp_tools.tables.cascade.cascade import Audit
from dp_tools.tables.cascade.promise import Promise
from dp_tools.tables.change_log import Change
from dp_tools.tables.clean.answered import answers_in
from dp_tools.tables.clean.cell_questions import Fields
from dp_tools.tables.clean.judged_cell import JudgedCell
from dp_tools.tables.clean.judging import Judge
from dp_tools.tables.clean.learning import MODEL, Evidence, Taught, Teaching, corrected, labelled_change
from dp_tools.tables.clean.proposals import Proposal, proposals
from dp_tools.tables.clean.unattended import Unattended
from dp_tools.tables.confidence_bands import ACCEPT, REVIEW
from dp_tools.tables.identity_columns import Content
from dp_tools.tables.io.paths import new_file
from dp_tools.tables.labelled.answers import FEWEST
from dp_tools.tables.labelled.comparison import Option
from dp_tools.tables.labelled.labelled_rows import LabelledRows
from dp_tools.tables.snapshot import Table
from dp_tools.tables.whole import Whole
from dp_tools.tasks.impute import ImputeAnswer, ImputeRequest
from dp_tools.tasks.request_errors import make_request
from dp_tools.tasks.task import WITHOUT_MODEL, Outcome, UsedRule

PROMISED = Promise()
"""What is promised unless something else is asked for."""
DOUBTED = 0.75
"""The most confidence in a change on which a person has to decide (see `Unattended`)."""
CHOICES = 20
"""The largest closed set that the model is given to choose a value from."""


@dataclass
class Detection:
    """The result of looking at every cell.

    Args:
        wrong: the cells that are judged wrong, in file order.
        cells: cells looked at.
        questions: distinct questions that they made.
        decided: of these, decided by checks and examples.
        by_table: of these, decided by data constraints.
        unanswered: cells without a verdict, by reason.
        content: the attributes that were looked at, and those that were left out.
        misunderstood: of the attributes that the model has not understood, how many cells it called wrong without
            support; they are not among the wrong ones.
        learned: of the questions, decided by what learned from the model's answers to others.
        audit: what was promised and found where that is so.
        taught: what labels say of how wrong cells are found; None without labels.
    """

    wrong: list[JudgedCell]
    cells: int
    questions: int
    decided: int
    by_table: int
    unanswered: Counter[str]
    content: Content
    misunderstood: dict[str, int]
    learned: int = 0
    audit: Audit | None = None
    taught: Taught | None = None


@dataclass
class Repair:
    """The changes that a detection leads to.

    Args:
        changes: accepted changes, in file order.
        doubtful: changes for a person to decide, in file order.
        unrepaired: cells that are wrong and for which nothing was found.
    """

    changes: list[Change] = field(default_factory=list)
    doubtful: list[Change] = field(default_factory=list)
    unrepaired: list[JudgedCell] = field(default_factory=list)


class Cleaner:
    """One table being cleaned.

    Args:
        work: what asks.
        table: the table.
        dataset: whose rules apply.
        rules: rules for this work only.
        attributes: the attributes to look at (default: those that describe a record, see `contents`).
        include, exclude: attributes that are looked at although they would be left out, and the other way round.
        promise: what the verdicts keep to where only a part of many questions is asked; None asks all.
        labels: some rows as they should be; what they teach decides then, and whether the model is asked.
        whole: what the table is judged by, where it is a part of a larger one.
        seed: for what is then drawn at random.

    Raises:
        InvalidRequest: an attribute is unknown.
    """

    def __init__(
        self,
        work: Work,
        table: Table,
        dataset: str | None,
        rules: list[str],
        attributes: list[str] | None = None,
        *,
        include: Sequence[str] = (),
        exclude: Sequence[str] = (),
        promise: Promise | None = PROMISED,
        labels: LabelledRows | None = None,
        whole: Whole | None = None,
        seed: int = 0,
    ) -> None:
        if attributes is not None and not attributes:
            raise InvalidRequest("There are no attributes to judge: name some, or leave attributes out.")
        if labels is not None:
            include = [*include, *(name for name in labels.corrected(table) if name not in (*include, *exclude))]
        whole = Whole(table) if whole is None else whole
        self._content = whole.content(attributes, include, exclude, work.stage)
        self.table, self._work = table, work
        self._dataset, self._rules = dataset, rules
        self.attributes = self._content.columns
        self.facts = whole.facts(work.stage)
        constraints = whole.constraints(work, dataset)
        self._labels, self._seed = labels or LabelledRows({}, ()), seed
        self._learns = whole.table is table
        self._teaching: Teaching | None = None
        self._judge = Judge(work, self.facts, dataset, rules, constraints, promise, seed)
        self._unattended = Unattended(self.facts)
        self._misunderstood: dict[str, int] = {}

    def detect(self) -> Detection:
        """Judge every cell.

        Raises:
            Cancelled, ModelUnavailable: see `Work.answers`.
        """
        wrong, unanswered = [], Counter[str]()
        for cell in self.judged():
            if cell.error is None:
                unanswered[cell.reason or "no answer"] += 1
            elif cell.outcome.verdict:
                wrong.append(cell)
        cells = self.table.count * len(self.attributes)
        decided = Counter(self._judge[place].decided_by for place in range(len(self._judge)))
        by_table = decided["table"]
        by_rules = sum(decided[by] for by in WITHOUT_MODEL) - by_table
        return Detection(
            wrong,
            cells,
            len(self._judge),
            by_rules,
            by_table,
            unanswered,
            self._content,
            dict(self._misunderstood),
            decided["learned"],
            self.audit,
            None if self._teaching is None else self._teaching.taught(self._work.asked),
        )

    @property
    def audit(self) -> Audit | None:
        """What was promised and found, once all cells are judged; None where every question is asked."""
        return self._judge.audit

    def judged(self) -> Iterator[JudgedCell]:
        """Every cell with its outcome, in file order, once all have been judged.

        Raises:
            Cancelled, ModelUnavailable: see `Work.answers`.
        """
        places = self._judge.note_all(self.table, self.attributes, self._work.stage("looking at records"))
        labels = self._with_answers(places)
        if labels is None:
            self._judge.ask_where_it_matters()
        else:
            self._teaching = self._taught(labels, places)
        look = self._work.stage("collecting verdicts")
        count = self.table.count
        unsupported = {name: sum(map(self._judge.is_unsupported, noted)) for name, noted in places.items()}
        self._misunderstood = {name: times for name, times in unsupported.items() if is_misunderstood(times, count)}
        for number, (row, record) in enumerate(self.table.records()):
            look(number, count)
            for name in self.attributes:
                place = places[name][number]
                outcome = self._judge[place]
                if self._judge.is_unsupported(place):
                    outcome = weighed_alarm(outcome, name, unsupported[name], count)
                if self._teaching is not None and name in self._teaching.wrong:
                    outcome = self._teaching.outcome(row, name, outcome)
                yield JudgedCell(row, name, record[name], outcome, place)

    def _with_answers(self, places: Mapping[str, array[int]]) -> LabelledRows | None:
        """The labelled rows with what people answered about cells; None where that teaches nothing of other cells."""
        answers = answers_in(self._judge, self.table, places)
        if not self._learns or (len(answers) < FEWEST and not self._labels.rows):
            return None
        labels = self._labels.with_answers(self.table, answers)
        # Labels of other columns teach nothing here: those of an earlier file, or of attributes that were not named.
        return None if set(self.attributes).isdisjoint(labels.columns) else labels

    def _taught(self, labels: LabelledRows, places: Mapping[str, array[int]]) -> Teaching:
        """What the labels teach, once the model was asked about the labelled cells, and about the others only if that
        finds more."""
        judge = self._judge
        beside = {name: [judge.note(record, name) for record in labels.beside] for name in self.attributes}
        values, facts = judge.evidence
        noted = {name: np.array([*found, *beside[name]], np.int64) for name, found in places.items()}
        answered = labels.found(self.table)
        for row, name in labels.answers:
            noted[name][row] = judge.note(answered[row], name, without_examples=True)
        evidence = Evidence(noted, facts, values)
        teaching = Teaching(self.table, labels, self.attributes, evidence, judge.outcomes, self._work.stage, self._seed)
        judge.ask_about(teaching.asked_about())
        best = self._best_way(teaching)
        if best.prior == MODEL:
            judge.ask_where_it_matters()
        else:
            judge.leave_open_questions()
        teaching.learn(judge.outcomes, best)
        return teaching

    def _best_way(self, teaching: Teaching) -> Option:
        """What finds most wrong cells by the labels, once the model was asked about the labelled ones."""
        return teaching.compare(self._judge.outcomes)

    def rules_used(self) -> list[UsedRule]:
        """The rules that the model read or that decided."""
        return self._judge.rules_used()

    def repair(self, wrong: list[JudgedCell]) -> Repair:
        """Find the right value for each wrong cell, where one can be found.

        Raises:
            Cancelled, ModelUnavailable: see `Work.answers`.
        """
        records = dict(self.table.records({cell.row for cell in wrong}))
        look = self._work.stage("finding proposals")
        offered: list[list[Proposal]] = []
        for cell in wrong:
            look(len(offered), len(wrong))
            offered.append(self._proposals(cell, records[cell.row]))
        asks = self._teaching is None or self._teaching.options[0].prior == MODEL
        if asks:
            self._add_model_proposals(wrong, records, offered)
        noted = [
            [self._judge.note({**records[cell.row], cell.attribute: p.value}, cell.attribute) for p in found]
            for cell, found in zip(wrong, offered, strict=True)
        ]
        if asks:
            self._judge.ask()
        else:
            self._judge.leave_open_questions()
        repair = Repair()
        changes: list[Change | None] = []
        for cell, found, places in zip(wrong, offered, noted, strict=True):
            judged = [(p, self._judge[place]) for p, place in zip(found, places, strict=True)]
            changes.append(self._best(cell, records[cell.row], judged))
        if self._teaching is not None:
            changes = corrected(self._teaching, wrong, offered, changes)
        for cell, found_change in zip(wrong, changes, strict=True):
            change = self._answered_change(cell, records[cell.row]) or found_change
            if change is None:
                repair.unrepaired.append(cell)
            elif change.confidence >= ACCEPT:
                repair.changes.append(change)
            elif change.confidence >= REVIEW:
                repair.doubtful.append(change)
            else:
                repair.unrepaired.append(cell)
        return repair

    def _answered_change(self, cell: JudgedCell, record: Fields) -> Change | None:
        """The change to what a person answered that belongs in a cell."""
        by_row = None if self._teaching is None else self._teaching.right(cell.row, cell.attribute)
        if cell.outcome.decided_by != "example" or by_row is not None:
            return None
        right = self._judge.belongs_there(record, cell.attribute)
        return None if right is None else labelled_change(cell, right)

    def _proposals(self, cell: JudgedCell, record: Fields) -> list[Proposal]:
        name = cell.attribute
        guidance = self._judge.guidance(name)
        return proposals(
            record,
            name,
            self.facts,
            guidance,
            allowed=self._judge.rules_of(name).injection.allowed() or (),
            listed=guidance.allowed() or (),
            meant=self._judge.meant(record, name),
            forms=self._judge.forms(record, name),
        )

    def _add_model_proposals(
        self, wrong: list[JudgedCell], records: dict[int, dict[str, str | None]], offered: list[list[Proposal]]
    ) -> None:
        """Where code finds nothing and the attribute has a closed set of values, let the model choose one."""
        open_cells: dict[str, list[int]] = {}
        for number, (cell, found) in enumerate(zip(wrong, offered, strict=True)):
            if not found and 2 <= len(self._choices(cell.attribute)) <= CHOICES:
                open_cells.setdefault(cell.attribute, []).append(number)
        parts = [(name, part) for name, numbers in open_cells.items() for part in chunks(numbers)]
        questions = []
        for name, part in parts:
            gaps = [{**records[wrong[number].row], name: None} for number in part]
            request = make_request(
                ImputeRequest,
                records=gaps,
                attribute=name,
                allowed=self._choices(name),
                dataset=self._dataset,
                rules=self._rules,
            )
            questions.append(Asked(request, len(part), self.facts))
            self._work.expect(len(part))
        for (_, part), answer in zip(parts, self._work.answers(questions), strict=True):
            assert isinstance(answer, ImputeAnswer)
            for number, imputed in zip(part, answer.values, strict=True):
                if imputed.value is not None and imputed.value != wrong[number].value:
                    why = f"The model infers it from the record ({imputed.confidence or 0:.0%})."
                    offered[number].append(Proposal(imputed.value, "model", why, imputed.confidence or 0.0))

    def _best(self, cell: JudgedCell, record: Fields, judged: list[tuple[Proposal, Outcome]]) -> Change | None:
        """The change to the proposal that is most probably right, None where none is better than the value itself."""
        assert cell.error is not None
        best, confidence = None, 0.0
        for proposal, outcome in judged:
            error = outcome.probability_of_yes
            if error is None or error >= cell.error:
                continue
            right = cell.error * (1 - error) * proposal.certainty
            # Proposals come best founded first, so a later one must be clearly better.
            if right > confidence + 0.05:
                best, confidence = proposal, right
        if best is None:
            return None
        offered, by_rule = [proposal for proposal, _ in judged], cell.outcome.decided_by in ("check", "example")
        doubt = self._unattended.doubt(record, cell.attribute, best, offered, by_rule=by_rule)
        return Change(
            row=cell.row,
            attribute=cell.attribute,
            old=cell.value,
            new=best.value,
            confidence=round(min(confidence, DOUBTED) if doubt else confidence, 4),
            why=" ".join(filter(None, (cell.reason, best.why, doubt))),
            source=best.source,
            rule=cell.rule,
        )

    def _choices(self, attribute: str) -> list[str]:
        """The closed set of an attribute: what a rule allows, or what repeats in a column of few values."""
        return list(self._judge.guidance(attribute).allowed() or sorted(self.facts.closed_set(attribute)))


def write_wrong_cells(target: Path, cells: list[JudgedCell], part: str | None = None) -> None:
    """Write wrong cells as a CSV file: row (from 1), attribute, value, confidence, band, by, reason, rule; before them,
    of a part of a larger table, its name.

    Raises:
        TableUnavailable: the disk refuses.
    """
    of_part = () if part is None else (part,)

    def lines() -> Iterator[tuple[object, ...]]:
        names = ("row", "attribute", "value", "confidence", "decision", "decided_by", "reason", "rule")
        yield names if part is None else ("part", *names)
        for cell in cells:
            error = cell.error or 0.0
            decision = "accept" if error >= ACCEPT else "review"
            yield (
                *of_part,
                cell.row + 1,
                cell.attribute,
                cell.value or "",
                f"{error:.4f}",
                decision,
                cell.outcome.decided_by,
                cell.reason or "",
                cell.rule or "",
            )

    with new_file(target, overwrite=True) as made, made.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(lines())
