"""Where a table begins and ends in its file: title lines above the header, the header itself, totals and notes below.

Works on rows of text, whichever format they come from. What it finds out is said in notes, and every part of it can be
overruled (`Asked`).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median_high

from dp_tools.errors import InvalidRequest

PlattCalibration = tuple[int, list[str]]
"""A row that is not blank: the number of its line in the file (the first is 1) and its cells."""

LOOKED_AT = 200
"""Rows from the start on which the header is judged, and rows from the end on which totals and notes are."""
_DEEPEST = 50
_MOST_FOOTERS = 20

_DATA = re.compile(r"[-+(]?\s?[$€£]?\s?\d[\d.,:/%\s)-]*[$€£]?")
_YEAR = re.compile(r"(19|20)\d\d")
_COMMENT = re.compile(r"(#|//|--)\s")
_TOTAL = re.compile(
    r"(grand |sub-?|column |report )?(totals?|sum|average|avg|mean|count|durchschnitt|mittelwert|moyenne|"
    r"summe|gesamt|gesamtsumme|insgesamt|zwischensumme|total(e|i)|"
    r"total g[eé]n[eé]ral|sous-total|somme|suma|totaal|totalt|summa|i alt|yhteensä|razem|ogółem|celkem|součet|összesen|"
    r"toplam|genel toplam|итого|всего|сумма|σύνολο|合計|総計|小計|合计|总计|小计|總計|합계|총계)\b.{0,40}",
    re.IGNORECASE,
)
_REMARK = re.compile(
    r"[*†©(\[]|(sources?|notes?|remarks?|legend|quelle|anmerkung|hinweis|stand|fuente|nota|fonte|remarque|"
    r"(generated|exported|printed|created|erstellt|exportiert|gedruckt)\b|page \d|seite \d|end of)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Asked:
    """What the user says about the layout; None where it is to be found out.

    Args:
        header: whether the first row of the table names the columns.
        header_line: the line of the header, from 1; what stands above it is no part of the table.
        skip_lines: how many lines stand above the table.
        footer_lines: how many lines at the end, blank ones not counted, are no part of the table.

    Raises:
        InvalidRequest: a number is out of range, or two of them contradict each other.
    """

    header: bool | None = None
    header_line: int | None = None
    skip_lines: int | None = None
    footer_lines: int | None = None

    def __post_init__(self) -> None:
        for name, value, lowest in (
            ("header_line", self.header_line, 1),
            ("skip_lines", self.skip_lines, 0),
            ("footer_lines", self.footer_lines, 0),
        ):
            if value is not None and not lowest <= value <= 10_000:
                raise InvalidRequest(f"{name} is a number from {lowest} to 10,000, not {value}.")
        if self.header_line is not None and self.skip_lines is not None:
            raise InvalidRequest("Give header_line or skip_lines, not both: either says where the table begins.")
        if self.header_line is not None and self.header is False:
            raise InvalidRequest("A table without a header has no header_line; give skip_lines instead.")

    @property
    def above(self) -> int | None:
        """The number of lines above the table, None where it is to be found out."""
        return self.skip_lines if self.header_line is None else self.header_line - 1


@dataclass(frozen=True, slots=True)
class Head:
    """How a table begins.

    Args:
        above: lines above it.
        header: whether its first row names the columns.
        columns: attribute names, distinct.
        notes: what a person should know about that.
    """

    above: int
    header: bool
    columns: tuple[str, ...]
    notes: tuple[str, ...]


def find_head(rows: Sequence[PlattCalibration], asked: Asked) -> Head:
    """Where the table begins and what its columns are called.

    Args:
        rows: the first rows of the file (of what follows the lines that the user had skipped), at least one.
        asked: what the user said.
    """
    start, header = _beginning(rows, asked)
    number, first = rows[start]
    width = _width(rows[start:], first, header)
    notes: list[str] = []
    above = number - 1
    kept = f"; the {above} lines above it are kept as they are" if above > 1 else "; the line above it is kept as it is"
    if header:
        if above:
            notes.append(f"The header is in line {number}{kept}.")
        columns, renamed = distinct_names(_named(first, [cells for _, cells in rows[start + 1 :]], width, notes))
        notes += renamed
    else:
        columns = tuple(f"column_{place}" for place in range(1, width + 1))
        which = f"Line {number}" if above else "The first line"
        notes.append(
            f"{which} looks like data, so the columns are named column_1, column_2, …{kept if above else ''}."
            if asked.header is None
            else f"The columns are named column_1, column_2, …{kept if above else ''}."
        )
    return Head(above, header, columns, tuple(notes))


def find_footer(rows: Sequence[Sequence[str]], columns: int, *, whole: bool) -> tuple[int, str]:
    """How many rows at the end are totals or notes, and a sentence about them ("" where there are none).

    Args:
        rows: the last rows of the table, at most `LOOKED_AT` unless they are the whole table.
        columns: how many columns it has.
        whole: whether these are all its records, so that sums can be compared.
    """
    usual = [_filled(row) for row in rows[:-_MOST_FOOTERS] or rows[: len(rows) // 2] if len(row) == columns]
    if len(rows) < 4 or not usual:
        return 0, ""
    count, total = _footer_rows(rows, columns, sorted(usual)[len(usual) // 10], whole)
    if not count:
        return 0, ""
    # Empty rows between the table and its footer belong to neither, but a count of lines has to step over them.
    while count < len(rows) - 3 and rows[len(rows) - count - 1] and not _filled(rows[len(rows) - count - 1]):
        count += 1
    what = "a total" if total else "a remark"
    if count == 1:
        return 1, f"The last line looks like {what}; it is kept as it is and not judged."
    return count, f"The last {count} lines look like {what} and what belongs to it; they are kept and not judged."


def _footer_rows(rows: Sequence[Sequence[str]], columns: int, least: int, whole: bool) -> tuple[int, bool]:
    """How many rows at the end are totals or remarks, and whether a total is among them.

    Args:
        rows, columns, whole: as in `find_footer`.
        least: cells that a record fills at least.
    """
    count, total = _block_of_remarks(rows, columns), False
    for place in range(len(rows) - count - 1, max(len(rows) - _MOST_FOOTERS, 2) - 1, -1):
        row = rows[place]
        if _is_total(row, rows[:place], columns, least, whole):
            count, total = len(rows) - place, True
        elif least > 1 and _is_remark(row, columns, blank_before=_filled(rows[place - 1]) == 0):
            count = len(rows) - place
        elif _filled(row):
            break
    return count, total


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


def _beginning(rows: Sequence[PlattCalibration], asked: Asked) -> tuple[int, bool]:
    """The place of the table's first row, and whether it is a header."""
    if asked.above is not None:
        return 0, True if asked.header_line is not None else _header_or(asked, rows)
    comments = _after_comments(rows)
    if comments:
        start, header = _beginning(rows[comments:], asked)
        return comments + start, header
    full = _first_full_row(rows)
    if full and asked.header is not False and _is_short_header(rows, full):
        return full - 1, True
    start = full or _after_blank_line(rows)
    return start, _header_or(asked, rows[start:])


