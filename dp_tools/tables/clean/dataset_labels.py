"""The labelled rows of a dataset: those that are given with a table, and those that were kept of earlier ones."""

from __future__ import annotations

from dp_tools.rules.store.knowledge_store import KnowledgeStore
from dp_tools.rules.store.learned import Label
from dp_tools.tables.labelled.labelled_rows import LabelledRows, labelled_rows
from dp_tools.tables.snapshot import Table


def dataset_labels(
    knowledge: KnowledgeStore, dataset: str | None, table: Table, labelled: Table | None, *, who: str
) -> LabelledRows | None:
    """What is labelled of a table, or of earlier ones of its dataset; None without any. Labels that are given are kept.

    Args:
        knowledge: where labels are kept.
        dataset: the name of the dataset; without one nothing is kept.
        table: the table.
        labelled: some of its rows as they should be (see `labelled_rows`).
        who: gives them.

    Raises:
        InvalidRequest: a labelled row cannot be found, or a column is unknown.
    """
    given = LabelledRows({}, ()) if labelled is None else labelled_rows(table, labelled)
    if dataset is None:
        return given if given.rows else None
    if given.rows:
        found = given.found(table)
        labels = [Label({"record": dict(found[row])}, {"record": dict(given.rows[row])}) for row in given.rows]
        knowledge.add_labels(dataset, "cells", labels, who=who)
    kept = knowledge.labels(dataset, "cells")
    all_ = given.with_earlier(table, [(one.case["record"], one.answer["record"]) for one in kept])
    return all_ if all_.rows else None
