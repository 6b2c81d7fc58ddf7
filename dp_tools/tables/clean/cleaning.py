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

from dp_tools.errors import InvalidRequest
from dp_tools.profiling import rendered
from dp_tools.rules.discovery.data_constraints import Regularities, searched
from dp_tools.tables.asking import Asked, Work, chunks
from dp_tools.tables.change_log import Change
from dp_tools.tables.clean.judging import Fields, Judge, Judgement
from dp_tools.tables.clean.proposals import Proposal, proposals
from dp_tools.tables.clean.unattended import Unattended
from dp_tools.tables.identity_columns import Content, contents
from dp_tools.tables.io.paths import new_file
from dp_tools.tables.snapshot import Table
from dp_tools.tables.table_facts import TableFacts
from dp_tools.tasks.impute import ImputeAnswer, ImputeRequest
from dp_tools.tasks.task import WITHOUT_MODEL

ACCEPT = 0.8
"""Confidence from which on a verdict or a change stands without a person."""
REVIEW = 0.5
"""Confidence from which on a person is asked; below it nothing is done."""
MOST_WRONG = 0.1
"""Share of a column that the model alone may call wrong: of more it has not understood what the column holds."""
FEW_WRONG = 5
"""Cells that it may call wrong in any column."""
DOUBTED = 0.75
"""The most confidence in a change on which a person has to decide (see `Unattended`)."""
CHOICES = 20
"""The largest closed set that the model is given to choose a value from."""


@dataclass(frozen=True, slots=True)
class WrongCell:
    """A cell that is judged wrong.

    Args:
        row: the record's number in the file.
        attribute, value: the cell.
        judgement: how sure that is, and who says so.
    """

    row: int
    attribute: str
    value: str | None
    judgement: Judgement


@dataclass
class Detection:
    """The result of looking at every cell.

    Args:
        wrong: the cells that are judged wrong, in file order.
        cells: cells looked at.
        questions: distinct questions that they made.
        decided: of these, decided by checks and examples.
        told: of these, decided by what the table mostly keeps.
        unanswered: cells that nobody could judge, by reason.
        content: the attributes that were looked at, and those that were left out.
        distrusted: of the attributes that the model has not understood, how many cells it called wrong without
            support; they are not among the wrong ones.
    """

    wrong: list[WrongCell]
    cells: int
    questions: int
    decided: int
    told: int
    unanswered: Counter[str]
    content: Content
    distrusted: dict[str, int]


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
    unrepaired: list[WrongCell] = field(default_factory=list)