def _header_or(asked: Asked, rows: Sequence[PlattCalibration]) -> bool:
    if asked.header is not None:
        return asked.header
    named, data = _evidence([cells for _, cells in rows])
    return not data or data < named


def _first_full_row(rows: Sequence[PlattCalibration]) -> int:
    """The first row that is as long and about as filled as the table's, 0 where those above look like data."""
    common = _common_length([cells for _, cells in rows])
    filled = [_filled(cells) for _, cells in rows]
    lengths = [len(cells) for _, cells in rows]
    below = [length for length in lengths[lengths.index(common) :] if length > 1 or common == 1]
    if below.count(common) < 0.7 * len(below):
        return 0
    usual = max(median_high(filled), 0.6 * max(filled[:20]))
    for place, (_, cells) in enumerate(rows[:_DEEPEST]):
        if len(cells) == common and filled[place] >= 0.6 * usual and (filled[place] > 1 or common == 1):
            return place if _are_no_data(rows, place, common) else 0
    return 0


def _are_no_data(rows: Sequence[PlattCalibration], place: int, width: int) -> bool:
    """Whether the rows above a place are titles, or headings of groups of columns."""
    above = [cells for _, cells in rows[:place]]
    named, data = _evidence([cells for _, cells in rows[place:]])
    # Headings of groups of columns may be years, which look like data.
    if named and not data and all(_filled(cells) * 2 <= width for cells in above):
        return True
    return all(_is_title(cells, width) for cells in above)


