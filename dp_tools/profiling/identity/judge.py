"""Whether two records are one, by counted evidence: the log-odds of what their columns say, added up.

After Fellegi and Sunter: "A theory for record linkage", JASA 1969, with a level for each comparison in place of yes and
no, and less weight for a value that many records have. Weights are fitted on synthetic lists (see `weights.json`).
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from dp_tools.profiling.comparisons import Comparison, compare_names_of_people, compare_values
from dp_tools.profiling.comparisons.company import company_of
from dp_tools.profiling.comparisons.comparison import MISSING, STRENGTH
from dp_tools.profiling.comparisons.countries import country_code
from dp_tools.profiling.comparisons.day import days_of
from dp_tools.profiling.comparisons.email import mailbox
from dp_tools.profiling.comparisons.folding import compact
from dp_tools.profiling.comparisons.person_name import name_of
from dp_tools.profiling.comparisons.place import city_words, plain_postcode
from dp_tools.profiling.comparisons.street import address_of
from dp_tools.profiling.comparisons.telephone import number_of
from dp_tools.profiling.identity.layout import Layout, Slot, Subject
from dp_tools.profiling.kind import Kind
from dp_tools.records import Record

CERTAIN = 0.95
"""Probability from which counted evidence decides a pair by itself; below one minus it, it decides the other way."""
MODEL_WEIGHT = 0.25
"""Weight of a model's log-odds beside the score."""
_EDGE = 1e-6
_SLOTS: tuple[Slot, ...] = (
    *("name", "company", "email", "telephone", "street"),
    *("postcode", "city", "country", "birth", "number", "web"),
)
_KIND_OF: Mapping[Slot, Kind] = {
    "company": "company",
    "email": "email",
    "telephone": "telephone",
    "street": "street",
    "postcode": "postcode",
    "city": "city",
    "country": "country",
    "birth": "date of birth",
    "number": "tax number",
    "web": "web address",
}
_NAMED: Mapping[Subject, Slot] = {"person": "name", "company": "company", "address": "street"}
"""What names the records of each subject."""
_TOLD = 4
"""Comparisons that a reason names, at the most."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What counted evidence says of a pair.

    Args:
        score: log-odds that both records are one.
        comparisons: what was compared, by slot.
        reason: the comparisons that weigh most, in words.
        other_name: whether the names of the two are of different people, companies or streets.
    """

    score: float
    comparisons: Mapping[Slot, Comparison]
    reason: str
    other_name: bool = False

    @property
    def probability(self) -> float:
        """That both records are one, 0 to 1."""
        return _logistic(self.score)

    def combined(self, model: float) -> float:
        """The probability that both are one, by the evidence and a model's calibrated probability together.

        The model never read lists of people, so that its word weighs little beside what was counted.
        """
        clipped = min(max(model, _EDGE), 1 - _EDGE)
        return _logistic(self.score + MODEL_WEIGHT * math.log(clipped / (1 - clipped)))

    @property
    def decides(self) -> bool:
        """Whether the evidence is strong enough to decide by itself; it does not merge what has two names."""
        return self.probability <= 1 - CERTAIN or (self.probability >= CERTAIN and not self.other_name)


