"""Other tools on the same lists: Splink and its comparison library, GoldenMatch without configuration, equal values."""

from __future__ import annotations

import re
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from itertools import combinations
from typing import Any

from dp_tools.profiling.column_kinds import kinds_of
from dp_tools.profiling.column_pairs import ColumnSummary, column_verdicts
from dp_tools.profiling.comparisons.folding import digits, folded
from dp_tools.profiling.kind import Kind
from lab.benchmarks.lists import Found, KnownList, Pair
from lab.synthetic.lists.listing import Record

_NOT_LETTER = re.compile(r"[\W_]+")
_TELLING = 0.5
"""Different values of a column, as a share of the filled ones, from which on equal values say something."""
_LEFT_OUT: frozenset[Kind] = frozenset({"serial number", "source label", "time of export"})
_SHARED_BY_FEW: tuple[Kind, ...] = ("email", "telephone", "person name", "last name", "company", "street", "postcode")
_WORDED: frozenset[Kind] = frozenset({"person name", "last name", "company", "street"})
_BEGINNING = 4
_SUBSCRIBER = 8
_ROW = "unique_id"


def equal_values(known: KnownList) -> Found:
    """Records are the same where they have a telling value in common, apart from case and punctuation."""
    started = time.perf_counter()
    columns = [name for name in known.left[0] if _is_telling([record[name] for record in known.left])]
    pairs: set[Pair] = set()
    for name in columns:
        left = _places(known.left, name)
        if known.right is None:
            pairs |= {pair for places in left.values() for pair in combinations(places, 2)}
        elif name in known.right[0]:
            right = _places(known.right, name)
            pairs |= {(a, b) for value, places in left.items() for a in places for b in right.get(value, ())}
    return Found(frozenset(pairs), time.perf_counter() - started)


def _aligned(known: KnownList) -> tuple[Sequence[Record], Sequence[Record] | None]:
    """The tables, the columns of the second one under the names of their counterparts in the first, and no others."""
    if known.right is None:
        return known.left, None
    left, right = (
        ColumnSummary.of_table([(name, [record[name] for record in side]) for name in side[0]])
        for side in (known.left, known.right)
    )
    found = column_verdicts(left, right)
    names = {left[a].name: right[b].name for (a, b), verdict in found.items() if verdict.same}
    return (
        [{name: record[name] for name in names} for record in known.left],
        [{name: record[other] for name, other in names.items()} for record in known.right],
    )


def _is_telling(values: Sequence[str]) -> bool:
    filled = [value for value in values if value]
    return len(set(filled)) >= _TELLING * max(1, len(filled))


def _places(records: Sequence[Record], name: str) -> Mapping[str, list[int]]:
    found: dict[str, list[int]] = defaultdict(list)
    for place, record in enumerate(records):
        if value := _NOT_LETTER.sub("", record[name].casefold()):
            found[value].append(place)
    return found


def splink(known: KnownList) -> Found:
    """Splink 5 as its documentation begins: comparisons of its library by the kind of each column, trained by EM.

    The columns are chosen by their kinds, as a user would; blocking is on equal values, or beginnings of values, of
    those that few share. Columns of two tables are aligned by `column_verdicts`.
    """
    import pandas as pd
    import splink.comparison_library as library
    from splink import Linker, SettingsCreator, block_on
    from splink.backends.duckdb import DuckDBAPI
    from splink.internals.exceptions import EMTrainingException

    started = time.perf_counter()
    left, right = _aligned(known)
    kinds = {name: found.kind for name, found in kinds_of({n: [r[n] for r in left] for n in left[0]}).items()}
    described = [name for name in left[0] if name != next(iter(known.left[0]))]
    used = [name for name in described if kinds[name] not in _LEFT_OUT and _varies(left, name)]
    comparisons: list[Any] = []
    for name in used:
        if kinds[name] == "email":
            comparisons.append(library.EmailComparison(name))
        elif kinds[name] in ("person name", "first name", "last name"):
            comparisons.append(library.NameComparison(name))
        else:
            comparisons.append(library.JaroWinklerAtThresholds(name, [0.95, 0.85]))
    shared = [name for kind in _SHARED_BY_FEW for name in used if kinds[name] == kind] or used
    blocking: list[Any] = [block_on(name) for name in shared]
    blocking += [block_on(f"substr({name}, 1, {_BEGINNING})") for name in shared if kinds[name] in _WORDED]
    sides = [left] if right is None else [left, right]
    api: Any = DuckDBAPI()
    tables = []
    for number, side in enumerate(sides):
        rows = [
            {_ROW: place, **{name: _plain(record[name], kinds[name]) for name in used}}
            for place, record in enumerate(side)
        ]
        tables.append(api.register(pd.DataFrame(rows), dataset_display_name=f"side_{number}"))
    settings = SettingsCreator(
        link_type="dedupe_only" if known.right is None else "link_only",
        comparisons=comparisons,
        blocking_rules_to_generate_predictions=blocking,
    )
    linker: Any = Linker(tables[0] if len(tables) == 1 else tables, settings, log_level=50)
    linker.training.estimate_probability_two_random_records_match(blocking[:2], recall=0.7)
    linker.training.estimate_u_using_random_sampling(max_pairs=1e6, seed=1)
    for rule in blocking[:3]:
        # On a small list a rule or a level may have no pair at all, which Splink refuses; other rules train then.
        with suppress(ValueError, EMTrainingException):
            linker.training.estimate_parameters_using_expectation_maximisation(rule, record_sample_proportion=1.0)
    predicted = linker.inference.predict(threshold_match_probability=0.0).as_pandas_dataframe()
    looked = _numbered(predicted.itertuples(), known)
    sure = _numbered(predicted[predicted["match_probability"] >= 0.5].itertuples(), known)
    return Found(sure, time.perf_counter() - started, looked)


def _plain(value: str, kind: Kind) -> str | None:
    """A value as one cleans it for Splink: lower case, without accents, of telephones the last digits."""
    if kind == "telephone":
        return digits(value)[-_SUBSCRIBER:] or None
    return (value.strip().lower() if kind == "email" else folded(value)) or None


def _varies(records: Sequence[Record], name: str) -> bool:
    return len({record[name] for record in records}) > 2


def _numbered(rows: Iterable[Any], known: KnownList) -> frozenset[Pair]:
    found = set()
    for row in rows:
        left, right = int(row.unique_id_l), int(row.unique_id_r)
        if known.right is None:
            left, right = min(left, right), max(left, right)
        elif row.source_dataset_l > row.source_dataset_r:
            left, right = right, left
        found.add((left, right))
    return frozenset(found)


def golden_match(known: KnownList) -> Found:
    """GoldenMatch as it configures itself; of two tables it is given one after the other, and pairs across count."""
    import goldenmatch
    import polars as pl

    started = time.perf_counter()
    size = len(known.left)
    left, right = _aligned(known)
    result = goldenmatch.dedupe_df(pl.DataFrame([*left, *(right or ())]))
    pairs = {pair for cluster in result.clusters.values() for pair in combinations(sorted(cluster["members"]), 2)}
    if known.right is not None:
        pairs = {(a, b - size) for a, b in pairs if a < size <= b}
    return Found(frozenset(pairs), time.perf_counter() - started)