def _is_title(cells: Sequence[str], width: int) -> bool:
    if len(cells) != width or _filled(cells) == 1:
        return True
    return not _DATA.fullmatch(next((cell.strip() for cell in cells if cell.strip()), ""))


def _is_short_header(rows: Sequence[PlattCalibration], full: int) -> bool:
    """Whether the row above the first full one is a header that lacks names, because what follows is data."""
    (number, above), (next_number, first) = rows[full - 1], rows[full]
    names, width = _filled(above), len(first)
    if number + 1 != next_number or any(_DATA.fullmatch(cell.strip()) for cell in above if cell.strip()):
        return False
    lengths = [len(cells) for _, cells in rows[full:]]
    if lengths.count(width) < 0.95 * len(lengths):
        return False
    named, data = _evidence([cells for _, cells in rows[full:]])
    if data and data >= named:
        return names * 2 >= width
    return not named and 2 <= names == width - 1


def _after_blank_line(rows: Sequence[PlattCalibration]) -> int:
    """The place after the blank line that sets lines like "Date;2024-05-01" apart from a table."""
    if _evidence([cells for _, cells in rows])[0]:
        return 0
    width = _common_length([cells for _, cells in rows])
    for place, ((before, _), (number, _)) in enumerate(pairwise(rows[:15]), 1):
        if number > before + 1:
            named, data = _evidence([cells for _, cells in rows[place:]])
            full = width > 2 and any(_filled(cells) == width for _, cells in rows[:place])
            return place if not full and named > data and len(rows) - place > max(place, 2) else 0
    return 0


def _after_comments(rows: Sequence[PlattCalibration]) -> int:
    """The place after lines that begin like "# exported by …", unless the last of them is the header itself."""
    place = 0
    while place < len(rows) - 2 and _COMMENT.match(rows[place][1][0].lstrip()):
        place += 1
    if place and len(rows[place - 1][1]) == len(rows[place][1]):
        named, data = _evidence([cells for _, cells in rows[place:]])
        return place - 1 if data and data >= named else place
    return place


def _evidence(rows: Sequence[Sequence[str]]) -> tuple[int, int]:
    """In how many columns the first row looks like a name, and in how many like one more value."""
    first = rows[0]
    rest = [row for row in rows[1:] if len(row) == len(first) and row != first]
    if not rest:
        return 0, int(all(_DATA.fullmatch(cell.strip()) for cell in first))
    named = data = 0
    for place, cell in enumerate(first):
        name = cell.strip()
        values = [row[place].strip() for row in rest if row[place].strip()]
        if not name or not values:
            continue
        looks = _looks_like(name, values)
        named += looks is False
        data += looks is True
    return named, data


def _looks_like(name: str, values: Sequence[str]) -> bool | None:
    """Whether a name looks like the values below it; None where they do not look like anything."""
    enough = 0.9 * len(values)
    if sum(bool(_DATA.fullmatch(value)) for value in values) >= enough:
        if _YEAR.fullmatch(name) and not all(map(_YEAR.fullmatch, values)):
            return None
        return bool(_DATA.fullmatch(name))
    if sum("@" in value for value in values) >= enough:
        return "@" in name
    shapes = Counter(re.sub(r"\d", "9", value) for value in values)
    shape, count = shapes.most_common(1)[0]
    if len(values) > 2 and "9" in shape and count >= enough:
        return re.sub(r"\d", "9", name) == shape
    return True if len(name) > 1 and name in values else None


def _named(first: Sequence[str], rest: Sequence[Sequence[str]], width: int, notes: list[str]) -> list[str]:
    """The header's names, one a column; a header that lacks one is short of the row names or of the last columns."""
    names = list(first[:width])
    missing = width - len(names)
    if missing <= 0:
        return names
    numbers = [row[0].strip() for row in rest if len(row) == width]
    if missing == 1 and numbers and all(number.isdecimal() for number in numbers) and len(set(numbers)) == len(numbers):
        notes.append(f"The header names {len(names)} of {width} columns; the first column, which counts, has no name.")
        return ["", *names]
    notes.append(f"The header names {len(names)} of {width} columns; the last of them have no names.")
    return names + [""] * missing


