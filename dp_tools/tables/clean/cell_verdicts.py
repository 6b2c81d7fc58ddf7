"""A verdict on every cell of a whole table, as the task answers it for records."""

from __future__ import annotations

import getpass
import threading
from collections.abc import Sequence
from typing import Literal

from dp_tools.decision import Decider
from dp_tools.progress import Progress
from dp_tools.tables.asking import NoJournal, Work
from dp_tools.tables.clean.cleaning import PROMISED, Cleaner
from dp_tools.tables.clean.dataset_labels import dataset_labels
from dp_tools.tables.clean.judged_cell import JudgedCell
from dp_tools.tables.snapshot import Table
from dp_tools.tasks.detect_errors import CellVerdict, DetectErrors, DetectErrorsAnswer
from dp_tools.tasks.task import require_known
from dp_tools.tasks.verdicts import selected


def verdict_of(judged: JudgedCell) -> CellVerdict:
    """A judged cell as an item of an answer."""
    return CellVerdict(
        record=judged.row,
        attribute=judged.attribute,
        value=judged.value,
        error=judged.outcome.verdict,
        **judged.outcome.item,
    )


def judged_cells(
    decider: Decider,
    table: Table,
    attributes: Sequence[str] | None = None,
    *,
    only: Literal["errors", "unsure", "all"] | None = None,
    ask_all: bool = False,
    labelled: Table | None = None,
    dataset: str | None = None,
    rules: Sequence[str] = (),
    progress: Progress | None = None,
    cancel: threading.Event | None = None,
) -> DetectErrorsAnswer:
    """Judge the cells of a table.

    Args:
        decider: what answers.
        table: the table.
        attributes: judge only these.
        only: which verdicts to return; all by default.
        ask_all: ask every question, however many there are (see `CellCascade`).
        labelled: some rows as they should be, to learn from.
        dataset, rules: which rules apply; a dataset keeps its labelled rows.
        progress: called with (questions answered, questions in all).
        cancel: set it to stop.

    Raises:
        InvalidRequest: an attribute is unknown, or there is none; or a labelled row cannot be found.
        Cancelled, ModelUnavailable: see `Work.answers`.
    """
    names = list(table.columns if attributes is None else attributes)
    require_known(names, table.columns)
    work = Work(decider, NoJournal(), progress, cancel)
    labels = dataset_labels(decider.knowledge, dataset, table, labelled, who=getpass.getuser())
    cleaner = Cleaner(work, table, dataset, list(rules), names, promise=None if ask_all else PROMISED, labels=labels)
    answer = DetectErrorsAnswer(
        cells=[verdict_of(judged) for judged in cleaner.judged()],
        model=decider.answers_as(DetectErrors.name, dataset),
        rules=cleaner.rules_used(),
    )
    return answer if only is None else selected(answer, only)
