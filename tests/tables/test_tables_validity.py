"""Cleaning by kind: what no value of a kind can be is an error by code, and right values are not touched."""

from __future__ import annotations

import csv
import random

import pytest

from dp_tools.engine.questions import LabelScores
from dp_tools.preprocessor import Preprocessor
from dp_tools.tables.asking import NoJournal, Work
from dp_tools.tables.clean.cleaning import Cleaner, Repair
from dp_tools.tables.snapshot import inline_table
from lab.benchmarks.cleaning import CodeAlone, clean_synthetic
from lab.synthetic.kind_tables import TABLES, make

COUNT = 40
MAILS = [f"ada.king{n}@firm.example" for n in range(COUNT)]
DAYS = [f"2023-{n % 12 + 1:02}-{n % 28 + 1:02}" for n in range(COUNT)]
MOMENTS = [f"{day}T{n % 24:02}:{n * 7 % 60:02}:00Z" for n, day in enumerate(DAYS)]
EVENINGS = [f"{n % 28 + 1:02}.{n % 12 + 1:02}.2023 {n % 5 + 17}:{n * 7 % 60:02}" for n in range(COUNT)]
LENGTHS = [f"{n % 4 + 2}:{n * 7 % 60:02}" for n in range(COUNT)]
PAY = [str(500 * (64 + n * 37 % 120)) for n in range(COUNT)]


@pytest.fixture
def preprocessor():
    with Preprocessor(knowledge=":memory:", engine=CodeAlone(), adapters=False) as found:
        yield found


def errors(preprocessor: Preprocessor, name: str, values: list[str], **beside: list[str]) -> dict[str, str]:
    """The values that are called wrong, with the reasons."""
    columns = {**beside, name: values}
    records = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    answer = preprocessor.detect(records, [name])
    return {cell.value or "": cell.reason or "" for cell in answer.cells if cell.error}


def repaired(preprocessor: Preprocessor, name: str, values: list[str], **beside: list[str]) -> Repair:
    """What becomes of the wrong values of a table."""
    columns = {"item": [f"item {'abcde'[n % 5]}" for n in range(len(values))], **beside, name: values}
    records = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    with inline_table(records) as table:
        cleaner = Cleaner(Work(preprocessor.decider, NoJournal()), table, None, [])
        return cleaner.repair(cleaner.detect().wrong)


def spoiled(values: list[str], *wrong: str) -> list[str]:
    return [*values[: len(values) - len(wrong)], *wrong]


@pytest.mark.parametrize(
    ("name", "right", "wrong", "reason"),
    [
        ("email", MAILS, "ada.kingfirm.example", "one @"),
        ("email", MAILS, "ada king@firm.example", "blank"),
        ("email", MAILS, "ada@king@firm.example", "one @"),
        ("hired on", DAYS, "2024-02-30", "No calendar"),
        ("hired on", DAYS, "0000-00-00", "no day"),
        ("hired on", DAYS, "2091-03-05", "lie between"),
        ("submitted at", MOMENTS, "2023-07-45T10:12:00Z", "No calendar"),
        ("submitted at", MOMENTS, "2023-07-05T25:12:00Z", "No clock"),
        ("submitted at", MOMENTS, "2091-07-05T10:12:00Z", "lie between"),
        ("begins", EVENINGS, "30.02.2023 19:00", "No calendar"),
        ("begins", EVENINGS, "12.02.2023 19:75", "No clock"),
        ("length", LENGTHS, "3:75", "No clock"),
        ("address", [f"10.0.{n % 4}.{200 + n}" for n in range(COUNT)], "10.0.2.300", "0 to 255"),
        ("address", [f"fe80::{n + 1:x}:a0{n % 10}" for n in range(COUNT)], "fe80::1:a0g", "hexadecimal"),
        ("port", [f"a4:5b:11:0c:9d:{n:02x}" for n in range(COUNT)], "a4:5g:11:0c:9d:22", "hexadecimal"),
        ("request", [f"{n:08x}-0a1b-4c2d-8e3f-0123456789ab" for n in range(COUNT)],
         "0000000g-0a1b-4c2d-8e3f-0123456789ab", "hexadecimal"),
        ("date of birth", [f"19{40 + n}-03-{n % 28 + 1:02}" for n in range(COUNT)], "2999-01-05", "not to come"),
        ("date of birth", [f"19{40 + n}-03-{n % 28 + 1:02}" for n in range(COUNT)], "1900-01-01", "Nobody alive"),
        ("salary", PAY, "-41000", "below 0"),
        ("salary", PAY, "5200000", "lie between"),
        ("salary", PAY, "52,000 EUR", "without a unit"),
        ("website", [f"https://www.shop{n}.example" for n in range(COUNT)], "htp:/shop example", "web address"),
        ("iban", ["DE89370400440532013000", "GB82WEST12345698765432", "FR1420041010050500013M02606"] * 12,
         "DE89370400440532013001", "check digits"),
        ("first name", ["Ada", "Tom", "Greta", "Paul", "Clara"] * 8, "Gr3ta", "no digit"),
    ],
)  # fmt: skip
def test_what_no_value_of_a_kind_can_be_is_wrong_by_code(preprocessor, name, right, wrong, reason):
    found = errors(preprocessor, name, spoiled(right, wrong))
    assert list(found) == [wrong]
    assert reason in found[wrong]
    assert errors(preprocessor, name, right) == {}


