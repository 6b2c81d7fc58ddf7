"""Rules about pairs: that a difference decides, that it does not, and that agreement is enough."""

from __future__ import annotations

from random import Random

from lab.mixture.examples import often
from lab.mixture.rule_forms import capitalised

_FRAMES: dict[str, tuple[str, ...]] = {
    "different": (
        "{d} means a different entity.",
        "{d} means no match.",
        "{d} rules a match out.",
        "With {d}, the answer is no.",
        "{d} is enough to tell them apart.",
        "{d} shows that they are not the same.",
        "If {a} differs, it is not a match.",
        "Both must have the same {a}.",
        "{a} must agree exactly.",
        "Matching records have an equal {a}.",
        "No match without the same {a}.",
        "They are the same only if {a} is equal.",
        "A match needs the same {a}.",
        "Say no if {a} is not the same.",
        "Two records that disagree on {a} are different entities.",
        "Never match records with {d}.",
        "{d}: not the same entity.",
        "Entities are told apart by {a}.",
        "The {a} of an entity is the same in every source.",
        "Sources never disagree on the {a} of one entity.",
        "Where {a} differs, so do the entities.",
        "{a} is decisive: unequal means no.",
        "Check {a}; a difference settles it.",
    ),
    "indifferent": (
        "{d} does not matter.",
        "{d} is no reason against a match.",
        "{d} proves nothing.",
        "{d} is not important.",
        "{d} still allows a match.",
        "{a} may differ between matching records.",
        "Ignore {a}.",
        "Pay no attention to {a}.",
        "Leave {a} out of the comparison.",
        "{a} is unreliable: do not compare it.",
        "Matching records need not have an equal {a}.",
        "{a} says nothing about identity.",
        "Do not look at {a}.",
        "Disagreement on {a} is no obstacle.",
        "Two records that disagree on {a} may still be one entity.",
        "{d}: no reason for a no.",
        "Entities cannot be told apart by {a}.",
        "The {a} of an entity is not the same in every source.",
        "Sources often disagree on the {a} of one entity.",
        "Where {a} differs, the entities need not.",
        "{a} decides nothing: unequal may still mean yes.",
        "Skip {a}; a difference settles nothing.",
    ),
    "same": (
        "Records with {e} are the same entity.",
        "{e} is enough for a match.",
        "With {e}, the answer is yes.",
        "{e} proves a match.",
        "If {a} is equal, it is a match, whatever else differs.",
        "{a} is the key: equal {a}, same entity.",
        "Compare {a} only.",
        "Say yes if {a} is the same.",
        "Two records that agree on {a} are one entity.",
        "Always match records with {e}.",
        "{e}: the same entity.",
    ),
}
_CLAUSES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "different": (
        (
            "if {a} differs",
            "where {a} is unequal",
            "when {a} disagrees",
            "as soon as {a} is different",
            "should {a} deviate",
            "once {a} is another",
            "with unequal {a}",
            "unless {a} is equal",
            "unless both have one {a}",
            "whenever the {a} of one is not that of the other",
            "given two values of {a}",
            "without agreement on {a}",
        ),
        (
            "the answer is no",
            "they do not match",
            "it is no match",
            "the records belong to different entities",
            "the pair is no duplicate",
            "keep them apart",
            "treat them as distinct",
            "do not merge them",
            "the entities are different",
            "nothing else can make them match",
            "they describe separate entities",
            "we call them different",
            "a match is out of the question",
            "the likeness of the rest is deceptive",
        ),
    ),
    "indifferent": (
        (
            "if {a} differs",
            "where {a} is unequal",
            "when {a} disagrees",
            "even if {a} is different",
            "should {a} deviate",
            "though {a} may be another",
            "with unequal {a}",
            "whatever {a} says",
            "whenever the {a} of one is not that of the other",
            "given two values of {a}",
            "with or without agreement on {a}",
            "whether {a} is equal or not",
        ),
        (
            "they may match all the same",
            "that does not count",
            "judge by the rest",
            "look at the others instead",
            "that is no objection",
            "a match is still possible",
            "the rest decides",
            "they can be duplicates nonetheless",
            "do not mind",
            "go by the other attributes",
            "that alone separates nobody",
            "we still call them one if the rest fits",
            "nothing follows from it",
            "the likeness of the rest is what counts",
        ),
    ),
    "same": (
        (
            "if {a} is equal",
            "where {a} agrees",
            "when both have one {a}",
            "as soon as {a} is the same",
            "with equal {a}",
            "given one value of {a}",
            "once the {a} of one is that of the other",
        ),
        (
            "the answer is yes",
            "they match",
            "it is a match",
            "the records belong to one entity",
            "the pair is a duplicate",
            "merge them",
            "the rest does not count",
            "we call them one",
            "nothing else can keep them apart",
        ),
    ),
}
"""Conditions and conclusions, put together in either order, so that no sentence about pairs is known by heart."""
_DIFFERENCES = ("a different {a}", "another {a}", "a difference in {a}", "an unequal {a}", "{a} that differs")
_EQUALITIES = ("the same {a}", "an equal {a}", "one {a}", "{a} that agrees")


def pair_rule(random: Random, kind: str, name: str) -> str:
    """A sentence about an attribute of pairs.

    Args:
        kind: "different" (a difference means no match), "indifferent" (it means nothing) or "same" (agreement means a
            match).
        name: the attribute.
    """
    if often(random, 0.5):
        condition, conclusion = (random.choice(clauses) for clauses in _CLAUSES[kind])
        text = f"{condition}, {conclusion}." if often(random, 0.6) else f"{conclusion}, {condition}."
    else:
        text = random.choice(_FRAMES[kind])
        text = text.replace("{d}", random.choice(_DIFFERENCES)).replace("{e}", random.choice(_EQUALITIES))
    return capitalised(text.replace("{a}", name))
