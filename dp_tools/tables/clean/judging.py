"""Judging cells: is this value, in this place, wrong? Each distinct (attribute, value, evidence) is asked once."""

from __future__ import annotations

from array import array
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from dp_tools.decision import RulesInForce, is_unsupported, rules_of
from dp_tools.profiling import CellFacts, Fact
from dp_tools.profiling.validity.rewriting import Form
from dp_tools.progress import Progress
from dp_tools.rules.coverage import UNSPECIFIC
from dp_tools.rules.discovery.data_constraints import DataConstraints
from dp_tools.rules.injection import Injection
from dp_tools.rules.rule import Example, Rule
from dp_tools.tables.asking import Asked, Work, chunks
from dp_tools.tables.cascade.cascade import Audit
from dp_tools.tables.cascade.promise import Promise
from dp_tools.tables.clean.cell_cascade import CellCascade, OpenQuestion
from dp_tools.tables.clean.cell_questions import CellQuestion, CellResolver, Fields, Key, questions_of
from dp_tools.tables.snapshot import Table
from dp_tools.tables.table_facts import TableFacts
from dp_tools.tasks.detect_errors import DetectErrorsRequest
from dp_tools.tasks.request_errors import make_request
from dp_tools.tasks.task import Outcome, UsedRule

ASKED_IN_FULL = 2_000
"""Questions up to which all of them are asked."""
_LEFT = 0.98
"""How probably a cell is right against which nothing speaks, where the model adds nothing."""


@dataclass(frozen=True, slots=True)
class _OpenCell:
    """A cell that the model is to be asked about, the number of its question, and whether examples count."""

    place: int
    attribute: str
    record: Fields
    without_examples: bool