class IdentityJudge:
    """Judges pairs of records of two tables, or of one.

    Args:
        left, right: how the columns of either table are laid out; both have one subject.
        records: those of both tables, each with its layout: how many of them hold a value says how much it tells.
    """

    def __init__(self, left: Layout, right: Layout, records: Iterable[tuple[Layout, Record]]) -> None:
        self._left, self._right = left, right
        self._weights = weights_of(left.subject)
        self._details = [name for name in left.columns.get("detail", ()) if name in right.columns.get("detail", ())]
        self._counts: Counter[tuple[Slot, str]] = Counter()
        for layout, record in records:
            self._counts.update(set(tokens_of(layout, record)))

    def know(self, counts: Mapping[tuple[Slot, str], int]) -> None:
        """Add how many records elsewhere hold what `tokens_of` finds in a record."""
        self._counts.update(counts)

    def judge(self, left: Record, right: Record) -> Judgement:
        """What counted evidence says of a pair."""
        comparisons = self.comparisons(left, right)
        unseen = {
            f"{slot}: {one.text}": self._weights.get(f"any {one.level}", 0.0) for slot, one in comparisons.items()
        }
        parts = {
            name: self._weights.get(name, unseen.get(name, 0.0)) * value
            for name, value in self.features(left, right, comparisons)
        }
        score = self._weights["bias"] + sum(parts.values())
        named = comparisons.get(_NAMED[self._left.subject], MISSING)
        return Judgement(score, comparisons, _reason(comparisons, parts), named.level == "contradicting")

    def comparisons(self, left: Record, right: Record) -> dict[Slot, Comparison]:
        """How the records compare, by slot; slots in which a side has nothing are left out."""
        found: dict[Slot, Comparison] = {}
        regions = tuple(_region(*side) for side in ((self._left, left), (self._right, right)))
        for slot in _SLOTS:
            compared = self._name(left, right) if slot == "name" else self._best(slot, left, right, regions)
            if compared.level != "missing":
                found[slot] = compared
        return found

    def features(
        self, left: Record, right: Record, comparisons: Mapping[Slot, Comparison]
    ) -> Iterator[tuple[str, float]]:
        """What the weights are for: each comparison by its text, how common what both share is, and details."""
        for slot, compared in comparisons.items():
            yield f"{slot}: {compared.text}", 1.0
            if compared.shared and compared.level in ("exact", "normalised", "near", "partial"):
                common = min(self._counts[slot, token] for token in compared.shared.split())
                if common > 2:
                    yield f"{slot} is common", math.log(common - 1)
        agree, differ = 0, 0
        for name in self._details:
            one, two = left.get(name), right.get(name)
            compared = compare_values("quantity", one, two)
            if compared.level == "silent":
                compared = compare_values("category", one, two)
            agree += compared.level in ("exact", "normalised")
            differ += compared.level == "contradicting"
        if agree:
            yield "details that agree", float(agree)
        if differ:
            yield "details that differ", float(differ)

    def _name(self, left: Record, right: Record) -> Comparison:
        one, two = self._left.name(left), self._right.name(right)
        if not one or not two:
            return MISSING
        return compare_names_of_people(one, two)

    def _best(self, slot: Slot, left: Record, right: Record, regions: tuple[str | None, ...]) -> Comparison:
        """The comparison that says most for a match, of all values of either side."""
        found = MISSING
        for one in self._left.values(left, slot):
            for two in self._right.values(right, slot):
                compared = compare_values(_KIND_OF[slot], one, two, regions=(regions[0], regions[1]))
                if STRENGTH[compared.level] > STRENGTH[found.level]:
                    found = compared
        return found


def weights_of(subject: Subject) -> dict[str, float]:
    """The weights for a subject: log-odds by feature, and "bias"."""
    return _weights()[subject]


@cache
def _weights() -> dict[Subject, dict[str, float]]:
    kept: dict[Subject, dict[str, float]] = json.loads(
        files(__package__).joinpath("weights.json").read_text(encoding="utf-8")
    )
    return kept


def _region(layout: Layout, record: Record) -> str | None:
    return next((code for value in layout.values(record, "country") if (code := country_code(value))), None)


def _reason(comparisons: Mapping[Slot, Comparison], parts: Mapping[str, float]) -> str:
    weighed = sorted(comparisons, key=lambda slot: -abs(parts.get(f"{slot}: {comparisons[slot].text}", 0.0)))
    told = [f"{slot} {comparisons[slot].text}" for slot in weighed[:_TOLD] if comparisons[slot].level != "silent"]
    return "; ".join(told) or "nothing in common that can be compared"


def tokens_of(layout: Layout, record: Record) -> Iterator[tuple[Slot, str]]:
    """What a record has in each slot, as `Comparison.shared` gives it."""
    if parts := layout.name(record):
        yield from (("name", word) for word in name_of(*parts).all)
    for slot, tokens in _TOKENS.items():
        for value in layout.values(record, slot):
            yield from ((slot, token) for token in tokens(value))


def _of_email(value: str) -> list[str]:
    box = mailbox(value)
    return [] if box is None else [f"{box.user}@{box.domain}", box.user, box.domain]


def _of_telephone(value: str) -> list[str]:
    number = number_of(value)
    return [] if number is None else [number.national[-9:], number.national[:-3]]


def _of_street(value: str) -> list[str]:
    address = address_of(value)
    return ["".join((*sorted(address.street), *address.numbers[:1]))]


_TOKENS: Mapping[Slot, Callable[[str], Sequence[str]]] = {
    "company": lambda value: company_of(value).core,
    "email": _of_email,
    "telephone": _of_telephone,
    "street": _of_street,
    "postcode": lambda value: [plain_postcode(value)],
    "city": lambda value: list(city_words(value)),
    "birth": lambda value: [day.isoformat() for day in days_of(value) or ()],
    "number": lambda value: [compact(value)],
}


def _logistic(log_odds: float) -> float:
    """The probability of log-odds. Without scipy, which a server that is ready at once has not loaded yet."""
    small = math.exp(-abs(log_odds))
    return 1 / (1 + small) if log_odds >= 0 else small / (1 + small)
