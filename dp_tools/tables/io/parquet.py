"""Parquet, through polars: streamed, shown as strings, columns that did not change written back with their own type."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from dp_tools.errors import TableUnavailable
from dp_tools.tables.io.limits import BATCH_TEXT, require_cells, require_columns, require_short
from dp_tools.tables.io.table_file import ROWS_PER_BATCH, Edit, Reading, Row

_ROW = "\x1frow"
_CHANGED = "\x1fchanged"


@dataclass
class ParquetFile:
    """A Parquet file.

    Raises:
        TableUnavailable: it is not Parquet, or it holds nested columns.
    """

    path: Path
    exact: bool = False
    columns: tuple[str, ...] = field(default=())

    def __post_init__(self) -> None:
        try:
            frame = pl.scan_parquet(self.path, glob=False)
            schema = frame.collect_schema()
            require_columns(self.path.name, len(schema))
            require_cells(self.path, len(schema) * int(frame.select(pl.len()).collect().item()))
        except (pl.exceptions.PolarsError, OSError) as error:
            raise TableUnavailable(f"{self.path.name} cannot be read as Parquet ({_first_line(error)}).") from None
        nested = [name for name, kind in schema.items() if kind.is_nested() or kind == pl.Binary]
        if nested:
            raise TableUnavailable(
                f"The column {nested[0]!r} of {self.path.name} holds {schema[nested[0]]}, not plain values; "
                "leave it out of the file first."
            )
        if not schema:
            raise TableUnavailable(f"{self.path.name} has no columns; give a table that has some.")
        self._schema = schema
        self.columns = tuple(schema)

    @property
    def reading(self) -> Reading:
        return Reading("parquet", {"types": {name: str(kind) for name, kind in self._schema.items()}})

    def rows(self) -> Iterator[Row]:
        number = 0
        texts = pl.scan_parquet(self.path, glob=False).select(pl.all().cast(pl.String, strict=False))
        for batch in texts.collect_batches(chunk_size=ROWS_PER_BATCH, maintain_order=True):
            longest = _longest_record(batch)
            require_short(self.path.name, longest)
            for values in batch.iter_rows(buffer_size=max(1, min(512, BATCH_TEXT // max(longest, 1)))):
                yield number, values
                number += 1

    def rewrite(self, edits: Iterator[Edit], target: Path, keep: Callable[[int, str | None], None]) -> None:  # noqa: ARG002
        changed: dict[str, tuple[list[int], list[str | None]]] = {}
        for number, values in edits:
            for name, value in values.items():
                rows, texts = changed.setdefault(name, ([], []))
                rows.append(number)
                texts.append(value)
        frame = pl.scan_parquet(self.path, glob=False).with_row_index(_ROW)
        for place, (name, (rows, texts)) in enumerate(changed.items()):
            new = f"\x1fnew {place}"
            kind = self._schema[name]
            column = pl.Series(new, texts, dtype=pl.String)
            cast = column.cast(kind, strict=False)
            fits = cast.null_count() == column.null_count() and cast.cast(pl.String).equals(column)
            if not fits:
                frame = frame.with_columns(pl.col(name).cast(pl.String, strict=False))
            news = pl.LazyFrame(
                {_ROW: pl.Series(rows, dtype=pl.get_index_type()), new: cast if fits else column, _CHANGED: True}
            )
            frame = (
                frame.join(news, on=_ROW, how="left", maintain_order="left")
                .with_columns(pl.when(_CHANGED).then(new).otherwise(name).alias(name))
                .drop(new, _CHANGED)
            )
        frame.drop(_ROW).sink_parquet(target, maintain_order=True)

    def restore(self, originals: Iterator[tuple[int, str]], target: Path, rest: object = None) -> None:
        raise NotImplementedError("Parquet is restored value by value.")


def _longest_record(batch: pl.DataFrame) -> int:
    """Bytes of the longest record, told before its text is copied out."""
    lengths = batch.select(pl.sum_horizontal(pl.all().str.len_bytes().cast(pl.UInt64).fill_null(0)))
    return int(lengths.to_series().max() or 0)  # type: ignore[arg-type]


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0][:200] if str(error) else type(error).__name__
