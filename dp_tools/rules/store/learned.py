"""What people said of a dataset's cases, and what was learned of it: kept by dataset and task until it is removed.

Both hold values of the user's tables, so unlike rules they have no history: what is removed is gone.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Literal

from sqlite_utils import Database

from dp_tools.errors import InvalidRequest
from dp_tools.rules.scope import key
from dp_tools.rules.store.history import canonical

LearnedTask = Literal["cells", "pairs"]
"""What labels are about: the cells of a table, or pairs of records."""


@dataclass(frozen=True, slots=True)
class Label:
    """A case with what a person said of it.

    Args:
        case: what was asked, as JSON has it: of cells {"record": the record as found}, of pairs {"left": record,
            "right": record}. A case has one label; the later one holds.
        answer: of cells {"record": the record as it should be}, of pairs {"match": true or false}.
        who: the person.
        at: when, in UTC as ISO 8601.
    """

    case: dict[str, Any]
    answer: dict[str, Any]
    who: str = ""
    at: str = ""


@dataclass(frozen=True, slots=True)
class Learned:
    """What was learned of a dataset.

    Args:
        dataset: its name, as it was given.
        task: what it is for.
        version: counts up from 1 with each that is kept for the dataset and task.
        labels: how many labels it learned from.
        metric: what the scores are.
        before, after: the scores on labels held back, without and with it, 0 to 1.
        body: what the task needs to use it, as JSON has it.
        who: who had it learned.
        at: when, in UTC as ISO 8601.
    """

    dataset: str
    task: LearnedTask
    version: int
    labels: int
    metric: str
    before: float
    after: float
    body: dict[str, Any]
    who: str = ""
    at: str = ""

    @property
    def helps(self) -> bool:
        """Whether it was no worse on labels held back; otherwise it is kept but not used."""
        return self.after >= self.before


class LearnedTable:
    """The tables `labels` and `learned`. Every method runs in a read or a transaction of the store."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def add_labels(self, dataset: str, task: LearnedTask, labels: Sequence[Label], who: str) -> int:
        """Keep labels; one for a case that has one replaces it. Returns how many the dataset has now."""
        self._db.conn.executemany(
            "INSERT OR REPLACE INTO labels (dataset_key, task, [case], answer, who, at) VALUES (?, ?, ?, ?, ?, ?)",
            [(key(dataset), task, canonical(one.case), canonical(one.answer), who, _now()) for one in labels],
        )
        (count,) = self._db.execute(
            "SELECT count(*) FROM labels WHERE dataset_key = ? AND task = ?", [key(dataset), task]
        ).fetchone()
        return int(count)

    def labels(self, dataset: str, task: LearnedTask) -> tuple[Label, ...]:
        """The labels of a dataset, in the order in which their cases sort."""
        rows = self._db.execute(
            "SELECT [case], answer, who, at FROM labels WHERE dataset_key = ? AND task = ? ORDER BY [case]",
            [key(dataset), task],
        )
        return tuple(Label(json.loads(case), json.loads(answer), who, at) for case, answer, who, at in rows)

    def keep(self, learned: Learned, who: str) -> Learned:
        """Keep what was learned as the next version of its dataset and task."""
        dataset_key = key(learned.dataset)
        (newest,) = self._db.execute(
            "SELECT coalesce(max(version), 0) FROM learned WHERE dataset_key = ? AND task = ?",
            [dataset_key, learned.task],
        ).fetchone()
        kept = replace(learned, version=newest + 1, who=who, at=_now())
        scores = [kept.version, kept.labels, kept.metric, kept.before, kept.after]
        self._db.execute(
            "INSERT INTO learned (dataset_key, dataset, task, version, labels, metric, before, after, body, who, at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [dataset_key, kept.dataset, kept.task, *scores, canonical(kept.body), who, kept.at],
        )
        return kept

    def learned(self, dataset: str | None = None, task: LearnedTask | None = None) -> tuple[Learned, ...]:
        """What was learned, by dataset and task, the newest version first."""
        rows = self._db.execute(
            "SELECT dataset, task, version, labels, metric, before, after, body, who, at FROM learned"
            " WHERE coalesce(?, dataset_key) = dataset_key AND coalesce(?, task) = task"
            " ORDER BY dataset_key, task, version DESC",
            [None if dataset is None else key(dataset), task],
        )
        names = ("dataset", "task", "version", "labels", "metric", "before", "after", "body", "who", "at")
        found = (dict(zip(names, row, strict=True)) for row in rows)
        return tuple(Learned(**{**one, "body": json.loads(one["body"])}) for one in found)

    def remove(self, dataset: str, task: LearnedTask, version: int | None) -> int:
        """Remove one version of what was learned, or all of them together with the labels. Returns how many went.

        Raises:
            InvalidRequest: there is nothing to remove.
        """
        scope = [key(dataset), task]
        where = "dataset_key = ? AND task = ?"
        if version is not None:
            gone = self._db.execute(f"DELETE FROM learned WHERE {where} AND version = ?", [*scope, version]).rowcount
        else:
            gone = sum(
                self._db.execute(f"DELETE FROM {name} WHERE {where}", scope).rowcount for name in ("learned", "labels")
            )
        if not gone:
            which = "" if version is None else f" in version {version}"
            raise InvalidRequest(
                f"Nothing was learned of the {task} of {dataset}{which}; `dp-tools learned list` shows what is kept."
            )
        return gone


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