@pytest.mark.parametrize(("number", "wrong"), [("+44 20 794", True), ("020 7946 0018", False), ("+1 20", True)])
def test_a_telephone_number_has_a_length_that_its_country_allows(preprocessor, number, wrong):
    phones = [f"+44 20 7946 {n:04}" for n in range(100, 100 + COUNT)]
    found = errors(preprocessor, "phone", spoiled(phones, number), country=["GB"] * COUNT)
    assert list(found) == [number] * wrong


def test_a_postcode_is_written_as_its_country_writes_it(preprocessor):
    countries = ["DE", "AT", "GB", "NL"] * 10
    codes = [{"DE": "50667", "AT": "1010", "GB": "SW1A 1AA", "NL": "1012 AB"}[country] for country in countries]
    found = errors(preprocessor, "postcode", [*codes[:-4], "1067", *codes[-3:]], country=countries)
    assert list(found) == ["1067"]


def test_check_digits_are_known_by_the_column_whatever_it_is_called(preprocessor):
    def card(number: int) -> str:
        body = f"4929{number:011}"
        total = sum(sum(divmod(int(d) * (2 - place % 2), 10)) for place, d in enumerate(body))
        return f"{body}{-total % 10}"

    cards = [card(n * 7919) for n in range(COUNT)]
    wrong = f"{cards[0][:-1]}{(int(cards[0][-1]) + 1) % 10}"
    assert list(errors(preprocessor, "reference", spoiled(cards, wrong))) == [wrong]


@pytest.mark.parametrize("draw", ["paretovariate", "lognormvariate", "expovariate", "uniform"])
def test_heavy_tails_and_rare_numbers_are_right(preprocessor, draw):
    chance = random.Random(draw)
    arguments = {"paretovariate": (1.0,), "lognormvariate": (8, 2), "expovariate": (0.01,), "uniform": (1, 900)}[draw]
    turnover = [f"{getattr(chance, draw)(*arguments) * 50:.2f}" for _ in range(150)]
    assert errors(preprocessor, "turnover", turnover) == {}


def test_numbers_with_and_without_marks_between_thousands_are_written_alike(preprocessor):
    amounts = [f"{n * 61 % 900},{n % 90 + 10}" for n in range(100, 130)] + ["1.234,56", "10.234,00", "12"]
    assert errors(preprocessor, "Umsatz", amounts) == {}


def test_few_records_are_judged_by_kind_as_well(preprocessor):
    assert list(errors(preprocessor, "email", [*MAILS[:4], "nobody"])) == ["nobody"]
    assert errors(preprocessor, "email", ["nobody", "home", MAILS[0]]) == {}


def test_a_column_of_another_kind_than_its_name_says_is_left_alone(preprocessor):
    assert errors(preprocessor, "email", [f"user{n}" for n in range(COUNT)]) == {}


def test_a_rule_about_the_column_comes_first(preprocessor):
    records = [{"salary": value} for value in spoiled(PAY, "-41000")]
    answer = preprocessor.detect(records, rules=["A negative salary is right: it is paid back."])
    assert not any(cell.error for cell in answer.cells)


FORMS = [
    ("salary", PAY, "52,000", "52000", True),
    ("salary", PAY, "52,000 EUR", "52000", False),
    ("amount", [f"{n * 611 % 9000 + 1000:,}.50".translate({44: 46, 46: 44}) for n in range(COUNT)], "4522.37",
     "4.522,37", True),
    ("hired on", DAYS, "2024/05/14", "2024-05-14", True),
    ("hired on", DAYS, "02.05.2024", "2024-05-02", False),
    ("email", MAILS, "ada.king77firm.example", "ada.king77@firm.example", False),
    ("phone", [f"+49 30 5550{n:03}" for n in range(COUNT)], "0049 30 5550123", "+49 30 5550123", True),
]  # fmt: skip


@pytest.mark.parametrize(("name", "values", "old", "new", "changed"), FORMS)
def test_another_form_of_a_right_value_is_proposed_in_the_columns_own(preprocessor, name, values, old, new, changed):
    repair = repaired(preprocessor, name, spoiled(values * 3, old))
    assert [(change.old, change.new) for change in repair.changes] == [(old, new)] * changed
    assert [(change.old, change.new) for change in repair.doubtful] == [(old, new)] * (not changed)


