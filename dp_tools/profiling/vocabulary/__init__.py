"""Words that tell kinds and make values one: names, places, legal forms, streets, in files that people can read."""

from __future__ import annotations

from functools import cache
from importlib.resources import files


@cache
def entries(name: str) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """The lines of a vocabulary: what stands before a colon ("" if there is none), and the words behind it.

    Args:
        name: of the file, without its ending; lines that begin with # are remarks.
    """
    found = []
    for line in files(__package__).joinpath(f"{name}.txt").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            head, colon, rest = line.partition(":")
            words = tuple(word.strip() for word in (rest if colon else line).split(","))
            found.append((head if colon else "", words))
    return tuple(found)
