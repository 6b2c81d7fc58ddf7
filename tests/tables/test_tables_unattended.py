"""What is changed without a person: only what cannot be right by itself."""

from __future__ import annotations

import csv
import random
import threading
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path

import pytest

from dp_tools.engine.questions import GeneratedValue, Labels, LabelScores, Question, Result, Segment
from dp_tools.models.calibration import Calibration
from dp_tools.preprocessor import Preprocessor
from dp_tools.progress import Progress
from dp_tools.rules.rule import Rule
from dp_tools.tables.asking import NoJournal, Work
from dp_tools.tables.clean.cleaning import Cleaner, Repair
from dp_tools.tables.io.paths import Roots
from dp_tools.tables.jobs.job_requests import CleanRequest, TableSource
from dp_tools.tables.jobs.jobs import Jobs
from dp_tools.tables.snapshot import open_table

TOWNS = "Greenville Bristol Springfield Franklin Zilina Chester Dover Salem Auburn Clinton".split()  # noqa: SIM905
SURNAMES = "Walker Miller Roman Hanson Clark Brown Weber Novak Rossi Larsen".split()  # noqa: SIM905


class StandIn:
    """Says of every value that it is wrong with the same probability."""

    name = "stand-in"
    fingerprint = "stand-in-1"

    error = 0.0

    def answer(
        self,
        questions: Sequence[Question],
        *,
        progress: Progress | None = None,  # noqa: ARG002
        cancel: threading.Event | None = None,  # noqa: ARG002
    ) -> list[Result]:
        return [self._answer(question) for question in questions]

    def _answer(self, question: Question) -> Result:
        if isinstance(question.answer, Labels):
            return LabelScores((self.error, 1 - self.error), self.name)
        return GeneratedValue((question.answer.allowed or ("value",))[0], 0.9, (), self.name)

    def count_tokens(self, segments: Sequence[Segment]) -> int:
        return sum(len(segment.text) for segment in segments)

    def close(self) -> None:
        pass


def repaired(path: Path, *rules: Rule, suspicious: bool = True) -> Repair:
    """What becomes of a table.

    Args:
        path: the table.
        rules: that hold.
        suspicious: whether the model finds every value that it is asked about wrong, and then every proposal right, so
            that nothing but the code's own care protects the table; otherwise it finds everything right.
    """
    engine = StandIn()
    with opened(engine) as preprocessor:
        for rule in rules:
            preprocessor.knowledge.add(rule, who="a test")
        return cleaned(preprocessor, engine, path, suspicious=suspicious)


def opened(engine: StandIn) -> Preprocessor:
    preprocessor = Preprocessor(knowledge=":memory:", engine=engine, adapters=False)
    preprocessor.decider.calibration = Calibration()
    return preprocessor


def cleaned(preprocessor: Preprocessor, engine: StandIn, path: Path, *, suspicious: bool) -> Repair:
    with open_table(path) as table:
        cleaner = Cleaner(Work(preprocessor.decider, NoJournal()), table, None, [])
        engine.error = 0.99 if suspicious else 0.01
        wrong = cleaner.detect().wrong
        engine.error = 0.01
        return cleaner.repair(wrong)


