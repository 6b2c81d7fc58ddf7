"""Mining: candidate rules found in a table by code, each with a check, its support and its confidence.

A candidate is a proposal: it says what is usual in this table, and a person says whether the exceptions are errors.
"""

from __future__ import annotations

import math
import re
import threading
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from dp_tools.errors import Cancelled, InvalidRequest, RuleRejected
from dp_tools.profiling.dependencies import determinants
from dp_tools.profiling.misspelling import Spelling
from dp_tools.profiling.placeholders import look_like_answers, placeholders
from dp_tools.profiling.truth_discovery import discover_truth
from dp_tools.profiling.value_formats import named_days, order_of
from dp_tools.profiling.value_patterns import RARE, SEEN, USUAL, usual_patterns
from dp_tools.progress import Progress
from dp_tools.records import is_missing
from dp_tools.rules.checks import JOIN, Check
from dp_tools.rules.discovery.pattern_rules import PLAIN, likeness, matching
from dp_tools.rules.discovery.record_rules import record_rules
from dp_tools.rules.record_checks import parts_of
from dp_tools.rules.rule import ALL, Rule
from dp_tools.rules.vetting import STATEMENT_BUDGET, vet

T = TypeVar("T")
Kind = Literal[
    "missing", "format", "day", "vocabulary", "misspelling", "range", "key", "dependency", "majority", "relation"
]

MIN_ROWS = 20
"""Rows below which nothing is usual."""
GAPS = 0.025
"""Share of missing cells up to which a gap is an exception."""
LISTED = 12
"""Values that a closed vocabulary may have."""
SPELLED = 2_000
"""Known values that a rule about spelling may list; a column with more is not a vocabulary."""
OUTNUMBERS = 20
"""How many times as frequent a value is than one that may be its misspelling."""
FENCE = 6.0
"""Interquartile ranges beyond the quartiles from which a number is out of range."""

