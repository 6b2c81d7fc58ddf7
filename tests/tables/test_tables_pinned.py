"""The facts about tables of usual size stay as they were when the adapter was trained, byte for byte.

`python tests/tables/test_tables_pinned.py FILE...` prints the digests of other tables, to compare commits.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from dp_tools.profiling import RecordFacts, rendered
from dp_tools.tables.snapshot import open_table
from dp_tools.tables.table_facts import TableFacts
from lab.synthetic.wide_tables import write_wide

EXAMPLES = Path(__file__).parent.parent.parent / "examples"
ROWS = 300
PINNED = {
    "10 columns": {"table": "0c6e736d9ef834b6", "batch": "ea7e7f41e5738e37"},
    "30 columns": {"table": "08ca361280bc8f1c", "batch": "08ca361280bc8f1c"},
    "catalogue_a.csv": {"table": "fba11c85d124f88c", "batch": "fba11c85d124f88c"},
    "catalogue_b.csv": {"table": "62a8248c9af325a9", "batch": "62a8248c9af325a9"},
    "catalogue_matches.csv": {"table": "45b677d6bd6cea6f", "batch": "45b677d6bd6cea6f"},
    "orders_clean.csv": {"table": "fc2ecb2df6f935dd", "batch": "fc2ecb2df6f935dd"},
    "orders_dirty.csv": {"table": "88d2b71e19460cfe", "batch": "88d2b71e19460cfe"},
}


def digests(path: Path) -> dict[str, str]:
    """Digests of the facts that a table gives about all its cells and gaps, and its first records as a batch."""
    with open_table(path) as table:
        records = [record for _, record in table.records()]
        facts = {"table": TableFacts(table), "batch": RecordFacts(records[:ROWS])}
    return {name: _digest(_facts(facts_by_kind, records[:ROWS])) for name, facts_by_kind in facts.items()}


def _facts(facts: RecordFacts, records: list[dict[str, str | None]]) -> Iterator[tuple[str, ...]]:
    for record in records:
        for name in record:
            yield rendered(facts.about(record, name))
            yield rendered(facts.group_evidence({**record, name: None}, name))


def _digest(lines: Iterable[object]) -> str:
    text = "\n".join(json.dumps(line, ensure_ascii=False) for line in lines)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def tables(folder: Path) -> dict[str, Path]:
    """The tables that are pinned, by name."""
    made = {f"{columns} columns": (rows, columns) for rows, columns in ((400, 10), (250, 30))}
    written = {name: write_wide(folder / f"{name}.csv", *shape, seed=3) for name, shape in made.items()}
    return {path.name: path for path in EXAMPLES.glob("*.csv")} | written


@pytest.mark.parametrize("name", PINNED)
def test_facts_are_what_the_adapter_was_trained_on(name: str, tmp_path: Path) -> None:
    assert digests(tables(tmp_path)[name]) == PINNED[name]


if __name__ == "__main__":
    for argument in sys.argv[1:]:
        sys.stdout.write(json.dumps({argument: digests(Path(argument))}) + "\n")
