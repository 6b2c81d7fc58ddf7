"""The XML of a worksheet, looked through and edited in place: cells that change are rewritten, every other byte stays.

openpyxl reads values well, but writing a workbook with it loses charts, the results of formulas, and more. So what
changes is cut out of the sheet's XML by the byte positions that expat gives.
"""

from __future__ import annotations

import posixpath
import re
import zipfile
import zlib
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any
from xml.etree import ElementTree
from xml.parsers import expat
from xml.sax.saxutils import escape

from dp_tools.errors import TableUnavailable

Value = str | int | float | bool | None
"""What a cell may be given; days go in as the number that a workbook counts them with."""

BROKEN = (
    *(OSError, EOFError, zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError),
    *(ElementTree.ParseError, expat.ExpatError, AttributeError, LookupError, TypeError, ValueError, OverflowError),
)
"""What reading a workbook may come to, here and in openpyxl, if its file is not as it should be."""

_CHUNK = 2**18
_PLACE = re.compile(r"\$?([A-Z]{1,3})\$?(\d{1,7})")
_TAG = re.compile(rb"<[^<>\"']*(?:\"[^\"]*\"[^<>\"']*|'[^']*'[^<>\"']*)*>")
_TYPE = re.compile(rb"""\s+(?:t|cm|vm)\s*=\s*(?:"[^"]*"|'[^']*')""")
_MOST_LOCKED = 2_000_000


class Locked:
    """Cells that are never written: results of formulas, and what lies under a merged cell. Rows and columns from 1."""

    def __init__(self) -> None:
        self.formulas = 0
        self.without_result = 0
        self.merged: dict[tuple[int, int], int] = {}
        """The last row of each merged cell that lies in one column, by its first row and column."""
        self._columns: dict[int, list[list[int]]] = {}
        self._count = 0

    def add(self, column: int, first: int, last: int) -> None:
        """Lock the rows of a column from the first to the last."""
        ranges = self._columns.setdefault(column, [])
        if ranges and ranges[-1][0] <= first <= ranges[-1][1] + 1:
            ranges[-1][1] = max(ranges[-1][1], last)
        else:
            ranges.append([first, last])
            self._count += 1
        if self._count > _MOST_LOCKED:
            raise TableUnavailable("The sheet has too many formulas and merged cells to look through; save it as .csv.")

    def close(self) -> None:
        """Make it ready to be asked."""
        for ranges in self._columns.values():
            ranges.sort()
            for before, after in pairwise(ranges):
                after[1] = max(before[1], after[1])

    def __contains__(self, place: tuple[int, int]) -> bool:
        row, column = place
        ranges = self._columns.get(column, [])
        at = bisect_right(ranges, row, key=lambda found: found[0]) - 1
        return at >= 0 and row <= ranges[at][1]


def sheets_of(path: Path) -> dict[str, tuple[str, bool]]:
    """The worksheets of a workbook, in order: the member of the archive that holds each, and whether it is visible.

    Raises:
        TableUnavailable: it is no workbook.
    """
    found = {}
    try:
        with zipfile.ZipFile(path) as archive:
            (book,) = (target for kind, target in _relations(archive, "").values() if kind.endswith("/officeDocument"))
            targets = _relations(archive, book)
            for entry in ElementTree.fromstring(archive.read(book)).iter():
                if _local(entry.tag) == "sheet":
                    (link,) = (value for key, value in entry.attrib.items() if key.endswith("}id"))
                    kind, target = targets[link]
                    if kind.endswith("/worksheet"):
                        found[entry.attrib["name"]] = target, entry.get("state", "visible") == "visible"
    except BROKEN:
        found = {}
    if not found:
        raise TableUnavailable(f"{path.name} cannot be read as an Excel workbook; save it as .xlsx.")
    return found


def has_formulas(path: Path) -> bool:
    """Whether any sheet of a workbook has a formula."""
    with zipfile.ZipFile(path) as archive:
        return any(
            _mentions(archive, name, rb"[<:]f[\s>/]")
            for name in archive.namelist()
            if name.endswith(".xml") and "worksheets/" in name
        )


def locked_cells(path: Path, part: str, columns: range) -> Locked:
    """The cells of a sheet that are never written, of these columns (from 1).

    Raises:
        TableUnavailable: the sheet is no XML.
    """
    locked = Locked()
    try:
        with zipfile.ZipFile(path) as archive:
            if not _mentions(archive, part, rb"[<:](?:f|mergeCell)[\s>/]"):
                return locked
    except BROKEN as error:
        raise _broken(path, error) from None
    scan = _Scan(locked, columns)
    _parse(path, part, scan)
    locked.close()
    return locked


