"""Facts about a column whose type is wanted: what its values look like."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from dp_tools.profiling.cell_facts import number_of, shape_of
from dp_tools.profiling.value_kinds import commonest_kind
from dp_tools.records import is_missing, one_line

_READ = 1000
_SHOWN = 30
_NUMBERS = ("integer", "number")


def column_facts(values: Sequence[str | None]) -> tuple[str, ...]:
    """The evidence for a column, of which the first 1,000 filled cells are read, in a fixed form; () if none is filled.

    - `kind date 100%`: the kind that most values are of, where code knows one (see `KINDS`), and their share.
    - `numbers 1..95`: the least and the greatest number, where that kind is one of numbers.
    - `usual A9A 80%`: the shape of half the values or more (see `shape_of`), and their share.
    - `words 1..3`: the fewest and the most words in a value.
    - `4 of 5 distinct`: distinct values of those that are filled.
    """
    filled = [value.strip() for value in values if value is not None and not is_missing(value)][:_READ]
    if not filled:
        return ()
    facts = []
    kind, count = commonest_kind(filled)
    if kind:
        facts.append(f"kind {kind} {_share(count, filled)}")
    if kind in _NUMBERS:
        numbers = [number for value in filled if (number := number_of(value.replace(",", ""))) is not None]
        facts += [f"numbers {min(numbers):.10g}..{max(numbers):.10g}"] if numbers else []
    shape, count = Counter(map(shape_of, filled)).most_common(1)[0]
    if 2 * count >= len(filled):
        facts.append(f"usual {one_line(shape)[:_SHOWN]} {_share(count, filled)}")
    words = [len(value.split()) for value in filled]
    facts.append(f"words {min(words)}..{max(words)}")
    facts.append(f"{len(set(filled))} of {len(filled)} distinct")
    return tuple(facts)


def _share(count: int, filled: Sequence[str]) -> str:
    return f"{round(100 * count / len(filled))}%"
