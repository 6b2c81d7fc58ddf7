"""What a record keeps among its own values: rules that people write, and what a table shows by itself."""

from __future__ import annotations

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
    ],
)
def test_a_relation_that_cannot_be_read_is_refused_with_what_it_needs(keywords):
    with pytest.raises(RuleRejected, match=r"x-order needs a list|x-total needs `of`"):
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
