"""A written instruction: whatever the other tasks do not cover, asked about each record."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from dp_tools.errors import InvalidRequest
from dp_tools.profiling import Facts
from dp_tools.prompts.ask import Ask, Choice, FreeValue, YesNo
from dp_tools.prompts.prompt import Prompt
from dp_tools.tasks.task import (
    Answer,
    Case,
    Item,
    Outcome,
    RecordField,
    Request,
    Task,
    record_block,
    require_distinct,
    require_same_attributes,
)


class FollowInstructionRequest(Request):
    """Records, what to do with each, and the shape of the answer."""

    records: Annotated[list[RecordField], Field(description="{attribute: text or null}.")]
    instruction: Annotated[str, Field(description="What to find out about each record.", min_length=1)]
    shape: Annotated[Literal["yes_no", "choice", "text"], Field(description="The shape of the answer.")] = "yes_no"
    choices: Annotated[list[str], Field(description="For choice.")] = []


class InstructionAnswer(Item):
    """The answer for one record."""

    answer: Annotated[str | None, Field(description="yes or no, the choice, or the text; null without an answer.")]


class FollowInstructionAnswer(Answer[InstructionAnswer]):
    """One answer per record, in order."""

    items: ClassVar[str] = "answers"

    answers: Annotated[list[InstructionAnswer], Field(description="The answers.")]


class FollowInstruction(Task[FollowInstructionRequest, FollowInstructionAnswer]):
    """See the module."""

    name = "follow_instruction"
    title = "Follow an instruction"
    description = (
        "Answers an instruction about each record, for work that no other tool covers. The model is small: prefer "
        "yes/no or choices."
    )
    request = FollowInstructionRequest
    answer = FollowInstructionAnswer

    def cases(self, request: FollowInstructionRequest, facts: Facts | None = None) -> list[Case]:  # noqa: ARG002
        require_same_attributes(request.records)
        if not request.instruction.strip():
            raise InvalidRequest("The instruction is blank: say what to find out about each record.")
        if request.choices and request.shape != "choice":
            raise InvalidRequest('There are choices but the shape is not "choice": set it, or leave the choices out.')
        ask = _ask(request)
        options = {"yes_no": ("Yes", "No"), "choice": tuple(request.choices), "text": ()}[request.shape]
        cases = []
        for record in request.records:
            block, truncated = record_block("record", record)
            prompt = Prompt(task=self.name, instruction=request.instruction, options=options, blocks=(block,))
            cases.append(Case({"record": record, "instruction": request.instruction}, prompt, ask, truncated=truncated))
        return cases

    def read(self, request: FollowInstructionRequest, outcomes: Sequence[Outcome]) -> FollowInstructionAnswer:  # noqa: ARG002
        return FollowInstructionAnswer(
            answers=[InstructionAnswer(answer=outcome.label, **outcome.item) for outcome in outcomes]
        )


def _ask(request: FollowInstructionRequest) -> Ask:
    if request.shape == "yes_no":
        return YesNo()
    if request.shape == "choice":
        require_distinct(request.choices, "choices")
        return Choice(tuple(request.choices))
    return FreeValue(may_be_none=False)
