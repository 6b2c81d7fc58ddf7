"""Error detection: is the value of this cell wrong?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from dp_tools.errors import InvalidRequest
from dp_tools.profiling import CellFacts, Facts, contradiction_score, form_of, rendered
from dp_tools.prompts.ask import YesNo
from dp_tools.prompts.prompt import Prompt
from dp_tools.prompts.serializer import quote
from dp_tools.records import clean_name
from dp_tools.tasks.batch_facts import BatchFacts
from dp_tools.tasks.task import (
    Case,
    Outcome,
    RecordField,
    Task,
    record_block,
    require_known,
    require_same_attributes,
)
from dp_tools.tasks.verdicts import Verdict, VerdictAnswer, VerdictRequest


class DetectErrorsRequest(VerdictRequest):
    """Records whose cells are to be judged."""

    records: Annotated[list[RecordField], Field(description="{attribute: text or null}, of one table.")]
    attributes: Annotated[list[str] | None, Field(description="Judge only these.")] = None
    context: Annotated[
        list[RecordField],
        Field(description="More records of the table, not judged."),
    ] = []
    show_record: Annotated[
        bool | None,
        Field(description="Whether the model reads whole records. Default: of under 12."),
    ] = None
    only: Annotated[
        Literal["errors", "unsure", "all"] | None,
        Field(description="Default: all up to 50, else errors and unsure."),
    ] = None


class CellVerdict(Verdict):
    """The verdict on one cell."""

    record: Annotated[int, Field(description="Position of the record in the request, from 0.")]
    attribute: Annotated[str, Field(description="The attribute.")]
    value: Annotated[str | None, Field(description="The value as found.")]
    error: Annotated[bool | None, Field(description="True if the value is wrong; null without an answer.")]

    @property
    def verdict(self) -> bool | None:
        return self.error


class DetectErrorsAnswer(VerdictAnswer[CellVerdict]):
    """One verdict per cell, record by record, attributes in the order asked for."""

    items: ClassVar[str] = "cells"
    found: ClassVar[str] = "errors"
    other: ClassVar[str] = "fine"

    cells: Annotated[list[CellVerdict], Field(description="The verdicts.")]


class DetectErrors(Task[DetectErrorsRequest, DetectErrorsAnswer]):
    """See the module."""

    name = "detect_errors"
    title = "Detect errors"
    description = (
        "Judges which values of records are wrong: misspelt, out of place, badly formatted or contradictory. Send "
        "hundreds of records of one table at once: columns are compared within a call."
    )
    request = DetectErrorsRequest
    answer = DetectErrorsAnswer

    def cases(self, request: DetectErrorsRequest, facts: Facts | None = None) -> list[Case]:
        names = require_same_attributes(request.records)
        require_known(request.attributes or [], names)
        if request.attributes == []:
            raise InvalidRequest("There are no attributes to judge: name some, or leave attributes out to judge all.")
        cell_facts = facts if isinstance(facts, CellFacts) else self.facts(request)
        # Where counting knows the columns, the cell and its evidence are enough, and equal cells are asked once.
        shown = not cell_facts.knows_columns if request.show_record is None else request.show_record
        cases = []
        for record in request.records:
            block, truncated = record_block("record", record) if shown else (None, ())
            for attribute in request.attributes or names:
                found = cell_facts.about(record, attribute)
                prompt = Prompt(
                    task=self.name,
                    blocks=(block,) if block is not None else (),
                    attribute=clean_name(attribute),
                    value=quote(record[attribute]),
                    form=form_of(record[attribute]),
                    evidence=rendered(found),
                )
                subject = {"record": record, "attribute": attribute, "value": record[attribute]}
                table = cell_facts.verdicts(record, attribute, found) if isinstance(cell_facts, BatchFacts) else ()
                cases.append(
                    Case(subject, prompt, YesNo(), attribute, truncated, table, contradiction_score(found), found)
                )
        return cases

    def facts(self, request: DetectErrorsRequest) -> BatchFacts:
        return BatchFacts([*request.records, *request.context], request.dataset)

    def read(self, request: DetectErrorsRequest, outcomes: Sequence[Outcome]) -> DetectErrorsAnswer:
        attributes = request.attributes or list(request.records[0])
        places = [(number, name) for number in range(len(request.records)) for name in attributes]
        return DetectErrorsAnswer(
            cells=[
                CellVerdict(
                    record=number,
                    attribute=name,
                    value=request.records[number][name],
                    error=outcome.verdict,
                    **outcome.item,
                )
                for (number, name), outcome in zip(places, outcomes, strict=True)
            ]
        )
