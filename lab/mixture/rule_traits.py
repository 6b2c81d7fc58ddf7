"""Rules about what a value is made of: letters, digits, signs, and how many of them.

They are put together from parts, so that no sentence is learned by heart and what the rule says has to be compared with
how the value is written.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

from lab.mixture.rule_forms import capitalised
from lab.mixture.rule_trait_wordings import (
    AMOUNTS,
    CALLED_RIGHT,
    CALLED_WRONG,
    CASE_NAMES,
    COUNTED,
    EXAMPLE_VALUES,
    IF_WITH,
    IF_WITHOUT,
    IN_CASE,
    LETTER_CASES,
    LIKE,
    MAY_HAVE,
    NONE_OF,
    NOT_IN_CASE,
    NUMBER_WORDS,
    ONLY_OF,
    SOME_OF,
    UNLIKE,
)

JudgedRule = tuple[str, str, bool]
"""A statement, one that demands the opposite, and whether the value is an error under the first."""


@dataclass(frozen=True, slots=True)
class Trait:
    """Something that a value has or has not.

    Args:
        names: words for it, in the plural.
        has: whether a value has any of it.
        alone: whether a value has nothing else of its kind; None where that cannot be said.
    """

    names: tuple[str, ...]
    has: Callable[[str], bool]
    alone: Callable[[str], bool | None] = lambda value: None  # noqa: ARG005


@dataclass(frozen=True, slots=True)
class Measure:
    """Something of which a value has a number.

    Args:
        one, many: words for one of it and for several.
        count: how many a value has.
    """

    one: str
    many: str
    count: Callable[[str], int]


def _any(holds: Callable[[str], bool]) -> Callable[[str], bool]:
    return lambda value: any(holds(character) for character in value)


def _cased(holds: Callable[[str], bool]) -> Callable[[str], bool | None]:
    return lambda value: holds(value) if any(c.isalpha() for c in value) else None


def _one_word(holds: Callable[[str], bool]) -> Callable[[str], bool | None]:
    # Whether a blank counts as something else is not said.
    return lambda value: None if " " in value else holds(value)


def _sign(sign: str, *names: str) -> Trait:
    return Trait(names, lambda value: sign in value)


TRAITS: tuple[Trait, ...] = (
    Trait(
        (
            "capital letters",
            "capitals",
            "upper case letters",
            "uppercase letters",
            "big letters",
            "upper-case characters",
        ),
        _any(str.isupper),
        _cased(str.isupper),
    ),
    Trait(
        ("small letters", "lower case letters", "lowercase letters", "lower-case characters", "letters in lower case"),
        _any(str.islower),
        _cased(str.islower),
    ),
    Trait(("digits", "numerals", "figures", "the digits 0 to 9"), _any(str.isdigit), _one_word(str.isdigit)),
    Trait(("letters", "letters of the alphabet", "alphabetic characters"), _any(str.isalpha), _one_word(str.isalpha)),
    _sign(" ", "blanks", "spaces", "gaps between words"),
    _sign("%", "percent signs", "% signs"),
    _sign("-", "hyphens", "dashes"),
    _sign("/", "slashes", "strokes such as /"),
    _sign(",", "commas"),
    _sign(".", "full stops", "points", "dots"),
    _sign(":", "colons"),
    _sign("(", "brackets", "parentheses"),
    _sign("$", "dollar signs", "currency signs such as $"),
    _sign("'", "apostrophes"),
    _sign("&", "ampersands", "signs such as &"),
)
_LETTERS_AND_DIGITS = 4
MEASURES: tuple[Measure, ...] = (
    Measure("character", "characters", len),
    Measure("digit", "digits", lambda value: sum(c.isdigit() for c in value)),
    Measure("word", "words", lambda value: len(value.split())),
)


def trait_rules(random: Random, attribute: str, value: str, count: int) -> list[JudgedRule]:
    """At most `count` rules about what a value is made of, of which code knows the verdict; half of them demand a yes.

    Many come in twos that say the same of two things, one of which the value keeps: what decides is what they name.

    Args:
        attribute: its name in the statements.
        value: not a missing one.
    """
    made: list[JudgedRule] = []
    for _ in range(3 * count):
        kind = random.random()
        if kind < 0.15:
            made += _counted(random, attribute, value)
        elif kind < 0.4:
            made += _contrasted(random, attribute, value)
        elif kind < 0.5:
            made += _exemplified(random, attribute, value)
        elif kind < 0.65:
            made += _cased_by_name(random, attribute, value)
        elif kind < 0.8:
            made += _conditional(random, attribute, value)
        else:
            made.append(_made_of(random, attribute, value))
    wrong = [rule for rule in made if rule[2]]
    right = [rule for rule in made if not rule[2]]
    return [*wrong[: count // 2], *right[: count - count // 2]]


def _made_of(random: Random, attribute: str, value: str) -> JudgedRule:
    present = [trait for trait in TRAITS if trait.has(value)]
    # What a value does not have is seldom worth a rule; letters and digits nearly always are.
    if present and random.random() < 0.6:
        trait = random.choice(present)
    else:
        trait = random.choice(TRAITS[:_LETTERS_AND_DIGITS] if random.random() < 0.7 else TRAITS)
    if trait.alone(value) is not None and random.random() < 0.5:
        frames = ONLY_OF
    else:
        frames = random.choice((NONE_OF, MAY_HAVE, SOME_OF) if trait.has(value) else (NONE_OF, SOME_OF))
    return _judged(random, random.choice(frames), frames, trait, attribute, value)


def _contrasted(random: Random, attribute: str, value: str) -> list[JudgedRule]:
    """One sentence about something that the value keeps and about something that it breaks."""
    traits = TRAITS[:_LETTERS_AND_DIGITS] if random.random() < 0.8 else TRAITS
    frames = random.choice((ONLY_OF, ONLY_OF, NONE_OF, SOME_OF))
    judged = [(trait, _breaks(frames, trait, value)) for trait in traits]
    chosen = [[trait for trait, broken in judged if broken is error] for error in (True, False)]
    if not all(chosen):
        return []
    frame = random.choice(frames)
    return [_judged(random, frame, frames, random.choice(found), attribute, value) for found in chosen]


def _breaks(frames: Sequence[str], trait: Trait, value: str) -> bool | None:
    """Whether a value breaks what these frames say of a trait; None where it cannot be said."""
    if frames is ONLY_OF:
        alone = trait.alone(value)
        return None if alone is None else not alone
    if frames is MAY_HAVE:
        return False
    return trait.has(value) if frames is NONE_OF else not trait.has(value)


def _judged(random: Random, frame: str, frames: Sequence[str], trait: Trait, attribute: str, value: str) -> JudgedRule:
    error = bool(_breaks(frames, trait, value))
    clean = SOME_OF if frames is NONE_OF else NONE_OF
    contrary = MAY_HAVE if error and frames is not SOME_OF else clean
    statement, opposite = (_filled(random, sentence, trait, attribute) for sentence in (frame, random.choice(contrary)))
    return statement, opposite, error


def _counted(random: Random, attribute: str, value: str) -> list[JudgedRule]:
    """One sentence about a number that the value has and about one that it has not."""
    measure = random.choice(MEASURES)
    count = measure.count(value)
    other = max(0, count + random.choice((-4, -2, -1, 1, 1, 2, 3, 5)))
    rules = [(form, k, holds(count, k)) for form, holds in AMOUNTS for k in (count, other) if k]
    kept = [rule for rule in rules if rule[2]]
    broken = [rule for rule in rules if not rule[2]]
    if not kept or not broken:
        return []
    frame = random.choice(COUNTED)
    right, wrong = (_amount(random, frame, random.choice(found), measure, attribute) for found in (kept, broken))
    return [(wrong, right, True), (right, wrong, False)]


def _conditional(random: Random, attribute: str, value: str) -> list[JudgedRule]:
    """A condition that the value meets, with a conclusion and with the opposite one; or one that it does not meet."""
    trait = random.choice(TRAITS[:_LETTERS_AND_DIGITS] if random.random() < 0.7 else TRAITS)
    met, unmet = (IF_WITH, IF_WITHOUT) if trait.has(value) else (IF_WITHOUT, IF_WITH)
    words = random.getrandbits(48)

    def sentence(conditions: Sequence[str], conclusions: Sequence[str]) -> str:
        alike = Random(words)
        condition, conclusion = alike.choice(conditions), alike.choice(conclusions)
        frame = f"{condition}, {conclusion}." if alike.random() < 0.7 else f"{conclusion} {condition}."
        return _filled(alike, frame, trait, attribute)

    bad, good = sentence(met, CALLED_WRONG), sentence(met, CALLED_RIGHT)
    # Of what a value does not do, a rule that calls it wrong says nothing, so the value is as good as any.
    other = sentence(unmet, CALLED_WRONG)
    return [(bad, good, True), random.choice([(good, bad, False), (other, bad, False)])]


def _kept_and_broken(random: Random, value: str) -> tuple[Callable[[str], str], Callable[[str], str]] | None:
    """The way in which a value's letters are written, and another; None without letters, or where two ways are one."""
    own = [case for case in LETTER_CASES if case(value) == value]
    if len(own) != 1:
        return None
    return own[0], random.choice([case for case in LETTER_CASES if case(value) != value])


