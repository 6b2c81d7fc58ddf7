"""Fitting how far an extraction can be believed: a line for values and one for "not stated".

Texts whose kind the model has learned from say little about other texts, so most of what the lines are fitted on is
neither trained on nor like it: texts written by hand, and titles, addresses and citations put together from tables.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

import numpy as np

from dp_tools.adapters.calibration_fit import Sample, fit_line
from dp_tools.decision import Decider
from dp_tools.engine.questions import GeneratedValue
from dp_tools.evaluation.scores import Judged, calibration_error, same_value
from dp_tools.evaluation.splits import Split
from dp_tools.models.calibration import PlattCalibration, no_value_key
from dp_tools.prompts.templates.template import to_question
from dp_tools.records import clean_name
from dp_tools.tasks import TASKS
from dp_tools.tasks.extract_values import ExtractValues, ExtractValuesRequest, WantedAttribute, evidence_for
from lab.benchmarks.hand_titles import titles
from lab.mixture.recipe import Recipe
from lab.mixture.titles import slots, synthetic_titles
from lab.mixture.values import NONE
from lab.synthetic.calibration_titles import calibration_titles

_STIFF = np.array([0.005, 0.002, 0.01, 1.0])
"""What a squared change of scale, of shift and of the weight of a known attribute costs in log loss a case."""
_DERIVED = 40
"""Texts with the value in them that are put together from each table; a sixth as many ask for what is not there."""


@dataclass(frozen=True, slots=True)
class Extraction:
    """A text, what is asked of it, and what counts as right: nothing where it does not state it."""

    group: str
    text: str
    attribute: str
    accepted: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Extracted:
    """What the model made of one: its value or None, its probability, and whether that is right."""

    asked: Extraction
    value: str | None
    probability: float
    right: bool


def by_hand() -> list[Extraction]:
    """The texts written by hand for this, each kind a group of its own."""
    return [
        Extraction(row["kind"], row["title"], row["attribute"], (row["label"],) if row["label"] else ())
        for row in calibration_titles()
    ]


def for_the_score() -> list[Extraction]:
    """The titles written by hand for a score, on which nothing is fitted."""
    return [Extraction("titles", row["title"], row["attribute"], tuple(row["values"])) for row in titles()]


def synthetic(count: int, seed: int) -> list[Extraction]:
    """Synthetic titles as the model learned from, of another seed."""
    examples = synthetic_titles(Random(seed), Recipe(), count)
    asked = (
        Extraction(
            "synthetic titles",
            example.prompt.blocks[0].text,
            example.prompt.attribute,
            () if example.answer == NONE else (example.answer,),
        )
        for example in examples
    )
    return [one for _, one in zip(range(count), asked, strict=False)]


def labelled(split: Split) -> list[Extraction]:
    """The instances of a labelled split of extraction."""
    found = []
    for instance in split.instances:
        text = " ".join(filter(None, (instance.row["title"], instance.row.get("description"))))
        found.append(Extraction(split.dataset, text, instance.row["attribute"], instance.accepted))
    return found


def from_tables(splits: Sequence[Split]) -> list[Extraction]:
    """Texts put together from the records of labelled tables, in which some of their values stand."""
    found: list[Extraction] = []
    for split in splits:
        make = _TEXTS.get((split.folder, split.dataset))
        if make is None:
            continue
        asked = sorted({one for instance in split.instances for one in make(instance.row) if one[2]})
        stated = [one for one in asked if str(one[2]).lower() in one[0].lower()]
        absent = [one for one in asked if str(one[2]).lower() not in one[0].lower()]
        chance = Random(7)
        chosen = chance.sample(stated, min(_DERIVED, len(stated)))
        gone = chance.sample(absent, min(_DERIVED // 6, len(absent)))
        found += [Extraction(split.dataset, text, name, (str(value),)) for text, name, value in chosen]
        found += [Extraction(split.dataset, text, name, ()) for text, name, _ in gone]
    return found


_Stated = tuple[str, str, str | None]
"""A text, an attribute and its value."""


def _amazon_google(row: Mapping[str, Any]) -> Iterator[_Stated]:
    for side in ("left", "right"):
        yield row[side]["title"] or "", "manufacturer", row[side]["manufacturer"]


def _restaurants(row: Mapping[str, Any]) -> Iterator[_Stated]:
    one = {name: (value or "").strip("'` ") for name, value in row["left"].items()}
    text = f"{one['name']}, {one['addr']}, {one['city']} {one['phone']} ({one['type']})"
    for name in ("city", "phone", "type"):
        yield text, name, one[name]


def _citations(row: Mapping[str, Any]) -> Iterator[_Stated]:
    one = row["left"]
    if all(one.values()):
        text = f"{one['authors']}. {one['title']}. {one['venue']} {one['year']}"
        for name in ("authors", "venue", "year", "title"):
            yield text, name, one[name]


_TEXTS: dict[tuple[str, str], Callable[[Mapping[str, Any]], Iterator[_Stated]]] = {
    ("EM", "Amazon-Google"): _amazon_google,
    ("EM", "Fodors-Zagats"): _restaurants,
    ("EM", "DBLP-ACM"): _citations,
    ("DI", "AmazonCellPhones"): lambda row: iter([(row["record"]["title"] or "", "brand", row["label"])]),
    ("DI", "Buy"): lambda row: iter([(row["record"]["name"] or "", "Manufacturer", row["label"])]),
}
"""How texts are put together from the records of a dataset."""


def known_attributes(splits: Sequence[Split]) -> frozenset[str]:
    """The attributes that the model has learned to extract: those of the train splits and of the synthetic titles."""
    names = {str(instance.row["attribute"]) for split in splits for instance in split.instances}
    return frozenset(clean_name(name).casefold() for name in (*names, *(n for slot in slots() for n in slot.names)))


def extracted(decider: Decider, asked: Sequence[Extraction]) -> list[Extracted]:
    """What the model makes of texts, with its own probability; those without an answer are left out."""
    questions = []
    for one in asked:
        request = ExtractValuesRequest(texts=[one.text], attributes=[WantedAttribute(name=one.attribute)])
        (case,) = TASKS[ExtractValues.name].cases(request)
        questions.append(to_question(decider.template, case.prompt, case.ask))
    found = []
    for one, result in zip(asked, decider.engine.answer(questions), strict=True):
        if isinstance(result, GeneratedValue):
            value = None if result.text in ("", decider.template.none) else result.text
            right = any(same_value(value, other) for other in one.accepted) if value else not one.accepted
            found.append(Extracted(one, value, result.probability, right))
    return found


def fit(found: Sequence[Extracted], known: frozenset[str]) -> dict[str, PlattCalibration]:
    """The lines of values and of "not stated"; every group counts the same."""
    lines = {}
    for key, stated in ((ExtractValues.name, True), (no_value_key(ExtractValues.name), False)):
        groups: dict[str, list[Judged]] = {}
        for one in found:
            if (one.value is not None) == stated:
                groups.setdefault(one.asked.group, []).append(_judged(one, known))
        lines[key] = fit_line([Sample(cases) for cases in groups.values()], _STIFF)
    return lines


def error(found: Iterable[tuple[Extracted, Mapping[str, PlattCalibration]]], known: frozenset[str]) -> float:
    """Expected calibration error of extractions, each under its lines, 0 to 1; under no lines, the model's own."""
    believed = []
    for one, lines in found:
        line = lines.get(ExtractValues.name if one.value is not None else no_value_key(ExtractValues.name))
        judged = _judged(one, known)
        believed.append((line(judged.probability, judged.evidence_score) if line else one.probability, one.right))
    return calibration_error(believed)


def _judged(one: Extracted, known: frozenset[str]) -> Judged:
    learned = clean_name(one.asked.attribute).casefold() in known
    return Judged(one.probability, one.right, evidence_for(one.asked.text, one.value) if learned else 0.0)
