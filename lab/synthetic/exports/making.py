"""How a pair of exports is put together from what is true of things and from how two systems write it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from random import Random

Fact = str | int | float | bool | date
Facts = Mapping[str, Fact]
"""What is true of a thing, by concept."""
Writer = Callable[[str, Fact], str]
"""How a system writes the fact of a concept."""


@dataclass(frozen=True, slots=True)
class System:
    """A system.

    Args:
        name: which it is.
        columns: the name of its column for each concept that it has.
        write: how it writes values.
    """

    name: str
    columns: Mapping[str, str]
    write: Writer


@dataclass(frozen=True, slots=True)
class Export:
    """A table out of a system: its columns, and its rows."""

    system: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class ExportPair:
    """Two exports, and which column of the first is which of the second; the others have no counterpart."""

    left: Export
    right: Export
    mapping: Mapping[str, str]


def lexicon(table: str) -> dict[str, dict[str, str]]:
    """The names of concepts by system, from lines of "concept | name | name", the first of which names the systems.

    A dash is a concept that a system does not have.
    """
    lines = [[cell.strip() for cell in line.split("|")] for line in table.strip().splitlines()]
    systems = lines[0][1:]
    return {
        system: {line[0]: line[place] for line in lines[1:] if line[place] != "-"}
        for place, system in enumerate(systems, start=1)
    }


def pair(random: Random, systems: Sequence[System], things: Sequence[Facts], *, gap: float) -> ExportPair:
    """Exports of overlapping parts of some things out of two systems.

    Args:
        random: what is drawn.
        systems: two are chosen.
        things: what there is; each export has two thirds of it.
        gap: the share of values that are missing in columns that have gaps.
    """
    first, second = random.sample(list(systems), 2)
    concepts = [concept for concept in first.columns if concept in second.columns]
    # Either side lacks two concepts of the other.
    dropped = random.sample(concepts, 4)
    kept = [
        [concept for concept in system.columns if concept in things[0] and concept not in lacking]
        for system, lacking in ((first, dropped[:2]), (second, dropped[2:]))
    ]
    for order in kept:
        for _ in range(3):
            order.insert(random.randrange(len(order)), order.pop(random.randrange(len(order))))
    size = 2 * len(things) // 3
    exports = [
        _export(random, system, order, random.sample(list(things), size), gap)
        for system, order in zip((first, second), kept, strict=True)
    ]
    mapping = {first.columns[concept]: second.columns[concept] for concept in kept[0] if concept in kept[1]}
    return ExportPair(exports[0], exports[1], mapping)


def _export(random: Random, system: System, concepts: Sequence[str], things: Sequence[Facts], gap: float) -> Export:
    gappy = {concept for concept in concepts[1:] if random.random() < 0.3}

    def cell(thing: Facts, concept: str) -> str:
        return "" if concept in gappy and random.random() < gap else system.write(concept, thing[concept])

    rows = tuple(tuple(cell(thing, concept) for concept in concepts) for thing in things)
    return Export(system.name, tuple(system.columns[concept] for concept in concepts), rows)


def with_unknown_names(random: Random, given: ExportPair, share: float) -> ExportPair:
    """A pair in whose second export a share of the columns has names that nobody understands."""
    names = {
        name: f"{random.choice('QXZV')}{place}" if random.random() < share else name
        for place, name in enumerate(given.right.columns, start=10)
    }
    right = replace(given.right, columns=tuple(names[name] for name in given.right.columns))
    return ExportPair(given.left, right, {name: names[other] for name, other in given.mapping.items()})


def with_little_in_common(given: ExportPair) -> ExportPair:
    """A pair whose exports hold hardly any thing that the other one holds."""
    middle = len(given.left.rows) // 2
    left = replace(given.left, rows=tuple(sorted(given.left.rows)[:middle]))
    return ExportPair(left, replace(given.right, rows=tuple(sorted(given.right.rows)[middle:])), given.mapping)
