"""Cases that jobs leave to a person, most uncertain first; an answer becomes a labelled example."""

from __future__ import annotations

import json
import re
import sqlite3
import time
from collections.abc import Collection, Sequence
from typing import Any

from filelock import FileLock

from dp_tools.errors import InvalidRequest
from dp_tools.rules.rule import ALL, REVIEWED, Example, Rule
from dp_tools.rules.store.knowledge_store import KnowledgeStore
from dp_tools.tables.jobs.job_store import JobStore
from dp_tools.tables.jobs.results import Review, ReviewKind

_ANSWERS = {"detect_errors": "yes, no, or the right value", "match_entities": "yes or no"}
"""How cases are answered, by task; others by the value."""
_SHORT = ("y", "n", "ye", "ys", "yep", "yeah", "nope")
"""What people type for yes or no, and what few cells hold."""


def next_reviews(store: JobStore, job: str | None = None, limit: int = 10, offset: int = 0) -> tuple[list[Review], int]:
    """The open cases that are least certain, and how many are open in all.

    Args:
        store: the jobs.
        job: only those of this job.
        limit: how many, at most 100.
        offset: how many of the least certain to leave out.

    Raises:
        InvalidRequest: there is no such job.
    """
    if job is not None:
        store.row(job)
    cases = _open_cases(store) + ("" if job is None else " AND reviews.job = :job")
    values = {"job": job, "limit": max(1, min(limit, 100)), "offset": offset, **store.me}
    with store.connected() as connection:
        rows = connection.execute(
            f"SELECT reviews.* {cases} ORDER BY abs(confidence - 0.5), reviews.id LIMIT :limit OFFSET :offset", values
        ).fetchall()
        (count,) = connection.execute(f"SELECT count(*) {cases}", values).fetchone()
    return [_review(row) for row in rows], int(count)


def review_kinds(store: JobStore) -> list[ReviewKind]:
    """The kinds of cases that jobs left to a person, those with the most open ones first."""
    with store.connected() as connection:
        rows = connection.execute(
            "SELECT reviews.job, task, attribute, sum(reviews.status = 'open') AS open, "
            "sum(reviews.status = 'answered') AS answered FROM reviews JOIN jobs ON jobs.id = reviews.job "
            f"WHERE {store.mine} GROUP BY reviews.job, task, attribute ORDER BY open DESC, reviews.job",
            store.me,
        ).fetchall()
    return [ReviewKind(**row) for row in rows]


def reviews_of_kind(
    store: JobStore, job: str, task: str, attribute: str | None, limit: int, offset: int = 0
) -> list[Review]:
    """The open cases of a kind, most certain first: those that can be answered together.

    Raises:
        InvalidRequest: there is no such job.
    """
    store.row(job)
    with store.connected() as connection:
        rows = connection.execute(
            f"SELECT reviews.* {_open_cases(store)} AND reviews.job = :job AND task = :task "
            "AND attribute IS :attribute ORDER BY abs(confidence - 0.5) DESC, reviews.id LIMIT :limit OFFSET :offset",
            {"job": job, "task": task, "attribute": attribute, "limit": limit, "offset": offset, **store.me},
        ).fetchall()
    return [_review(row) for row in rows]


def reviews_of_job(store: JobStore, job: str) -> list[Review]:
    """All cases of a job, open and answered.

    Raises:
        InvalidRequest: there is no such job.
    """
    store.row(job)
    with store.connected() as connection:
        rows = connection.execute("SELECT * FROM reviews WHERE job = ? ORDER BY row, id", (job,)).fetchall()
    return [_review(row) for row in rows]


def open_review(store: JobStore, review: int) -> Review:
    """One open case.

    Raises:
        InvalidRequest: there is no such open case.
    """
    with store.connected() as connection:
        return _review(_row(connection, store, review))


def is_open(store: JobStore, review: int) -> bool:
    """Whether there is such an open case."""
    try:
        open_review(store, review)
    except InvalidRequest:
        return False
    return True


