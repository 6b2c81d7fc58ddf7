"""CSV, TSV and their kin in any dialect and encoding, one record at a time, each with the text it was read from.

The standard library's parser reads from a line source that remembers what it handed out, so every record keeps its
original text: records that do not change are written as they were, and a change log can restore a file bit for bit.
"""

from __future__ import annotations

import codecs
import csv
import hashlib
import io
import re
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Literal

from dp_tools.errors import InvalidRequest, TableUnavailable
from dp_tools.tables.io.encodings import guess_encoding
from dp_tools.tables.io.layout import LOOKED_AT, Asked, PlattCalibration, find_footer, find_head
from dp_tools.tables.io.limits import LONGEST_RECORD, require_columns
from dp_tools.tables.io.paths import fingerprint
from dp_tools.tables.io.table_file import Edit, Reading, Row, put_back

SAMPLE = 2**20
"""Bytes from the start of a file on which encoding, dialect and header are judged."""
_TAIL = 2**17
_BLANKS = 1000
DELIMITERS = (",", "\t", ";", "|")
Ragged = Literal["refuse", "set aside"]

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_WITHOUT_MARK = {"utf-8-sig": "utf-8", "utf-16": "utf-16-le", "utf-32": "utf-32-le"}
_SEPARATOR_LINE = re.compile(r"sep=(.)\r?\n", re.IGNORECASE)


