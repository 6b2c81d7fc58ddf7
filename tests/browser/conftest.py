"""A headless Chromium that looks at the workbench of a real server with the tiny model.

Chromium is Debian's package (`apt-get install chromium`); where it is absent, these tests are skipped.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from workbench_serving import Served, workbench_server

from dp_tools.engine.questions import Engine

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

PATIENCE_MS = 20_000


@pytest.fixture
def served(engine: Engine, tmp_path: Path) -> Iterator[Served]:
    """A server that asks for no tokens."""
    with workbench_server(engine, tmp_path) as started:
        yield started


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium, started once for a file: while it is driven, this thread can run no other event loop."""
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if program is None:
        pytest.skip("There is no Chromium to look at the workbench with: install Debian's package chromium.")
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    sync_api.expect.set_options(timeout=PATIENCE_MS)
    with sync_api.sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=program, args=["--no-sandbox"] if os.geteuid() == 0 else []
        )
        yield started
        started.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page whose every error, and whatever its policy blocks, fails the test."""
    opened = browser.new_page()
    opened.set_default_timeout(PATIENCE_MS)
    errors: list[str] = []
    opened.on("pageerror", lambda error: errors.append(str(error)))
    # What the server refuses is shown on the page, where tests look for it.
    opened.on(
        "console",
        lambda message: (
            errors.append(message.text)
            if message.type == "error" and "the server responded with a status" not in message.text
            else None
        ),
    )
    yield opened
    opened.close()
    assert not errors, errors
