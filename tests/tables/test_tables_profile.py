"""Profiles and functional dependencies: what is in a table, as data, as text and as a page."""

from __future__ import annotations

from pathlib import Path

import pytest

from dp_tools.errors import InvalidRequest
from dp_tools.tables.profile import profile_table
from dp_tools.tables.profile_page import profile_page
from dp_tools.tables.snapshot import Table, open_table


@pytest.fixture
def shops(tmp_path: Path) -> Table:
    cities = [("35233", "Birmingham"), ("35801", "Huntsville"), ("36201", "Anniston"), ("36301", "Dothan")]
    lines = ["id,zip,city,rating,opened,note"]
    for number in range(200):
        zip_code, city = cities[number % 4]
        city = "Birminghxm" if number == 100 else city
        lines.append(
            f"{number},{zip_code},{city},{number % 50}.5,2020-01-{number % 28 + 1:02},{'N/A' if number % 2 else ''}"
        )
    path = tmp_path / "shops.csv"
    path.write_text("\n".join(lines) + "\n")
    return open_table(path)


def test_a_profile_says_what_every_column_holds(shops: Table) -> None:
    with shops:
        profile = profile_table(shops)
    columns = {column.name: column for column in profile.columns}
    assert profile.records == 200
    assert {name: column.kind for name, column in columns.items()} == {
        "id": "integer",
        "zip": "integer",
        "city": "category",
        "rating": "number",
        "opened": "date",
        "note": "category",
    }
    assert columns["id"].key_likeness == 1
    assert columns["note"].filled == 0.5
    assert columns["note"].placeholders[0].text == "N/A"
    assert columns["city"].top[0].count == 50
    assert (columns["rating"].low, columns["rating"].median, columns["rating"].high) == (0.5, 24.5, 49.5)
    assert sum(count for _, count in columns["rating"].histogram) == 200
    assert columns["opened"].formats[0].text == "9999-99-99"


def test_dependencies_are_found_with_their_exceptions_and_keys_say_nothing(shops: Table) -> None:
    with shops:
        found = {(d.left, d.right): d for d in profile_table(shops).dependencies}
    assert found["zip", "city"].exceptions == 1
    assert found["zip", "city"].confidence == 0.995
    assert ("city", "zip") in found
    assert not any(left == "id" or "rating" in (left, right) for left, right in found)


def test_the_text_for_an_agent_stays_within_its_bound(shops: Table) -> None:
    with shops:
        text = profile_table(shops).text()
        short = profile_table(shops).text(400)
    assert "zip determines city" in text
    assert len(short) <= 400
    assert "more lines" in short


def test_the_page_holds_its_pictures_and_shows_data_as_text(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text('a,b\n<script>alert(1)</script>,1\n"$x$ 漢字",2\n')
    with open_table(path) as table:
        page = profile_page(profile_table(table))
    assert page.count("<svg") == 3
    assert "<script" not in page
    assert "http-equiv" not in page
    assert "src=" not in page


def test_an_unknown_attribute_and_a_table_without_records_are_no_surprise(shops: Table, tmp_path: Path) -> None:
    with shops, pytest.raises(InvalidRequest, match="no attribute 'town'"):
        profile_table(shops, columns=["town"])
    path = tmp_path / "empty.csv"
    path.write_text("a,b\n")
    with open_table(path) as table:
        profile = profile_table(table)
        assert profile.records == 0
        assert profile.columns[0].kind == "empty"
        profile_page(profile)
