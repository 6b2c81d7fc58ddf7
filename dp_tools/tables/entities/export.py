"""The mapping of a register, which record is of which entity, as CSV, Parquet, SQLite or DuckDB."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing
from itertools import islice
from pathlib import Path

import polars as pl

from dp_tools.errors import InvalidRequest
from dp_tools.tables.entities.register import Register
from dp_tools.tables.escaping import escape_file
from dp_tools.tables.io.paths import new_file

_AT_ONCE = 20_000
_HEAD = ("entity", "record", "source")
Row = tuple[int | str | None, ...]


def export_mapping(register: Register, target: Path, *, overwrite: bool = False, escape_formulas: bool = False) -> int:
    """Write the records in force with their entities: entity, record, source, then the record's attributes.

    Args:
        register: the register.
        target: the file; its ending says the format: .csv, .parquet, .sqlite or .duckdb.
        overwrite: whether a file that stands there may be replaced.
        escape_formulas: in CSV, put an apostrophe before what a spreadsheet would calculate.

    Returns:
        The number of records.

    Raises:
        InvalidRequest: the ending is another one, or DuckDB is not installed.
        TableUnavailable: something stands there, or the disk refuses.
    """
    ending = target.suffix.lower()
    if ending not in (".csv", ".parquet", ".sqlite", ".duckdb"):
        raise InvalidRequest(f"{target.name} ends in no format for a mapping: use .csv, .parquet, .sqlite or .duckdb.")
    columns = [*_HEAD, *(name for name in register.settings.columns if name not in _HEAD)]
    rows = (
        (entity, record, source, *(values.get(name) for name in columns[len(_HEAD) :]))
        for entity, record, source, values in register.mapping()
    )
    with new_file(target, overwrite=overwrite) as part:
        if ending == ".sqlite":
            return _write_sqlite(part, columns, rows)
        frame = _frame(columns, rows)
        if ending == ".csv":
            frame.write_csv(part)
            if escape_formulas:
                escape_file(part)
        elif ending == ".parquet":
            frame.write_parquet(part)
        else:
            _write_duckdb(part, frame)
        return frame.height


def _frame(columns: Sequence[str], rows: Iterator[Row]) -> pl.DataFrame:
    schema = {name: pl.Int64 if name in _HEAD[:2] else pl.String for name in columns}
    frames = [pl.DataFrame(schema=schema)]
    while batch := list(islice(rows, _AT_ONCE)):
        frames.append(pl.DataFrame(batch, schema=schema, orient="row"))
    return pl.concat(frames)


def _write_sqlite(part: Path, columns: Sequence[str], rows: Iterator[Row]) -> int:
    names = ", ".join(f'"{name.replace(chr(34), chr(34) * 2)}"' for name in columns)
    with closing(sqlite3.connect(part)) as connection:
        connection.execute(f"CREATE TABLE mapping ({names})")
        count = connection.executemany(f"INSERT INTO mapping VALUES ({', '.join('?' * len(columns))})", rows).rowcount
        connection.commit()
    return max(count, 0)


def _write_duckdb(part: Path, frame: pl.DataFrame) -> None:
    try:
        import duckdb
    except ImportError:
        raise InvalidRequest("DuckDB files need duckdb: install dp-tools[tables], or export to .sqlite.") from None
    part.unlink(missing_ok=True)  # DuckDB makes its file itself
    with tempfile.TemporaryDirectory(prefix="dp-tools-") as folder:
        between = Path(folder) / "mapping.parquet"
        frame.write_parquet(between)
        with duckdb.connect(str(part)) as connection:
            connection.execute("CREATE TABLE mapping AS SELECT * FROM read_parquet(?)", [str(between)])
