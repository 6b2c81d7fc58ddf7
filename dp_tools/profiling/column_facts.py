"""Facts about a column whose type is to be determined."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from dp_tools.profiling.columns import number_of
from dp_tools.profiling.facts import CommonKind, DistinctValues, Fact, NumberRange, UsualShape, WordsPerValue
from dp_tools.profiling.value_kinds import commonest_kind
from dp_tools.profiling.value_patterns import shape_of
from dp_tools.records import is_missing

_READ = 1000
_NUMBERS = ("integer", "number")


def column_facts(values: Sequence[str | None]) -> tuple[Fact, ...]:
    """The facts about a column, of which the first 1,000 filled cells are read; () if none is filled.

    They are `CommonKind`, `NumberRange`, `UsualShape`, `WordsPerValue` and `DistinctValues`, each left out where it
    says nothing.
    """
    filled = [value.strip() for value in values if value is not None and not is_missing(value)][:_READ]
    if not filled:
        return ()
    facts: list[Fact] = []
    kind, count = commonest_kind(filled)
    if kind:
        facts.append(CommonKind(kind, count, len(filled)))
    if kind in _NUMBERS:
        numbers = [number for value in filled if (number := number_of(value.replace(",", ""))) is not None]
        facts += [NumberRange(min(numbers), max(numbers))] if numbers else []
    shape, count = Counter(map(shape_of, filled)).most_common(1)[0]
    if 2 * count >= len(filled):
        facts.append(UsualShape(shape, count, len(filled)))
    words = [len(value.split()) for value in filled]
    facts.append(WordsPerValue(min(words), max(words)))
    facts.append(DistinctValues(len(set(filled)), len(filled)))
    return tuple(facts)