def written(path: Path, columns: dict[str, list[str]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        lines = csv.writer(file)
        lines.writerow(columns)
        lines.writerows(zip(*columns.values(), strict=True))
    return path


def column(values: Sequence[str], count: int = 150, **odd: str) -> list[str]:
    """Values in turn; `odd` are other ones by row ("r17")."""
    made = [values[row % len(values)] for row in range(count)]
    for row, value in odd.items():
        made[int(row[1:])] = value
    return made


def changed(repair: Repair) -> list[tuple[str | None, str]]:
    return [(change.old, change.new) for change in repair.changes]


def asked(repair: Repair) -> list[tuple[str | None, str]]:
    return [(change.old, change.new) for change in repair.doubtful]


def test_a_rare_name_is_no_misspelling_because_a_frequent_one_is_near(tmp_path: Path) -> None:
    rare = {"r17": "Greeneville", "r31": "Bristow", "r58": "Springdale", "r90": "Franklinton", "r120": "Vienna"}
    towns = {"town": column(TOWNS, **rare), "state": column(["open", "shut", "moved"])}
    assert changed(repaired(written(tmp_path / "t.csv", towns))) == []
    alone = {**towns, "town": column(TOWNS, r17="Greeneville")}
    assert changed(repaired(written(tmp_path / "u.csv", alone))) == []
    people = {"rep": column(SURNAMES, r9="Waller", r22="Muller", r45="Ronan", r60="Hansson", r77="Clarke")}
    assert changed(repaired(written(tmp_path / "v.csv", people | {"id": column(["x", "y"])}))) == []


@pytest.mark.parametrize(
    ("values", "dirty", "right"),
    [
        (["active", "closed", "paused"], "actve", "active"),
        (["active", "closed", "paused"], "acitve", "active"),
        (["active", "closed", "paused"], "CLOSED", "closed"),
        (["open", "shipped"], "ｓｈｉｐｐｅｄ", "shipped"),
        (["open", "shipped"], "opеn", "open"),
        (["Dalian", "Kraków"], "Kraków\u200b", "Kraków"),
        (["Berlin", "Paris", "Madrid"], "Berln", "Berlin"),
        (["Berlin", "Paris", "Madrid"], "Ber1in", "Berlin"),
    ],
)
def test_what_cannot_be_right_is_mended_unasked(tmp_path: Path, values: list[str], dirty: str, right: str) -> None:
    table = {"it": column(values, r50=dirty), "note": column([f"n{n}" for n in range(7)])}
    assert changed(repaired(written(tmp_path / "t.csv", table), suspicious=False)) == [(dirty, right)]


def test_where_spelling_and_record_contradict_each_other_a_person_decides(tmp_path: Path) -> None:
    places = {"50667": "Köln", "80331": "München", "40213": "Düsseldorf", "97070": "Würzburg", "20095": "Hamburg"}
    codes = column(list(places))
    towns = [places[code] for code in codes]
    towns[32], towns[53] = "Münchne", "Kölnn"  # beside 40213 and 97070
    repair = repaired(written(tmp_path / "t.csv", {"plz": codes, "town": towns}))
    assert changed(repair) == []
    why = {change.old: change.why for change in repair.doubtful}
    assert why["Münchne"].endswith('Its spelling says "München", the record\'s other values say "Düsseldorf".')
    towns[32], towns[53] = "Düsseldrof", "Würzbrg"
    repair = repaired(written(tmp_path / "u.csv", {"plz": codes, "town": towns}))
    assert changed(repair) == [("Düsseldrof", "Düsseldorf"), ("Würzbrg", "Würzburg")]


def test_a_value_beside_which_the_nearest_one_never_stands_is_left_to_a_person(tmp_path: Path) -> None:
    towns = column(["Berlin", "Madrid"])
    countries = ["Germany" if town == "Berlin" else "Spain" for town in towns]
    towns[41] = "Berln"
    countries[41] = "Spain"
    repair = repaired(written(tmp_path / "t.csv", {"town": towns, "land": countries, "n": column(["a", "b", "c"])}))
    assert changed(repair) == []


def test_a_record_that_differs_in_two_values_is_another_thing(tmp_path: Path) -> None:
    numbers = column(["12", "47", "81"])
    rows = [
        {"12": ("Hops", "Salem", "OR"), "47": ("Malt", "Bend", "WA"), "81": ("Yeast", "Boise", "ID")}[n]
        for n in numbers
    ]
    rows[30], numbers[30] = ("Hops", "Salem", "MA"), "95"
    for row in range(3, 30, 3):
        numbers[row], rows[row] = "96", ("Other", "Waltham", "MA")
    brewers = {
        "number": numbers,
        **{name: [row[n] for row in rows] for n, name in enumerate(("name", "city", "state"))},
    }
    assert changed(repaired(written(tmp_path / "t.csv", brewers))) == []


def test_an_exception_to_a_dependency_is_left_to_a_person(tmp_path: Path) -> None:
    states = column(["TN", "AL", "GA"])
    towns = [{"TN": "Nashville", "AL": "Mobile", "GA": "Macon"}[state] for state in states]
    towns[30] = "Knoxville"
    repair = repaired(written(tmp_path / "t.csv", {"state": states, "town": towns}))
    assert changed(repair) == []
    assert asked(repair) == [("Knoxville", "Nashville")]


def test_a_value_that_took_its_neighbour_along_is_mended_although_another_record_says_the_same(tmp_path: Path) -> None:
    states = dict(zip(TOWNS, ["SC", "VA", "IL", "TN", "SK", "PA", "DE", "OR", "NY", "IA"], strict=True))
    towns = [TOWNS[row // 2 % len(TOWNS)] for row in range(160)]
    table = {"brewery": [f"b{row // 2}" for row in range(160)], "town": towns, "state": [states[one] for one in towns]}
    whole = f"{towns[30]} {table['state'][30]}"
    table["town"] = [*towns[:30], whole, *towns[31:]]
    assert changed(repaired(written(tmp_path / "t.csv", table), suspicious=False)) == [(whole, towns[30])]
    # One other record of the brewery alone is no reason: this may be an exception.
    table["town"] = [*towns[:30], "Vienna", *towns[31:]]
    repair = repaired(written(tmp_path / "u.csv", table), suspicious=False)
    assert (changed(repair), asked(repair)) == ([], [("Vienna", towns[30])])


@pytest.mark.parametrize(
    ("dirty", "right"),
    [("1O5", "105"), ("2l0", "210"), ("12 kg", None), ("-41000", None), ("15O", "150"), ("(120)", None), ("~99", None)],
)
def test_a_number_with_letters_is_read_whole_or_left_to_a_person(tmp_path: Path, dirty: str, right: str | None) -> None:
    numbers = column([str(100 + 7 * n) for n in range(60)], r40=dirty)
    path = written(tmp_path / "t.csv", {"n": numbers, "kind": column(["a", "b", "c"])})
    repair = repaired(path, suspicious=False)
    assert changed(repair) == ([(dirty, right)] if right else [])
    assert all(new not in ("1", "2", "41000") for _, new in asked(repair))


def test_letters_of_a_name_are_never_dropped(tmp_path: Path) -> None:
    names = column(["Rene", "Anna", "Jrn", "Pea", "Zo"], 300, r41="Renée", r80="Jørn", r99="Peña", r120="Zoë")
    assert changed(repaired(written(tmp_path / "t.csv", {"name": names, "n": column(["a", "b"], 300)}))) == []


def test_the_nearest_value_of_a_rules_list_is_taken_only_where_it_is_near(tmp_path: Path) -> None:
    check = {"enum": ["Austria", "Zilina", "Brno", "open"]}
    rule = Rule(id="listed", task="detect_errors", attribute="it", statement="It is listed.", check=check)
    listed = {"it": column(["Zilina", "Brno"], r5="Vienna", r20="Zilna", r33="OPEN"), "n": column(["a", "b", "c"])}
    repair = repaired(written(tmp_path / "t.csv", listed), rule, suspicious=False)
    assert changed(repair) == [("Zilna", "Zilina"), ("OPEN", "open")]


def clean_table(seed: int) -> dict[str, list[str]]:
    """Names beside words, codes, amounts or days, all of them right; some names are rare and near a frequent one."""
    made = random.Random(seed)

    def name() -> str:
        parts = [made.choice("bcdfghklmnprstvwz") + made.choice("aeiou") for _ in range(made.randint(2, 4))]
        return "".join(parts).capitalize() + made.choice(["", "n", "r", "s", "lt", "ck", "n"])

    def varied(word: str) -> str:
        place = made.choice([n for n, letter in enumerate(word) if letter in "aeiou"])
        return (
            word[:place] + made.choice("aeiou") + word[place + made.randint(0, 1) :] + made.choice(["", "", "e", "s"])
        )

    rows = 100
    words = [name().lower() for _ in range(made.choice([3, 8]))]
    names = [name() for _ in range(made.choice([5, 12, 60]))]
    rare = [varied(made.choice(names)) for _ in range(3)]
    letters = made.choice(["AB", "CX-", "k"])
    start = date(made.randint(1990, 2020), 1, 1)
    days = [start + timedelta(days=made.randrange(2000)) for _ in range(rows)]
    style = made.choice(["%Y-%m-%d", "%d.%m.%Y", "%m/%d/%Y"])
    columns = {
        "word": [made.choice(words) for _ in range(rows)],
        "name": [made.choice(names) for _ in range(rows)],
        "code": [f"{letters}{made.randrange(100, 999)}" for _ in range(rows)],
        "amount": [f"{made.lognormvariate(4, 1):.2f}" for _ in range(rows)],
        "day": [day.strftime(style) for day in days],
    }
    for value in rare:
        columns["name"][made.randrange(rows)] = value
    chosen = {"name", *made.sample(["word", "code", "amount", "day"], 2)}
    return {name: values for name, values in columns.items() if name in chosen}


def test_no_right_value_of_a_clean_table_is_changed(tmp_path: Path) -> None:
    engine = StandIn()
    with opened(engine) as preprocessor:
        for seed in range(200):
            path = written(tmp_path / "t.csv", clean_table(seed))
            assert changed(cleaned(preprocessor, engine, path, suspicious=True)) == [], seed


def test_what_could_not_be_repaired_is_listed_beside_the_result(tmp_path: Path) -> None:
    notes = column([f"remark {chr(97 + n % 26) * 5} {n}" for n in range(150)], r5="zz 81")
    written(tmp_path / "t.csv", {"note": notes, "kind": column(["a", "b", "c"])})
    check = {"type": "string", "not": {"pattern": "^zz"}}
    rule = Rule(id="no-zz", task="detect_errors", attribute="note", statement="It has no zz.", check=check)
    with opened(StandIn()) as preprocessor:
        preprocessor.knowledge.add(rule, who="a test")
        jobs = Jobs(lambda: preprocessor.decider, Roots.of([tmp_path]), tmp_path / "state")
        job = jobs.start(CleanRequest(source=TableSource(path="t.csv")), wait=0)
        done = jobs.wait(job.id)
    assert done.status == "done", done.error
    with (tmp_path / "t.clean.review.csv").open(encoding="utf-8", newline="") as file:
        (line,) = (line for line in csv.DictReader(file) if "zz 81" in line["case"])
    assert line["question"] == 'Row 6: note "zz 81" is probably wrong, and nothing better was found. It has no zz.'
    assert line["proposal"] == ""