def answer_review(
    store: JobStore,
    knowledge: KnowledgeStore,
    review: int,
    answer: str,
    *,
    who: str,
    is_person: bool = True,
    also: Collection[int] = (),
) -> Rule:
    """Keep the answer to a case as a labelled example, which decides that case from now on.

    A person may answer a case again: the new answer takes the place of the old one.

    Args:
        store: the jobs.
        knowledge: where the example goes.
        review: the number of the case.
        answer: yes or no (is the value wrong? are they the same?), or the value that belongs there; of a cell the
            value says as well that what stands there is wrong.
        who: who answered.
        is_person: whether a person did; otherwise the example is a proposal until a person accepts it.
        also: further cases of the same kind with the same answer.

    Returns:
        The rule that holds the example.

    Raises:
        InvalidRequest: there is no such open case, the answer does not fit it, or the cases are not of one kind.
    """
    with FileLock(store.folder / "reviews.lock", timeout=30), store.connected() as connection:
        rows = [_row(connection, store, one, answered=is_person) for one in dict.fromkeys([review, *also])]
        first = rows[0]
        if odd := next((row for row in rows if _scope(row) != _scope(first)), None):
            raise InvalidRequest(
                f"Cases {review} and {odd['id']} are not of one kind: answer cases together that have the same task, "
                "dataset and attribute."
            )
        label = answer.strip()
        if not label:
            raise InvalidRequest("An answer cannot be blank: say yes, no, or the value.")
        if first["task"] in _ANSWERS and label.lower() in ("yes", "no"):
            label = label.lower()
        elif first["task"] == "match_entities":
            raise InvalidRequest(f"Case {review} is answered with yes or no, not {answer!r}.")
        elif first["task"] in _ANSWERS and label.lower() in _SHORT and label != first["proposal"]:
            raise InvalidRequest(f"{label!r} would be taken for the right value: say yes or no in full.")
        rule = _keep_all(knowledge, rows, label, who, is_person)
        connection.executemany(
            "UPDATE reviews SET status = 'answered', answer = ?, who = ?, answered = ? WHERE id = ?",
            [(label, who, time.time(), row["id"]) for row in rows],
        )
    return rule


def _scope(row: sqlite3.Row) -> tuple[str, str, str]:
    """Task, dataset and attribute of a case."""
    return row["task"], row["dataset"] or ALL, row["attribute"] or ALL


def _open_cases(store: JobStore) -> str:
    return f"{_known_cases(store)} AND reviews.status = 'open'"


def _known_cases(store: JobStore) -> str:
    return f"FROM reviews JOIN jobs ON jobs.id = reviews.job WHERE {store.mine}"


def _row(connection: sqlite3.Connection, store: JobStore, review: int, *, answered: bool = False) -> sqlite3.Row:
    cases = _known_cases(store) if answered else _open_cases(store)
    query = f"SELECT reviews.* {cases} AND reviews.id = :review"
    row: sqlite3.Row | None = connection.execute(query, {"review": review, **store.me}).fetchone()
    if row is None:
        raise InvalidRequest(f"There is no open case {review}; ask for the next ones.")
    return row


def _keep_all(knowledge: KnowledgeStore, rows: Sequence[sqlite3.Row], label: str, who: str, is_person: bool) -> Rule:
    """Keep what an answer says; the right value of a cell says what belongs there, and that it is wrong."""
    task = str(rows[0]["task"])
    cases = [json.loads(row["subject"]) for row in rows]
    if task != "detect_errors" or label in ("yes", "no"):
        return _keep(knowledge, rows, task, [(case, label) for case in cases], who, is_person)
    rests = [{name: value for name, value in case["record"].items() if name != case["attribute"]} for case in cases]
    gaps = [({"record": rest, "attribute": case["attribute"]}, label) for rest, case in zip(rests, cases, strict=True)]
    _keep(knowledge, rows, "impute", gaps, who, is_person)
    judged = [(case, "no" if case["value"] == label else "yes") for case in cases]
    return _keep(knowledge, rows, task, judged, who, is_person)


def _keep(
    knowledge: KnowledgeStore,
    rows: Sequence[sqlite3.Row],
    task: str,
    answered: Sequence[tuple[dict[str, Any], str]],
    who: str,
    is_person: bool,
) -> Rule:
    """Keep cases with their labels as examples of one rule."""
    cases = [case for case, _ in answered]
    distinct = [case for place, case in enumerate(cases) if case not in cases[:place]]
    examples = tuple(Example(case=case, label=answered[cases.index(case)][1]) for case in distinct)
    _, dataset, attribute = _scope(rows[0])
    parts = (re.sub(r"[^a-z0-9]+", "-", part.lower()).strip("-") or "x" for part in (task, dataset, attribute))
    new = Rule(
        id=f"reviewed-{'-'.join(parts)}"[:80],
        task=task,
        dataset=dataset,
        attribute=attribute,
        statement=REVIEWED,
        examples=examples,
        source="person" if is_person else "agent",
    )
    more = f" and {len(rows) - 1:,} more" if len(rows) > 1 else ""
    why = f"answer to case {rows[0]['id']}{more} of job {rows[0]['job']}"
    if not is_person:
        # Under a name of its own: what persons said later must not wait for the proposal to be accepted.
        return knowledge.propose(new.model_copy(update={"id": f"{new.id}-proposed"}), who=who, why=why)
    try:
        known = knowledge.get(new.id)
    except InvalidRequest:
        return knowledge.add(new, who=who, why=why)
    others = [kept for kept in known.examples if kept.case not in distinct]
    return knowledge.change(known.id, who=who, why=why, examples=[*others, *examples])


def _review(row: sqlite3.Row) -> Review:
    return Review(
        id=row["id"],
        job=row["job"],
        question=row["question"],
        case=json.loads(row["subject"]),
        proposal=row["proposal"],
        confidence=row["confidence"],
        answers=_ANSWERS.get(row["task"], "the value"),
        task=row["task"],
        dataset=row["dataset"],
        attribute=row["attribute"],
        row=row["row"],
        answer=row["answer"],
    )
