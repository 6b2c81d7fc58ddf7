"""What a record keeps among its own values: rules that people write, and what a table shows by itself."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dp_tools.errors import RuleRejected
from dp_tools.rules.checks import Check
from dp_tools.rules.discovery.mine import mine
from dp_tools.rules.rule import Rule

CENTS = st.integers(1, 100_000).map(lambda cents: cents / 100)
FIRST = date(2025, 1, 1)
WEEKDAYS = ("Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag", "Sonntag")


def passes(check: dict[str, object], attribute: str, **record: str | None) -> bool | None:
    rule = Rule(id="one", task="detect_errors", attribute=attribute, statement="It holds.", check=check)
    return Check.of(rule).judge({"record": record, "attribute": attribute, "value": record[attribute]})


def in_order(*values: str | None) -> bool | None:
    start, end = values
    return passes({"type": "object", "x-order": ["Start", "END"]}, "end", start=start, end=end)


@pytest.mark.parametrize(
    ("start", "end", "right"),
    [
        ("2025-03-04", "2025-03-04", True),
        ("2025-03-04", "2025-03-03", False),
        ("04.03.2025", "03.12.2025", True),
        ("25.03.2025", "24.03.2025", False),
        ("03/04/2025", "02/05/2025", True),  # It may be the third of April and the second of May.
        ("2025-03-04 10:15", "2025-03-04 10:14", False),
        ("2025-03-04 11:15 am", "2025-03-04 01:05 pm", True),
        ("2025-03-04 10:15", "2025-03-04", True),
        ("9", "10", True),
        ("1,700", "1600", True),  # One and seven tenths, or seventeen hundred.
        ("1,7", "1.6", False),
        ("12", "3", False),
        ("2025-03-04", None, True),
        ("2025-03-04", "unknown", True),
    ],
)
def test_values_in_the_wrong_order_fail_and_what_cannot_be_compared_does_not(start, end, right):
    assert in_order(start, end) is right


@pytest.mark.parametrize(
    ("check", "record", "right"),
    [
        ({"of": "total", "product": ["qty", "price"]}, {"qty": "3", "price": "2.50", "total": "7.50"}, True),
        ({"of": "total", "product": ["qty", "price"]}, {"qty": "3", "price": "2,50 €", "total": "7,50 €"}, True),
        ({"of": "total", "product": ["qty", "price"]}, {"qty": "3", "price": "2.33", "total": "7.00"}, True),
        ({"of": "total", "product": ["qty", "price"]}, {"qty": "3", "price": "2.50", "total": "8.50"}, False),
        ({"of": "total", "product": ["qty", "price"]}, {"qty": "3", "price": "9", "total": "28"}, False),
        ({"of": "total", "sum": ["net", "tax"]}, {"net": "1,000.00", "tax": "190.00", "total": "1,190.00"}, True),
        ({"of": "total", "sum": ["net", "tax"]}, {"net": "1.000,00", "tax": "190,00", "total": "1.180,00"}, False),
        ({"of": "total", "sum": ["net", "tax"]}, {"net": "100", "tax": None, "total": "119"}, True),
    ],
)
def test_a_total_that_is_not_the_sum_or_the_product_fails_but_for_rounding(check, record, right):
    assert passes({"type": "object", "x-total": check}, "total", **record) is right


@given(st.lists(CENTS, min_size=2, max_size=4))
def test_a_right_sum_always_passes(parts: list[float]):
    names = [f"p{number}" for number in range(len(parts))]
    record = {name: f"{part:.2f}" for name, part in zip(names, parts, strict=True)}
    check = {"type": "object", "x-total": {"of": "total", "sum": names}}
    assert passes(check, "total", total=f"{sum(parts):.2f}", **record) is True


@given(st.integers(1, 500), CENTS, st.integers(2, 5))
def test_a_right_product_always_passes_and_that_of_another_quantity_never_does(quantity: int, price: float, times: int):
    check = {"type": "object", "x-total": {"of": "total", "product": ["qty", "price"]}}
    record = {"price": f"{price:.2f}", "total": f"{quantity * price:.2f}"}
    assert passes(check, "total", qty=str(quantity), **record) is True
    assert passes(check, "total", qty=str(quantity * times), **record) is (quantity * price < 0.01)


@pytest.mark.parametrize(
    "keywords",
    [
        {"x-order": ["start"]},
        {"x-order": "start"},
        {"x-total": {"of": "t"}},
        {"x-total": {"sum": ["a"]}},
        {"x-total": 1},
        {"x-weekday": {"of": "a"}},
        {"x-age": {"of": "a", "since": "b", "until": 5}},
        {"x-age": {"of": "a", "since": "b", "until": "31.12.2025"}},
    ],
)
def test_a_relation_that_cannot_be_read_is_refused_with_what_it_needs(keywords):
    with pytest.raises(
        RuleRejected, match=r"x-order needs a list|x-total needs `of`|x-weekday needs `of`|x-age needs `(of|until)`"
    ):
        passes({"type": "object", **keywords}, "end", end="1")


def invoices(count: int = 60) -> list[dict[str, str | None]]:
    """Right lines of invoices."""
    rows: list[dict[str, str | None]] = []
    for number in range(count):
        quantity, price, tax = number % 7 + 1, 1.25 * (number % 11 + 1), 0.37 * (number % 5 + 1)
        start = FIRST + timedelta(days=number * 5 % 200)
        rows.append(
            {
                "qty": str(quantity),
                "price": f"{price:.2f}",
                "net": f"{quantity * price:.2f}",
                "tax": f"{tax:.2f}",
                "gross": f"{quantity * price + tax:.2f}",
                "start": start.isoformat(),
                "end": (start + timedelta(days=number % 9)).isoformat(),
                "noted": (FIRST + timedelta(days=number * 11 % 200)).isoformat(),
            }
        )
    return rows


def relations(rows: Sequence[dict[str, str | None]]) -> dict[str, tuple[str | None, ...]]:
    return {one.rule.statement: one.shown for one in mine(rows) if one.kind == "relation"}


def test_mining_finds_days_in_order_and_totals_with_the_values_that_break_them():
    rows = invoices()
    rows[7]["end"], rows[9]["net"] = "2024-01-01", "999.00"
    assert relations(rows) == {
        "end is not before start.": ("2024-01-01",),
        "net is qty × price.": ("999.00",),
        "gross is net + tax.": (rows[9]["gross"],),
    }


def test_what_holds_of_too_few_records_or_by_accident_is_no_relation():
    rows = invoices()
    for row in rows[::10]:
        row["net"], row["end"] = "1.00", "2024-01-01"
    assert relations(rows) == {}
    assert relations([{"a": str(n % 2), "b": "0", "c": str(n % 2)} for n in range(60)]) == {}


def test_a_total_that_is_off_waits_for_a_person(preprocessor):
    rows = invoices(120)
    rows[9]["net"] = "47.50"
    found = {(cell.record, cell.attribute): cell for cell in preprocessor.detect(rows).cells if cell.error}
    assert found[9, "net"].decided_by == "table"
    assert "net is qty × price." in (found[9, "net"].reason or "")
    assert 0.5 < found[9, "net"].confidence < 0.7


@pytest.mark.parametrize("quantities", [7, 13])
def test_a_part_that_alone_can_mend_a_total_is_wrong_and_not_the_total(preprocessor, quantities):
    rows = invoices(120)
    for number, row in enumerate(rows):
        quantity = number % quantities + 1
        net = quantity * float(row["price"] or 0)
        row |= {"qty": str(quantity), "net": f"{net:.2f}", "gross": f"{net + float(row['tax'] or 0):.2f}"}
    rows[9]["qty"] = "0"
    found = {(cell.record, cell.attribute): cell for cell in preprocessor.detect(rows).cells if cell.error}
    assert (9, "net") not in found
    assert found[9, "qty"].decided_by == "table"


@pytest.mark.parametrize(
    ("name", "day", "right"),
    [
        ("Tuesday", "2025-03-04", True),
        ("Wednesday", "2025-03-04", False),
        ("Di.", "04.03.2025", True),
        ("mardi", "04.03.2025 10:15", True),
        ("MIÉRCOLES", "2025-03-04", False),
        ("lørdag", "2025-03-08", True),
        ("вторник", "2025-03-04", True),
        ("Thu", "03/04/2025", True),  # The third of April is a Thursday, and the fourth of March is none.
        ("Friday", "03/04/2025", False),
        ("day off", "2025-03-04", True),
        ("Monday", "2025-02-30", True),
        (None, "2025-03-04", True),
    ],
)
def test_a_weekday_is_held_against_its_day_in_any_language(name, day, right):
    check = {"type": "object", "x-weekday": {"of": "Name", "on": "day"}}
    assert passes(check, "name", name=name, day=day) is right


@pytest.mark.parametrize(
    ("age", "born", "right"),
    [
        ("45", "1980-03-04", True),
        ("44", "1980-03-04", True),
        ("46 years", "1980-03-04", True),
        ("47", "1980-03-04", False),
        ("54", "1980-03-04", False),
        ("45", None, True),
        ("unknown", "1980-03-04", True),
    ],
)
def test_an_age_is_held_against_the_day_of_birth(age, born, right):
    check = {"type": "object", "x-age": {"of": "age", "since": "born", "until": "2025-06-01"}}
    assert passes(check, "age", age=age, born=born) is right


def people(count: int = 130) -> list[dict[str, str | None]]:
    """Right records of people with their ages in June 2025 and the day of a visit with its weekday, in German."""
    rows: list[dict[str, str | None]] = []
    for number in range(count):
        born = date(1940, 1, 1) + timedelta(days=number * 331 % 22_000)
        visit = FIRST + timedelta(days=number * 13 % 150)
        age = 2025 - born.year - ((born.month, born.day) > (6, 1))
        rows.append(
            {
                "geburtsdatum": born.strftime("%d.%m.%Y"),
                "alter": str(age),
                "besuch": visit.strftime("%d.%m.%Y"),
                "tag": WEEKDAYS[visit.weekday()],
                "neuer termin": (visit + timedelta(days=7 if number % 3 else 3)).strftime("%d.%m.%Y"),
                "stufe": str(number % 9),
            }
        )
    return rows


def test_mining_finds_weekdays_and_ages_with_the_values_that_break_them():
    rows = people()
    rows[7]["tag"] = "Sonntag" if rows[7]["tag"] != "Sonntag" else "Montag"
    rows[11]["alter"] = str(int(rows[11]["alter"] or 0) + 10)
    found = {statement: shown for statement, shown in relations(rows).items() if "not before" not in statement}
    weekday, age = sorted(found, reverse=True)
    assert weekday == "tag is the weekday of besuch."
    assert re.fullmatch(r"alter is the years from geburtsdatum to 2025-\d\d-\d\d, or one more or less\.", age)
    assert found == {weekday: (rows[7]["tag"],), age: (rows[11]["alter"],)}


def test_numbers_beside_days_are_ages_only_where_they_differ_with_the_days():
    rows = people()
    for number, row in enumerate(rows):
        row["alter"] = str(30 + number * 7 % 40)
        row["geburtsdatum"] = (date(2020, 1, 1) + timedelta(days=number)).isoformat()
    assert not any("years from" in statement for statement in relations(rows))
    for row in rows:
        row["alter"] = "5"
    assert not any("years from" in statement for statement in relations(rows))


def test_a_weekday_and_an_age_that_are_off_wait_for_a_person_and_a_day_that_cannot_be_takes_the_blame(preprocessor):
    rows = people()
    rows[7]["tag"] = "Sonntag" if rows[7]["tag"] != "Sonntag" else "Montag"
    rows[11]["alter"] = str(int(rows[11]["alter"] or 0) + 10)
    rows[20]["geburtsdatum"] = "01.02.2099"
    found = {(cell.record, cell.attribute): cell for cell in preprocessor.detect(rows).cells if cell.error}
    assert {(7, "tag"), (11, "alter"), (20, "geburtsdatum")} <= found.keys()
    assert not {(7, "besuch"), (11, "geburtsdatum"), (20, "alter")} & found.keys()
    assert "tag is the weekday of besuch." in (found[7, "tag"].reason or "")
    assert 0.5 < found[11, "alter"].confidence < 0.7
