"""`python -m lab workbench`: how quick the workbench is with a long queue, and how much memory a long table takes."""

from __future__ import annotations

import csv
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from dp_tools.tables.jobs.job_store import JobStore

_TRIALS = 5


@click.command()
@click.option("--reviews", default=100_000, show_default=True, help="Cases in the queue.")
@click.option("--rows", default=1_000_000, show_default=True, help="Rows of the table.")
def workbench(reviews: int, rows: int) -> None:
    """Measure first paint, a key's answer and a page's memory in a headless Chromium."""
    from playwright.sync_api import sync_playwright

    program = shutil.which("chromium") or shutil.which("google-chrome")
    if program is None:
        raise click.ClickException("There is no Chromium: install Debian's package chromium.")
    folder = Path(tempfile.mkdtemp(prefix="dp-tools-lab-"))
    try:
        _make_queue(folder / "state", reviews)
        _make_table(folder / "tables" / "million.csv", rows)
        with _serving(folder) as address, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
            page = browser.new_page()
            page.goto(address)
            page.get_by_role("navigation").wait_for()
            base = address.partition("#")[0]
            for name, figure in (_review_figures(page, base) | _grid_figures(page, base)).items():
                click.echo(f"{name}: {figure}")
            browser.close()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _review_figures(page: Any, base: str) -> dict[str, str]:
    paints, shown, keys = [], [], []
    for _ in range(_TRIALS):
        page.goto("about:blank")
        began = time.perf_counter()
        page.goto(f"{base}#view=review")
        page.locator("#question").wait_for()
        shown.append(time.perf_counter() - began)
        paints.append(page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime / 1000"))
        for key in "ynsyn":
            keys.append(page.evaluate(_TIMED_KEY, key) / 1000)
    return {
        "first contentful paint, median of 5": f"{statistics.median(paints):.3f} s",
        "first case on the screen, median of 5": f"{statistics.median(shown):.3f} s",
        "a key until the next case is painted, median of 25": f"{statistics.median(keys) * 1000:.0f} ms",
        "the slowest of them": f"{max(keys) * 1000:.0f} ms",
    }


_TIMED_KEY = """(key) => new Promise((resolve) => {
  const began = performance.now();
  document.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
  requestAnimationFrame(() => setTimeout(() => resolve(performance.now() - began)));
})"""


def _grid_figures(page: Any, base: str) -> dict[str, str]:
    page.goto("about:blank")
    began = time.perf_counter()
    page.goto(f"{base}#view=table&table=million.csv")
    cell = page.get_by_role("gridcell").first
    cell.wait_for(timeout=300_000)
    opened = time.perf_counter() - began
    page.get_by_role("rowheader", name="Distinct").wait_for(timeout=300_000)
    profiled = time.perf_counter() - began
    cell.click()
    jumps = []
    for _ in range(20):
        page.keyboard.press("PageDown")
        page.evaluate("document.querySelector('.grid-scroll').scrollTop += 350000")
        began = time.perf_counter()
        _rows_there(page)
        jumps.append(time.perf_counter() - began)
    page.keyboard.press("Control+End")
    _rows_there(page)
    session = page.context.new_cdp_session(page)
    session.send("HeapProfiler.collectGarbage")
    heap = session.send("Runtime.getHeapUsage")["usedSize"]
    processes = page.context.browser.new_browser_cdp_session().send("SystemInfo.getProcessInfo")["processInfo"]
    renderers = [_private_bytes(one["id"]) for one in processes if one["type"] == "renderer"]
    return {
        "rows on the screen after opening": f"{opened:.1f} s",
        "profile on the screen after opening": f"{profiled:.1f} s",
        "a jump in the grid until its rows are there, median of 20": f"{statistics.median(jumps) * 1000:.0f} ms",
        "heap of the page after 20 jumps": f"{heap / 1e6:.1f} MB",
        "memory of its process that it shares with no other": f"{max(renderers) / 1e6:.0f} MB",
        "nodes of the page": str(page.evaluate("document.querySelectorAll('*').length")),
    }


def _private_bytes(process: int) -> int:
    """The memory of a process that is its own, in bytes."""
    lines = Path(f"/proc/{process}/smaps_rollup").read_text(encoding="ascii").splitlines()
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Private_"))


def _rows_there(page: Any) -> None:
    """Wait until every row on the screen has its values. The page's policy forbids what playwright would wait with."""
    while page.evaluate("document.querySelector('.grid-body').textContent.includes('…')"):
        time.sleep(0.002)


def _make_queue(folder: Path, count: int) -> None:
    """One job's cases, put before a person."""
    store = JobStore(folder)
    store.add("clean-lab", "clean", json.dumps({"kind": "clean", "source": {"path": "million.csv"}}))
    store.update("clean-lab", status="done")
    store.add_reviews(
        "clean-lab",
        [
            {
                "task": "detect_errors",
                "dataset": None,
                "attribute": "town",
                "question": f'Row {number}: is town "Tmapa {number}" wrong? It may be "Tampa".',
                "subject": json.dumps(
                    {"record": {"town": f"Tmapa {number}", "zip": "33602"}, "attribute": "town", "value": "Tmapa"}
                ),
                "proposal": "Tampa",
                "confidence": number * 7919 % 10_000 / 10_000,
                "row": number,
            }
            for number in range(1, count + 1)
        ],
    )


def _make_table(path: Path, rows: int) -> None:
    path.parent.mkdir(parents=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        lines = csv.writer(file)
        lines.writerow(("number", "town", "zip", "visits", "remark"))
        towns = ("Salem", "Tampa", "Boise", "Fargo")
        lines.writerows((n, towns[n % 4], f"9{n % 4:04}", n % 97, f"remark {n % 1000}") for n in range(1, rows + 1))


@contextmanager
def _serving(folder: Path) -> Iterator[str]:
    """The workbench's address, while a process serves it."""
    options = ["--no-browser", "--root", str(folder / "tables"), "--state", str(folder / "state")]
    options += ["--knowledge", str(folder / "knowledge.db")]
    process = subprocess.Popen(
        [sys.executable, "-m", "dp_tools", "workbench", *options], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        yield line.split()[-1]
    finally:
        process.terminate()
        process.wait(60)
