"""Files that come into an entity register, with scores of pairs that a test gives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

from dp_tools import Preprocessor
from dp_tools.tables.asking import NoJournal, Work
from dp_tools.tables.entities.register import Register, register_path
from dp_tools.tables.entities.register_file import RegisterFile
from dp_tools.tables.entities.update import Matcher
from dp_tools.tables.snapshot import table_of


class ByTruth(Matcher):
    """Scores pairs of records by a given table, so that a record's score is the same whatever comes with it."""

    truth: Mapping[frozenset[str], float]

    def _judged(self, values: Any, _: Any, __: Any, pairs: Any) -> Any:
        return {(a, b): self.truth[frozenset((values[a]["id"], values[b]["id"]))] for a, b in pairs}, {}


def arrive(
    pre: Preprocessor,
    path: Path,
    names: Sequence[str],
    truth: Mapping[frozenset[str], float],
    why: str,
    word: str = "same",
    **more: list[str],
) -> None:
    """Bring records of these ids into a register.

    Args:
        pre: its rules apply.
        path: of the register.
        names: the ids.
        truth: the score of each pair of ids.
        why: the reason of the step.
        word: what stands in the column by which records are compared.
        more: further columns.
    """
    matcher = ByTruth(Work(pre.decider, NoJournal()), key=["id"], attributes=["word"])
    object.__setattr__(matcher, "truth", truth)
    with table_of({"id": list(names), "word": [word] * len(names), **more}) as table:
        matcher.update(RegisterFile(path), table, who="ann", why=why)


def customers(pre: Preprocessor, state: Path) -> Register:
    """A register with one question, whether entities 1 and 2 are one, and a group of three that is entity 3."""
    path = register_path("customers", state, paths=False)
    same = {"ac": 0.9, "bc": 0.95, "ef": 0.9, "eg": 0.9, "fg": 0.9}
    truth = {frozenset(pair): same.get("".join(pair), 0.1) for pair in combinations("abcefg", 2)}
    arrive(pre, path, "ab", truth, "january", name=["Ann Miller", "Anna Miller"], town=["Berlin", "Bonn"])
    people = {"name": ["Anne Miller", "Bob Fox", "Bob Fox", "Rob <i>Fox"], "town": ["Bonn", "Trier", "Trier", "Trier"]}
    arrive(pre, path, "cefg", truth, "february", **people)
    return Register(path, pre.knowledge)