def test_days_of_the_same_notation_tell_what_an_ambiguous_one_means(preprocessor):
    repair = repaired(preprocessor, "hired on", spoiled(DAYS * 4, "25.05.2023", "02.05.2023"))
    assert {change.new for change in repair.changes} == {"2023-05-25", "2023-05-02"}


def test_a_unit_that_the_record_names_elsewhere_is_not_lost(preprocessor):
    repair = repaired(preprocessor, "price", spoiled(PAY * 3, "52,000 EUR"), currency=["€"] * 3 * COUNT)
    assert [change.new for change in repair.changes] == ["52000"]


@pytest.mark.parametrize("name", TABLES)
def test_code_finds_what_is_spoiled_and_nothing_else(preprocessor, name):
    for clean in clean_synthetic(preprocessor, [name], 60, [3], 0.0):
        assert clean.found == 0
    for dirty in clean_synthetic(preprocessor, [name], 120, [3], 0.02):
        assert dirty.found == dirty.hits >= dirty.wrong - 1
        assert dirty.changed == dirty.rightly


def test_blanks_around_a_value_are_wrong_where_hardly_any_other_has_some(preprocessor):
    names = [f"{'abcdefghij'[n % 10].upper()}nders" for n in range(COUNT)]
    repair = repaired(preprocessor, "last name", spoiled(names, "Anders "))
    assert [(change.old, change.new) for change in repair.changes] == [("Anders ", "Anders")]
    assert errors(preprocessor, "last name", [f"{name} " for name in names]) == {}


def test_a_country_that_no_other_record_has_is_right(preprocessor):
    countries = ["Germany", "France", "Italy", "Spain"] * 30
    assert errors(preprocessor, "country", spoiled(countries, "Taiwan", "Grmany")).keys() == {"Grmany"}


class Alarmist(CodeAlone):
    """Stands for a model that calls every cell wrong."""

    def answer(self, questions, **_):
        return [LabelScores((0.99, 0.01), self.name) for _ in questions]


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("email", [*MAILS[:-1], "ADA.KING@FIRM.EXAMPLE"]),
        ("phone", [f"+49 30 5550{n:03}" for n in range(COUNT - 1)] + ["030 5550 777"]),
        ("unit price", [f"{n * 61 % 80 + 10}.{n % 90 + 10}" for n in range(COUNT - 1)] + ["180"]),
        ("country", ["DE", "France", "IT", "Spain"] * 10),
        (
            "email",
            [f"{name}.haas{n % 20}@firm.example" for n in range(60) for name in ("rita", "greta")]
            + ["hugo.haas7@firm.example"],
        ),
        ("submitted at", [*MOMENTS[:-1], "2023-01-01T00:00:00Z"]),
        ("port", [":".join(f"{n * n * part * 37 % 256:02x}" for part in range(1, 7)) for n in range(COUNT)]),
    ],
)
def test_a_model_that_accuses_everything_is_not_asked_about_what_its_kind_tells(name, values):
    with Preprocessor(knowledge=":memory:", engine=Alarmist(), adapters=False) as preprocessor:
        found = errors(preprocessor, name, values)
    assert found == {}


def test_a_file_and_its_records_are_judged_alike(preprocessor, tmp_path):
    made = make("customers", 50, 4, 0.02)
    table = tmp_path / "customers.csv"
    with table.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, made.rows[0])
        writer.writeheader()
        writer.writerows(made.rows)
    names = [name for name in made.rows[0] if name != "customer"]
    records = [{name: value or None for name, value in row.items()} for row in made.rows]
    ways = [preprocessor.detect(table, names), preprocessor.detect(records, names)]
    found = [{(cell.record, cell.attribute): (cell.error, cell.reason) for cell in way.cells} for way in ways]
    assert found[0] == found[1]
    assert {cell for cell, (error, _) in found[0].items() if error} <= made.truth.keys()
    assert any(error for error, _ in found[0].values())


@pytest.mark.parametrize("name", ["email", "website", "phone", "salary", "hired on", "begins", "first name"])
@pytest.mark.parametrize(
    "odd", ["(" * 5000, "a" + " " * 5000 + "b", "1 " * 5000, "a." * 5000, "<" + " " * 5000, "-" * 5000]
)
def test_very_long_values_take_no_long_time(preprocessor, name, odd):
    known = {"email": MAILS, "hired on": DAYS, "begins": EVENINGS, "salary": PAY}
    right = known.get(name, [f"+49 30 555{n:04}" for n in range(COUNT)])
    errors(preprocessor, name, spoiled(right, odd))


def test_a_version_of_four_numbers_is_no_ip_address(preprocessor):
    assert errors(preprocessor, "firmware", spoiled([f"2.{n % 5}.{n % 9}.1" for n in range(COUNT)], "2.4.300.1")) == {}
