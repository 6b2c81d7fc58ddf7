"""Error detection: is the value of this cell wrong?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field

from dp_tools.errors import InvalidRequest
from dp_tools.evidence import CellFacts, Facts, against, form_of
from dp_tools.prompts.ask import YesNo
from dp_tools.prompts.prompt import Prompt
from dp_tools.prompts.serializer import clean_name, quote
from dp_tools.tasks.batch_facts import BatchFacts
from dp_tools.tasks.task import (
    Answer,
    Case,
    Item,
    Outcome,
    RecordField,
    Request,
    Task,
    record_block,
    require_known,
    require_same_attributes,
)


class DetectErrorsRequest(Request):
    """Records whose cells are to be judged."""

    records: Annotated[list[RecordField], Field(description="The records, each {attribute: value or null}.")]
    attributes: Annotated[
        list[str] | None, Field(description="Judge only these attributes; every attribute if left out.")
    ] = None
    context: Annotated[
        list[RecordField],
        Field(description="Further records of the same table, not judged: they show what is usual in each column."),
    ] = []
    show_record: Annotated[
        bool,
        Field(
            description="Let the model read the whole record; if false it reads the cell and the evidence alone, and "
            "equal questions are asked once."
        ),
    ] = True


class CellVerdict(Item):
    """The verdict on one cell."""

    record: Annotated[int, Field(description="Position of the record in the request, from 0.")]
    attribute: Annotated[str, Field(description="The attribute.")]
    value: Annotated[str | None, Field(description="The value as found.")]
    error: Annotated[bool | None, Field(description="True if the value is wrong; null without an answer.")]


class DetectErrorsAnswer(Answer):
    """One verdict per cell, record by record, attributes in the order asked for."""

    cells: Annotated[list[CellVerdict], Field(description="The verdicts.")]


class DetectErrors(Task[DetectErrorsRequest, DetectErrorsAnswer]):
    """See the module."""

    name = "detect_errors"
    title = "Detect errors"
    description = (
        "Judges the cells of records: which values are wrong (misspelt, out of place, in the wrong format, "
        "contradicting the record or its column)? Give up to a few hundred records of one table at once, because the "
        "columns are compared within the batch; name the dataset so that its rules apply. Returns a verdict and a "
        "calibrated confidence for every cell. It changes nothing: to repair a whole file, use the table tools."
    )
    request = DetectErrorsRequest
    answer = DetectErrorsAnswer

    def cases(self, request: DetectErrorsRequest, facts: Facts | None = None) -> list[Case]:
        names = require_same_attributes(request.records)
        require_known(request.attributes or [], names)
        if request.attributes == []:
            raise InvalidRequest("There are no attributes to judge: name some, or leave attributes out to judge all.")
        told = facts if isinstance(facts, CellFacts) else self.facts(request)
        cases = []
        for record in request.records:
            block, cut = record_block("record", record)
            for attribute in request.attributes or names:
                prompt = Prompt(
                    task=self.name,
                    blocks=(block,) if request.show_record else (),
                    attribute=clean_name(attribute),
                    value=quote(record[attribute]),
                    form=form_of(record[attribute]),
                    evidence=told.about(record, attribute),
                )
                subject = {"record": record, "attribute": attribute, "value": record[attribute]}
                table = told.verdicts(record, attribute, prompt.evidence) if isinstance(told, BatchFacts) else ()
                cases.append(Case(subject, prompt, YesNo(), attribute, cut, table, against(prompt.evidence)))
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
