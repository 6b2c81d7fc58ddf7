"""The seven tasks as commands over CSV files. Records are numbered from 1, the first after the header."""

from __future__ import annotations

import getpass
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TypeVar

import click

from dp_tools.cli.answering import CHUNK, Session, task_command
from dp_tools.cli.records import opened, read_records
from dp_tools.cli.tables import LABELLED_ROWS, options
from dp_tools.errors import InvalidRequest
from dp_tools.profiling import PairFacts
from dp_tools.tables.clean.cleaning import PROMISED, Cleaner
from dp_tools.tables.clean.dataset_labels import dataset_labels
from dp_tools.tables.clean.filling import decided_gaps
from dp_tools.tables.scripting.given import samples
from dp_tools.tables.snapshot import open_table
from dp_tools.tasks.annotate_columns import AnnotateColumnsAnswer, AnnotateColumnsRequest, Column
from dp_tools.tasks.detect_errors import CellVerdict
from dp_tools.tasks.extract_values import ExtractValuesAnswer, ExtractValuesRequest, WantedAttribute
from dp_tools.tasks.follow_instruction import FollowInstructionAnswer, FollowInstructionRequest
from dp_tools.tasks.impute import imputed
from dp_tools.tasks.match_entities import MatchEntitiesAnswer, MatchEntitiesRequest, RecordPair, records_of
from dp_tools.tasks.match_schemas import COMPARED, Attribute, MatchSchemasAnswer, MatchSchemasRequest
from dp_tools.tasks.request_errors import make_request
from dp_tools.tasks.task import Item, require_known

MAX_PAIRS = 20_000
"""Pairs that `match` makes of two files before it refuses."""

FILE = click.Path(path_type=Path, exists=True, dir_okay=False, readable=True)
T = TypeVar("T")


@click.command()
@click.argument("file", type=FILE)
@click.option("-a", "--attribute", "attributes", multiple=True, help="Judge only this column (repeatable).")
@click.option("--ask-all", is_flag=True, help="Ask the model every question, even more than 2,000.")
@options(LABELLED_ROWS)
@task_command
def detect(file: Path, attributes: tuple[str, ...], ask_all: bool, labelled: Path | None, session: Session) -> None:
    """Find the wrong cells of FILE.

    Writes one line per cell: row, attribute, value, error, confidence, decided_by, reason.
    """
    with ExitStack() as files:
        table = files.enter_context(opened(file))
        given = None if labelled is None else files.enter_context(open_table(labelled))
        names = list(attributes or table.columns)
        require_known(names, table.columns)

        def rows() -> Iterator[Sequence[object]]:
            with session.working() as work:
                promise = None if ask_all else PROMISED
                labels = dataset_labels(work.decider.knowledge, session.dataset, table, given, who=getpass.getuser())
                cleaner = Cleaner(
                    work, table, session.dataset, list(session.rules), names, promise=promise, labels=labels
                )
                for judged in cleaner.judged():
                    outcome = judged.outcome
                    cell = CellVerdict(
                        record=judged.row,
                        attribute=judged.attribute,
                        value=judged.value,
                        error=outcome.verdict,
                        **outcome.item,
                    )
                    verdict = _yes_no(cell.error)
                    session.tally.add(cell, {"yes": "errors", "no": "fine"}.get(verdict))
                    yield cell.record + 1, cell.attribute, cell.value, verdict, *_backing(cell)
                session.tally.model = work.decider.answers_as("detect_errors", session.dataset)
                session.tally.rules = {f"{rule.id}@{rule.version}": rule for rule in cleaner.rules_used()}
                if cleaner.audit is not None:
                    session.tally.promise = cleaner.audit.sentence("questions")

        session.write(("row", "attribute", "value", "error", "confidence", "decided_by", "reason"), rows())


@click.command()
@click.argument("file", type=FILE)
@click.option("-a", "--attribute", required=True, help="Column whose missing values to fill.")
@click.option("--allowed", multiple=True, help="Allowed value (repeatable).")
@task_command
def impute(file: Path, attribute: str, allowed: tuple[str, ...], session: Session) -> None:
    """Fill the missing values of one column of FILE.

    Writes the table with three more columns, which are empty for values that were present: the confidence, other likely
    values, and the reason if a rule decided. A value that the record does not imply stays missing.
    """
    with opened(file) as table:
        require_known([attribute], table.columns)
        header = (*table.columns, *(f"{attribute} {word}" for word in ("confidence", "alternatives", "reason")))
        if clash := [name for name in header if header.count(name) > 1]:
            raise InvalidRequest(f"{file} has a column {clash[0]!r} already: rename it, the output needs that name.")

        def rows() -> Iterator[Sequence[object]]:
            with session.working() as work:
                gaps = decided_gaps(
                    work, table, attribute, allowed=allowed, dataset=session.dataset, rules=session.rules
                )
                session.tally.model = work.decider.answers_as("impute", session.dataset)
                session.tally.rules = {f"{rule.id}@{rule.version}": rule for rule in gaps.rules}
            for row, record in table.records():
                outcome = gaps.outcomes.get(row)
                if outcome is None:
                    yield *record.values(), "", "", ""
                    continue
                value = imputed(outcome)
                session.tally.add(value, "filled" if value.value is not None else None)
                shown = {**record, attribute: record[attribute] if value.value is None else value.value}
                others = "; ".join(f"{text} ({probability:.2f})" for text, probability in value.alternatives)
                yield *shown.values(), value.confidence, others, value.reason or value.failure or ""

        session.write(header, rows())