def edited(path: Path, part: str, edits: Mapping[int, Mapping[int, Value]], *, recalculate: bool) -> Iterator[bytes]:
    """The XML of a sheet with these cells changed, in pieces.

    Args:
        path: the workbook.
        part: the member that holds the sheet.
        edits: the new values by row and column, both from 1.
        recalculate: whether programs shall calculate all formulas again when they open it.

    Raises:
        TableUnavailable: the sheet is no XML, or a value cannot stand in XML.
    """
    splices = _Splices(edits, recalculate)
    _parse(path, part, splices)
    with zipfile.ZipFile(path) as archive, archive.open(part) as source:
        done = 0
        for start, end, new in splices.all():
            while done < start:
                piece = source.read(min(start - done, _CHUNK))
                done += len(piece)
                yield piece
            yield new
            source.read(end - start)
            done = end
        while piece := source.read(_CHUNK):
            yield piece


class _Where:
    """Follows rows and cells, whose numbers may be left out where they count on."""

    parser: Any = None

    def __init__(self) -> None:
        self.row = self.column = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """An element begins."""

    def end(self, name: str) -> None:
        """An element ends."""

    def enter_row(self, attributes: dict[str, str]) -> None:
        self.row, self.column = int(attributes.get("r", self.row + 1)), 0

    def enter_cell(self, attributes: dict[str, str]) -> None:
        place = _PLACE.fullmatch(attributes.get("r", ""))
        self.column = _column(place[1]) if place else self.column + 1


class _Scan(_Where):
    """Finds formulas and merged cells."""

    def __init__(self, locked: Locked, columns: range) -> None:
        super().__init__()
        self._locked, self._columns = locked, columns
        self._inside = self._formula = self._value = False

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if name == "c":
            self.enter_cell(attributes)
            self._inside, self._formula, self._value = True, False, False
        elif name == "row":
            self.enter_row(attributes)
        elif name == "v" and self._formula:
            self.parser.CharacterDataHandler = self._take_result
        elif name == "f" and self._inside:
            self._formula = True
            if self.column in self._columns:
                self._locked.add(self.column, self.row, self.row)
            if attributes.get("t") in ("array", "dataTable"):
                self._lock(attributes.get("ref", ""))
        elif name == "mergeCell":
            self._lock(attributes.get("ref", ""), but_first=True)

    def end(self, name: str) -> None:
        if name == "v":
            self.parser.CharacterDataHandler = None
        elif name == "c":
            if self._formula and self.column in self._columns:
                self._locked.formulas += 1
                self._locked.without_result += not self._value
            self._inside = False

    def _take_result(self, _: str) -> None:
        self._value = True

    def _lock(self, reference: str, *, but_first: bool = False) -> None:
        corners = [_PLACE.fullmatch(corner) for corner in reference.split(":")]
        if not all(corners):
            return
        places = [(_column(corner[1]), int(corner[2])) for corner in corners if corner]
        (left, top), (right, bottom) = places[0], places[-1]
        if but_first and left == right:
            self._locked.merged[top, left] = bottom
        for column in range(max(left, self._columns.start), min(right + 1, self._columns.stop)):
            first = top + 1 if but_first and column == left else top
            if first <= bottom:
                self._locked.add(column, first, bottom)


class _Splices(_Where):
    """Collects what has to be cut out of the XML and what comes in its place."""

    def __init__(self, edits: Mapping[int, Mapping[int, Value]], recalculate: bool) -> None:
        super().__init__()
        self._rows = [(row, sorted(edits[row].items())) for row in sorted(edits)]
        self._cells: list[tuple[int, Value]] = []
        self._open: tuple[int, bytes, Value] | None = None
        self._found: list[tuple[int, int, bytes]] = []
        self._prefix = b""
        self._after_data = -1
        self._recalculate = recalculate

    def all(self) -> list[tuple[int, int, bytes]]:
        """Start, end and new bytes of each, in order."""
        if self._recalculate and self._after_data >= 0:
            self._found.append(
                (self._after_data, self._after_data, b'<%ssheetCalcPr fullCalcOnLoad="1"/>' % self._prefix)
            )
        return sorted(self._found, key=lambda splice: splice[:2])

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if name == "row":
            self.enter_row(attributes)
            while self._rows and self._rows[0][0] < self.row:
                self._insert(self._new_row(*self._rows.pop(0)))
            if self._rows and self._rows[0][0] == self.row:
                self._cells = self._rows.pop(0)[1]
                tag = self._tag()
                if tag.endswith(b"/>"):
                    self._cut(tag, tag[:-2] + b">" + self._new_cells() + b"</%srow>" % self._prefix)
        elif name == "c":
            self.enter_cell(attributes)
            while self._cells and self._cells[0][0] < self.column:
                self._insert(self._new_cell(*self._cells.pop(0)))
            if self._cells and self._cells[0][0] == self.column:
                tag, value = self._tag(), self._cells.pop(0)[1]
                if tag.endswith(b"/>"):
                    self._cut(tag, _filled(tag[:-2], value, self._prefix))
                else:
                    self._open = (self.parser.CurrentByteIndex, tag[:-1], value)
        elif name == "sheetData":
            self._prefix = self._tag()[1:].partition(b"sheetData")[0]
        elif name == "sheetCalcPr":
            self._recalculate = False

    def end(self, name: str) -> None:
        if name == "c" and self._open is not None:
            begin, tag, value = self._open
            end = self.parser.CurrentByteIndex + len(self._tag())
            self._found.append((begin, end, _filled(tag, value, self._prefix)))
            self._open = None
        elif name == "row" and self._cells:
            self._insert(self._new_cells())
        elif name == "sheetData":
            for row in self._rows:
                self._insert(self._new_row(*row))
            self._rows = []
            self._after_data = self.parser.CurrentByteIndex + len(self._tag())

    def _tag(self) -> bytes:
        found = _TAG.match(self.parser.GetInputContext())
        if found is None:
            raise TableUnavailable("The sheet's XML cannot be followed; save the workbook again.")
        return found[0]

    def _insert(self, new: bytes) -> None:
        self._found.append((self.parser.CurrentByteIndex, self.parser.CurrentByteIndex, new))

    def _cut(self, tag: bytes, new: bytes) -> None:
        begin = self.parser.CurrentByteIndex
        self._found.append((begin, begin + len(tag), new))

    def _new_cells(self) -> bytes:
        cells, self._cells = self._cells, []
        return b"".join(self._new_cell(*cell) for cell in cells)

    def _new_cell(self, column: int, value: Value) -> bytes:
        return _filled(b'<%sc r="%s%d"' % (self._prefix, _letters(column), self.row), value, self._prefix)

    def _new_row(self, row: int, cells: list[tuple[int, Value]]) -> bytes:
        here, self.row = self.row, row
        made = b"".join(self._new_cell(*cell) for cell in cells)
        self.row = here
        return b'<%srow r="%d">%s</%srow>' % (self._prefix, row, made, self._prefix)


