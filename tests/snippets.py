"""The code blocks of the documentation: found, run one after the other, and compared with the output that is shown.

A page's blocks run in order in one folder with the example tables, `console` through the commands of this process and
`python` in one namespace a page. A `text` block after a `python` block is what that prints. In shown output `…` stands
for anything.
"""

from __future__ import annotations

import contextlib
import io
import re
import shlex
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from dp_tools.cli import main

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")), *sorted((ROOT / "examples").glob("*.md"))]
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?")
_ASSIGNMENT = re.compile(r"[A-Z_]+=\S+")

PROGRAMS = {
    "pip": "installs from the network",
    "uvx": "installs from the network",
    "make": "installs, tests or builds",
    "docker": "needs docker",
    "claude": "is another program",
    "python": "writes pages that other tests compare, or needs labelled data",
    ".ci/run": "runs all tests",
}
"""Programs that do not run here, with the reason."""
COMMANDS = {
    "serve": "runs until it is stopped",
    "demo": "is tested in test_cli_demo.py",
    "tune": "needs torch",
    "bench": "is tested in test_cli_bench.py",
    "label-pairs": "asks a person, as test_labelled_pairs.py does",
    "models optimize": "is tested in test_models_prepare.py",
    "models remove-adapter": "needs an adapter, which needs torch",
    "clean beers.csv --model nano": "needs a larger model",
}
"""Commands of dp-tools that do not run here, with the reason."""
BLOCKS = {
    "how-to/use-langchain.md": "calls a hosted model",
}
"""Pages whose Python is only compiled, with the reason."""


@dataclass(frozen=True, slots=True)
class Command:
    """A command of a page.

    Args:
        line: as it is typed.
        shown: the output on the page, empty if none is.
    """

    line: str
    shown: str

    @property
    def words(self) -> list[str]:
        """The program and its arguments, without variables before them."""
        words = shlex.split(self.line)
        while _ASSIGNMENT.fullmatch(words[0]):
            words.pop(0)
        return words

    @property
    def skipped(self) -> str | None:
        """Why it does not run, if it does not."""
        program, *arguments = self.words
        if program != "dp-tools":
            return PROGRAMS[program]
        line = " ".join(arguments)
        return next((reason for start, reason in COMMANDS.items() if f"{line} ".startswith(f"{start} ")), None)


def name(page: Path) -> str:
    """A page as the lists above name it."""
    return page.relative_to(ROOT / "docs" if ROOT / "docs" in page.parents else ROOT).as_posix()


def blocks(page: Path) -> list[tuple[str, str]]:
    """The language and the text of each fenced block, in order."""
    return _FENCE.findall(page.read_text(encoding="utf-8"))


def commands(text: str) -> Iterator[Command]:
    """The commands of a console block, each with the output below it."""
    for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        line, _, shown = part.replace("\\\n", " ").partition("\n")
        yield Command(line, shown)


def run_page(page: Path) -> None:
    """Run every block of a page in the current folder.

    Raises:
        AssertionError: a command fails, or its output is not what the page shows.
    """
    title = name(page)
    namespace: dict[str, Any] = {"__name__": "snippet"}
    printed: str | None = None
    for language, text in blocks(page):
        if language == "console":
            for command in commands(text):
                if command.skipped is None:
                    _run(command, title)
        elif language == "python":
            printed = _exec(text, title, namespace)
        elif language == "text" and printed is not None:
            assert same(text, printed), f"{title} prints\n{printed}"
            printed = None


def _exec(text: str, page: str, namespace: dict[str, Any]) -> str | None:
    """What a Python block prints, or None where it is only compiled."""
    code = compile(text, page, "exec")
    if page in BLOCKS:
        return None
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(code, namespace)
    return printed.getvalue()


def _run(command: Command, page: str) -> None:
    result = CliRunner().invoke(main, command.words[1:])
    assert result.exit_code == 0, f"{page}: {command.line}\n{result.output}"
    assert same(command.shown, result.output), f"{page}: {command.line}\nprints\n{result.output}"


def same(shown: str, output: str) -> bool:
    """Whether output is what a page shows of it: `…` stands for anything, a number for one within a tenth or two of it.

    The tolerance is for numbers that the model decides: processors round differently.
    """
    if not shown:
        return True
    pattern = "".join(
        ".*" if part == "…" else f"({_NUMBER.pattern})" if _NUMBER.fullmatch(part) else re.escape(part)
        for part in re.split(f"(…|{_NUMBER.pattern})", _trimmed(shown))
    )
    found = re.fullmatch(pattern, _trimmed(output), re.DOTALL)
    wanted = [_number(text) for text in _NUMBER.findall(_trimmed(shown))]
    return found is not None and all(
        abs(_number(text) - number) <= max(2, number / 10) for text, number in zip(found.groups(), wanted, strict=True)
    )


def _number(text: str) -> float:
    return float(text.replace(",", ""))


def _trimmed(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.strip().splitlines())


def fill(folder: Path, model: Path) -> None:
    """Put into a folder the example tables, what some pages name besides, and a `dp-tools` for servers of their own.

    Args:
        folder: an empty one.
        model: what those servers answer with.
    """
    for table in (ROOT / "examples").glob("*.csv"):
        shutil.copy(table, folder)
    (folder / "tables").mkdir()
    (folder / "labelled.csv").write_text(
        "zip,city,attribute,label\n35233,birmingham,zip,0\n3523,birmingham,zip,1\n36302,dothan,zip,0\n363,dothan,zip,1\n",
        encoding="utf-8",
    )
    program = folder / "bin" / "dp-tools"
    program.parent.mkdir()
    kept = f"XDG_DATA_HOME={folder} XDG_STATE_HOME={folder} DP_TOOLS_CACHE={folder}"
    program.write_text(f'#!/bin/sh\n{kept} exec {sys.executable} -m dp_tools "$@" --model {model}\n', encoding="utf-8")
    program.chmod(0o700)
