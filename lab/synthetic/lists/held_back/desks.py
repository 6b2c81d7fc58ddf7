"""The five systems of the held-back generator, and what their forms do to a value."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import NamedTuple

from lab.synthetic.lists.held_back import spoiling
from lab.synthetic.lists.listing import Record
from lab.synthetic.lists.proportions import Proportions


class Desk(NamedTuple):
    """A system.

    Args:
        label: how it calls itself.
        dates: the notation of days.
        calling: what stands before a telephone number: international, trunk zero, or nothing.
        nation: which of a country's names it takes.
        casing: what it does to letters.
        ends: where a value is cut at the end of a word, in characters.
        lacks: the columns that it never fills.
    """

    label: str
    dates: str
    calling: str
    nation: int
    casing: str = ""
    ends: int = 0
    lacks: tuple[str, ...] = ()


DESKS = (
    Desk("HR-Suite", "%d %b %Y", "+", 0),
    Desk("billing", "%Y/%m/%d", "(0)", 1, casing="title"),
    Desk("Helpdesk", "%d-%m-%Y", "0", -2, lacks=("address", "zip", "birth_date"), casing="lower"),
    Desk("legacy", "%d%m%Y", "", -1, casing="upper", ends=25),
    Desk("Event App", "%m-%d-%y", "+ ", 1, lacks=("address", "nation")),
)


def desks(random: Random, shares: Proportions) -> Sequence[Desk]:
    """Where an entity stands: in one system, or in several, at times twice in one."""
    if random.random() > shares.several:
        return [random.choice(DESKS)]
    times = 2 + (random.random() < 0.5) + (random.random() < 0.25) + (random.random() < 0.1)
    return random.choices(DESKS, k=times) if random.random() < 0.3 else random.sample(DESKS, times)


def on_paper(random: Random, desk: Desk, record: Record, shares: Proportions, kept: set[str]) -> Record:
    """A record as a system keeps it: with its gaps, casing, ends and errors.

    Args:
        kept: the columns that are never empty.
    """
    wrong_encoding = random.random() < shares.garbled
    if random.random() < shares.merged and record.get("zip") and record.get("locality"):
        record["locality"], record["zip"] = f"{record['zip']} {record['locality']}", ""
    written: Record = {"origin": desk.label}
    for column, value in record.items():
        if value and column not in kept and (column in desk.lacks or random.random() < shares.gap):
            known_gap = column in desk.lacks or random.random() > shares.placeholder
            written[column] = "" if known_gap else spoiling.nothing(random, column)
            continue
        written[column] = _kept_value(random, desk, column, value, shares, wrong_encoding) if value else ""
    return written


def _kept_value(random: Random, desk: Desk, column: str, value: str, shares: Proportions, wrong_encoding: bool) -> str:
    if column not in ("birth_date", "gender") and len(value) > 3 and random.random() < shares.typed:
        value = spoiling.misheard(random, value)
    if desk.label == "Event App" and random.random() < shares.scanned:
        value = spoiling.misread(random, value)
    if desk.casing and column not in ("e_mail", "birth_date"):
        value = {"title": value.title, "lower": value.lower, "upper": value.upper}[desk.casing]()
    if wrong_encoding:
        value = spoiling.misencoded(random, value)
    if desk.ends and len(value) > desk.ends:
        value = value[: desk.ends].rsplit(" ", 1)[0]
    return f"{value} " if random.random() < 0.01 else value