@click.command()
@click.argument("files", type=FILE, nargs=-1, required=True)
@task_command
def match(files: tuple[Path, ...], session: Session) -> None:
    """Judge which pairs of records denote the same entity.

    One file: each line holds a pair, in columns named left_... and right_.... Two files: every record of the first is
    compared with every record of the second, which suits small tables. Writes one line per pair: the rows, match,
    confidence, decided_by, reason.
    """
    if len(files) > 2:
        raise InvalidRequest("Give one file of pairs, or two files of records.")
    places, pairs = _pairs_in(files[0]) if len(files) == 1 else _pairs_of(files[0], files[1])
    requests = [make_request(MatchEntitiesRequest, pairs=chunk, **session.scope) for chunk in _chunks(pairs)]

    def rows() -> Iterator[Sequence[object]]:
        answers = session.answers(requests, [len(request.pairs) for request in requests], PairFacts(records_of(pairs)))
        verdicts = (pair for answer in answers if isinstance(answer, MatchEntitiesAnswer) for pair in answer.pairs)
        for place, pair in zip(places, verdicts, strict=True):
            verdict = _yes_no(pair.match)
            session.tally.add(pair, {"yes": "matches", "no": "different"}.get(verdict))
            yield *place, verdict, *_backing(pair)

    rows_of = ("row",) if len(files) == 1 else ("left row", "right row")
    session.write((*rows_of, "match", "confidence", "decided_by", "reason"), rows())


@click.command()
@click.argument("left", type=FILE)
@click.argument("right", type=FILE)
@task_command
def match_schemas(left: Path, right: Path, session: Session) -> None:
    """Match the columns of two tables by their names and values.

    Counting decides most pairs: names are read in several languages with their abbreviations, and 200 different values
    of each column are compared. The model is asked about the others.

    Writes one line per pair of columns: left, right, match, score, assigned (the best one-to-one pairing), decided_by,
    reason.
    """
    ours, theirs = (
        [Attribute(name=name, samples=samples(records, name, COMPARED)) for name in records[0]]
        for records in (read_records(left), read_records(right))
    )
    request = make_request(MatchSchemasRequest, left=ours, right=theirs, **session.scope)

    def rows() -> Iterator[Sequence[object]]:
        for answer in session.answers([request], [len(ours) * len(theirs)]):
            assert isinstance(answer, MatchSchemasAnswer)
            assigned = set(answer.assignment)
            for pair in answer.pairs:
                verdict = _yes_no(pair.match)
                session.tally.add(pair, {"yes": "matches", "no": "different"}.get(verdict))
                best = _yes_no((pair.left, pair.right) in assigned)
                names = ours[pair.left].name, theirs[pair.right].name
                yield *names, verdict, pair.score, best, pair.decided_by, pair.reason or pair.failure or ""

    session.write(("left", "right", "match", "score", "assigned", "decided_by", "reason"), rows())


@click.command()
@click.argument("file", type=FILE)
@click.option("-t", "--type", "types", multiple=True, help="Type to choose from; give two or more.")
@click.option("--types", "types_file", type=FILE, help="Text file with one type per line; may be combined with --type.")
@task_command
def annotate(file: Path, types: tuple[str, ...], types_file: Path | None, session: Session) -> None:
    """Choose a type for each column of FILE.

    Writes one line per column: column, type, confidence, runners-up, decided_by, reason.
    """
    records = read_records(file)
    table = [list(record.values()) for record in records[:2]]
    columns = [Column(name=name, values=list(samples(records, name)), table=table) for name in records[0]]
    request = make_request(
        AnnotateColumnsRequest, columns=columns, types=[*types, *_lines(types_file)], **session.scope
    )

    def rows() -> Iterator[Sequence[object]]:
        for answer in session.answers([request], [len(columns)]):
            assert isinstance(answer, AnnotateColumnsAnswer)
            for column, found in zip(columns, answer.columns, strict=True):
                session.tally.add(found, found.type)
                others = "; ".join(f"{name} ({probability:.2f})" for name, probability in found.runners_up)
                yield (
                    column.name,
                    found.type,
                    found.confidence,
                    others,
                    found.decided_by,
                    found.reason or found.failure or "",
                )

    session.write(("column", "type", "confidence", "runners-up", "decided_by", "reason"), rows())


