"""Training examples of following a written instruction: questions about a record whose answer code can compute."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from random import Random

from dp_tools.adapters.training_example import TrainingExample
from dp_tools.records import clean_name, is_missing
from dp_tools.tasks import TASKS
from dp_tools.tasks.follow_instruction import FollowInstructionRequest
from lab.mixture.examples import often, training_example, yes_no
from lab.mixture.recipe import Recipe
from lab.mixture.sources import Record

_MISSING = ("Is {a} missing?", "Does this record lack {a}?", "Say yes if {a} is empty.", "Is there no value for {a}?")
_CONTAINS = ("Does {a} contain the word {v}?", 'Is "{v}" part of {a}?', "Answer yes if {a} mentions {v}.")
_EQUALS = ("Is {a} {v}?", "Say whether {a} is {v}.", 'Answer yes if {a} equals "{v}".', "Does {a} read {v}?")
_MORE = ("Is {a} more than {v}?", "Is {a} greater than {v}?", "Answer yes if {a} exceeds {v}.", "Is {a} above {v}?")
_COPY = ("What is {a}?", "Give {a} of this record.", "Return the value of {a}.", "Tell me {a}.", "Copy {a}.")
_CHOOSE = ("Which {a} fits this record?", "Classify the record by {a}.", "Choose {a}.", "What {a} is it likely to be?")


def instructions(
    random: Random, tables: dict[str, list[Record]], recipe: Recipe, count: int
) -> Iterator[TrainingExample]:
    """Yes/no questions, choices and short texts, in varied words."""
    sources = list(tables.items())
    for _ in range(round(count * recipe.size)):
        source, records = random.choice(sources)
        record = random.choice(records)
        attribute = random.choice(list(record))
        made = _choice(random, records, record, attribute, recipe) if often(random, 0.25) else None
        made = made or _about_value(random, records, record, attribute, recipe)
        if made is not None:
            request, answer = made
            case = TASKS["follow_instruction"].cases(request)[0]
            yield training_example(case, answer, f"generated/{source}")


def _about_value(
    random: Random, records: Sequence[Record], record: Record, attribute: str, recipe: Recipe
) -> tuple[FollowInstructionRequest, str] | None:
    value = record[attribute]
    if is_missing(value) or often(random, 0.1):
        return _asked(random, record, attribute, _MISSING, "", is_missing(value), recipe)
    assert value is not None
    kind = random.random()
    if kind < 0.3 and len(value) < 60:
        text = _wording(random, _COPY, attribute, "", recipe)
        return FollowInstructionRequest(records=[record], instruction=text, shape="text"), value.strip()
    other = random.choice(records)[attribute] or "none"
    if kind < 0.55:
        word = random.choice((random.choice(value.split() or [value]), random.choice(other.split() or [other])))
        return _asked(random, record, attribute, _CONTAINS, word, word.lower() in value.lower().split(), recipe)
    if value.replace(".", "", 1).isdigit() and kind < 0.8:
        number = float(value)
        bound = round(number * random.choice((0.5, 0.8, 0.9, 1.1, 1.3, 2)), 1)
        return _asked(random, record, attribute, _MORE, f"{bound:g}", number > bound, recipe)
    compared = value if often(random, 0.5) else other
    return _asked(random, record, attribute, _EQUALS, compared[:60], compared.lower() == value.lower(), recipe)


def _choice(
    random: Random, records: Sequence[Record], record: Record, attribute: str, recipe: Recipe
) -> tuple[FollowInstructionRequest, str] | None:
    counts = Counter(other[attribute] for other in random.sample(list(records), min(len(records), 60)))
    values = [value for value, _ in counts.most_common(8) if value and not is_missing(value) and len(value) < 40]
    value = record[attribute]
    if value not in values or len(values) < 2:
        return None
    random.shuffle(values)
    rest = {name: other for name, other in record.items() if name != attribute}
    text = _wording(random, _CHOOSE, attribute, "", recipe)
    request = FollowInstructionRequest(records=[rest], instruction=text, shape="choice", choices=values)
    return (request, value) if rest else None


def _asked(
    random: Random, record: Record, attribute: str, wordings: Sequence[str], value: str, label: bool, recipe: Recipe
) -> tuple[FollowInstructionRequest, str]:
    text = _wording(random, wordings, attribute, value, recipe)
    return FollowInstructionRequest(records=[record], instruction=text), yes_no(label)


def _wording(random: Random, wordings: Sequence[str], attribute: str, value: str, recipe: Recipe) -> str:
    chosen = random.choice(wordings) if recipe.wordings else wordings[0]
    name = clean_name(attribute)
    return chosen.replace("{a}", random.choice((name, f"the {name}"))).replace("{v}", value)