def _cased_by_name(random: Random, attribute: str, value: str) -> list[JudgedRule]:
    """One sentence about the way in which the value's letters are written and about another way."""
    cases = _kept_and_broken(random, value)
    if cases is None:
        return []
    kept_name, broken_name = (random.choice(CASE_NAMES[case]) for case in cases)
    barred = random.random() < 0.3
    frame = random.choice(NOT_IN_CASE if barred else IN_CASE)
    about_kept, about_broken = (
        capitalised(frame.replace("{c}", name).replace("{a}", attribute)) for name in (kept_name, broken_name)
    )
    wrong, right = (about_kept, about_broken) if barred else (about_broken, about_kept)
    return [(wrong, right, True), (right, wrong, False)]


def _exemplified(random: Random, attribute: str, value: str) -> list[JudgedRule]:
    """One sentence with an example whose letters are like the value's and with one whose letters are not."""
    cases = _kept_and_broken(random, value)
    if cases is None:
        return []
    kept, broken = cases
    example = random.choice(EXAMPLE_VALUES)
    if random.random() < 0.5:
        example = "".join(random.sample("bcdfghklmnprstvxz", random.choice((2, 3, 4))))
    frame = random.choice(LIKE if random.random() < 0.4 else UNLIKE)
    right, wrong = (
        capitalised(frame.replace("{x}", x(example)).replace("{y}", y(example)).replace("{a}", attribute))
        for x, y in ((kept, broken), (broken, kept))
    )
    return [(wrong, right, True), (right, wrong, False)]


def _amount(random: Random, frame: str, rule: tuple[Sequence[str], int, bool], measure: Measure, attribute: str) -> str:
    forms, k, _ = rule
    number = NUMBER_WORDS[k] if k < len(NUMBER_WORDS) and random.random() < 0.5 else str(k)
    amount = f"{random.choice(forms).replace('{k}', number)} {measure.one if k == 1 else measure.many}"
    return capitalised(frame.replace("{q}", amount).replace("{a}", attribute))


def _filled(random: Random, frame: str, trait: Trait, attribute: str) -> str:
    return capitalised(frame.replace("{n}", random.choice(trait.names)).replace("{a}", attribute))