class Cleaner:
    """One table being cleaned.

    Args:
        work: what asks.
        table: the table.
        dataset: whose rules apply.
        rules: rules for this work only.
        attributes: the attributes to look at (default: those that describe a record, see `contents`).
        include, exclude: attributes that are looked at although they would be left out, and the other way round.

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
    ) -> None:
        if attributes is not None and not attributes:
            raise InvalidRequest("There are no attributes to judge: name some, or leave attributes out.")
        (self._content,) = contents((table,), only=attributes, include=include, exclude=exclude, stage=work.stage)
        self.table, self._work = table, work
        self._dataset, self._rules = dataset, rules
        self.attributes = self._content.columns
        self.facts = TableFacts(table, work.stage)
        regularities = Regularities.of(
            (record for _, record in table.records(searched(table.count, len(table.columns)))),
            dataset,
            retired=work.preprocessor.retired,
            progress=work.stage("mining rules"),
            cancel=work.cancel,
        )
        self._judge = Judge(work, self.facts, dataset, rules, regularities)
        self._unattended = Unattended(self.facts)

    def detect(self) -> Detection:
        """Judge every cell.

        Raises:
            Cancelled, ModelUnavailable: see `Work.answers`.
        """
        places = {name: array("L") for name in self.attributes}
        settled: dict[int, str] = {}
        look = self._work.stage("looking at records")
        for number, (_, record) in enumerate(self.table.records()):
            look(number, self.table.count)
            for name in self.attributes:
                places[name].append(self._judge.note(record, name))
        self._judge.ask()
        look = self._work.stage("collecting verdicts")
        distrusted = self._distrusted(places)
        wrong, unanswered = [], Counter[str]()
        for number, (row, record) in enumerate(self.table.records()):
            look(number, self.table.count)
            for name in self.attributes:
                place = places[name][number]
                judgement = self._judge[place]
                if judgement.by in WITHOUT_MODEL:
                    settled[place] = judgement.by
                if judgement.error is None:
                    unanswered[judgement.reason or "no answer"] += 1
                elif judgement.wrong and not (name in distrusted and self._judge.doubts(place)):
                    wrong.append(WrongCell(row, name, record[name], judgement))
        cells = self.table.count * len(self.attributes)
        told = sum(by == "table" for by in settled.values())
        return Detection(
            wrong, cells, len(self._judge), len(settled) - told, told, unanswered, self._content, distrusted
        )

    def _distrusted(self, places: Mapping[str, array[int]]) -> dict[str, int]:
        """The attributes of which the model calls more wrong than errors ever are, with nothing to support it."""
        doubted = {name: sum(map(self._judge.doubts, noted)) for name, noted in places.items()}
        most = max(FEW_WRONG, MOST_WRONG * self.table.count)
        return {name: count for name, count in doubted.items() if count > most}

    def repair(self, wrong: list[WrongCell]) -> Repair:
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
        self._add_model_proposals(wrong, records, offered)
        noted = [
            [self._judge.note({**records[cell.row], cell.attribute: p.value}, cell.attribute) for p in found]
            for cell, found in zip(wrong, offered, strict=True)
        ]
        self._judge.ask()
        repair = Repair()
        for cell, found, places in zip(wrong, offered, noted, strict=True):
            judged = [(p, self._judge[place]) for p, place in zip(found, places, strict=True)]
            change = self._best(cell, records[cell.row], judged)
            if change is None:
                repair.unrepaired.append(cell)
            elif change.confidence >= ACCEPT:
                repair.changes.append(change)
            elif change.confidence >= REVIEW:
                repair.doubtful.append(change)
            else:
                repair.unrepaired.append(cell)
        return repair

    def _proposals(self, cell: WrongCell, record: Fields) -> list[Proposal]:
        name = cell.attribute
        guidance = self._judge.guidance(name)
        return proposals(
            record,
            name,
            self.facts,
            guidance,
            allowed=self._judge.injection(name).allowed() or (),
            listed=guidance.allowed() or (),
            meant=self._judge.meant(record, name),
        )

    def _add_model_proposals(
        self, wrong: list[WrongCell], records: dict[int, dict[str, str | None]], offered: list[list[Proposal]]
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
            request = ImputeRequest(
                records=gaps, attribute=name, allowed=self._choices(name), dataset=self._dataset, rules=self._rules
            )
            evidence = tuple(rendered(self.facts.testimony(gap, name)) for gap in gaps)
            questions.append(Asked(request, len(part), self.facts, evidence))
            self._work.expect(len(part))
        for (_, part), answer in zip(parts, self._work.answers(questions), strict=True):
            assert isinstance(answer, ImputeAnswer)
            for number, imputed in zip(part, answer.values, strict=True):
                if imputed.value is not None and imputed.value != wrong[number].value:
                    why = f"The model infers it from the record ({imputed.confidence or 0:.0%})."
                    offered[number].append(Proposal(imputed.value, "model", why, imputed.confidence or 0.0))

    def _best(self, cell: WrongCell, record: Fields, judged: list[tuple[Proposal, Judgement]]) -> Change | None:
        """The change to the proposal that is most probably right, None where none is better than the value itself."""
        assert cell.judgement.error is not None
        best, confidence = None, 0.0
        for proposal, judgement in judged:
            if judgement.error is None or judgement.error >= cell.judgement.error:
                continue
            right = cell.judgement.error * (1 - judgement.error) * proposal.certainty
            # Proposals come best founded first, so a later one must be clearly better.
            if right > confidence + 0.05:
                best, confidence = proposal, right
        if best is None:
            return None
        offered, ruled = [proposal for proposal, _ in judged], cell.judgement.by in ("check", "example")
        doubt = self._unattended.doubt(record, cell.attribute, best, offered, ruled=ruled)
        return Change(
            row=cell.row,
            attribute=cell.attribute,
            old=cell.value,
            new=best.value,
            confidence=round(min(confidence, DOUBTED) if doubt else confidence, 4),
            why=" ".join(filter(None, (cell.judgement.reason, best.why, doubt))),
            source=best.source,
            rule=cell.judgement.rule,
        )

    def _choices(self, attribute: str) -> list[str]:
        """The closed set of an attribute: what a rule allows, or what repeats in a column of few values."""
        return list(self._judge.guidance(attribute).allowed() or sorted(self.facts.closed_set(attribute)))


def write_wrong_cells(target: Path, cells: list[WrongCell], *, overwrite: bool = False) -> None:
    """Write wrong cells as a CSV file: row (from 1), attribute, value, confidence, band, by, reason, rule.

    Raises:
        TableUnavailable: something stands there, or the disk refuses.
    """

    def lines() -> Iterator[tuple[object, ...]]:
        yield "row", "attribute", "value", "confidence", "band", "by", "reason", "rule"
        for cell in cells:
            error = cell.judgement.error or 0.0
            band = "accept" if error >= ACCEPT else "review"
            yield (
                cell.row + 1,
                cell.attribute,
                cell.value or "",
                f"{error:.4f}",
                band,
                cell.judgement.by,
                cell.judgement.reason or "",
                cell.judgement.rule or "",
            )

    with new_file(target, overwrite=overwrite) as part, part.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(lines())