class Judge:
    """Collects cells, asks each distinct question once, and gives the outcomes.

    Args:
        work: what asks.
        facts: the evidence of the whole table.
        dataset: whose rules apply.
        rules: rules for this work only.
        constraints: the table's data constraints; they decide where no rule covers the attribute.
        promise: what the verdicts keep to where only a part of many questions is asked; None asks all.
        seed: for what is then drawn at random.
    """

    def __init__(
        self,
        work: Work,
        facts: CellFacts,
        dataset: str | None,
        rules: list[str],
        constraints: DataConstraints,
        promise: Promise | None = None,
        seed: int = 0,
    ) -> None:
        self._work, self._facts, self._dataset, self._rules = work, facts, dataset, rules
        self._constraints, self._promise, self._seed = constraints, promise, seed
        self._places: dict[Key, int] = {}
        self._open: list[_OpenCell] = []
        self._outcomes: list[Outcome | None] = []
        self._evidence: list[tuple[Fact, ...]] = []
        self._values: list[tuple[str, str | None]] = []
        self._times: list[int] = []
        self.audit: Audit | None = None
        self._in_force: dict[str, RulesInForce] = {}
        self._unlabelled: dict[str, RulesInForce] = {}
        self._guidances: dict[str, Injection] = {}
        self._of_gaps: dict[str, Injection] = {}

    def __len__(self) -> int:
        return len(self._places)

    def __getitem__(self, place: int) -> Outcome:
        outcome = self._outcomes[place]
        assert outcome is not None, "asked before ask()"
        return outcome

    def is_unsupported(self, place: int) -> bool:
        """Whether the model alone calls the cell wrong (see `dp_tools.decision.is_unsupported`)."""
        return is_unsupported(self[place], self._evidence[place], self._facts.rows)

    def note(self, record: Fields, attribute: str, *, without_examples: bool = False) -> int:
        """Note a cell to be judged; the same question gets the same number. The record must not change afterwards.

        Args:
            record: the record of the cell.
            attribute: the column of the cell.
            without_examples: whether it is judged as if no case were labelled.
        """
        force = self._rules_without_examples(attribute) if without_examples else self.rules_of(attribute)
        question = CellResolver(self._facts, self._constraints, {attribute: force}).question(record, attribute)
        return self._noted(question, 1, without_examples=without_examples)

    def note_all(self, table: Table, attributes: Sequence[str], look: Progress) -> dict[str, array[int]]:
        """Note all cells of some attributes; gives the numbers of their questions by attribute, in record order.

        Args:
            table: the records.
            attributes: which of their cells.
            look: called with (records done, records in all); it may raise to stop.

        Raises:
            Cancelled, ModelUnavailable: see `InParts`.
        """
        in_force = {name: self.rules_of(name) for name in attributes}
        facts = self._facts.of_cells() if isinstance(self._facts, TableFacts) else self._facts
        places = {name: array("L") for name in attributes}
        done = 0
        look(done, table.count)
        for part in self._work.in_parts(questions_of, CellResolver(facts, self._constraints, in_force), table.frames()):
            known = list(map(self._noted, part.questions, part.times))
            for name, numbers in part.numbers.items():
                places[name].extend(map(known.__getitem__, numbers))
            done += sum(part.times) // len(attributes)
            look(done, table.count)
        return places

    def _noted(self, question: CellQuestion, times: int, *, without_examples: bool = False) -> int:
        """The number of a question that so many cells have."""
        place = self._places.get(question.key)
        if place is None:
            place = self._places[question.key] = len(self._places)
            self._outcomes.append(question.resolved)
            self._evidence.append(question.evidence)
            self._values.append((question.attribute, question.value))
            self._times.append(0)
            if question.record is not None:
                self._open.append(_OpenCell(place, question.attribute, question.record, without_examples))
        self._times[place] += times
        return place

    @property
    def evidence(self) -> tuple[list[tuple[str, str | None]], list[tuple[Fact, ...]]]:
        """Of each question the attribute and the value, and what counting says."""
        return self._values, self._evidence

    @property
    def outcomes(self) -> list[Outcome | None]:
        """The outcome of each question; None where it was not asked."""
        return list(self._outcomes)

    def ask_about(self, places: Collection[int]) -> None:
        """Ask those of the open questions that are among these.

        Raises:
            Cancelled, ModelUnavailable: see `Work.answers`.
        """
        asked = [cell for cell in self._open if cell.place in places]
        self._open = [cell for cell in self._open if cell.place not in places]
        self._work.expect(len(asked))
        self._ask(asked)

    def leave_open_questions(self) -> None:
        """Ask nothing more: what neither a rule nor the table decides counts as right."""
        for cell in self._open:
            self._outcomes[cell.place] = Outcome("learned", "no", _LEFT, reason="Labels show that asking adds nothing.")
        self._open = []

    def ask(self) -> None:
        """Ask what was noted and not yet asked.

        Raises:
            Cancelled, ModelUnavailable: see `Work.answers`.
        """
        cells, self._open = self._open, []
        self._work.expect(len(cells))
        self._ask(cells)

    def ask_where_it_matters(self) -> None:
        """The same; of more questions than are asked in full, only so many that the promise holds (see `CellCascade`),
        whose audit is then known.

        Raises:
            Cancelled, ModelUnavailable: see `Work.answers`.
        """
        if self._promise is None or len(self._open) <= ASKED_IN_FULL or not self._facts.knows_columns:
            self.ask()
            return
        cells, self._open = self._open, []
        expected = 0

        def expect(questions: int) -> None:
            nonlocal expected
            self._work.expect(questions - expected)
            expected = questions

        expect(len(cells))

        def ask(numbers: Sequence[int]) -> list[Outcome]:
            self._ask([cells[number] for number in numbers])
            return [self[cells[number].place] for number in numbers]

        cascade = CellCascade(
            [
                OpenQuestion(
                    cell.attribute, cell.record[cell.attribute], self._evidence[cell.place], self._times[cell.place]
                )
                for cell in cells
            ],
            self._facts.rows,
            ask,
            self._promise,
            expect=expect,
            look=self._work.check,
            seed=self._seed,
        )
        outcomes, self.audit = cascade.outcomes()
        expect(self.audit.asked)
        for cell, outcome in zip(cells, outcomes, strict=True):
            self._outcomes[cell.place] = outcome

    def _ask(self, cells: Sequence[_OpenCell]) -> None:
        """Ask the model about cells, and keep its outcomes."""
        by_attribute: dict[tuple[str, bool], list[_OpenCell]] = {}
        for cell in cells:
            by_attribute.setdefault((cell.attribute, cell.without_examples), []).append(cell)
        parts = [part for found in by_attribute.values() for part in chunks(found)]
        questions = (
            Asked(
                make_request(
                    DetectErrorsRequest,
                    records=[dict(cell.record) for cell in part],
                    attributes=[part[0].attribute],
                    dataset=self._dataset,
                    rules=self._rules,
                ),
                len(part),
                self._facts,
                part[0].without_examples,
            )
            for part in parts
        )
        for part, outcomes in zip(parts, self._work.outcomes(questions), strict=True):
            for cell, outcome in zip(part, outcomes, strict=True):
                self._outcomes[cell.place] = outcome

    def rules_of(self, attribute: str) -> RulesInForce:
        """The rules of detection that hold for an attribute."""
        if attribute not in self._in_force:
            self._in_force[attribute] = RulesInForce.of(self._inject(attribute, ()), attribute)
        return self._in_force[attribute]

    def _rules_without_examples(self, attribute: str) -> RulesInForce:
        if attribute not in self._unlabelled:
            injection = self.rules_of(attribute).injection.without_examples()
            self._unlabelled[attribute] = RulesInForce.of(injection, attribute)
        return self._unlabelled[attribute]

    def examples(self, attribute: str) -> tuple[Example, ...]:
        """The labelled cases that decide about an attribute."""
        return self.rules_of(attribute).injection.examples()

    def belongs_there(self, record: Fields, attribute: str) -> str | None:
        """What an example says that belongs in a cell, whatever it holds; None where none does."""
        if attribute not in self._of_gaps:
            self._of_gaps[attribute] = self._work.decider.knowledge.inject(
                task="impute", dataset=self._dataset, attribute=attribute
            )
        rest = {name: value for name, value in record.items() if name != attribute}
        decision = self._of_gaps[attribute].decide({"record": rest, "attribute": attribute})
        return decision.label if decision is not None and decision.decided_by == "example" else None

    def rules_used(self) -> list[UsedRule]:
        """The rules that the model read or that decided."""
        injections: dict[str | None, Injection] = {name: force.injection for name, force in self._in_force.items()}
        return rules_of(injections, [outcome for outcome in self._outcomes if outcome is not None])[0]

    def guidance(self, attribute: str) -> Injection:
        """The same with the data constraints as if they were rules: what to consult for the right value."""
        if attribute not in self._guidances:
            force = self.rules_of(attribute)
            unnamed = force.coverage in UNSPECIFIC
            self._guidances[attribute] = (
                self._inject(attribute, self._constraints.rules(attribute)) if unnamed else force.injection
            )
        return self._guidances[attribute]

    def meant(self, record: Fields, attribute: str) -> list[tuple[str, str]]:
        """Values that data constraints expect in a cell, with reasons; none where stated rules take precedence."""
        if self.rules_of(attribute).coverage == "stated":
            return []
        return self._constraints.meant(record, attribute)

    def forms(self, record: Fields, attribute: str) -> list[Form]:
        """A cell's value in the form that its column has (see `TableValidity.rewritten`)."""
        return self._constraints.validity.rewritten(record, attribute)

    def _inject(self, attribute: str, trying: Sequence[Rule]) -> Injection:
        return self._work.decider.knowledge.inject(
            task="detect_errors", dataset=self._dataset, attribute=attribute, extra=self._rules, trying=trying
        )
