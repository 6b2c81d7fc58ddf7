"""Rules about what a value is made of: letters, digits, signs, and how many of them.

They are put together from parts, so that no sentence is learned by heart and what the rule says has to be compared with
how the value is written.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

from lab.mixture.rule_forms import capitalised

Said = tuple[str, str, bool]
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

_NONE: tuple[str, ...] = (
    "{a} has no {n}.",
    "No {n} in {a}.",
    "{a} is free of {n}.",
    "{a} never contains {n}.",
    "{n} do not belong in {a}.",
    "Keep {n} out of {a}.",
    "There are no {n} in {a}.",
    "{a} is written without {n}.",
    "{n} in {a} are errors.",
    "{a} must not contain {n}.",
    "If {a} contains {n}, it is wrong.",
    "Values of {a} with {n} are wrong.",
    "{n} are never part of {a}.",
    "{a}: no {n}.",
    "We write {a} without {n}.",
    "{a} does without {n}.",
    "One should find no {n} in {a}.",
    "{n} are banned from {a}.",
    "A correct {a} lacks {n}.",
    "Any {a} that has {n} is mistaken.",
)
_ONLY: tuple[str, ...] = (
    "{a} has {n} only.",
    "{a} consists of {n}.",
    "Nothing but {n} in {a}.",
    "{a} is made up of {n} alone.",
    "{a} contains {n} and nothing else.",
    "Just {n} in {a}.",
    "{a} is all {n}.",
    "Use {n} for {a}.",
    "{a} uses {n} throughout.",
    "The only thing in {a} is {n}.",
    "{a} comes in {n} only.",
    "Write {a} with {n} only.",
    "We expect {a} to be entirely {n}.",
    "{a} is limited to {n}.",
    "A correct {a} is purely {n}.",
    "Whatever in {a} is other than {n} is wrong.",
    "Only {n} are allowed in {a}.",
    "Only {n} will do for {a}.",
    "Only {n} may stand in {a}.",
    "Only {n} make a right {a}.",
    "{a} takes only {n}.",
    "{a}: only {n}.",
    "Solely {n} are used in {a}.",
)
_SOME: tuple[str, ...] = (
    "{a} must contain {n}.",
    "There have to be {n} in {a}.",
    "{a} without {n} is wrong.",
    "{a} needs {n}.",
    "{n} are required in {a}.",
    "A {a} that lacks {n} is an error.",
    "{a} always has {n}.",
    "Expect {n} in every {a}.",
    "No {a} is right without {n}.",
    "{n} belong into any {a}.",
    "{a} has to include {n}.",
    "If {a} has no {n}, report it.",
)
_FREE: tuple[str, ...] = (
    "{a} may contain {n}.",
    "{n} are fine in {a}.",
    "{a} can have {n}.",
    "{n} in {a} are allowed.",
    "There may be {n} in {a}.",
    "Some values of {a} have {n}.",
    "{a} often has {n}.",
    "{n} belong in {a}.",
    "{n} in {a} are normal.",
    "{n} are common in {a}.",
    "It happens that {a} has {n}, and it is right.",
    "We do write {n} in {a}.",
    "{n} in {a} are as they should be.",
    "One finds {n} in {a}, which is correct.",
    "{a} with {n} is right.",
)
_COUNTED = (
    "{a} has {q}.",
    "{a} must have {q}.",
    "{a} is {q} long.",
    "A correct {a} has {q}.",
    "{q} in {a}.",
    "{a} should come with {q}.",
    "Every {a} has {q}.",
    "We expect {q} in {a}.",
    "{a}: {q}.",
    "{a} is wrong unless it has {q}.",
)
_AMOUNTS: tuple[tuple[tuple[str, ...], Callable[[int, int], bool]], ...] = (
    (("exactly {k}", "precisely {k}", "{k}", "just {k}"), lambda count, k: count == k),
    (("at most {k}", "no more than {k}", "up to {k}", "{k} or fewer"), lambda count, k: count <= k),
    (("at least {k}", "no fewer than {k}", "{k} or more"), lambda count, k: count >= k),
)
_CASES: tuple[Callable[[str], str], ...] = (str.upper, str.lower, str.title)
_LIKE = (
    "{a} is written as in {x}.",
    "{a} is to resemble {x}.",
    "Any {a} that is not written like {x} is an error.",
    "{x} is how we write {a}.",
    "{a} has the form of {x}.",
    "Take {x} as the model for {a}.",
)
_UNLIKE = (
    "{a} is written {x} rather than {y}.",
    "{x}, not {y}: so we write {a}.",
    "Think of {x}, not of {y}, when you write {a}.",
    "{a} takes the shape of {x}, never that of {y}.",
    "{y} instead of {x} in {a} is wrong.",
    "{a} goes like {x}; it does not go like {y}.",
    "Write {a} as in {x}, not as in {y}.",
    "{x} shows how {a} is written, {y} how it is not.",
    "For {a}, {x} is the model and {y} is a mistake.",
    "If {a} is written like {y} instead of {x}, report it.",
    "Right in {a}: {x}. Wrong in {a}: {y}.",
    "{a} follows {x}; {y} would be an error.",
    "In {a} we prefer {x} to {y}.",
)
_CASE_NAMES: dict[Callable[[str], str], tuple[str, ...]] = {
    str.upper: ("upper case", "uppercase", "capitals", "all caps", "block capitals", "capital letters", "big letters"),
    str.lower: ("lower case", "lowercase", "small letters", "lower-case letters", "letters without capitals"),
    str.title: ("title case", "words with a capital first letter", "capitalised words", "initial capitals"),
}
_IN_CASE = (
    "{a} is in {c}.",
    "{a} is set in {c}.",
    "{a} is kept in {c}.",
    "{a} belongs in {c}.",
    "Put {a} in {c}.",
    "{c} for {a}.",
    "The standard for {a} is {c}.",
    "{a} ought to be in {c}.",
    "We expect {a} in {c}.",
    "Type {a} in {c}.",
    "House style: {a} in {c}.",
    "{a} follows {c}.",
    "{a} calls for {c}.",
    "{a} appears in {c} everywhere.",
    "{c} throughout {a}.",
    "{a} that is not in {c} is wrong.",
    "Anything but {c} is an error in {a}.",
    "Whoever enters {a} uses {c}.",
    "{a} without exception in {c}.",
    "We chose {c} for {a}.",
)
_NOT_IN_CASE = (
    "{a} is never in {c}.",
    "{c} would be wrong for {a}.",
    "Avoid {c} in {a}.",
    "There is no place for {c} in {a}.",
    "{a} in {c} is a mistake.",
    "Do not use {c} for {a}.",
    "Report {a} in {c}.",
    "{a}: anything but {c}.",
    "We do not want {a} in {c}.",
    "Whoever enters {a} in {c} is mistaken.",
)
_WITH = (
    "if {a} contains {n}",
    "where {n} turn up in {a}",
    "when {n} are found in {a}",
    "as soon as {a} has {n}",
    "should {n} occur in {a}",
    "with {n} in {a}",
    "wherever you see {n} in {a}",
    "if there are {n} in {a}",
)
_WITHOUT = (
    "if {a} has no {n}",
    "where {n} are missing from {a}",
    "when {a} lacks {n}",
    "without {n} in {a}",
    "should there be no {n} in {a}",
    "wherever {a} comes without {n}",
    "if {n} are left out of {a}",
)
_BAD = (
    "it is wrong",
    "report it",
    "that is a mistake",
    "the value is bad",
    "call it an error",
    "somebody has mistyped it",
    "the cell needs correction",
    "do not accept it",
    "the answer is yes",
    "it cannot be right",
)
_GOOD = (
    "it is right",
    "leave it alone",
    "that is no mistake",
    "the value is good",
    "do not call it an error",
    "nobody has mistyped it",
    "the cell needs no correction",
    "accept it",
    "the answer is no",
    "it may well be right",
)
_EXAMPLES = ("berlin", "red", "oslo", "main street", "pale ale", "mary", "jazz", "kilo", "new york")
_WORDS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


def trait_rules(random: Random, attribute: str, value: str, count: int) -> list[Said]:
    """At most `count` rules about what a value is made of, of which code knows the verdict; half of them demand a yes.

    Many come in twos that say the same of two things, one of which the value keeps: what decides is what they name.

    Args:
        attribute: its name in the statements.
        value: not a missing one.
    """
    made: list[Said] = []
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


def _made_of(random: Random, attribute: str, value: str) -> Said:
    present = [trait for trait in TRAITS if trait.has(value)]
    # What a value does not have is seldom worth a rule; letters and digits nearly always are.
    if present and random.random() < 0.6:
        trait = random.choice(present)
    else:
        trait = random.choice(TRAITS[:_LETTERS_AND_DIGITS] if random.random() < 0.7 else TRAITS)
    if trait.alone(value) is not None and random.random() < 0.5:
        frames = _ONLY
    else:
        frames = random.choice((_NONE, _FREE, _SOME) if trait.has(value) else (_NONE, _SOME))
    return _said(random, random.choice(frames), frames, trait, attribute, value)


def _contrasted(random: Random, attribute: str, value: str) -> list[Said]:
    """The same said of something that the value keeps and of something that it breaks."""
    traits = TRAITS[:_LETTERS_AND_DIGITS] if random.random() < 0.8 else TRAITS
    frames = random.choice((_ONLY, _ONLY, _NONE, _SOME))
    judged = [(trait, _breaks(frames, trait, value)) for trait in traits]
    chosen = [[trait for trait, broken in judged if broken is error] for error in (True, False)]
    if not all(chosen):
        return []
    frame = random.choice(frames)
    return [_said(random, frame, frames, random.choice(found), attribute, value) for found in chosen]


def _breaks(frames: Sequence[str], trait: Trait, value: str) -> bool | None:
    """Whether a value breaks what these frames say of a trait; None where it cannot be said."""
    if frames is _ONLY:
        alone = trait.alone(value)
        return None if alone is None else not alone
    if frames is _FREE:
        return False
    return trait.has(value) if frames is _NONE else not trait.has(value)


def _said(random: Random, frame: str, frames: Sequence[str], trait: Trait, attribute: str, value: str) -> Said:
    error = bool(_breaks(frames, trait, value))
    clean = _SOME if frames is _NONE else _NONE
    contrary = _FREE if error and frames is not _SOME else clean
    statement, opposite = (_filled(random, said, trait, attribute) for said in (frame, random.choice(contrary)))
    return statement, opposite, error


def _counted(random: Random, attribute: str, value: str) -> list[Said]:
    """The same said of a number that the value has and of one that it has not."""
    measure = random.choice(MEASURES)
    count = measure.count(value)
    other = max(0, count + random.choice((-4, -2, -1, 1, 1, 2, 3, 5)))
    rules = [(form, k, holds(count, k)) for form, holds in _AMOUNTS for k in (count, other) if k]
    kept = [rule for rule in rules if rule[2]]
    broken = [rule for rule in rules if not rule[2]]
    if not kept or not broken:
        return []
    frame = random.choice(_COUNTED)
    right, wrong = (_amount(random, frame, random.choice(found), measure, attribute) for found in (kept, broken))
    return [(wrong, right, True), (right, wrong, False)]


def _conditional(random: Random, attribute: str, value: str) -> list[Said]:
    """A condition that the value meets, with a conclusion and with the opposite one; or one that it does not meet."""
    trait = random.choice(TRAITS[:_LETTERS_AND_DIGITS] if random.random() < 0.7 else TRAITS)
    met, unmet = (_WITH, _WITHOUT) if trait.has(value) else (_WITHOUT, _WITH)
    words = random.getrandbits(48)

    def said(conditions: Sequence[str], conclusions: Sequence[str]) -> str:
        alike = Random(words)
        condition, conclusion = alike.choice(conditions), alike.choice(conclusions)
        frame = f"{condition}, {conclusion}." if alike.random() < 0.7 else f"{conclusion} {condition}."
        return _filled(alike, frame, trait, attribute)

    bad, good = said(met, _BAD), said(met, _GOOD)
    # Of what a value does not do, a rule that calls it wrong says nothing, so the value is as good as any.
    other = said(unmet, _BAD)
    return [(bad, good, True), random.choice([(good, bad, False), (other, bad, False)])]


def _kept_and_broken(random: Random, value: str) -> tuple[Callable[[str], str], Callable[[str], str]] | None:
    """The way in which a value's letters are written, and another; None without letters, or where two ways are one."""
    own = [case for case in _CASES if case(value) == value]
    if len(own) != 1:
        return None
    return own[0], random.choice([case for case in _CASES if case(value) != value])


