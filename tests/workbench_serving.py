"""A server with its workbench, for the tests that use it with and without a browser."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from engines import Lent
from http_serving import listening
from visits_table import ASTRAY, VISITS

from dp_tools.engine.questions import Engine
from dp_tools.mcp_server.call_metrics import CallMetrics
from dp_tools.mcp_server.fair_scheduler import FairScheduler, SharedEngine
from dp_tools.mcp_server.http import Address, Tokens, http_app, workbench_of
from dp_tools.mcp_server.server_context import ServerContext
from dp_tools.mcp_server.workbench import Workbench
from dp_tools.preprocessor import Preprocessor

WRONG = {10: {"town": "Tmapa"}, 50: {"town": "Boisex"}, 70: {"zip": "3360O"}, 80: {"visits": "4o"}}
"""Cells of the table of visits that a job repairs, by record from 0; two more wait for a person."""
HERE = Address("127.0.0.1", 8765)


@dataclass
class Served:
    """A running server.

    Args:
        base: its URL.
        folder: where its tables are.
        context: what it answers with.
        workbench: its page.
    """

    base: str
    folder: Path
    context: ServerContext
    workbench: Workbench

    def address(self, **opened: str) -> str:
        """An address that signs in."""
        return self.workbench.address(self.base, **opened)


def write_visits(folder: Path, name: str = "visits.csv") -> str:
    """Write the table of visits with its wrong cells; returns its text."""
    rows = [{**row, **WRONG.get(number, {})} for number, row in enumerate([*VISITS, ASTRAY])]
    text = "".join(f"{','.join(values)}\n" for values in (rows[0], *(row.values() for row in rows)))
    (folder / name).write_text(text, encoding="utf-8")
    return text


@contextmanager
def workbench_server(engine: Engine, place: Path, tokens: Tokens | None = None) -> Iterator[Served]:
    """A server whose tables, rules and jobs are in a folder of the test's own."""
    folder, shared = place / "tables", FairScheduler()
    folder.mkdir()
    with Preprocessor("nano", place / "k.db", engine=SharedEngine(Lent(engine), shared)) as preprocessor:
        context = ServerContext(preprocessor=preprocessor, roots=[folder], state=place / "state")
        workbench = workbench_of(HERE, tokens)
        app = http_app(context, HERE, tokens, scheduler=shared, call_metrics=CallMetrics(), workbench=workbench)
        try:
            with listening(app) as base:
                yield Served(base, folder, context, workbench)
        finally:
            context.close()
