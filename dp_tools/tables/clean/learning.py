"""Labelled rows at work on a table that is cleaned: they say what finds its wrong cells, and teach what is missed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dp_tools.profiling import Fact
from dp_tools.profiling.cell_features import NotedCell, cell_features
from dp_tools.progress import Stage
from dp_tools.records import clean_name
from dp_tools.tables.change_log import Change
from dp_tools.tables.clean.judged_cell import JudgedCell
from dp_tools.tables.clean.proposals import Proposal
from dp_tools.tables.confidence_bands import ACCEPT
from dp_tools.tables.labelled.clusters import Clusters
from dp_tools.tables.labelled.comparison import Option, compared
from dp_tools.tables.labelled.correction import Correction, Correctors, WrongCell
from dp_tools.tables.labelled.detection import Bools, CellLabels, Column, Floats, both, learned, trust_in
from dp_tools.tables.labelled.detectors import Coded, detected
from dp_tools.tables.labelled.labelled_rows import LabelledRows
from dp_tools.tables.snapshot import Table
from dp_tools.tasks.task import Outcome

COUNTED, MODEL = "counted evidence", "the model"
_LABELLED = "A labelled row says so."
_ANSWERED = "A person answered so."
_RIGHT = 0.49
"""The most that a cell that nothing calls wrong may seem wrong."""
_IN_COLUMN = "in "
_SHOWN = 2
"""Correctors that the reason of a change names."""
_FACTS_SAY = "Labelled rows teach that cells like this one are {what}."

Sourced = tuple[tuple[str, str], ...]
"""Values with the source of each, the source first."""
Prior = Mapping[str, Floats]
"""By attribute, the probability that each cell is wrong without labels, 0 to 1."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the cells of a table are judged by.

    Args:
        places: by attribute, the number of the question of each cell, those of records of earlier files last; of cells
            that a person answered for, as if nobody had.
        facts: of each question, what counting says.
        values: of each question, attribute and value.
    """

    places: Mapping[str, NDArray[np.int64]]
    facts: Sequence[Sequence[Fact]]
    values: Sequence[tuple[str, str | None]]


@dataclass(frozen=True, slots=True)
class Taught:
    """What labels say of how wrong cells are found.

    Args:
        rows: labelled rows.
        answers: answers about single cells.
        wrong: wrong cells in the rows, and by the answers.
        options: the ways to find them, the best first, which is used.
        asked: questions that the model was asked.
    """

    rows: int
    answers: int
    wrong: int
    options: tuple[Option, ...]
    asked: int

    @property
    def best(self) -> Option:
        """The one that is used."""
        return self.options[0]

    @property
    def sentence(self) -> str:
        """For the summary of a result, with a space before it."""
        others = ", ".join(f"{one.f1:.2f} by {one.name}" for one in self.options[1:])
        left_out = (
            f" The model does not help: it was asked {self.asked:,} questions about labelled cells, and no others."
            if self.best.prior != MODEL and self.asked
            else ""
        )
        given = [(self.rows, "labelled rows"), (self.answers, "answers about cells")]
        told = " and ".join(f"{count:,} {what}" for count, what in given if count)
        if not self.wrong:
            return f" {told} hold no wrong cell. Wrong cells are found by {self.best.name}.{left_out}"
        return (
            f" {told} hold {self.wrong:,} wrong cells. Held back, they are found with F1 "
            f"{self.best.f1:.2f} by {self.best.name}, which is used ({others}).{left_out}"
        )


class Teaching:
    """What labelled rows teach of a table.

    Args:
        table: the table.
        labels: its labelled rows.
        attributes: the attributes that are judged.
        evidence: what its cells are judged by.
        outcomes: the outcome of each question by counting; None where only the model could tell.
        stage: gives the progress of a stage by its name; it may raise to stop.
        seed: for what is random.
    """

    def __init__(
        self,
        table: Table,
        labels: LabelledRows,
        attributes: Sequence[str],
        evidence: Evidence,
        outcomes: Sequence[Outcome | None],
        stage: Stage,
        seed: int,
    ) -> None:
        self.labels, self._evidence, self._seed = labels, evidence, seed
        self.attributes = [name for name in attributes if name in labels.columns]
        self._coded = {
            name: Coded.of([value or "" for value in (*column.to_list(), *(one[name] for one in labels.beside))])
            for name, column in zip(table.columns, table.series(), strict=True)
        }
        self._labels = {name: self._labels_of(name) for name in self.attributes}
        counted = self._counted = self.prior(outcomes)
        self._columns: dict[str, Column] = {}
        look = stage("comparing cells")
        features = _features(evidence)
        for place, name in enumerate(self.attributes):
            look(place, len(self.attributes))
            found = np.column_stack([detected(self._coded, name)[1], features[evidence.places[name]]])
            self._columns[name] = Column(found, Clusters(found, seed), counted[name])
        self.options: list[Option] = []
        self.wrong: dict[str, Floats] = {}
        self._called: dict[str, Bools] = {}

    def value(self, row: int, attribute: str) -> str:
        """A cell of the table, "" where it is missing."""
        column = self._coded[attribute]
        return column.values[int(column.codes[row])]

    def right(self, row: int, attribute: str) -> str | None:
        """What a labelled cell should hold; None of another cell, and where nobody said what belongs there."""
        return self.labels.right(row, attribute)

    def asked_about(self) -> set[int]:
        """The questions of the labelled cells."""
        return {place for name, one in self._labels.items() for place in self._evidence.places[name][one.rows].tolist()}

    def prior(self, outcomes: Sequence[Outcome | None]) -> dict[str, Floats]:
        """The probability that each cell is wrong by the outcomes of its question."""
        by_question = np.array([0.0 if one is None else one.probability_of_yes or 0.0 for one in outcomes])
        called = np.array([one is not None and one.verdict is True for one in outcomes], bool)
        held = np.where(called, np.maximum(by_question, 0.5), np.minimum(by_question, _RIGHT))
        return {name: held[self._evidence.places[name]] for name in self.attributes}

    def compare(self, with_model: Sequence[Outcome | None]) -> Option:
        """Find out by the labels what finds most wrong cells.

        Args:
            with_model: the outcomes, those of the labelled cells' questions with the model's word.
        """
        by_name = {COUNTED: self._counted, MODEL: self.prior(with_model)}
        if not self.labels.rows:
            # Answers are about cells in doubt: they do not tell what the model finds in others.
            del by_name[COUNTED]
        priors = {name: [found[one] for one in self.attributes] for name, found in by_name.items()}
        self.options = compared(list(self._columns.values()), priors, list(self._labels.values()), self._seed)
        return self.options[0]

    def learn(self, with_model: Sequence[Outcome | None], use: Option) -> None:
        """Work out the probability that each cell is wrong in one way.

        Args:
            with_model: the outcomes with the model's word, for ways that begin with it.
            use: the way.
        """
        prior = self.prior(with_model) if use.prior == MODEL else self._counted
        self._called = {name: one >= 0.5 for name, one in prior.items()} if use.prior else {}
        trust = trust_in([prior[name] for name in self.attributes], list(self._labels.values()))
        for name, column in self._columns.items():
            found, labels = prior[name], self._labels[name]
            if use.labels:
                found = learned(column, labels.rows, labels.wrong, self._seed)
                if use.prior:
                    found = both(column, prior[name], labels, found, trust)
            found = found.copy()
            found[labels.rows] = labels.wrong
            self.wrong[name] = found

    def outcome(self, row: int, attribute: str, before: Outcome | None) -> Outcome:
        """How a cell is judged: as its label says, as labels teach, or as it was before where they agree.

        A rule's check is a person's word, too: only a label of the very cell stands against it.
        """
        right = self.labels.rows.get(row, {}).get(attribute)
        if right is not None:
            label = "no" if right == self.value(row, attribute) else "yes"
            return Outcome("example", label, 1.0, reason=_LABELLED)
        wrong = float(self.wrong[attribute][row])
        called = self._called[attribute][row] if self._called else before is not None and before.verdict
        if before is not None and (before.decided_by in ("check", "example") or called == (wrong >= 0.5)):
            return before
        label = "yes" if wrong >= 0.5 else "no"
        what = "wrong" if label == "yes" else "right"
        return Outcome("learned", label, max(wrong, 1 - wrong), reason=_FACTS_SAY.format(what=what))

    def correctors(self, proposals: Mapping[tuple[int, str], Sourced]) -> Callable[[int, str], list[Correction]]:
        """What proposes values for wrong cells, once it has learned from the labelled ones.

        Args:
            proposals: by row and attribute of the wrong cells, the values proposed without labels.
        """
        none = np.zeros(len(next(iter(self._coded.values())).codes), bool)
        wrong = {name: self.wrong[name] >= 0.5 if name in self.wrong else none for name in self._coded}
        found = Correctors(self._coded, wrong)

        def cell(row: int, attribute: str) -> WrongCell:
            return WrongCell(row, attribute, self.value(row, attribute), proposals.get((row, attribute), ()))

        found.learn(
            [
                (cell(row, name), right)
                for name in self.attributes
                for row in self._labels[name].rows.tolist()
                if (right := self.right(row, name)) is not None and right != self.value(row, name)
            ]
        )
        return lambda row, attribute: found.corrections(cell(row, attribute))

    def taught(self, asked: int) -> Taught:
        """What the labels say; `asked` is how many questions the model was asked."""
        wrong = sum(int(one.wrong.sum()) for one in self._labels.values())
        return Taught(len(self.labels.rows), len(self.labels.answers), wrong, tuple(self.options), asked)

    def _labels_of(self, attribute: str) -> CellLabels:
        """The labels of a column, by row."""
        found = {
            row: (record[attribute] != self.value(row, attribute), True)
            for row, record in self.labels.rows.items()
            if attribute in record
        }
        found |= {row: (one.wrong, False) for (row, name), one in self.labels.answers.items() if name == attribute}
        rows = sorted(found)
        wrong, sampled = np.array([found[row] for row in rows], bool).reshape(-1, 2).T
        return CellLabels(np.array(rows, np.int64), wrong, sampled)


def _features(evidence: Evidence) -> NDArray[np.float32]:
    """What the facts of each question say, one line a question."""
    noted = [NotedCell(*value, facts) for value, facts in zip(evidence.values, evidence.facts, strict=True)]
    found = cell_features(noted)
    kept = [place for place, name in enumerate(found.names) if not name.startswith(_IN_COLUMN)]
    return found.values[:, kept]


def corrected(
    teaching: Teaching,
    wrong: Sequence[JudgedCell],
    offered: Sequence[Sequence[Proposal]],
    changes: Sequence[Change | None],
) -> list[Change | None]:
    """The changes that labels lead to, in the place of those without them.

    Args:
        teaching: what labels teach.
        wrong: the wrong cells.
        offered: the values proposed for each without labels.
        changes: the change to each without labels.
    """
    proposals = {
        (cell.row, cell.attribute): _sourced(found, change)
        for cell, found, change in zip(wrong, offered, changes, strict=True)
    }
    propose = teaching.correctors(proposals)
    found: list[Change | None] = []
    for cell, before in zip(wrong, changes, strict=True):
        right = teaching.right(cell.row, cell.attribute)
        if right is not None:
            found.append(labelled_change(cell, right, _LABELLED))
        elif corrections := propose(cell.row, cell.attribute):
            best = corrections[0]
            source, why = _reason(best)
            found.append(_change(cell, best.value, best.confidence, why, source))
        else:
            found.append(before)
    return found


def labelled_change(cell: JudgedCell, right: str, why: str = _ANSWERED) -> Change:
    """The change of a cell to what a person says that belongs there."""
    return _change(cell, right, 1.0, why, "label")


def _sourced(offered: Sequence[Proposal], change: Change | None) -> Sourced:
    """Proposals with a source that says how far they would have come without labels."""
    if change is None:
        return tuple((f"{one.source} offered", one.value) for one in offered)
    made = (change.source if change.confidence >= ACCEPT else f"{change.source} in doubt", change.new)
    return (made, *((f"{one.source} offered", one.value) for one in offered if one.value != change.new))


def _change(cell: JudgedCell, new: str, confidence: float, why: str, source: str) -> Change:
    return Change(
        row=cell.row,
        attribute=cell.attribute,
        old=cell.value,
        new=new,
        confidence=round(confidence, 4),
        why=why,
        source=source,
        rule=cell.rule,
    )


def _reason(best: Correction) -> tuple[str, str]:
    """The source of a correction in a word, and a sentence of what speaks for it."""
    said = []
    for source in best.sources[:_SHOWN]:
        if source.startswith("by "):
            said.append(f"other rows with its {clean_name(source[3:])} hold it")
        elif source in ("spelling", "spelling of several"):
            said.append("it is spelled almost so")
        elif source == "usual":
            said.append("it is the column's most frequent value")
        elif source.startswith("proposal "):
            said.append(f"it was proposed without labels ({source.removeprefix('proposal ')})")
        else:
            said.append(f"labelled repairs change values so ({source})")
    return "labels", f"{' and '.join(said).capitalize()}."
