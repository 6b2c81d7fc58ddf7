"""What an agent may say to the table tools: the same arguments over MCP and in LangChain, and the jobs they ask for."""

from __future__ import annotations

from abc import abstractmethod
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

from dp_tools.errors import InvalidRequest
from dp_tools.tables.jobs.job_requests import (
    AnyJobRequest,
    AskAll,
    CleanRequest,
    DedupeRequest,
    DetectRequest,
    Exclude,
    FillRequest,
    Include,
    KeyColumns,
    Kinds,
    MatchRequest,
    PermutationAveraged,
    RegisterName,
    TableSource,
)

PATIENCE_S = 5.0
"""How long a cancelled job may take to end before its state is returned as it is."""
LATEST = 20
"""Jobs that are listed."""
Attributes = Annotated[list[str] | None, Field(description="Only these.")]
CellAttributes = Annotated[list[str] | None, Field(description="Only these; for fill, one.")]
What = Annotated[
    Literal["repair", "detect", "fill"], Field(description="Repair or only detect wrong cells, or fill missing values.")
]
Allowed = Annotated[list[str] | None, Field(description="For fill: the choices.")]
OneToOne = Annotated[bool, Field(description="A record matches at most one other.")]
DatasetName = Annotated[str | None, Field(description="Whose rules apply.")]
CallRules = Annotated[list[str], Field(description="More rules.")]
Output = Annotated[str | None, Field(description="File to write.")]
Overwrite = Annotated[bool, Field(description="Replace files.")]
WithCurrent = Annotated[bool, Field(description="Resume though model or rules changed.")]
AnyTable = Annotated[TableSource, Field(description="A file or records.")]
JobHandle = Annotated[str, Field(description="Job handle.")]
OptionalHandle = Annotated[str | None, Field(description="Job handle.")]
Wait = Annotated[int, Field(description="Seconds to wait for it to end.", ge=0, le=300)]
OfJob = Annotated[str | None, Field(description="Only this job's cases.")]
Limit = Annotated[int, Field(description="Maximum number.", ge=1, le=50)]
CaseNumber = Annotated[int, Field(description="Number of the case.")]
PersonsWord = Annotated[str, Field(description="The person's answer: yes, no, or the correct value.")]


LabelledRows = Annotated[
    TableSource | None,
    WithJsonSchema({"type": "object"}),
    Field(description="Corrected rows; row: their numbers."),
]
LabelledPairs = Annotated[
    TableSource | None,
    WithJsonSchema({"type": "object"}),
    Field(description="Pairs: left_row, right_row, same."),
]


class Arguments(BaseModel):
    """Arguments of a table tool."""

    model_config = ConfigDict(extra="forbid")


class JobArguments(Arguments):
    """Arguments of a tool that starts a job."""

    attributes: Attributes = None
    include: Include = []
    exclude: Exclude = []
    dataset: DatasetName = None
    rules: CallRules = []
    output: Output = None
    overwrite: Overwrite = False
    with_current_model: WithCurrent = False

    @abstractmethod
    def request(self) -> AnyJobRequest:
        """The job that is asked for."""

    def shared(self, *names: str) -> dict[str, Any]:
        """The fields of every job request, and these."""
        return self.model_dump(include={"dataset", "rules", "output", "overwrite", *names})


class ProfileTable(Arguments):
    """Describes a table: what its columns hold, formats, ranges, gaps, and which columns determine which."""

    table: AnyTable
    columns: Annotated[list[str] | None, Field(description="Only these columns.")] = None


class CleanTable(JobArguments):
    """Finds wrong cells of a file and writes a cleaned copy beside it, with a log to undo it. Changes that are not sure
    wait in next_reviews. Returns a result or a handle for get_job."""

    table: AnyTable
    attributes: CellAttributes = None
    what: What = "repair"
    allowed: Allowed = None
    labelled: LabelledRows = None
    ask_all: AskAll = False

    def request(self) -> AnyJobRequest:
        if self.what == "fill":
            if self.attributes is None or len(self.attributes) != 1:
                raise InvalidRequest("Name the one attribute whose gaps are to be filled.")
            (attribute,) = self.attributes
            if self.labelled is not None:
                raise InvalidRequest("Labelled rows teach to repair and detect: leave labelled out.")
            return FillRequest(source=self.table, attribute=attribute, allowed=self.allowed, **self.shared())
        if self.allowed is not None:
            raise InvalidRequest(
                "Values to choose from belong to what = fill: leave allowed out, or fill one attribute."
            )
        kind = CleanRequest if self.what == "repair" else DetectRequest
        shared = self.shared("attributes", "include", "exclude", "ask_all")
        return kind(source=self.table, labelled=self.labelled, **shared)


class MatchTables(JobArguments):
    """Writes the records that two files have in common, with scores, to a file. Pairs that are not sure wait in
    next_reviews. Returns a result or a handle for get_job."""

    left: AnyTable
    right: AnyTable
    one_to_one: OneToOne = True
    permutation_averaged: PermutationAveraged = False
    kinds: Kinds = []
    labelled: LabelledPairs = None
    ask_all: AskAll = False

    def request(self) -> AnyJobRequest:
        return MatchRequest(
            left=self.left,
            right=self.right,
            labelled=self.labelled,
            **self.shared("attributes", "include", "exclude", "one_to_one", "permutation_averaged", "kinds", "ask_all"),
        )


class DedupeTable(JobArguments):
    """Writes the groups of records of one file that are the same thing, and one merged record each, to files. Returns a
    result or a handle for get_job."""

    table: AnyTable
    permutation_averaged: PermutationAveraged = False
    kinds: Kinds = []
    register_name: RegisterName = None
    key: KeyColumns = []
    labelled: LabelledPairs = None
    ask_all: AskAll = False

    def request(self) -> AnyJobRequest:
        return DedupeRequest(
            source=self.table,
            labelled=self.labelled,
            **self.shared(
                "attributes", "include", "exclude", "permutation_averaged", "kinds", "register_name", "key", "ask_all"
            ),
        )


class GetJob(Arguments):
    """Returns the progress and the result of a job. Without a handle, lists the latest jobs."""

    job: OptionalHandle = None
    wait: Wait = 0


class CancelJob(Arguments):
    """Cancels a job; nothing is written. The call that started it resumes it."""

    job: JobHandle


class NextReviews(Arguments):
    """Returns cases that jobs were not sure of, least certain first. Put them before the person and give the answers to
    answer_review."""

    job: OfJob = None
    limit: Limit = 10


OtherCases = Annotated[list[int], Field(description="More cases, same answer.", max_length=200)]


class AnswerReview(Arguments):
    """Keeps a person's answer as an example that decides such cases. It is a proposal until a person confirms it."""

    review: CaseNumber
    answer: PersonsWord
    also: OtherCases = []
