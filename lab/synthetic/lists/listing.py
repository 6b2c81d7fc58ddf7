"""A synthetic list with its truth: which records are the same thing."""

from __future__ import annotations

import csv
import json
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from random import Random

Record = dict[str, str]
"""A record by its columns' names; an empty text where it has no value."""


@dataclass(frozen=True, slots=True)
class SyntheticList:
    """Records and the entity that each one stands for.

    Args:
        kind: contacts, companies, patients, properties or inventory.
        records: in random order, all with the same columns.
        entities: the entity of each record, in the records' order.
    """

    kind: str
    records: tuple[Record, ...]
    entities: tuple[str, ...]

    @classmethod
    def shuffled(
        cls, random: Random, kind: str, written: Sequence[tuple[str, Record]], key: Callable[[int], Record]
    ) -> SyntheticList:
        """A list of (entity, record) pairs in random order, with a record key in the first column.

        Args:
            random: what is drawn.
            kind: see the class.
            written: the entity of each record, and the record.
            key: the record's key as a column, from its position.
        """
        order = list(written)
        random.shuffle(order)
        records = tuple({**key(place), **record} for place, (_, record) in enumerate(order))
        return cls(kind, records, tuple(entity for entity, _ in order))

    @property
    def pairs(self) -> frozenset[tuple[int, int]]:
        """The positions of two records that are the same, the smaller one first."""
        members: dict[str, list[int]] = defaultdict(list)
        for place, entity in enumerate(self.entities):
            members[entity].append(place)
        return frozenset(pair for places in members.values() for pair in combinations(places, 2))

    def halves(self) -> tuple[SyntheticList, SyntheticList]:
        """The list as two tables with at most one record of an entity in each, for matching one with the other."""
        home: dict[str, int] = {}
        sides: tuple[list[int], list[int]] = ([], [])
        complete: set[str] = set()
        for place, entity in enumerate(self.entities):
            # First records go left and right by turns, so that either table has things that the other has not.
            if entity not in home:
                home[entity] = len(home) % 2
                sides[home[entity]].append(place)
            elif entity not in complete:
                complete.add(entity)
                sides[1 - home[entity]].append(place)
        left, right = (
            SyntheticList(self.kind, tuple(self.records[n] for n in side), tuple(self.entities[n] for n in side))
            for side in sides
        )
        return left, right

    def write(self, folder: Path, name: str) -> Path:
        """Write NAME.csv and NAME.truth.json into a folder, and return the path of the CSV file."""
        target = folder / f"{name}.csv"
        with target.open("w", newline="", encoding="utf-8") as file:
            lines = csv.DictWriter(file, list(self.records[0]))
            lines.writeheader()
            lines.writerows(self.records)
        truth: Mapping[str, object] = {"entity_of_row": self.entities}
        target.with_suffix(".truth.json").write_text(json.dumps(truth, ensure_ascii=False), encoding="utf-8")
        return target
