"""Where sources contradict each other, what most of them say of a thing is found; where they are free to, nothing."""

from __future__ import annotations

from flights_table import Rows, flights

from dp_tools.profiling.truth_discovery import discover_truth
from dp_tools.rules.discovery.mine import mine


def columns(rows: Rows) -> dict[str, list[str | None]]:
    return {name: [row[name] for row in rows] for name in rows[0]}


def test_most_of_many_records_of_a_thing_tell_what_is_right() -> None:
    found = {(consensus.by, consensus.of): consensus.values for consensus in discover_truth(columns(flights(0.3)))}
    assert {("flight", "leaves"), ("flight", "lands")} <= found.keys()
    assert not {"source", "airline"} & {name for pair in found for name in pair}
    right = {row["flight"]: row["leaves"] for row in flights(0)}
    assert found["flight", "leaves"].items() <= right.items()
    assert len(found["flight", "leaves"]) >= 36


def test_an_attribute_that_is_free_within_a_thing_is_not_voted_on() -> None:
    rows = flights(0.3)
    for number, row in enumerate(rows):
        row["gate"] = f"g{number % 7}"
        row["class"] = "economy" if number % 10 else "first"
    assert not {consensus.of for consensus in discover_truth(columns(rows))} & {"gate", "class", "airline", "source"}


def test_few_things_or_few_records_of_each_hold_no_vote() -> None:
    assert not discover_truth(columns(flights(0.2, entities=10)))
    assert not discover_truth(columns(flights(0.2, voters=3)))


def test_mining_proposes_the_vote_as_a_rule_with_its_exceptions() -> None:
    found = {(c.rule.attribute, c.kind): c for c in mine(flights(0.3))}
    candidate = found["leaves", "majority"]
    assert candidate.rule.statement == "Most records of one flight agree on leaves."
    assert candidate.rule.status == "proposed"
    assert 0.6 < candidate.confidence < 0.8
