"""What the laboratory measures of lists whose truth is known."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from lab.__main__ import main
from lab.benchmarks.list_peers import equal_values
from lab.benchmarks.lists import Found, KnownList, labelled_list, measured, synthetic_lists

RECORDS = [{"id": str(n), "mail": mail} for n, mail in enumerate(("a@x.example", "A@X.example", "b@x.example", ""))]


def test_figures_count_pairs() -> None:
    known = KnownList("four", RECORDS, None, frozenset({(0, 1), (2, 3)}))
    figures = measured(known, Found(frozenset({(0, 1), (0, 2)}), 1.0, frozenset({(0, 1), (0, 2), (2, 3)}), 3))
    assert (figures.precision, figures.recall, figures.f1, figures.blocking) == (0.5, 0.5, 0.5, 1.0)
    assert (figures.questions, figures.seconds) == (3, 1.0)


def test_nothing_found_is_precise_and_finds_nothing() -> None:
    figures = measured(KnownList("four", RECORDS, None, frozenset({(0, 1)})), Found(frozenset(), 0.0))
    assert (figures.precision, figures.recall, figures.f1, figures.blocking) == (1.0, 0.0, 0.0, None)


def test_equal_values_are_the_same_apart_from_case_within_a_table_and_across_two() -> None:
    assert equal_values(KnownList("one", RECORDS, None, frozenset())).pairs == {(0, 1)}
    others = [{"id": "9", "mail": "B@x.example"}]
    assert equal_values(KnownList("two", RECORDS, others, frozenset())).pairs == {(2, 0)}


def test_a_list_and_two_tables_are_read_with_the_truth_beside_them(tmp_path: Path) -> None:
    for name in ("people", "shop_a", "shop_b"):
        (tmp_path / f"{name}.csv").write_text("id,name\n1,Ann\n2,Bob\n3,Ann\n")
    (tmp_path / "people.truth.json").write_text(json.dumps({"entity_of_row": ["a", "b", "a"]}))
    (tmp_path / "shop.truth.json").write_text(json.dumps({"pairs_of_rows_a_b": [[1, 3]]}))
    assert labelled_list(tmp_path / "people.csv").pairs == {(0, 2)}
    shop = labelled_list(tmp_path / "shop_a.csv")
    assert shop.pairs == {(0, 2)}
    assert shop.right is not None


@pytest.mark.parametrize("two", [False, True])
def test_synthetic_lists_know_their_pairs(two: bool) -> None:
    for known in synthetic_lists(["contacts", "inventory"], 60, [1], two=two):
        assert known.pairs
        assert (known.right is not None) == two
        assert all(a < len(known.left) and b < len(known.right or known.left) for a, b in known.pairs)


def test_the_command_writes_a_line_of_a_table_for_each_list_and_tool() -> None:
    ran = CliRunner().invoke(main, ["lists", "--kind", "contacts", "--records", "40", "--tool", "equal values"])
    assert ran.exit_code == 0, ran.output
    header, _, line = ran.stdout.splitlines()
    assert header.startswith("| list | records | pairs | tool |")
    assert line.startswith("| contacts 1 | 40 |")