def _filled(tag: bytes, value: Value, prefix: bytes) -> bytes:
    """A cell with its old attributes, but for its kind, and a new value."""
    tag = _TYPE.sub(b"", tag).rstrip()
    if value is None:
        return tag + b"/>"
    close = b"</%sc>" % prefix
    if isinstance(value, bool):
        return tag + b' t="b"><%sv>%d</%sv>' % (prefix, value, prefix) + close
    if isinstance(value, int | float):
        return tag + b"><%sv>%s</%sv>" % (prefix, repr(value).encode(), prefix) + close
    if any(mark < " " and mark not in "\t\n\r" for mark in value):
        raise TableUnavailable(f"The value {value!r} holds a control character, which no workbook can hold.")
    text = escape(value, {"\r": "&#13;"}).encode()
    return (
        tag
        + b' t="inlineStr"><%sis><%st xml:space="preserve">%s</%st></%sis>'
        % (
            prefix,
            prefix,
            text,
            prefix,
            prefix,
        )
        + close
    )


def _parse(path: Path, part: str, follower: _Where) -> None:
    parser = follower.parser = expat.ParserCreate()
    name = path.name

    def refuse_types(*_: object) -> None:
        raise TableUnavailable(f"{name} declares its own kinds of XML, which no workbook needs; save it again.")

    def require_utf8(_: str, encoding: str | None, __: int) -> None:
        if encoding is not None and encoding.lower() not in ("utf-8", "us-ascii"):
            raise TableUnavailable(f"{name} is written in {encoding}; save it again.")

    parser.StartElementHandler = lambda tag, attributes: follower.start(tag.rpartition(":")[2], attributes)
    parser.EndElementHandler = lambda tag: follower.end(tag.rpartition(":")[2])
    parser.StartDoctypeDeclHandler = refuse_types
    parser.XmlDeclHandler = require_utf8
    try:
        with zipfile.ZipFile(path) as archive, archive.open(part) as source:
            while piece := source.read(_CHUNK):
                parser.Parse(piece, False)
            parser.Parse(b"", True)
    except BROKEN as error:
        raise _broken(path, error) from None


def _broken(path: Path, error: Exception) -> TableUnavailable:
    return TableUnavailable(f"The sheet in {path.name} is broken ({error}); save the workbook again.")


def _relations(archive: zipfile.ZipFile, part: str) -> dict[str, tuple[str, str]]:
    """What a part of a workbook points to: kind and name by id."""
    folder, _, file = part.rpartition("/")
    found = {}
    for entry in ElementTree.fromstring(archive.read(posixpath.join(folder, "_rels", f"{file}.rels"))):
        target = posixpath.normpath(posixpath.join("/", folder, entry.attrib["Target"])).lstrip("/")
        found[entry.attrib["Id"]] = (entry.attrib["Type"], target)
    return found


def _mentions(archive: zipfile.ZipFile, part: str, pattern: bytes) -> bool:
    wanted, end = re.compile(pattern), b""
    with archive.open(part) as source:
        while piece := source.read(_CHUNK):
            if wanted.search(end + piece):
                return True
            end = piece[-16:]
    return False


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]


def _column(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number


def _letters(column: int) -> bytes:
    letters = ""
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(65 + rest) + letters
    return letters.encode()