class _Lines:
    """Hands out the lines of the table, remembers those of the record being read, and keeps what is around the table.

    Args:
        path, file: the file.
        above: how many lines stand above the table; they are read into `head`.
        below: how many lines that are not blank stand below it; they are left in `foot` when the table has been read.
    """

    def __init__(self, path: Path, file: IO[str], above: int, below: int) -> None:
        self.path, self.file, self.below = path, file, below
        self.number, self.taken, self._read = 0, list[str](), 0
        self._length = 0
        self._held, self._solid = deque[str](), 0
        self.head = "".join(filter(None, (self._line() for _ in range(above))))
        self.number = self._read

    @property
    def foot(self) -> str:
        """The lines below the table, once the table has been read."""
        return "".join(self._held)

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        line = self._line() if not self.below else self._next_of_table()
        if not line:
            raise StopIteration
        self.number += 1
        self.taken.append(line)
        self._length += len(line)
        if self._length > LONGEST_RECORD:
            raise TableUnavailable(
                f"The record that ends on line {self.number} of {self.path.name} is longer than "
                f"{LONGEST_RECORD // 2**20} MB; check that every quote is closed."
            )
        return line

    def _next_of_table(self) -> str:
        """The next line that is followed by more lines than stand below the table; "" where there is none."""
        while not self._is_of_table():
            line = self._line()
            if not line:
                return ""
            self._held.append(line)
            self._solid += not _is_blank(line)
        line = self._held.popleft()
        self._solid -= not _is_blank(line)
        return line

    def _is_of_table(self) -> bool:
        """Whether the first line that is held is one of the table; a blank one is, since none begins a footer."""
        if not self._held:
            return False
        return self._solid > self.below or _is_blank(self._held[0]) or len(self._held) > self.below + _BLANKS

    def _line(self) -> str:
        try:
            line = self.file.readline(LONGEST_RECORD)
        except UnicodeDecodeError as error:
            raise TableUnavailable(
                f"{self.path.name} is not {error.encoding} throughout (after line {self._read}, byte "
                f"0x{error.object[error.start]:02x}); name its encoding, or mend the file if it mixes several."
            ) from None
        self._read += bool(line)
        if len(line) == LONGEST_RECORD and not line.endswith(("\n", "\r")):
            raise TableUnavailable(
                f"Line {self._read} of {self.path.name} is longer than {LONGEST_RECORD // 2**20} MB; "
                "a table has its records in lines, so check that this is one."
            )
        return line

    def record_text(self) -> str:
        text = "".join(self.taken)
        self.taken.clear()
        self._length = 0
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
        header_line, skip_lines, footer_lines: where the table begins and ends, see `Asked` (default: found out). What
            stands around it is kept as it is.
        ragged: what to do with a record of another length than the header: refuse the file, or set the record aside,
            which leaves it where it is, untouched and unasked.

    Raises:
        TableUnavailable: the file is empty, cannot be decoded, or is not a table.
        InvalidRequest: an option makes no sense.
    """

    path: Path
    encoding: str | None = None
    delimiter: str | None = None
    quote: str | None = None
    header: bool | None = None
    header_line: int | None = None
    skip_lines: int | None = None
    footer_lines: int | None = None
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
        self._choose_marks(text)
        asked = Asked(self.header, self.header_line, self.skip_lines, self.footer_lines)
        whole = len(sample) + len(self._bom) < SAMPLE
        above = asked.above
        if above is None and _SEPARATOR_LINE.match(text):
            above = 1
        rows = self._rows_of(text, above or 0)
        lines = [row for row in (rows if whole else rows[:-1] or rows) if any(cell.strip() for cell in row[1])]
        if not lines:
            raise TableUnavailable(f"{self.path.name} has no records; give a file with at least a header line.")
        head = find_head(lines[:LOOKED_AT], asked)
        self.header, self.skip_lines, self.columns = head.header, head.above, head.columns
        self._notes += head.notes
        if self.footer_lines is None:
            self.footer_lines = self._find_footer(rows if whole else None, text)

    def _choose_marks(self, text: str) -> None:
        """The delimiter and the quote, as asked for or as the text has them."""
        if self.delimiter is None and (separator := _SEPARATOR_LINE.match(text)):
            self.delimiter = separator[1]
        if self.delimiter is not None and len(self.delimiter) != 1:
            raise InvalidRequest(f"A delimiter is one character, not {self.delimiter!r}.")
        self.quote = '"' if self.quote is None else self.quote
        self.delimiter = self.delimiter or _delimiter(text, self.quote)

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
            "skip_lines": self.skip_lines,
            "footer_lines": self.footer_lines,
            "ragged": self.ragged,
        }
        return Reading("csv", options, (*self._notes, *set_aside))

    def rows(self) -> Iterator[Row]:
        self._set_aside = 0
        fits = False
        for number, values, _ in self._data():
            if len(values) == len(self.columns):
                fits = True
                yield number, tuple(values)
            elif number >= 0:
                self._set_aside += 1
        if self._set_aside and not fits:
            raise TableUnavailable(
                f"All {self._set_aside} records of {self.path.name} have another length than the header, which has "
                f"{_count(len(self.columns), 'name')}; say where the header is (header_line, --header-line) or which "
                "delimiter the file has (--delimiter)."
            )

    def rewrite(self, edits: Iterator[Edit], target: Path, keep: Callable[[int, str | None], None]) -> None:
        places = {name: place for place, name in enumerate(self.columns)}

        self._require_faithful()

        def rewritten() -> Iterator[str]:
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

    def restore(self, originals: Iterator[tuple[int, str]], target: Path, rest: object = None) -> None:  # noqa: ARG002
        self._write(put_back(((number, text) for number, _, text in self._data()), originals), target)

    def _sample(self) -> bytes:
        try:
            with self.path.open("rb") as file:
                sample = file.read(SAMPLE)
        except OSError as error:
            raise TableUnavailable(f"{self.path} cannot be read ({error.strerror}).") from None
        for bom, encoding in _BOMS:
            if sample.startswith(bom):
                self._bom = bom
                if self.encoding is None or self.encoding.lower().replace("_", "-") in _WITHOUT_MARK:
                    self.encoding = encoding
                break
        return sample[len(self._bom) :]

    def _decode(self, sample: bytes) -> str:
        if self.encoding is None:
            self.encoding = self._found_encoding(sample)
        try:
            name = codecs.lookup(self.encoding).name
            self.encoding = _WITHOUT_MARK.get(name, name)
            return codecs.getincrementaldecoder(self.encoding)().decode(sample)
        except LookupError:
            raise InvalidRequest(f"There is no encoding {self.encoding!r}; try utf-8, cp1252 or utf-16.") from None
        except UnicodeDecodeError as error:
            line = sample[: error.start].count(b"\n") + 1
            raise TableUnavailable(
                f"{self.path.name} is not {self.encoding}: line {line} has byte 0x{sample[error.start]:02x}; "
                "name another encoding."
            ) from None

    def _found_encoding(self, sample: bytes) -> str:
        guess = guess_encoding(sample)
        if guess is None or not guess.encoding.startswith("utf"):
            _refuse_mixed(sample, self.path.name)
        if guess is None:
            raise TableUnavailable(f"The encoding of {self.path.name} cannot be detected; name it, cp1252 for one.")
        self._notes += filter(None, [guess.note])
        return guess.encoding

    def _rows_of(self, text: str, above: int) -> list[PlattCalibration]:
        """The records of a text after so many lines, blank ones too, each with the number of its first line."""
        lines = io.StringIO(text, newline="")
        for _ in range(above):
            lines.readline()
        reader = self._reader(lines, strict=False)
        rows, number = list[PlattCalibration](), above + 1
        for values in reader:
            require_columns(self.path.name, len(values))
            rows.append((number, values))
            number = above + reader.line_num + 1
        return rows

    def _find_footer(self, rows: list[PlattCalibration] | None, text: str) -> int:
        """How many lines at the end are no part of the table: on all rows of the file, or on those of its end."""
        if rows is None:
            text = self._end()
            rows = self._rows_of(text, 0)[-LOOKED_AT:]
            whole = False
        else:
            rows = [row for row in rows if row[0] > (self.skip_lines or 0)][int(bool(self.header)) :]
            whole = True
        count, note = find_footer([cells for _, cells in rows], len(self.columns), whole=whole)
        if not count:
            return 0
        self._notes.append(note)
        first = rows[-count][0]
        return sum(not _is_blank(line) for line in list(io.StringIO(text, newline=""))[first - 1 :])

    def _end(self) -> str:
        """The last lines of the file."""
        size = self.path.stat().st_size
        with self.path.open("rb") as file:
            # A whole number of characters from the start in every encoding of fixed width.
            file.seek(len(self._bom) + max(size - len(self._bom) - _TAIL, 0) // 4 * 4)
            text = file.read().decode(self.encoding or "utf-8", errors="replace")
        return text.partition("\n")[2]

    def _reader(self, lines: Iterator[str], *, strict: bool) -> Any:
        assert self.delimiter is not None
        csv.field_size_limit(LONGEST_RECORD)
        if self.quote:
            return csv.reader(lines, delimiter=self.delimiter, quotechar=self.quote, strict=strict)
        return csv.reader(lines, delimiter=self.delimiter, quoting=csv.QUOTE_NONE)

    @contextmanager
    def _lines(self) -> Iterator[_Lines]:
        with self.path.open("rb") as raw:
            raw.seek(len(self._bom))
            with io.TextIOWrapper(raw, encoding=self.encoding, errors="strict", newline="") as file:
                yield _Lines(self.path, file, self.skip_lines or 0, self.footer_lines or 0)

    def _records(self, lines: _Lines) -> Iterator[tuple[list[str], str, int]]:
        """Every record of the table, header included: values, original text, number of its first line."""
        reader = self._reader(lines, strict=True)
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
        """Data records by number, and all other text of the file in its place, numbered -1."""
        number, header, wide = 0, bool(self.header), len(self.columns)
        with self._lines() as lines:
            yield -1, [], lines.head
            for values, text, line in self._records(lines):
                if not values or (wide > 1 and values == [""]):
                    yield -1, [], text
                elif header:
                    header = False
                    yield -1, [], text
                elif len(values) != wide and self.ragged == "refuse":
                    raise TableUnavailable(
                        f"Line {line} of {self.path.name} has {_count(len(values), 'value')}, the "
                        + ("table has" if self.skip_lines else "first line has")
                        + f' {wide}; mend it, or leave such records aside: --ragged "set aside" (ragged = "set aside").'
                    )
                else:
                    yield number, values, text
                    number += 1
            yield -1, [], lines.foot

    def _write_record(self, values: Sequence[str], before: Sequence[str], text: str) -> str:
        """A record as text: fields that did not change keep the way they were written where it is known."""
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

    def _require_faithful(self) -> None:
        """Refuse to write in an encoding in which a character has several codes, unless the file's are those written.

        Raises:
            TableUnavailable: bytes of records that do not change would change.
        """
        encoding = self.encoding or "utf-8"
        if encoding.startswith("utf"):
            return
        digest = hashlib.sha256(self._bom)
        for _, _, text in self._data():
            digest.update(text.encode(encoding, errors="replace"))
        if digest.hexdigest() != fingerprint(self.path):
            raise TableUnavailable(
                f"Writing {self.path.name} in {encoding} would change bytes that are not to change; "
                "convert it to UTF-8 first."
            )

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


def _refuse_mixed(sample: bytes, name: str) -> None:
    """Refuse a file in which lines in UTF-8 stand beside lines that are not.

    Raises:
        TableUnavailable: it is one.
    """
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


def _is_blank(line: str) -> bool:
    return line in ("\n", "\r\n", "\r")


def _count(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"