_WORD = re.compile(r"[^\W\d_]")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A rule that the table mostly satisfies.

    Args:
        kind: how it was found.
        rule: the rule; source mined, status proposed.
        support: cells that it is about.
        confidence: share of them that satisfy it.
        exceptions: cells that break it.
        shown: up to five of the values that break it.
    """

    kind: Kind
    rule: Rule
    support: int
    confidence: float
    exceptions: int
    shown: tuple[str | None, ...]


def mine(
    records: Iterable[Mapping[str, str | None]],
    *,
    dataset: str = ALL,
    progress: Callable[[int, int], None] | None = None,
    cancel: threading.Event | None = None,
) -> tuple[Candidate, ...]:
    """Find candidate rules in a table.

    Args:
        records: the rows; every row has the same attributes.
        dataset: the dataset the rules are to hold for.
        progress: called with (steps done, steps in all).
        cancel: set it to stop.

    Returns:
        Candidates, attribute by attribute; those that every row keeps come with no exceptions.

    Raises:
        InvalidRequest: there are too few rows, or they have different attributes.
        Cancelled: `cancel` was set.
    """
    table = [dict(record) for record in records]
    if len(table) < MIN_ROWS:
        raise InvalidRequest(f"The table has {len(table)} rows; mining needs {MIN_ROWS} or more.")
    names = list(table[0])
    if any(list(row) != names for row in table):
        raise InvalidRequest("The rows have different attributes; give one table.")
    cells = {name: [row[name] for row in table] for name in names}
    steps = _Steps(3 * len(names) + 1, progress, cancel)
    columns: dict[str, list[str | None]] = {}
    found: list[Candidate] = []
    for name in steps.over(names, len(names)):
        column = [None if _gap(value) else str(value) for value in cells[name]]
        tokens = placeholders(Counter(value for value in column if value is not None))
        for kind, statement, check in _of_column(name, column, tokens, steps):
            found += _candidate(kind, statement, check, name, dataset, cells)
        columns[name] = [None if value in tokens else value for value in column] if tokens else column
    dependencies = list(determinants(columns, steps.part(2 * len(names))))
    for one in dependencies:
        steps.check()
        lookup = _lookup_check(one.by, one.of, {JOIN.join(key): value for key, value in one.values.items()})
        statement = f"{' and '.join(one.by)} {'determines' if len(one.by) == 1 else 'determine'} {one.of}."
        found += _candidate("dependency", statement[:STATEMENT_BUDGET], lookup, one.of, dataset, cells)
    known = {(one.by, one.of) for one in dependencies}
    for consensus in discover_truth(columns, steps.check):
        steps.check()
        if ((consensus.by,), consensus.of) not in known:
            lookup = _lookup_check((consensus.by,), consensus.of, consensus.values)
            statement = f"Most records of one {consensus.by} agree on {consensus.of}."
            found += _candidate("majority", statement[:STATEMENT_BUDGET], lookup, consensus.of, dataset, cells)
    for of, statement, check in record_rules(columns, steps.check):
        found += _candidate("relation", statement[:STATEMENT_BUDGET], check, of, dataset, cells)
    steps.finish()
    order = {name: position for position, name in enumerate(names)}
    return tuple(sorted(found, key=lambda candidate: order[candidate.rule.attribute]))


class _Steps:
    """Tells how far mining is, and stops it."""

    def __init__(self, total: int, progress: Callable[[int, int], None] | None, cancel: threading.Event | None) -> None:
        self._done, self._total, self._progress, self._cancel = 0, total, progress, cancel

    def over(self, items: Collection[T], steps: int) -> Iterator[T]:
        """The items, which take so many steps together."""
        start = self._done
        for number, item in enumerate(items):
            self._reach(start + steps * number // len(items))
            yield item
        self._reach(start + steps)

    def part(self, steps: int) -> Progress:
        """The progress of work that takes so many steps."""
        start = self._done
        return lambda done, total: self._reach(start + steps * done // max(total, 1))

    def finish(self) -> None:
        self._reach(self._total)

    def check(self) -> None:
        if self._cancel is not None and self._cancel.is_set():
            raise Cancelled("Mining was stopped.")

    def _reach(self, done: int) -> None:
        self.check()
        self._done = done
        if self._progress is not None:
            self._progress(done, self._total)


def _gap(value: str | None) -> bool:
    return value is None or is_missing(str(value))


def _of_column(
    name: str, column: Sequence[str | None], tokens: Collection[str], steps: _Steps
) -> Iterator[tuple[Kind, str, dict[str, Any] | None]]:
    """(kind, statement, check) of what is usual in one column; `tokens` are the texts in it that stand for no value."""
    filled = [value for value in column if value is not None]
    if len(filled) < MIN_ROWS:
        return
    counts = Counter(filled)
    yield from _missing(name, column, counts, tokens)
    real = Counter({value: count for value, count in counts.items() if value not in tokens})
    total = sum(real.values())
    if total < MIN_ROWS:
        return
    if len(real) >= 0.99 * total:
        yield "key", f"{name} tells records apart.", None
    known = {value: n for value, n in real.items() if n >= max(SEEN, 0.002 * total)}
    known = _without_lookalikes(known, steps)
    closed = len(known) <= LISTED and sum(known.values()) >= USUAL * total
    if closed and _is_closed(real, known):
        listed = sorted({*known, *look_like_answers(real)})
        yield "vocabulary", _listing(name, listed), {"enum": [*listed, None]}
        return
    patterns = usual_patterns(real, total)
    if patterns:
        yield "format", likeness(name, patterns), matching(patterns)
    if sum(count for value, count in real.items() if named_days(value)) >= USUAL * total:
        order = order_of(real)
        statement = f"{name} is a day that exists{f', the {order}' if order else ''}."
        yield "day", statement, {"type": ["string", "null"], "x-day": order or True}
    worded = sum(count for value, count in known.items() if _WORD.search(value))
    if 0 < len(known) <= SPELLED and sum(known.values()) >= 0.5 * total and worded >= 0.5 * sum(known.values()):
        yield "misspelling", f"{name} is spelt as elsewhere in the table.", {"x-near": sorted(known)}
    yield from _range(name, real, total)


def _missing(
    name: str, column: Sequence[str | None], counts: Counter[str], tokens: Collection[str]
) -> Iterator[tuple[Kind, str, dict[str, Any]]]:
    gaps = len(column) - sum(counts.values())
    never = 0 < gaps <= GAPS * len(column)
    if tokens or never:
        check: dict[str, Any] = {"not": {"enum": sorted(tokens)}} if tokens else {}
        statement = f"{name} is never missing." if never else f"{name} is left empty when unknown."
        yield "missing", statement, {"type": "string" if never else ["string", "null"], **check}


def _without_lookalikes(known: dict[str, int], steps: _Steps) -> dict[str, int]:
    """Known values without those that look like a misspelling of one that is much more frequent."""
    kept = dict(known)
    if len(known) > SPELLED:
        return kept
    spellings: dict[int, Spelling] = {}
    for value, count in known.items():
        steps.check()
        if count not in spellings:
            spellings[count] = Spelling(other for other, times in known.items() if times >= OUTNUMBERS * count)
        if spellings[count].meant(value):
            del kept[value]
    return kept


def _is_closed(real: Counter[str], known: Mapping[str, int]) -> bool:
    """Whether what lies outside the known values looks like exceptions: each rare beside the rarest known value."""
    outside = [count for value, count in real.items() if value not in known]
    return len(known) >= 1 and (not outside or max(outside) < max(SEEN, min(known.values()) + 1))


def _listing(name: str, values: Sequence[str]) -> str:
    if len(values) <= 6 and all(PLAIN.fullmatch(value) for value in values):
        return f"{name} is one of: {', '.join(values)}."
    return f"{name} is one of {len(values)} known values."


def _range(name: str, real: Counter[str], total: int) -> Iterator[tuple[Kind, str, dict[str, Any]]]:
    numbers = sorted(
        number for value, count in real.items() if (number := _number(value)) is not None for _ in range(count)
    )
    if len(numbers) < USUAL * total or len(set(numbers)) < 10:
        return
    low, high = numbers[len(numbers) // 4], numbers[3 * len(numbers) // 4]
    reach = FENCE * (high - low)
    inside = [number for number in numbers if low - reach <= number <= high + reach]
    if reach == 0 or len(numbers) - len(inside) > RARE * len(numbers):
        return
    negatives = sum(1 for number in inside if number < 0)
    if negatives <= RARE * len(inside):
        inside = [number for number in inside if number >= 0]
    bounds = {"minimum": inside[0], "maximum": inside[-1]}
    yield (
        "range",
        f"{name} lies between {inside[0]:g} and {inside[-1]:g}.",
        {"x-when": {"type": "number"}, "type": "number", **bounds},
    )


def _number(value: str) -> float | None:
    try:
        number = float(value)
    except ValueError:
        return None
    return number if math.isfinite(number) and re.fullmatch(r"[-+0-9.eE]+", value.strip()) else None


def _lookup_check(by: tuple[str, ...], of: str, values: dict[str, str]) -> dict[str, Any]:
    return {"type": "object", "x-lookup": {"by": list(by), "of": of, "values": values}}


def compared_with(check: Mapping[str, Any] | None, attribute: str) -> tuple[str, ...]:
    """The other attributes of the record that a check holds an attribute against."""
    names = check["x-lookup"]["by"] if check and "x-lookup" in check else parts_of(check)
    return tuple(name for name in names if name != attribute)


def _candidate(
    kind: Kind,
    statement: str,
    check: dict[str, Any] | None,
    attribute: str,
    dataset: str,
    cells: Mapping[str, Sequence[str | None]],
) -> list[Candidate]:
    """The candidate with what the table says about it; none where the rule would not be acceptable knowledge."""
    slug = re.sub(r"[^a-z0-9]+", "-", f"{dataset} {attribute}".casefold()).strip("-") or "table"
    beside = compared_with(check, attribute)
    tail = re.sub(r"[^a-z0-9]+", "-", f"{kind} {'-'.join(beside)}".casefold()).strip("-")
    rule = Rule(
        id=f"mined-{slug[:50]}-{tail[:40]}".rstrip("-"),
        task="match_entities" if kind == "key" else "detect_errors",
        dataset=dataset,
        attribute=attribute,
        statement=statement,
        check=check,
        source="mined",
        status="proposed",
    )
    try:
        vet(rule)
    except RuleRejected:
        return []
    records = len(cells[attribute])
    if check is None:
        return [Candidate(kind, rule, records, 1.0, 0, ())]
    compiled = Check.of(rule)
    looked_at = [*beside, attribute]
    judged = exceptions = 0
    broken: dict[str | None, None] = {}
    for values, times in Counter(zip(*(cells[name] for name in looked_at), strict=True)).items():
        case = {"record": dict(zip(looked_at, values, strict=True)), "attribute": attribute, "value": values[-1]}
        verdict = compiled.judge(case)
        if verdict is not None or compiled.value_for(case) is not None:
            judged += times
        if verdict is False:
            exceptions += times
            broken.setdefault(values[-1])
    judged = judged or records
    return [Candidate(kind, rule, judged, 1 - exceptions / judged, exceptions, tuple(broken)[:5])]
