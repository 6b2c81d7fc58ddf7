"""What a whole-table job may be asked: the same models for Python, MCP and the commands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema, model_validator

from dp_tools.tables.cascade.promise import Promise
from dp_tools.tables.io.delimited import Ragged
from dp_tools.tasks import TASKS
from dp_tools.tasks.task import RecordField, Request

PermutationAveraged = Annotated[
    bool,
    Field(description="Average four orders (slower)."),
]


Include = Annotated[
    list[str],
    Field(description="Include even if key-like."),
]
Exclude = Annotated[list[str], Field(description="Leave these out.")]

_NUMBER = WithJsonSchema({"type": "number"})
"""What a model is shown of a share: its bounds are checked all the same."""
Recall = Annotated[float, Field(gt=0, le=1, description="Yes answers to find."), _NUMBER]
Precision = Annotated[float, Field(gt=0, le=1, description="And to be right."), _NUMBER]
Delta = Annotated[float, Field(gt=0, lt=1, description="Chance to miss either."), _NUMBER]
AskAll = Annotated[bool, Field(description="Ask everything.")]

Kinds = Annotated[list[str], Field(description="Column kinds: telephone=Mobil.")]
RegisterName = Annotated[str | None, Field(description="Entity register to use.")]
KeyColumns = Annotated[list[str], Field(description="New register: columns that name a record.")]


class TableSource(BaseModel):
    """A table: a file under the roots, or records passed along."""

    model_config = ConfigDict(extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _is_an_object(cls, given: Any) -> Any:
        if isinstance(given, Mapping | TableSource):
            return given
        raise ValueError('give a table as {"path": "FILE"}, or as {"records": [{"attribute": "value"}, …]}')

    path: Annotated[
        str | None,
        Field(description="CSV, JSON, Parquet, a workbook, SQLite or DuckDB, also in .gz or .zip; a folder of parts."),
    ] = None
    records: Annotated[
        list[RecordField] | None, Field(description="Or up to 200 records: {attribute: text or null}.")
    ] = None
    encoding: Annotated[str | None, Field(description="Its encoding.")] = None
    delimiter: Annotated[str | None, Field(description="Its separator.")] = None
    quote: Annotated[str | None, Field(description="Its quotes.")] = None
    header: Annotated[bool | None, Field(description="Whether it has a header.")] = None
    header_line: Annotated[int | None, Field(description="The header's line, from 1.")] = None
    skip_lines: Annotated[int | None, Field(description="Lines above the table.")] = None
    footer_lines: Annotated[int | None, Field(description="Lines below the table.")] = None
    ragged: Annotated[Ragged | None, Field(description="Records of another length.")] = None
    sheet: Annotated[str | None, Field(description="Sheet of a workbook.")] = None
    table: Annotated[str | None, Field(description="Table of a database.")] = None
    query: Annotated[str | None, Field(description="A SELECT instead of a table.")] = None

    @property
    def options(self) -> dict[str, Any]:
        """The options that were given, for `open_table`."""
        return self.model_dump(exclude={"path", "records"}, exclude_none=True)


Labelled = Annotated[TableSource | None, Field(description="Labels to learn from: a file, or records.")]


class JobRequest(BaseModel):
    """What every whole-table job takes."""

    model_config = ConfigDict(extra="forbid")

    dataset: Annotated[str | None, Field(description="Name of the dataset; selects the rules that apply.")] = None
    rules: Annotated[list[str], Field(description="Rules for this job only, one sentence each.")] = []
    output: Annotated[str | None, Field(description="Output file (default: beside the table, with a suffix).")] = None
    overwrite: Annotated[bool, Field(description="Whether existing files may be replaced.")] = False
    escape_formulas: Annotated[bool, Field(description="In CSV results, prefix formulas with an apostrophe.")] = False


class PromisedRequest(JobRequest):
    """What jobs take that ask the model only where it matters, once they would ask many questions.

    Recall and precision are held against asking everything.
    """

    recall: Recall = 0.95
    precision: Precision = 0.95
    delta: Delta = 0.05
    ask_all: AskAll = False
    labelled: Labelled = None

    @property
    def promise(self) -> Promise | None:
        """What the answers keep to; None where everything is asked."""
        return None if self.ask_all else Promise(self.recall, self.precision, self.delta)


class DetectRequest(PromisedRequest):
    """Find the wrong cells of a table."""

    kind: Literal["detect"] = "detect"
    source: Annotated[TableSource, Field(description="The table.")]
    attributes: Annotated[list[str] | None, Field(description="Look only at these attributes.")] = None
    include: Include = []
    exclude: Exclude = []


class CleanRequest(PromisedRequest):
    """Find the wrong cells of a table and repair those whose right value can be found."""

    kind: Literal["clean"] = "clean"
    source: Annotated[TableSource, Field(description="The table.")]
    attributes: Annotated[list[str] | None, Field(description="Look only at these attributes.")] = None
    include: Include = []
    exclude: Exclude = []


class FillRequest(JobRequest):
    """Fill the gaps of one column."""

    kind: Literal["fill"] = "fill"
    source: Annotated[TableSource, Field(description="The table.")]
    attribute: Annotated[str, Field(description="The column whose missing values to fill.")]
    allowed: Annotated[list[str] | None, Field(description="The values to choose from, if the set is closed.")] = None


class MatchRequest(PromisedRequest):
    """Find matching records in two tables."""

    kind: Literal["match"] = "match"
    left: Annotated[TableSource, Field(description="The first table.")]
    right: Annotated[TableSource, Field(description="The second table.")]
    attributes: Annotated[list[str] | None, Field(description="Compare only these attributes.")] = None
    include: Include = []
    exclude: Exclude = []
    kinds: Kinds = []
    permutation_averaged: PermutationAveraged = False
    one_to_one: Annotated[
        bool, Field(description="Whether a record matches at most one other; false if a side has duplicates.")
    ] = True


class DedupeRequest(PromisedRequest):
    """Find the groups of records of a table that are the same, by itself or with all that a register holds."""

    kind: Literal["dedupe"] = "dedupe"
    source: Annotated[TableSource, Field(description="The table.")]
    attributes: Annotated[list[str] | None, Field(description="Compare only these attributes.")] = None
    include: Include = []
    exclude: Exclude = []
    kinds: Kinds = []
    permutation_averaged: PermutationAveraged = False
    register_name: RegisterName = None
    key: KeyColumns = []


class CallRequest(JobRequest):
    """Finish a call of a task tool; it reads no table and writes no file."""

    kind: Literal["call"] = "call"
    task: Annotated[str, Field(description="The task.")]
    arguments: Annotated[dict[str, Any], Field(description="What the tool was called with.")]

    @classmethod
    def of(cls, asked: Request) -> CallRequest:
        """The request to finish a call."""
        task = next(name for name, task in TASKS.items() if isinstance(asked, task.request))
        return cls(task=task, arguments=asked.model_dump(mode="json"), dataset=asked.dataset)

    @property
    def asked(self) -> Request:
        """What was asked."""
        asked: Request = TASKS[self.task].request.model_validate(self.arguments)
        return asked


AnyJobRequest = Annotated[
    DetectRequest | CleanRequest | FillRequest | MatchRequest | DedupeRequest | CallRequest,
    Field(discriminator="kind"),
]


def sources_of(request: AnyJobRequest) -> list[TableSource]:
    """The tables that a job reads."""
    if isinstance(request, CallRequest):
        return []
    return [request.left, request.right] if isinstance(request, MatchRequest) else [request.source]


def paths_of(request: AnyJobRequest) -> list[str]:
    """The files that a job reads, as they were named: its tables, and labels."""
    labelled = request.labelled if isinstance(request, PromisedRequest) else None
    sources = [*sources_of(request), *([] if labelled is None else [labelled])]
    return [source.path for source in sources if source.path is not None]


class OutputFile(BaseModel):
    """A file that a job wrote."""

    path: Annotated[str, Field(description="Where it is.")]
    what: Annotated[str, Field(description="What it holds.")]


class PromiseKept(BaseModel):
    """What was promised where the model was not asked about everything, and what the audit found."""

    items: Annotated[str, Field(description="What was asked about: questions or pairs.")]
    size: Annotated[int, Field(description="How many there are.")]
    asked: Annotated[int, Field(description="About how many the model was asked.")]
    confidence: Annotated[float, Field(description="Probability with which the promise holds.")]
    promised_recall: Annotated[float, Field(description="Share of the model's yes answers to find.")]
    promised_precision: Annotated[float, Field(description="Share of what is found to be right.")]
    drawn: Annotated[int, Field(description="Items that the audit drew at random.")]
    wrong: Annotated[int, Field(description="Those of them that the model contradicted.")]
    recall: Annotated[float, Field(description="Recall that the audit shows at least.")]
    precision: Annotated[float, Field(description="Precision that it shows at least.")]


class JobResult(BaseModel):
    """What came of a job."""

    summary: Annotated[str, Field(description="Summary in a few sentences.")]
    files: Annotated[list[OutputFile], Field(description="The files written.")]
    figures: Annotated[dict[str, float | int], Field(description="Counts and shares.")]
    preview: Annotated[
        list[dict[str, Any]], Field(description="The first results, at most ten; the rest is in the files.")
    ]
    promise: Annotated[PromiseKept | None, Field(description="The promise, where not everything was asked.")] = None
