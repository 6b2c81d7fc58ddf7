"""An explanation in words: templates over measurements that make a short paragraph for a data steward."""

from __future__ import annotations

from collections.abc import Sequence

from dp_tools.explain.explanation import Contribution, Explanation, WouldChange
from dp_tools.tasks.task import Case, Outcome

UNDECIDED = 0.6
_BANDS = (
    (0.99, "almost certain", "99% and more"),
    (0.9, "very likely", "90% to 99%"),
    (0.75, "likely", "75% to 90%"),
    (UNDECIDED, "more likely than not", "60% to 75%"),
    (0.0, "close to undecided", "under 60%"),
)
"""From which probability which words, and their band."""
_MENTIONED = 0.05
"""The least change of probability that a paragraph mentions."""
_SHOWN = 60


def confidence_band(outcome: Outcome) -> str:
    """How sure an answer is, in words with the band: "very likely (90% to 99%)"."""
    if outcome.confidence is None:
        return "no answer"
    if outcome.decided_by in ("check", "example"):
        return f"decided by {'an example' if outcome.decided_by == 'example' else 'a check'}"
    words, band = next((words, band) for least, words, band in _BANDS if outcome.confidence >= least)
    return f"{words} ({band})"


def paragraph(task: str, case: Case, outcome: Outcome, explanation: Explanation) -> str:
    """The explanation as a paragraph.

    Args:
        task: the task's name.
        case: the case as asked.
        outcome: its outcome.
        explanation: all of it but the text.
    """
    if outcome.confidence is None:
        return f"There is no answer: {outcome.failure or 'the model gave none.'}"
    sentences = [f"{_verdict(task, case, outcome.label)}: {explanation.confidence_band}."]
    sentences += _because(outcome, explanation.decided)
    sentences.append(_otherwise(explanation.would_change))
    if explanation.facts:
        facts = "; ".join(fact.text for fact in explanation.facts if fact.kind != "check")
        sentences += [f"Known without the model: {facts}."] if facts else []
    if explanation.rewrite_sensitive:
        turned = [entry.rewrite for entry in explanation.rewrites if entry.answer != explanation.answer]
        sentences.append(
            f"Unstable: a harmless rewrite turns the answer ({', '.join(turned)}), so a person should look."
        )
    elif explanation.review:
        sentences.append("A person should look.")
    return " ".join(sentences)


def _verdict(task: str, case: Case, label: str | None) -> str:
    subject = case.subject
    attribute = subject.get("attribute")
    yes = label == "yes"
    match task:
        case "match_entities":
            return "The two records are the same entity" if yes else "The two records are different entities"
        case "match_schemas":
            names = f"{_quoted(subject['left'].get('name'))} and {_quoted(subject['right'].get('name'))}"
            return f"The attributes {names} {'mean' if yes else 'do not mean'} the same"
        case "detect_errors":
            return f"The value {_quoted(subject['value'])} of {attribute} is {'an error' if yes else 'no error'}"
        case "impute":
            return f"{attribute} is {_quoted(label)}" if label is not None else f"The record does not tell {attribute}"
        case "annotate_columns":
            return f"The column holds {_quoted(label)}"
        case "extract_values":
            stated = (
                f"says that {attribute} is {_quoted(label)}" if label is not None else f"does not state {attribute}"
            )
            return f"The text {stated}"
        case _:
            return f"The answer to {_quoted(subject.get('instruction'))} is {_quoted(label)}"


def _because(outcome: Outcome, decided: Sequence[Contribution]) -> list[str]:
    sentences = []
    rest = list(decided)
    if outcome.decided_by in ("check", "example"):
        first = next((entry for entry in decided if entry.kind == outcome.decided_by), None)
        if first is not None:
            rest.remove(first)
            without = f"without it the answer would be {_quoted(first.answer)}" if first.flips else "so does the rest"
            sentences.append(
                f"The {outcome.decided_by} {first.name} decides it: “{(first.statement or '').rstrip('.')}”; {without}."
            )
    elif outcome.decided_by == "table":
        sentences.append(f"A data constraint of the table decides it: {outcome.reason}")
    speaks = [entry for entry in rest if entry.change >= _MENTIONED][:3]
    against = [entry for entry in rest if entry.change <= -_MENTIONED][:2]
    if speaks:
        sentences.append(f"It rests on {_and([_named(entry) for entry in speaks])}.")
    elif not sentences:
        sentences.append("No single part decides it: without any one of them the probability is about the same.")
    if against:
        sentences.append(
            f"Against it {'speaks' if len(against) == 1 else 'speak'} {_and([_named(e) for e in against])}."
        )
    return sentences


def _named(entry: Contribution) -> str:
    points = f"{abs(round(100 * entry.change))} points"
    match entry.kind:
        case "attribute":
            return f"{_short(entry.name)} ({points})"
        case "fact":
            return f"the fact “{_short(entry.name)}” ({points})"
        case _:
            return f"the rule {entry.name}, “{(entry.statement or '').rstrip('.')}” ({points})"


def _otherwise(change: WouldChange | None) -> str:
    if change is None:
        return "None of the single changes that were tried turns the answer."
    thing = f"the {change.kind} {_short(change.name)}"
    return f"The smallest change that turns it: {thing} {change.change}, then the answer is {_quoted(change.answer)}."


def _quoted(value: object) -> str:
    return "missing" if value is None else f"“{_short(str(value))}”"


def _short(text: str) -> str:
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"


def _and(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