@click.command()
@click.argument("file", type=FILE)
@click.option(
    "-c",
    "--column",
    "columns",
    multiple=True,
    required=True,
    help="Column that holds the text; several columns are joined.",
)
@click.option(
    "-a",
    "--attribute",
    "attributes",
    multiple=True,
    required=True,
    help="Attribute to extract, as NAME or NAME=DESCRIPTION (repeatable).",
)
@task_command
def extract(file: Path, columns: tuple[str, ...], attributes: tuple[str, ...], session: Session) -> None:
    """Extract values from the texts in one or more columns of FILE.

    Writes one line per text and attribute: row, attribute, value (as written in the text, empty if it is not stated),
    start and end (its position in the text, in characters), confidence, decided_by, reason.
    """
    records = read_records(file)
    require_known(columns, list(records[0]))
    texts = [" ".join(filter(None, (record[column] for column in columns))) for record in records]
    wanted = [
        WantedAttribute(name=name, description=description or None)
        for name, _, description in (attribute.partition("=") for attribute in attributes)
    ]
    requests = [
        make_request(ExtractValuesRequest, texts=chunk, attributes=wanted, **session.scope) for chunk in _chunks(texts)
    ]

    def rows() -> Iterator[Sequence[object]]:
        first = 1
        sizes = [len(request.texts) * len(wanted) for request in requests]
        for request, answer in zip(requests, session.answers(requests, sizes), strict=True):
            assert isinstance(answer, ExtractValuesAnswer)
            for value in answer.values:
                session.tally.add(value, "found" if value.value is not None else "not stated")
                start, end = value.span or ("", "")
                yield first + value.text, value.attribute, value.value, start, end, *_backing(value)
            first += len(request.texts)

    session.write(("row", "attribute", "value", "start", "end", "confidence", "decided_by", "reason"), rows())


@click.command()
@click.argument("file", type=FILE)
@click.option("-i", "--instruction", required=True, help="Instruction to follow for each record.")
@click.option("--choice", "choices", multiple=True, help="Allowed answer; give two or more.")
@click.option("--text", is_flag=True, help="Answer with a short text instead of yes or no.")
@task_command
def ask(file: Path, instruction: str, choices: tuple[str, ...], text: bool, session: Session) -> None:
    """Follow your own instruction for each record of FILE: yes or no, one of several choices, or a short text.

    Writes one line per record: row, answer, confidence, decided_by, reason.
    """
    if text and choices:
        raise InvalidRequest("Give --choice or --text, not both.")
    shape = "text" if text else "choice" if choices else "yes_no"
    scope = {"instruction": instruction, "shape": shape, "choices": list(choices), **session.scope}
    requests = [make_request(FollowInstructionRequest, records=chunk, **scope) for chunk in _chunks(read_records(file))]

    def rows() -> Iterator[Sequence[object]]:
        answers = session.answers(requests, [len(request.records) for request in requests])
        items = (item for answer in answers if isinstance(answer, FollowInstructionAnswer) for item in answer.answers)
        for row, item in enumerate(items, start=1):
            session.tally.add(item, "answered" if shape == "text" else item.answer)
            yield row, item.answer, *_backing(item)

    session.write(("row", "answer", "confidence", "decided_by", "reason"), rows())


def _chunks(items: Sequence[T]) -> list[list[T]]:
    return [list(items[start : start + CHUNK]) for start in range(0, len(items), CHUNK)]


def _backing(item: Item) -> tuple[object, ...]:
    return item.confidence, item.decided_by, item.reason or item.failure or ""


def _yes_no(verdict: bool | None) -> str:
    return "" if verdict is None else "yes" if verdict else "no"


def _lines(path: Path | None) -> list[str]:
    if path is None:
        return []
    try:
        return [line.strip() for line in path.read_text(encoding="utf-8-sig").splitlines() if line.strip()]
    except UnicodeDecodeError as error:
        raise InvalidRequest(f"{path} is not UTF-8: save it as UTF-8, a type a line.") from error


def _pairs_in(path: Path) -> tuple[list[tuple[int, ...]], list[RecordPair]]:
    records = read_records(path)
    sides = {side: [name for name in records[0] if name.startswith(f"{side}_")] for side in ("left", "right")}
    for side, names in sides.items():
        if not names:
            raise InvalidRequest(f"{path} has no column named {side}_...: name the columns of each side so.")
    left, right = (
        [{name.removeprefix(f"{side}_"): record[name] for name in sides[side]} for record in records] for side in sides
    )
    pairs = [RecordPair(left=ours, right=theirs) for ours, theirs in zip(left, right, strict=True)]
    return [(number,) for number in range(1, len(pairs) + 1)], pairs


def _pairs_of(left: Path, right: Path) -> tuple[list[tuple[int, ...]], list[RecordPair]]:
    ours, theirs = read_records(left), read_records(right)
    if len(ours) * len(theirs) > MAX_PAIRS:
        raise InvalidRequest(
            f"{left} and {right} make {len(ours) * len(theirs):,} pairs, more than {MAX_PAIRS:,}: use match-tables, "
            "which finds the likely pairs first."
        )
    places = [(i, j) for i in range(1, len(ours) + 1) for j in range(1, len(theirs) + 1)]
    return list(places), [RecordPair(left=ours[i - 1], right=theirs[j - 1]) for i, j in places]
