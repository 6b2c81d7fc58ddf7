"""What a profile says of a table: the same models for Python, MCP and the commands, and quick to import."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, Field


class Dependency(BaseModel):
    """`left` determines `right`, up to the exceptions."""

    left: Annotated[str, Field(description="The determining attribute.")]
    right: Annotated[str, Field(description="The attribute that it determines.")]
    confidence: Annotated[float, Field(description="Share of the records that agree with their group's majority.")]
    support: Annotated[float, Field(description="Share of the table's records that stand in a group of two or more.")]
    exceptions: Annotated[int, Field(description="Records that differ from their group's majority.")]


class Frequent(BaseModel):
    """A value or format and how often it stands in the column."""

    text: Annotated[str, Field(description="The value, or the format: 9 a digit, a and A letters, + a run.")]
    count: Annotated[int, Field(description="Records that hold it.")]


class ColumnProfile(BaseModel):
    """One column."""

    name: Annotated[str, Field(description="The attribute.")]
    filled: Annotated[float, Field(description="Share of records with a value, 0 to 1.")]
    distinct: Annotated[int, Field(description="Distinct values.")]
    kind: Annotated[str, Field(description="What most values look like: integer, number, date, category, text, …")]
    holds: Annotated[str, Field(description="What kind of thing it holds: email, company, street, … or other.")] = (
        "other"
    )
    holds_probability: Annotated[float, Field(description="Probability of that, 0 to 1.")] = 0.0
    kind_share: Annotated[float, Field(description="Share of values that look like that, 0 to 1.")]
    key_likeness: Annotated[float, Field(description="Distinct values over records: 1 for a key without gaps.")]
    top: Annotated[list[Frequent], Field(description="The most frequent values.")]
    formats: Annotated[list[Frequent], Field(description="The most frequent formats.")]
    shortest: Annotated[int, Field(description="Characters of the shortest value.")]
    longest: Annotated[int, Field(description="Characters of the longest value.")]
    low: Annotated[float | None, Field(description="Minimum, for numbers.")] = None
    median: Annotated[float | None, Field(description="Median, for numbers.")] = None
    high: Annotated[float | None, Field(description="Maximum, for numbers.")] = None
    histogram: Annotated[
        list[tuple[float, int]], Field(description="Numbers in up to 20 bins: lower bound and count.")
    ] = []
    placeholders: Annotated[list[Frequent], Field(description="Values that seem to denote a missing value.")] = []


class TableProfile(BaseModel):
    """A table, column by column, and what determines what."""

    table: Annotated[str, Field(description="The table.")]
    records: Annotated[int, Field(description="Records.")]
    format: Annotated[str, Field(description="How the file was read.")]
    options: Annotated[dict[str, Any], Field(description="Detected encoding, delimiter and so on.")]
    notes: Annotated[list[str], Field(description="Remarks on the file.")]
    columns: Annotated[list[ColumnProfile], Field(description="The columns.")]
    dependencies: Annotated[list[Dependency], Field(description="Attributes that determine others.")]

    def text(self, characters: int = 6000) -> str:
        """The profile for an agent to read, at most this many characters, whole lines only."""
        lines = [f"{self.table}: {self.records:,} records, {len(self.columns)} columns, read as {self.format}."]
        lines += [f"Note: {note}" for note in self.notes]
        lines += [_line(column) for column in self.columns]
        lines += [
            f"{d.left} determines {d.right}: {d.confidence:.1%} of records agree, {d.exceptions} do not."
            for d in self.dependencies
        ]
        kept, used = [], 0
        for place, line in enumerate(lines):
            if used + len(line) > characters - 80:
                kept.append(f"… {len(lines) - place} more lines; ask for fewer columns to see them.")
                break
            kept.append(line)
            used += len(line) + 1
        return "\n".join(kept)


def _line(column: ColumnProfile) -> str:
    parts = [
        f"{column.name}: {column.kind}" + (f" ({column.kind_share:.0%})" if column.kind_share < 1 else ""),
        *([f"holds {column.holds} ({column.holds_probability:.0%})"] if column.holds != "other" else []),
        f"filled {column.filled:.1%}",
        f"{column.distinct:,} distinct" + (", a key" if column.key_likeness == 1 else ""),
    ]
    if column.low is not None and column.high is not None:
        parts.append(f"{column.low:g} to {column.high:g}, median {column.median:g}")
    else:
        parts.append(f"{column.shortest} to {column.longest} characters")
    if column.key_likeness < 0.9:
        parts.append("top " + ", ".join(f'"{value.text[:30]}" {value.count}' for value in column.top[:4]))
    parts.append("formats " + ", ".join(f'"{value.text[:24]}" {value.count}' for value in column.formats[:3]))
    if column.placeholders:
        parts.append("gaps written as " + ", ".join(f'"{value.text}" {value.count}' for value in column.placeholders))
    return "; ".join(parts)
