"""`dp-tools explain`: why one answer came out as it did."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from dp_tools.cli.answering import MODEL, bar, interruptible, wait_for_weights
from dp_tools.cli.records import read_records
from dp_tools.errors import InvalidRequest, TableUnavailable
from dp_tools.explain import Explanation
from dp_tools.explain import explain as explain_items
from dp_tools.explain import picture as drawn
from dp_tools.preprocessor import Preprocessor
from dp_tools.profiling import Facts, PairFacts, RecordFacts
from dp_tools.records import is_missing
from dp_tools.tables.io.paths import new_file
from dp_tools.tasks import TASKS, VERBS
from dp_tools.tasks.batch_facts import BatchFacts
from dp_tools.tasks.request_errors import read_request
from dp_tools.tasks.task import RecordField, Request

_SIDES = ("left", "right")
_OF_TABLES = ("detect", "impute", "match")


@click.command()
@click.argument("task", type=click.Choice([verb.replace("_", "-") for verb in VERBS]))
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--row", type=click.IntRange(min=1), help="For a table: number of the record to explain, from 1.")
@click.option("-a", "--attribute", help="For a table: column of the cell to explain.")
@click.option(
    "--item",
    "items",
    type=click.IntRange(min=0),
    multiple=True,
    help="For a JSON request: item to explain, from 0 (repeatable).",
)
@click.option("--dataset", help="Name of the dataset; selects the rules that apply.")
@click.option("--rule", "rules", multiple=True, help="Rule for this call only (repeatable).")
@MODEL
@click.option("--knowledge", help="Knowledge store (default: your own).")
@click.option(
    "--permutation-averaged", is_flag=True, help="Average the answer over several orders of sides and attributes."
)
@click.option(
    "--picture",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write a chart of the explanation as .png or .svg.",
)
@click.option("--force", is_flag=True, help="Replace the chart if it exists.")
@click.option("--json", "as_json", is_flag=True, help="Print the whole explanation as JSON instead of a paragraph.")
def explain(
    task: str,
    file: Path,
    row: int | None,
    attribute: str | None,
    items: tuple[int, ...],
    dataset: str | None,
    rules: tuple[str, ...],
    model: str,
    knowledge: str | None,
    permutation_averaged: bool,
    picture: Path | None,
    force: bool,
    as_json: bool,
) -> None:
    """Explain one answer of TASK about FILE.

    FILE is a table: for detect and impute give --row and --attribute; for match give --row, with columns named
    left_... and right_.... For any task, FILE may also be a .json file that holds the request of the tool.
    """
    if picture is not None and picture.suffix not in (".png", ".svg"):
        raise InvalidRequest(f"{picture} is neither a .png nor a .svg file: name one of these.")
    if picture is not None and picture.exists() and not force:
        raise TableUnavailable(f"{picture} exists already: give another name, or --force to replace it.")
    scope = {"dataset": dataset, "rules": list(rules)}
    facts: Facts | None = None
    if file.suffix == ".json":
        request = _of_json(task, file, {name: value for name, value in scope.items() if value})
    else:
        if row is None:
            raise InvalidRequest("Name the record to explain with --row, counted from 1.")
        request, facts, items = _of_table(task, file, row, attribute, scope)
    wait_for_weights(model)
    with Preprocessor(model, knowledge) as preprocessor, bar(100) as advance, interruptible() as cancel:
        explanations = explain_items(
            preprocessor.decider,
            request,
            items or (0,),
            facts=facts,
            permutation_averaged=permutation_averaged,
            progress=lambda done, total: advance(100 * done // total),
            cancel=cancel,
        )
    if as_json:
        click.echo(explanations.model_dump_json(indent=2))
    else:
        for explanation in explanations.explanations:
            _print(explanation)
    if picture is not None:
        form = "svg" if picture.suffix == ".svg" else "png"
        image = drawn(request, explanations.explanations[0], form)  # type: ignore[arg-type]
        with new_file(picture, overwrite=force) as part:
            part.write_bytes(image)


def _print(explanation: Explanation) -> None:
    click.echo(explanation.text)
    for entry in explanation.decided:
        click.echo(f"  {entry.change:+.3f}  {entry.kind} {entry.name}")
    if explanation.rationale:
        click.echo(f"The model's own words (written afterwards, not evidence): {explanation.rationale}")


def _of_json(task: str, file: Path, scope: dict[str, Any]) -> Request:
    try:
        fields = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InvalidRequest(f"{file} is not a JSON file ({error}): give the request as the tool takes it.") from error
    if not isinstance(fields, dict):
        raise InvalidRequest(f"{file} should hold a JSON object: the request as the tool takes it.")
    return read_request(TASKS[VERBS[task.replace("-", "_")]], {**fields, **scope})


def _of_table(
    task: str, file: Path, row: int, attribute: str | None, scope: dict[str, Any]
) -> tuple[Request, Facts | None, tuple[int, ...]]:
    """The request about a record of a table, what the whole table tells, and the record's place in the request."""
    records = read_records(file)
    if row > len(records):
        raise InvalidRequest(f"{file} has no record {row}: it has {len(records)}.")
    record = records[row - 1]
    if task == "match":
        pair_facts = PairFacts(_side(file, other, side) for other in records for side in _SIDES)
        pair = {side: _side(file, record, side) for side in _SIDES}
        return read_request(TASKS["match_entities"], {"pairs": [pair], **scope}), pair_facts, ()
    if task not in _OF_TABLES:
        raise InvalidRequest(f"For {task} give the request as a .json file; tables are for {', '.join(_OF_TABLES)}.")
    if attribute is None:
        raise InvalidRequest("Name the column whose cell is to be explained with --attribute.")
    if task == "detect":
        # All of the column, since the verdict on a cell may rest on what the model says of the others.
        fields = {"records": records, "attributes": [attribute], **scope}
        return read_request(TASKS["detect_errors"], fields), BatchFacts(records, scope["dataset"]), (row - 1,)
    # All gaps of the column, since the choice among few values is made in the light of them and of the filled rows.
    gaps = [n for n, other in enumerate(records) if n == row - 1 or is_missing(other.get(attribute))]
    known = [other for n, other in enumerate(records) if n != row - 1 and not is_missing(other.get(attribute))]
    fields = {"records": [records[n] for n in gaps], "attribute": attribute, "context": known, **scope}
    return read_request(TASKS["impute"], fields), RecordFacts(known), (gaps.index(row - 1),)


def _side(file: Path, record: RecordField, side: str) -> RecordField:
    found = {name.removeprefix(f"{side}_"): value for name, value in record.items() if name.startswith(f"{side}_")}
    if not found:
        raise InvalidRequest(f"{file} has no column named {side}_...: name the columns of each side so.")
    return found
