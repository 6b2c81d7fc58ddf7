"""CSV, TSV and their kin in any dialect and encoding, one record at a time, each with the text it was read from.

The standard library's parser reads from a line source that remembers what it handed out, so every record keeps its
original text: records that do not change are written as they were, and a change log can restore a file bit for bit.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Literal

from charset_normalizer import from_bytes

from dp_tools.errors import InvalidRequest, TableUnavailable
from dp_tools.tables.reading import Edit, Reading, Row, put_back

LONGEST_RECORD = 16 * 2**20
"""Characters of one line or one value; a file with a longer one is refused, so memory stays bounded."""
SAMPLE = 2**20
"""Bytes from the start of a file on which encoding, dialect and header are judged."""
DELIMITERS = (",", "\t", ";", "|")
Ragged = Literal["refuse", "set aside"]

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_DATA = re.compile(r"[-+]?[$€£]?\d[\d.,:/%\s-]*")


class _Lines:
    """Hands out lines and remembers those of the record being read."""

    def __init__(self, path: Path, file: IO[str]) -> None:
        self.path, self.file, self.number, self.taken = path, file, 0, list[str]()

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        try:
            line = self.file.readline(LONGEST_RECORD)
        except UnicodeDecodeError as error:
            raise TableUnavailable(
                f"{self.path.name} is not {error.encoding} throughout (after line {self.number}, byte "
                f"0x{error.object[error.start]:02x}); name its encoding, or mend the file if it mixes several."
            ) from None
        if not line:
            raise StopIteration
        self.number += 1
        if len(line) == LONGEST_RECORD and not line.endswith(("\n", "\r")):
            raise TableUnavailable(
                f"Line {self.number} of {self.path.name} is longer than {LONGEST_RECORD // 2**20} MB; "
                "a table has its records in lines, so check that this is one."
            )
        self.taken.append(line)
        return line

    def record_text(self) -> str:
        text = "".join(self.taken)
        self.taken.clear()
        return text


@dataclass
class DelimitedFile:
    """A delimited text file.

    Args:
        path: the file.
        encoding: its encoding (default: found out).
        delimiter: one character (default: found out).
        quote: the quote character, or "" for none (default: a double quote).
        header: whether the first record names the columns (default: found out).
        ragged: what to do with a record of another length than the header: refuse the file, or set the record aside,
            which leaves it where it is, untouched and unasked.

    Raises:
        TableUnavailable: the file is empty, cannot be decoded, or is not a table.
    """

    path: Path
    encoding: str | None = None
    delimiter: str | None = None
    quote: str | None = None
    header: bool | None = None
    ragged: Ragged = "refuse"
    exact: bool = True
    _bom: bytes = b""
    _notes: list[str] = field(default_factory=list)
    _set_aside: int = 0
    columns: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        sample = self._sample()
        text = self._decode(sample)
        if not text.strip():
            raise TableUnavailable(f"{self.path.name} is empty; give a file with at least a header line.")
        if self.delimiter is not None and len(self.delimiter) != 1:
            raise InvalidRequest(f"A delimiter is one character, not {self.delimiter!r}.")
        self.quote = '"' if self.quote is None else self.quote
        self.delimiter = self.delimiter or _delimiter(text, self.quote)
        first = self._first_records(20)
        if self.header is None:
            self.header = _has_header(first)
            if not self.header:
                self._notes.append("The first line looks like data, so the columns are named column_1, column_2, …")
        self.columns = self._names(first[0])

    @property
    def reading(self) -> Reading:
        set_aside = (
            (f"{self._set_aside} records have another length than the header; they are set aside, left as they are.",)
            if self._set_aside
            else ()
        )
        options: dict[str, Any] = {
            "encoding": self.encoding,
            "delimiter": self.delimiter,
            "quote": self.quote,
            "header": self.header,
            "ragged": self.ragged,
        }
        return Reading("csv", options, (*self._notes, *set_aside))

    def rows(self) -> Iterator[Row]:
        self._set_aside = 0
        for number, values, _ in self._data():
            if len(values) == len(self.columns):
                yield number, tuple(values)
            else:
                self._set_aside += 1

    def rewrite(self, edits: Iterator[Edit], target: Path, keep: Callable[[int, str], None]) -> None:
        places = {name: place for place, name in enumerate(self.columns)}

        def rewritten() -> Iterator[str]:
            yield self._header_text()
            edit = next(edits, None)
            for number, values, text in self._data():
                if edit is None or edit[0] != number:
                    yield text
                    continue
                keep(number, text)
                new = list(values)
                for name, value in edit[1].items():
                    new[places[name]] = value or ""
                yield self._write_record(new, values, text)
                edit = next(edits, None)

        self._write(rewritten(), target)

    def restore(self, originals: Iterator[tuple[int, str]], target: Path) -> None:
        def restored() -> Iterator[str]:
            yield self._header_text()
            yield from put_back(((number, text) for number, _, text in self._data()), originals)

        self._write(restored(), target)

    def _sample(self) -> bytes:
        try:
            with self.path.open("rb") as file:
                sample = file.read(SAMPLE)
        except OSError as error:
            raise TableUnavailable(f"{self.path} cannot be read ({error.strerror}).") from None
        for bom, encoding in _BOMS:
            if sample.startswith(bom):
                self._bom = bom
                self.encoding = self.encoding or encoding
                break
        return sample[len(self._bom) :]

    def _decode(self, sample: bytes) -> str:
        if self.encoding is None:
            self.encoding, note = _encoding(sample, self.path.name)
            self._notes += [note] if note else []
        try:
            self.encoding = codecs.lookup(self.encoding).name
            return codecs.getincrementaldecoder(self.encoding)().decode(sample)
        except LookupError:
            raise InvalidRequest(f"There is no encoding {self.encoding!r}; try utf-8, cp1252 or utf-16.") from None
        except UnicodeDecodeError as error:
            line = sample[: error.start].count(b"\n") + 1
            raise TableUnavailable(
                f"{self.path.name} is not {self.encoding}: line {line} has byte 0x{sample[error.start]:02x}; "
                "name another encoding."
            ) from None

    def _reader(self, lines: _Lines) -> Iterator[list[str]]:
        assert self.delimiter is not None
        csv.field_size_limit(LONGEST_RECORD)
        if self.quote:
            return csv.reader(lines, delimiter=self.delimiter, quotechar=self.quote, strict=True)
        return csv.reader(lines, delimiter=self.delimiter, quoting=csv.QUOTE_NONE)

    def _records(self) -> Iterator[tuple[list[str], str, int]]:
        """Every record, header included: values, original text, number of its first line."""
        with self.path.open("rb") as raw:
            raw.seek(len(self._bom))
            with io.TextIOWrapper(raw, encoding=self.encoding, errors="strict", newline="") as file:
                lines = _Lines(self.path, file)
                reader = self._reader(lines)
                while True:
                    start = lines.number + 1
                    try:
                        values = next(reader, None)
                    except csv.Error as error:
                        raise TableUnavailable(self._why_not(error, start)) from None
                    if values is None:
                        return
                    yield values, lines.record_text(), start

    def _why_not(self, error: csv.Error, start: int) -> str:
        if "field limit" in str(error) or "unexpected end" in str(error):
            return (
                f"A quote opened in the record at line {start} of {self.path.name} is never closed; close it, or read "
                "the file with no quote character."
            )
        return (
            f"The record at line {start} of {self.path.name} cannot be read ({error}); mend it, or read the file with "
            "no quote character."
        )

    def _data(self) -> Iterator[tuple[int, list[str], str]]:
        """Data records by number; blank lines are text without a number (-1)."""
        number = 0
        skip = bool(self.header)
        wide = len(self.columns)
        for values, text, line in self._records():
            if not values or (wide > 1 and values == [""]):
                if not skip:
                    yield -1, [], text
                continue
            if skip:
                skip = False
                continue
            if len(values) != wide and self.ragged == "refuse":
                raise TableUnavailable(
                    f"Line {line} of {self.path.name} has {_count(len(values), 'value')}, the first line has {wide}; "
                    "mend it, or read the file with ragged records set aside."
                )
            yield number, values, text
            number += 1

    def _header_text(self) -> str:
        if not self.header:
            return ""
        text = ""
        for values, record, _ in self._records():
            text += record
            if values and (len(self.columns) == 1 or values != [""]):
                break
        return text

    def _first_records(self, count: int) -> list[list[str]]:
        found: list[list[str]] = []
        for values, _, _ in self._records():
            if values and any(value.strip() for value in values):
                found.append(values)
            if len(found) == count:
                break
        if not found:
            raise TableUnavailable(f"{self.path.name} has no records; give a file with at least a header line.")
        return found

    def _names(self, first: Sequence[str]) -> tuple[str, ...]:
        if not self.header:
            return tuple(f"column_{place}" for place in range(1, len(first) + 1))
        names, notes = distinct_names(first)
        self._notes += notes
        return names

    def _write_record(self, values: Sequence[str], before: Sequence[str], text: str) -> str:
        """A record as text: fields that did not change keep the way they were written where that can be told."""
        assert self.delimiter is not None
        body = text.rstrip("\r\n")
        ending = text[len(body) :]
        fields = body.split(self.delimiter)
        if len(fields) != len(before):
            fields = [self._quoted(value, always=False) for value in before]
        for place, (new, old) in enumerate(zip(values, before, strict=True)):
            if new != old:
                fields[place] = self._quoted(
                    new, always=bool(self.quote) and fields[place].startswith(self.quote or " ")
                )
        return self.delimiter.join(fields) + ending

    def _quoted(self, value: str, always: bool) -> str:
        assert self.delimiter is not None
        needs = any(mark in value for mark in (self.delimiter, "\n", "\r")) or (self.quote and self.quote in value)
        if not self.quote:
            if needs:
                raise TableUnavailable(
                    f"The value {value!r} cannot be written without quotes; read the file with a quote character."
                )
            return value
        if needs or always:
            return self.quote + value.replace(self.quote, self.quote * 2) + self.quote
        return value

    def _write(self, texts: Iterator[str], target: Path) -> None:
        encoding = self.encoding or "utf-8"
        with target.open("wb") as file:
            file.write(self._bom)
            for text in texts:
                try:
                    file.write(text.encode(encoding))
                except UnicodeEncodeError as error:
                    raise TableUnavailable(
                        f"The character {error.object[error.start]!r} of a new value does not exist in {encoding}; "
                        "convert the file to UTF-8 first."
                    ) from None


def distinct_names(names: Sequence[str]) -> tuple[tuple[str, ...], list[str]]:
    """Names made distinct and not empty ("a", "a" gives "a", "a_2"), and a note on each that had to change."""
    taken: set[str] = set()
    given = {name for name in names if name.strip()}
    found, notes = [], []
    for place, name in enumerate(names, 1):
        new, count = name if name.strip() else f"column_{place}", 1
        while new in taken or (count > 1 and new in given):
            count += 1
            new = f"{name if name.strip() else f'column_{place}'}_{count}"
        if new != name:
            notes.append(f"Column {place} is called {new} here, because its header {name!r} is empty or taken.")
        taken.add(new)
        found.append(new)
    return tuple(found), notes


def _encoding(sample: bytes, name: str) -> tuple[str, str]:
    """The encoding of a sample and a note where it is a guess.

    Raises:
        TableUnavailable: lines in UTF-8 stand beside lines that are not.
    """
    try:
        codecs.getincrementaldecoder("utf-8")().decode(sample)
        return "utf-8", ""
    except UnicodeDecodeError:
        pass
    utf8 = other = 0
    lines = sample.splitlines()
    whole = lines[:-1] if len(sample) > SAMPLE - 8 and len(lines) > 1 else lines
    for number, line in enumerate(whole, 1):
        if line.isascii():
            continue
        try:
            line.decode("utf-8")
            utf8 = utf8 or number
        except UnicodeDecodeError:
            other = other or number
    if utf8 and other:
        raise TableUnavailable(
            f"{name} mixes encodings: line {utf8} is UTF-8, line {other} is not; convert it to one, or name the "
            "encoding to read it all with."
        )
    guesses = list(from_bytes(sample))
    if not guesses:
        raise TableUnavailable(f"The encoding of {name} cannot be told; name it, cp1252 for one.")
    best = guesses[0]
    equals = [guess.encoding for guess in guesses if (guess.chaos, guess.coherence) == (best.chaos, best.coherence)]
    encoding = "cp1252" if "cp1252" in equals else best.encoding
    return encoding, f"The encoding is taken to be {encoding}; name another if letters look wrong."


def _delimiter(text: str, quote: str) -> str:
    """The delimiter that cuts the sample into the most records of one length, the longer the better."""
    lines = text.splitlines(keepends=True)
    lines = lines[: max(len(lines) - 1, 1)][:200]
    best, score = ",", 0.0
    for delimiter in DELIMITERS:
        try:
            if quote:
                lengths = Counter(len(r) for r in csv.reader(lines, delimiter=delimiter, quotechar=quote) if r)
            else:
                lengths = Counter(len(r) for r in csv.reader(lines, delimiter=delimiter, quoting=csv.QUOTE_NONE) if r)
        except csv.Error:
            continue
        length, count = lengths.most_common(1)[0] if lengths else (1, 0)
        share = count / max(sum(lengths.values()), 1)
        if length > 1 and share * (1 + length / 1000) > score:
            best, score = delimiter, share * (1 + length / 1000)
    return best


def _has_header(records: Sequence[Sequence[str]]) -> bool:
    """False only where columns hold numbers or dates below and in the first record too."""
    first, rest = records[0], [r for r in records[1:] if len(r) == len(records[0])]
    if not rest:
        return not all(_DATA.fullmatch(value.strip()) for value in first)
    data = [
        place
        for place in range(len(first))
        if all(_DATA.fullmatch(r[place].strip()) for r in rest if r[place].strip())
        and any(r[place].strip() for r in rest)
    ]
    like = [p for p in data if _DATA.fullmatch(first[p].strip()) and not re.fullmatch(r"(19|20)\d\d", first[p].strip())]
    return not like or len(like) * 2 < len(data)


def _count(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"
