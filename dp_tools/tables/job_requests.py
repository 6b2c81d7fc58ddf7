"""What a whole-table job may be asked: the same models for Python, MCP and the commands."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from dp_tools.tables.delimited import Ragged

Averaged = Annotated[
    bool,
    Field(
        description="Judge each pair by the mean over four orders of its sides and attributes, at four times the "
        "questions; pairs whose orders disagree wait for a person."
    ),
]


Include = Annotated[
    list[str],
    Field(description="Attributes to look at although they seem to be record keys or to name the source of a record."),
]
Exclude = Annotated[list[str], Field(description="Attributes not to look at.")]


class TableSource(BaseModel):
    """A table: a file under the roots, or records passed along."""

    model_config = ConfigDict(extra="forbid")

    path: Annotated[
        str | None,
        Field(description="The file: CSV, JSON, Parquet, a workbook, SQLite, DuckDB, or one of these in .gz or .zip."),
    ] = None
    records: Annotated[
        list[dict[str, str | None]] | None, Field(description="The records themselves instead, at most 200.")
    ] = None
    encoding: Annotated[str | None, Field(description="The file's encoding, if it is told wrongly.")] = None
    delimiter: Annotated[str | None, Field(description="The character between values, if it is told wrongly.")] = None
    quote: Annotated[str | None, Field(description="The quote character, or empty for none.")] = None
    header: Annotated[bool | None, Field(description="Whether the first line names the columns.")] = None
    header_line: Annotated[int | None, Field(description="The line of the header, from 1, if it is told wrongly.")] = (
        None
    )
    skip_lines: Annotated[int | None, Field(description="How many lines stand above the table.")] = None
    footer_lines: Annotated[
        int | None, Field(description="How many lines below the table, totals and notes, are no records.")
    ] = None
    ragged: Annotated[
        Ragged | None, Field(description="Set records of another length aside instead of refusing the file.")
    ] = None
    sheet: Annotated[str | None, Field(description="The sheet of an Excel workbook.")] = None
    table: Annotated[str | None, Field(description="The table of a database.")] = None
    query: Annotated[str | None, Field(description="A SELECT on a database instead of a table.")] = None

    @property
    def options(self) -> dict[str, Any]:
        """The options that were given, for `open_table`."""
        return self.model_dump(exclude={"path", "records"}, exclude_none=True)


class JobRequest(BaseModel):
    """What every whole-table job takes."""

    model_config = ConfigDict(extra="forbid")

    dataset: Annotated[str | None, Field(description="Name of the dataset, which selects the rules that apply.")] = None
    rules: Annotated[list[str], Field(description="Rules for this job only, one sentence each.")] = []
    output: Annotated[
        str | None, Field(description="The file to write; beside the table, with a word in its name, if left out.")
    ] = None
    overwrite: Annotated[bool, Field(description="Whether files that already stand there may be replaced.")] = False
    escape_formulas: Annotated[
        bool, Field(description="In CSV results, put an apostrophe before what a spreadsheet would calculate.")
    ] = False


class DetectRequest(JobRequest):
    """Find the wrong cells of a table."""

    kind: Literal["detect"] = "detect"
    source: Annotated[TableSource, Field(description="The table.")]
    attributes: Annotated[list[str] | None, Field(description="Look only at these attributes.")] = None
    include: Include = []
    exclude: Exclude = []


class CleanRequest(JobRequest):
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
    attribute: Annotated[str, Field(description="The column whose gaps are to be filled.")]
    allowed: Annotated[list[str] | None, Field(description="The values to choose from, if the set is closed.")] = None


class MatchRequest(JobRequest):
    """Find the records of two tables that are the same."""

    kind: Literal["match"] = "match"
    left: Annotated[TableSource, Field(description="The first table.")]
    right: Annotated[TableSource, Field(description="The second table.")]
    attributes: Annotated[list[str] | None, Field(description="Compare only these attributes.")] = None
    include: Include = []
    exclude: Exclude = []
    averaged: Averaged = False
    one_to_one: Annotated[
        bool, Field(description="Whether a record has one counterpart at most; false if a side repeats things.")
    ] = True


class DedupeRequest(JobRequest):
    """Find the groups of records of a table that are the same."""

    kind: Literal["dedupe"] = "dedupe"
    source: Annotated[TableSource, Field(description="The table.")]
    attributes: Annotated[list[str] | None, Field(description="Compare only these attributes.")] = None
    include: Include = []
    exclude: Exclude = []
    averaged: Averaged = False


AnyJobRequest = Annotated[
    DetectRequest | CleanRequest | FillRequest | MatchRequest | DedupeRequest, Field(discriminator="kind")
]


class OutputFile(BaseModel):
    """A file that a job wrote."""

    path: Annotated[str, Field(description="Where it is.")]
    what: Annotated[str, Field(description="What it holds.")]


class JobResult(BaseModel):
    """What came of a job."""

    summary: Annotated[str, Field(description="What was found and done, in a few sentences.")]
    files: Annotated[list[OutputFile], Field(description="The files written.")]
    figures: Annotated[dict[str, float | int], Field(description="Counts and shares.")]
    preview: Annotated[
        list[dict[str, Any]], Field(description="The first results, at most ten; the rest is in the files.")
    ]