def _cased_by_name(random: Random, attribute: str, value: str) -> list[Said]:
    """The same said of the way in which the value's letters are written and of another way."""
    cases = _kept_and_broken(random, value)
    if cases is None:
        return []
    kept_name, broken_name = (random.choice(_CASE_NAMES[case]) for case in cases)
    barred = random.random() < 0.3
    frame = random.choice(_NOT_IN_CASE if barred else _IN_CASE)
    about_kept, about_broken = (
        capitalised(frame.replace("{c}", name).replace("{a}", attribute)) for name in (kept_name, broken_name)
    )
    wrong, right = (about_kept, about_broken) if barred else (about_broken, about_kept)
    return [(wrong, right, True), (right, wrong, False)]


def _exemplified(random: Random, attribute: str, value: str) -> list[Said]:
    """The same said by an example whose letters are like the value's and by one whose letters are not."""
    cases = _kept_and_broken(random, value)
    if cases is None:
        return []
    kept, broken = cases
    example = random.choice(_EXAMPLES)
    if random.random() < 0.5:
        example = "".join(random.sample("bcdfghklmnprstvxz", random.choice((2, 3, 4))))
    frame = random.choice(_LIKE if random.random() < 0.4 else _UNLIKE)
    right, wrong = (
        capitalised(frame.replace("{x}", x(example)).replace("{y}", y(example)).replace("{a}", attribute))
        for x, y in ((kept, broken), (broken, kept))
    )
    return [(wrong, right, True), (right, wrong, False)]


def _amount(random: Random, frame: str, rule: tuple[Sequence[str], int, bool], measure: Measure, attribute: str) -> str:
    forms, k, _ = rule
    number = _WORDS[k] if k < len(_WORDS) and random.random() < 0.5 else str(k)
    said = f"{random.choice(forms).replace('{k}', number)} {measure.one if k == 1 else measure.many}"
    return capitalised(frame.replace("{q}", said).replace("{a}", attribute))


def _filled(random: Random, frame: str, trait: Trait, attribute: str) -> str:
    return capitalised(frame.replace("{n}", random.choice(trait.names)).replace("{a}", attribute))
