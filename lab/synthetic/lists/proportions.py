"""How often what happens in a synthetic list: one set of shares for each generator."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Proportions:
    """Shares between 0 and 1. A share "of records" is drawn for each record by itself.

    Args:
        several: of entities that have more than one record; half of these have two, the others three to five.
        household: of persons who live with others of their surname at one address and one telephone number.
        twins: of households with two children born on one day.
        namesakes: of households in which father and son have one name.
        branches: of companies with further branches that are entities of their own.
        renamed: of women's records under the surname before or after a marriage, or under both.
        moved: of records with an earlier address.
        new_number: of records with another telephone number of the person.
        other_mailbox: of records with another e-mail address of the person.
        shared_mailbox: of records of people in a company that give the company's mailbox.
        switchboard: of records of people in a company that give the company's telephone.
        informal: of records that give a nickname, an initial or a trade name instead of the full name.
        gap: of optional values that are missing, beyond what a source never has.
        placeholder: of gaps that are written as a placeholder.
        typed: of text values with one typing error.
        scanned: of text values of a scanning source with errors of optical character recognition.
        garbled: of records whose letters beyond ASCII went through a wrong encoding.
        merged: of records with the place in the street's column, or the like.
        price_moved: of records of things whose price differs from the others of the same thing.
    """

    several: float
    household: float
    twins: float
    namesakes: float
    branches: float
    renamed: float
    moved: float
    new_number: float
    other_mailbox: float
    shared_mailbox: float
    switchboard: float
    informal: float
    gap: float
    placeholder: float
    typed: float
    scanned: float
    garbled: float
    merged: float
    price_moved: float


EVERYDAY = Proportions(
    several=0.35,
    household=0.15,
    twins=0.10,
    namesakes=0.10,
    branches=0.12,
    renamed=0.05,
    moved=0.08,
    new_number=0.10,
    other_mailbox=0.12,
    shared_mailbox=0.06,
    switchboard=0.10,
    informal=0.20,
    gap=0.12,
    placeholder=0.15,
    typed=0.05,
    scanned=0.15,
    garbled=0.03,
    merged=0.04,
    price_moved=0.40,
)
"""The generator for calibration, tests and training."""

HELD_BACK = Proportions(
    several=0.28,
    household=0.22,
    twins=0.07,
    namesakes=0.14,
    branches=0.18,
    renamed=0.08,
    moved=0.06,
    new_number=0.15,
    other_mailbox=0.16,
    shared_mailbox=0.09,
    switchboard=0.07,
    informal=0.14,
    gap=0.15,
    placeholder=0.25,
    typed=0.07,
    scanned=0.10,
    garbled=0.05,
    merged=0.03,
    price_moved=0.55,
)
"""The generator that only measures."""
