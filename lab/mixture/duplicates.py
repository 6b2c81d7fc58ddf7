"""Candidate pairs made from a clean table: a record written a second time, and records that only look like it.

What two sources write differently about one thing changes here: words come, go and change places, are cut or mistyped,
prices move, categories differ, values are missing. What tells things apart changes there: another record of the table
that shares much with this one, or this one with another number or another word in its name.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from random import Random
from typing import TypeGuard

from rapidfuzz import fuzz

from dp_tools.profiling.value_formats import readings
from dp_tools.records import is_missing, may_be_missing
from lab.mixture.corruption import typo
from lab.mixture.examples import often
from lab.mixture.sources import Record, Row

_DISTINCT = 0.5
"""Distinct values in a column, as a share of its filled cells, from which on it names the thing itself."""
_LOOKED_AT = 400
_OTHERS = 25
_ATTRIBUTES = 7
_ALIKE = 88
"""Likeness of names in percent from which on two records may be one thing, whatever else they say."""
_NUMBER = re.compile(r"\d+")
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_DAYS = ("%Y-%m-%d", "%m/%d/%Y", "%d.%m.%Y", "%B %d, %Y", "%d-%b-%y", "%Y/%m/%d")
_TELEPHONE = re.compile(r"\d{10}")
_TELEPHONES = ("({}) {}-{}", "{}-{}-{}", "{}{}{}", "+1 {} {} {}", "{}.{}.{}", "{}/{}-{}")
_DECIMAL = re.compile(r"([$€£]?\s?)(\d+\.\d+)(\s?%?)")


@dataclass(frozen=True, slots=True)
class Table:
    """A clean table whose records can be told apart.

    Args:
        records: all of them different.
        names: the attributes that name the thing: texts that are mostly distinct.
        sharing: the numbers of the records that have a value, or begin a name, in common.
    """

    records: Sequence[Record]
    names: tuple[str, ...]
    sharing: dict[tuple[str, str], list[int]]

    @classmethod
    def of(cls, records: Sequence[Record]) -> Table | None:
        """The table; None where no attribute names things."""
        looked = records[:_LOOKED_AT]
        names = []
        for attribute in records[0]:
            filled = [value for record in looked if (value := record.get(attribute)) and not is_missing(value)]
            texts = [value for value in filled if any(map(str.isalpha, value))]
            if filled and len(texts) > 0.8 * len(filled) and len(set(filled)) > _DISTINCT * len(filled):
                names.append(attribute)
        if not names:
            return None
        sharing: dict[tuple[str, str], list[int]] = defaultdict(list)
        for number, record in enumerate(records):
            for attribute, value in record.items():
                if value and not is_missing(value):
                    sharing[_shared(attribute, value, names)].append(number)
        return cls(records, tuple(names), dict(sharing))

    def candidates(self, random: Random, count: int, negatives: float = 2.5) -> Iterator[Row]:
        """Pairs of one record after the other: it and itself, it and others.

        Args:
            random: what is drawn.
            count: how many pairs, about; fewer where there are few records.
            negatives: how many of them do not match to each that does, on average.
        """
        wanted = min(len(self.records), round(count / (1 + negatives)))
        for number in random.sample(range(len(self.records)), wanted):
            record = self.records[number]
            if not self._distinguishable(record):
                continue
            kept = self._kept(random)
            left = kept(self.again(random, record) if often(random, 0.5) else record)
            yield {"left": left, "right": kept(self.again(random, record)), "label": 1}
            for _ in range(int(negatives) + often(random, negatives % 1)):
                other = self._changed(random, record) if often(random, 0.3) else self._neighbour(random, number)
                if other is not None:
                    yield {"left": left, "right": kept(self.again(random, other)), "label": 0}

    def again(self, random: Random, record: Record) -> Record:
        """The record as another source would write it."""
        written = dict(record)
        for attribute, value in record.items():
            if value is None or is_missing(value):
                continue
            if attribute in self.names:
                for _ in range(random.choice((0, 1, 1, 2, 3))):
                    written[attribute] = value = _reworded(random, value, written)
            elif decimal := _DECIMAL.fullmatch(value.strip()):
                written[attribute] = _other_amount(random, decimal)
            else:
                written[attribute] = self._loosely(random, attribute, value)
        for attribute, value in record.items():
            first = written[self.names[0]]
            if attribute in self.names or not first or not value or not often(random, 0.08):
                continue
            if len(value) < 30 and _says(first) and _says(value):
                # What one source keeps by itself, the other writes into the name.
                written[self.names[0]], written[attribute] = f"{value} {first}", None
        return written

    def _kept(self, random: Random) -> Callable[[Record], Record]:
        """A choice of attributes where there are many: a long record leaves little room for a comparison."""
        others = [attribute for attribute in self.records[0] if attribute != self.names[0]]
        some = {self.names[0], *random.sample(others, min(len(others), random.randint(2, _ATTRIBUTES)))}
        return lambda record: {attribute: value for attribute, value in record.items() if attribute in some}

    def _distinguishable(self, record: Record) -> bool:
        return not is_missing(record.get(self.names[0]))

    def _loosely(self, random: Random, attribute: str, value: str) -> str | None:
        kind = random.random()
        if kind < 0.6:
            return _in_another_notation(random, value) if often(random, 0.5) else value
        if kind < 0.75:
            return None
        if kind < 0.9 and sum(map(str.isalpha, value)) >= 4:
            return _reworded(random, value, {})
        # A year or a number that differs is seldom the same thing; a category often is.
        return value if _NUMBER.search(value) else random.choice(self.records).get(attribute)

    def _neighbour(self, random: Random, number: int) -> Record | None:
        """Another record that looks like this one, but is not named alike."""
        record = self.records[number]
        near = {random.randrange(len(self.records)) for _ in range(_OTHERS)}
        for attribute, value in record.items():
            if value and not is_missing(value):
                group = self.sharing[_shared(attribute, value, self.names)]
                near |= set(random.sample(group, min(len(group), 6)))
        others = [self.records[other] for other in near if other != number]
        others = [other for other in others if self._distinguishable(other) and self._differ(record, other)]
        others.sort(key=lambda other: likeness(record, other), reverse=True)
        return random.choice(others[: random.choice((1, 2, 3, 12))]) if others else None

    def _differ(self, record: Record, other: Record) -> bool:
        one, two = ((each.get(self.names[0]) or "").lower() for each in (record, other))
        return fuzz.token_set_ratio(one, two) < _ALIKE or set(_NUMBER.findall(one)) != set(_NUMBER.findall(two))

    def _changed(self, random: Random, record: Record) -> Record | None:
        """The record with another number, or with another word, in its name."""
        name = self.names[0]
        value = record[name] or ""
        words = value.split()
        if numbers := _NUMBER.findall(value):
            old = random.choice(numbers)
            new = str(int(old) + random.choice((-2, -1, 1, 1, 2, 5, 10, 100)))
            return {**record, name: value.replace(old, new.lstrip("-"), 1)} if new != old else None
        long = [word for word in words if len(word) > 3]
        others = [word for word in (random.choice(self.records).get(name) or "").split() if len(word) > 3]
        others = [word for word in others if word not in words]
        if len(words) < 2 or not long or not others:
            return None
        return {**record, name: value.replace(random.choice(long), random.choice(others), 1)}


def _in_another_notation(random: Random, value: str) -> str:
    """A day or a telephone number as another source would write it; anything else as it is."""
    found = next(iter(readings(value)), "")
    if _DAY.fullmatch(found):
        return date.fromisoformat(found).strftime(random.choice(_DAYS))
    if _TELEPHONE.fullmatch(found):
        return random.choice(_TELEPHONES).format(found[:3], found[3:6], found[6:])
    return value


def _other_amount(random: Random, decimal: re.Match[str]) -> str | None:
    """The number written otherwise, or, as prices do, a little more or less."""
    before, number, after = decimal.groups()
    kind = random.random()
    if kind < 0.3:
        return decimal[0]
    if kind < 0.45:
        return None
    amount = float(number)
    if kind < 0.65 and not after.strip():
        amount *= random.uniform(0.7, 1.3)
    return f"{before.strip() if often(random, 0.5) else ''}{amount:.{random.choice((1, 2, 2))}f}{after}"


def _reworded(random: Random, value: str, record: Record) -> str:
    """The text with one thing changed that does not change what it says."""
    own = [word for other in record.values() if _adds(other, value) for word in other.split() if len(word) > 2]
    words = value.split()
    ways: list[Callable[[], str]] = [value.upper, value.lower, value.title]
    ways += [lambda: re.sub(r"[.,\-_/:;'\"()\[\]]", " ", value), lambda: value.replace(" & ", " and ")]
    ways += [lambda: re.sub(r"(\d) ([a-zA-Z]{1,3})\b", r"\1\2", value), lambda: value.replace("-", "")]
    ways += _ways_with_words(random, words)
    if own:
        ways += 2 * [lambda: f"{random.choice(own)} {value}", lambda: f"{value} {random.choice(own)}"]
    return " ".join(random.choice(ways)().split()) or value


def _ways_with_words(random: Random, words: Sequence[str]) -> list[Callable[[], str]]:
    """Ways to leave out, move or shorten one of the words, those without a number more often."""
    plain = [place for place, word in enumerate(words) if not _NUMBER.search(word)]
    ways: list[Callable[[], str]] = []
    if len(words) > 3 and plain:
        ways += 3 * [lambda: _without(words, random.choice(plain[1:] or plain))]
    if len(words) > 2:
        ways += [lambda: " ".join([words[-1], *words[:-1]]), lambda: " ".join([*words[1:], words[0]])]
        ways += [lambda: f"{' '.join(words[:-1])} ({words[-1]})"]
    if plain:
        ways += [lambda: _with(words, random.choice(plain), lambda word: typo(random, word) if len(word) > 4 else word)]
        ways += 2 * [lambda: _with(words, random.choice(plain), lambda word: _shortened(random, word))]
    return ways


def _adds(other: str | None, value: str) -> TypeGuard[str]:
    """Whether another cell says something that a value does not."""
    return other is not None and other not in ("", value) and _says(other)


def _says(value: str) -> bool:
    return not is_missing(value) and not may_be_missing(value)


def _without(words: Sequence[str], place: int) -> str:
    return " ".join([*words[:place], *words[place + 1 :]])


def _with(words: Sequence[str], place: int, change: Callable[[str], str]) -> str:
    return " ".join([*words[:place], change(words[place]), *words[place + 1 :]])


def _shortened(random: Random, word: str) -> str:
    kept = random.choice((1, 3, 4))
    return word[:kept] + random.choice(("", ".")) if len(word) > kept + 1 else word


def _shared(attribute: str, value: str, names: Sequence[str]) -> tuple[str, str]:
    """Under what a record stands in `Table.sharing`: a value, or the first word of a name."""
    return attribute, value.split()[0].lower() if attribute in names else value


def likeness(left: Record | str, right: Record | str) -> float:
    """How alike two sides of a pair are, records or strings, by all of their words; 0 to 1."""
    return fuzz.token_set_ratio(_text(left), _text(right)) / 100


def _text(side: Record | str) -> str:
    values = side.values() if isinstance(side, dict) else [side]
    return " ".join(str(value) for value in values if value).lower()[:300]
