"""What stands for no value is told by its column and its record, never by a list alone."""

from __future__ import annotations

from collections import Counter
from itertools import cycle, islice

import pytest
from tables_job import ScriptedEngine

from dp_tools.preprocessor import Preprocessor
from dp_tools.profiling.placeholders import placeholders
from dp_tools.rules.discovery.mine import mine


@pytest.mark.parametrize(
    ("others", "text", "times", "gap"),
    [
        (["DE", "FR", "US", "KE", "ZA"], "NA", 1, False),
        (["Berger", "Novak", "Rossi", "Silva"], "Null", 1, False),
        (["Berger", "Novak", "Rossi", "Silva"], "None", 1, False),
        (["Berger", "Novak", "Rossi", "Silva"], "Na", 1, False),
        (["latex", "penicillin", "nuts"], "none", 75, False),
        (["home", "rehab", "ward"], "n/a", 20, False),
        (["yes", "no"], "unknown", 15, False),
        (["Berger", "Novak", "Rossi", "Silva"], "N/A", 1, True),
        (["Berger", "Novak", "Rossi", "Silva"], "null", 1, True),
        (["12.50", "8", "19.99", "7.25"], "N/A", 40, True),
        (["12.50", "8", "19.99", "7.25"], "none", 3, True),
        (["2024-05-01", "2023-11-17", "2022-08-30"], "unknown", 3, True),
    ],
)
def test_a_text_stands_for_no_value_where_its_column_says_so(
    others: list[str], text: str, times: int, gap: bool
) -> None:
    counts = Counter([*islice(cycle(others), 100), *[text] * times])
    assert placeholders(counts) == ({text} if gap else frozenset())


def test_the_code_of_namibia_and_the_surname_null_are_no_gaps() -> None:
    codes = {"Germany": "DE", "France": "FR", "Namibia": "NA", "Kenya": "KE"}
    names = ["Berger", "Novak", "Rossi", "Silva", "Weber", "Larsen", "Costa"]
    records: list[dict[str, str | None]] = [
        {"country": country, "code": codes[country], "surname": names[row % 7]}
        for row, country in enumerate(islice(cycle(codes), 140))
    ]
    records[20]["surname"], records[33]["surname"], records[51]["surname"] = "Null", "None", "Na"
    assert not any(candidate.kind == "missing" for candidate in mine(records))
    with Preprocessor(knowledge=":memory:", engine=ScriptedEngine(), adapters=False) as preprocessor:
        cells = preprocessor.detect(records, attributes=["code", "surname"]).cells
    names_and_codes = {"NA", "Null", "None", "Na"}
    assert not any(cell.error for cell in cells if cell.value in names_and_codes and cell.decided_by == "table")
