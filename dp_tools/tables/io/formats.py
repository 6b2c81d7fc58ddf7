"""Detects the format of a file from its name, names its result, and opens tables in compressed files."""

from __future__ import annotations

import gzip
import zipfile
import zlib
from pathlib import Path
from typing import IO

from dp_tools.errors import TableUnavailable

LARGEST_UNPACKED = 2 * 2**30
"""Bytes that a compressed file may hold; one that holds more is refused, so that it cannot fill the disk."""

_SUFFIXES = {
    ".csv": "csv",
    ".tsv": "csv",
    ".txt": "csv",
    ".parquet": "parquet",
    ".jsonl": "json lines",
    ".ndjson": "json lines",
    ".json": "json",
    ".xlsx": "excel",
    ".xlsm": "excel",
    ".xls": "xls",
    ".xlsb": "xlsb",
    ".ods": "ods",
    ".db": "sqlite",
    ".sqlite": "sqlite",
    ".sqlite3": "sqlite",
    ".duckdb": "duckdb",
    ".gz": "packed",
    ".zip": "packed",
}
SPREADSHEETS = ("xls", "xlsb", "ods")
"""Formats that are read and not written: their results are CSV."""

_NOT_READ = {
    ".numbers": "is an Apple Numbers document; export it as .xlsx or .csv",
    ".pdf": "is a PDF, which holds a picture of a table and no table; ask for the data as .csv or .xlsx",
    ".doc": "is a Word document; copy its table into a sheet and save that as .xlsx",
    ".docx": "is a Word document; copy its table into a sheet and save that as .xlsx",
    ".html": "is a web page; open it in a spreadsheet program and save it as .xlsx",
    ".xml": "is XML, which can be a table in many ways; convert it to .csv or .jsonl",
    ".mdb": "is an Access database; export its table as .csv or .xlsx",
    ".accdb": "is an Access database; export its table as .csv or .xlsx",
    ".dbf": "is a dBase table; open it in a spreadsheet program and save it as .xlsx",
    ".sav": "is an SPSS file; save it as .csv there",
    ".dta": "is a Stata file; export it as .csv there",
    ".sas7bdat": "is a SAS file; export it as .csv there",
    ".rds": "is an R object; write it with write.csv()",
    ".pkl": "is a Python pickle, which runs code when it is opened; write the frame with to_csv() or to_parquet()",
    ".feather": "is a Feather file; write it as .parquet",
    ".arrow": "is an Arrow file; write it as .parquet",
    ".orc": "is an ORC file; write it as .parquet",
    ".avro": "is an Avro file; write it as .parquet or .jsonl",
    ".yaml": "is YAML; convert it to .jsonl",
    ".yml": "is YAML; convert it to .jsonl",
    ".tar": "is an archive; unpack it and give the table in it",
    ".tgz": "is an archive; unpack it and give the table in it",
    ".7z": "is an archive; unpack it and give the table in it",
    ".rar": "is an archive; unpack it and give the table in it",
    ".bz2": "is compressed; unpack it first, or compress it as .gz or .zip",
    ".xz": "is compressed; unpack it first, or compress it as .gz or .zip",
    ".zst": "is compressed; unpack it first, or compress it as .gz or .zip",
}


def format_of(path: Path) -> str:
    """The format that a path's ending stands for.

    Raises:
        TableUnavailable: it stands for none.
    """
    suffix = path.suffix.lower()
    kind = _SUFFIXES.get(suffix)
    if kind is None:
        if suffix in _NOT_READ:
            raise TableUnavailable(f"{path.name} {_NOT_READ[suffix]}.")
        raise TableUnavailable(
            f"{path.name} has no ending that says what it is; name it {', '.join(_SUFFIXES)} after what it holds."
        )
    return kind


def result_of(path: Path, word: str, suffix: str | None = None) -> Path:
    """Where the result of work on a file goes: beside it, in its format, or as CSV where that is not written.

    Args:
        path: the file: "beers.csv", "beers.csv.gz" and "beers.zip" (of a CSV file) with "clean" give "beers.clean.csv".
        word: the word before the ending.
        suffix: another ending.

    Raises:
        TableUnavailable: it is a compressed file that holds no table, or several.
    """
    inner = Path(_table_in(path)) if _SUFFIXES.get(path.suffix.lower()) == "packed" else path
    stem = path.stem
    if inner is not path and Path(stem).suffix.lower() in _SUFFIXES:
        stem = Path(stem).stem
    kept = ".csv" if _SUFFIXES.get(inner.suffix.lower()) in SPREADSHEETS else inner.suffix
    return path.with_name(f"{stem}.{word}{suffix or kept}")


def unpack(path: Path, folder: Path) -> Path:
    """The table of a .gz or .zip file, unpacked into a folder.

    Raises:
        TableUnavailable: it holds no table or several, is broken, locked, or holds too much.
    """
    name = _table_in(path)
    target = folder / Path(name).name
    try:
        if path.suffix.lower() == ".gz":
            with gzip.open(path) as source:
                _pour(source, target, path.name)
        else:
            with zipfile.ZipFile(path) as archive, archive.open(name) as source:
                _pour(source, target, path.name)
    except RuntimeError:
        raise TableUnavailable(f"{path.name} is locked with a password; unpack it yourself.") from None
    except (OSError, EOFError, zlib.error, zipfile.BadZipFile, NotImplementedError) as error:
        raise TableUnavailable(f"{path.name} cannot be unpacked ({error}); unpack it yourself.") from None
    return target


def _table_in(path: Path) -> str:
    """The name of the one table in a compressed file."""
    if path.suffix.lower() == ".gz":
        names = [path.stem]
    else:
        try:
            with zipfile.ZipFile(path) as archive:
                names = [info.filename for info in archive.infolist() if not info.is_dir()]
        except (OSError, zipfile.BadZipFile) as error:
            raise TableUnavailable(f"{path.name} cannot be opened as a .zip file ({error}).") from None
    tables = [
        name
        for name in names
        if _SUFFIXES.get(Path(name).suffix.lower(), "packed") != "packed"
        and not Path(name).name.startswith(".")
        and "__MACOSX" not in Path(name).parts
    ]
    if len(tables) == 1:
        return tables[0]
    if not tables:
        raise TableUnavailable(
            f"{path.name} holds no table whose ending says what it is; unpack it and name the table."
        )
    raise TableUnavailable(
        f"{path.name} holds {len(tables)} tables ({', '.join(tables[:5] + ['…'][: len(tables) > 5])}); unpack it and "
        "give one of them."
    )


def _pour(source: IO[bytes] | gzip.GzipFile, target: Path, name: str) -> None:
    size = 0
    with target.open("wb") as file:
        while piece := source.read(2**20):
            size += len(piece)
            if size > LARGEST_UNPACKED:
                raise TableUnavailable(
                    f"{name} unpacks to more than {LARGEST_UNPACKED // 2**30} GB; unpack it yourself."
                )
            file.write(piece)