def _width(rows: Sequence[PlattCalibration], first: Sequence[str], header: bool) -> int:
    """How many columns there are: as many as nearly all records have, where the header says otherwise."""
    if not header:
        return len(first)
    lengths = [len(cells) for _, cells in rows[1:]]
    if not lengths:
        return len(first)
    common = _common_length([cells for _, cells in rows[1:]])
    if lengths.count(common) < 0.95 * len(lengths):
        return len(first)
    return common if common > len(first) or not any(cell.strip() for cell in first[common:]) else len(first)


def _common_length(rows: Sequence[Sequence[str]]) -> int:
    lengths = Counter(map(len, rows))
    return max(lengths, key=lambda length: (lengths[length], length))


def _is_total(row: Sequence[str], before: Sequence[Sequence[str]], columns: int, least: int, whole: bool) -> bool:
    cells = [cell.strip() for cell in row]
    numbers = {place: number for place, cell in enumerate(cells) if (number := _number(cell)) is not None}
    if not numbers:
        return False
    word = next((place for place, cell in enumerate(cells) if cell and place not in numbers), None)
    labelled = word is not None and word < min(numbers) and bool(_TOTAL.fullmatch(cells[word]))
    return _is_sum_row(numbers, before, labelled, word is None, len(row) != columns or _filled(row) < least, whole)


def _is_sum_row(
    numbers: Mapping[int, float],
    before: Sequence[Sequence[str]],
    labelled: bool,
    wordless: bool,
    sparse: bool,
    whole: bool,
) -> bool:
    """Whether a row with these numbers, by place, sums up those before it.

    Args:
        numbers, before: of the row, and the rows above it.
        labelled: whether it is called a total.
        wordless: whether it holds nothing but numbers.
        sparse: whether it fills fewer cells than a record.
        whole: whether these are all rows, so that sums can be compared.
    """
    if not whole or (labelled and sparse):
        return labelled and sparse
    are_sums = [_is_sum(number, place, before) for place, number in numbers.items()]
    return any(are_sums) if labelled or (wordless and sparse) else len(are_sums) > 1 and all(are_sums)


def _is_sum(number: float, place: int, before: Sequence[Sequence[str]]) -> bool:
    """Whether a number is the sum of those before it in its column."""
    total = _sum([row[place] for row in before if place < len(row)])
    return bool(total) and abs((total or 0.0) - number) <= 0.011


def _block_of_remarks(rows: Sequence[Sequence[str]], columns: int) -> int:
    """How many rows after the last blank one are no records, because none has a record's length."""
    first = max(len(rows) - _MOST_FOOTERS, 3)
    blank = next((place for place in range(len(rows) - 1, first - 1, -1) if not _filled(rows[place])), len(rows))
    block = rows[blank + 1 :]
    if not block or _number(block[0][0].strip()) is not None or any(len(row) == columns for row in block):
        return 0
    return len(block)


def _is_remark(row: Sequence[str], columns: int, *, blank_before: bool) -> bool:
    text = row[0].strip() if row else ""
    if _filled(row) != 1 or " " not in text or columns < 2:
        return False
    return blank_before or len(row) != columns or bool(_REMARK.match(text))


def _sum(cells: Sequence[str]) -> float | None:
    numbers = [_number(cell.strip()) for cell in cells if cell.strip()]
    known = [number for number in numbers if number is not None]
    return sum(known) if len(known) > 1 and len(known) == len(numbers) else None


def _number(cell: str) -> float | None:
    """An amount in either notation ("1,234.50", "1.234,50 €"), None for anything else."""
    text = re.sub(r"[\s$€£'%]|\b(EUR|USD|GBP|CHF)\b", "", cell)
    if not re.fullmatch(r"[-+]?\d[\d.,]*", text):
        return None
    decimal = re.search(r"[.,](\d{1,2})$", text) or (re.search(r"[.](\d+)$", text) if text.count(".") == 1 else None)
    whole = re.sub(r"[.,]", "", text[: decimal.start()] if decimal else text)
    return float(f"{whole}.{decimal.group(1)}" if decimal else whole)


def _filled(cells: Sequence[str]) -> int:
    return sum(bool(cell.strip()) for cell in cells)
