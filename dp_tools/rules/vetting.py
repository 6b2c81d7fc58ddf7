"""Vetting of rules: a rule instructs a model, so its text may not pass for anything else."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from dp_tools.errors import RuleRejected
from dp_tools.rules.checks import Check
from dp_tools.rules.rule import ALL, Example, Rule
from dp_tools.rules.scope import RULE_TASKS, key
from dp_tools.rules.survival import KEYWORD, survival_of

STATEMENT_BUDGET = 400
"""Characters of one statement."""
CHECK_BUDGET = 1_000_000
"""Characters of one check as JSON."""
EXAMPLE_BUDGET = 20_000
"""Characters of one example as JSON."""

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}")
_CONTROL_TOKENS = re.compile(
    r"<\|[^<>\n]{0,60}\|?>|\|>|<<\s*/?\s*sys\s*>>|\[\s*/?\s*inst\s*\]|</?s>|<(start|end)_of_(turn|image)>|<(bos|eos|pad|unk)>"
    r"|#{2,}\s*(instruction|response|input|system|user|human|assistant)\b",
    re.IGNORECASE,
)
_FAKE_TURN = re.compile(r"\s*(system|assistant|user|human)\s*:", re.IGNORECASE)
_JOINERS = "\u200c\u200d"
"""Invisible characters that some scripts need inside words."""
_YES_NO_TASKS = ("detect_errors", "match_entities", "match_schemas")


def vet(rule: Rule) -> None:
    """Refuse a rule that could not be trusted to be only a rule.

    Raises:
        RuleRejected: a malformed id, unknown task, control tokens, line breaks or invisible characters in any text, a
            statement over `STATEMENT_BUDGET`, a check that is not valid JSON Schema, or an example without a usable
            label.
    """
    vet_name(rule.id, "rule id")
    if rule.task != ALL and rule.task not in RULE_TASKS:
        raise RuleRejected(f"Rule {rule.id} names the task {rule.task!r}; use all or one of {', '.join(RULE_TASKS)}.")
    for what in ("statement", "dataset", "domain", "attribute", "topic", "pack"):
        text = getattr(rule, what)
        if what not in ("topic", "pack") and not text.strip():
            raise RuleRejected(f"Rule {rule.id} has an empty {what}; write one, or all for a scope.")
        vet_text(text, f"The {what} of rule {rule.id}")
    if rule.check is not None:
        _vet_check(rule)
    for example in rule.examples:
        _vet_example(rule, example)


def vet_name(name: str, what: str) -> None:
    """Refuse an id or pack name that is not a plain lower-case word (it also names files).

    Raises:
        RuleRejected: it is not.
    """
    if not _NAME.fullmatch(name) or ".." in name:
        raise RuleRejected(
            f"{name[:100]!r} is not a {what}: use at most 100 lower-case letters, digits, dots, dashes, underscores."
        )


def vet_text(text: str, what: str) -> None:
    """Refuse text that could end its own line, hide from a reader or imitate a model's frame.

    Raises:
        RuleRejected: it could; the message starts with `what`.
    """
    vet_visible(text, what)
    plain = unicodedata.normalize("NFKC", text.translate(dict.fromkeys(map(ord, _JOINERS))))
    found = _CONTROL_TOKENS.search(plain) or _FAKE_TURN.match(plain)
    if found:
        raise RuleRejected(f"{what} holds {found.group(0).strip()!r}, which models read as a command; leave it out.")


def vet_visible(text: str, what: str) -> None:
    """Refuse text that is too long, or that a person who reads it in a terminal or a form would not see as it is.

    Raises:
        RuleRejected: as it says; the message starts with `what`.
    """
    if len(text) > STATEMENT_BUDGET:
        raise RuleRejected(f"{what} has {len(text)} characters; shorten it to {STATEMENT_BUDGET}.")
    for character in text:
        if unicodedata.category(character) in ("Cc", "Zl", "Zp", "Cf", "Cs", "Co") and character not in _JOINERS:
            raise RuleRejected(
                f"{what} holds the character U+{ord(character):04X}; write it on one line of visible text."
            )


def parse(body: Mapping[str, Any]) -> Rule:
    """A rule from outside (YAML, JSON, a tool call), vetted.

    Raises:
        RuleRejected: it is not shaped as a rule, or `vet` refuses it.
    """
    try:
        rule = Rule.model_validate(body)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "rule"
        raise RuleRejected(
            f"Rule {str(body.get('id', '?'))[:100]!r} is malformed at {where}: {first['msg']}."
        ) from error
    vet(rule)
    return rule


def _vet_check(rule: Rule) -> None:
    try:
        size = len(json.dumps(rule.check, ensure_ascii=False, allow_nan=False))
    except (ValueError, TypeError, RecursionError) as error:
        raise RuleRejected(f"The check of rule {rule.id} is not plain JSON.") from error
    if size > CHECK_BUDGET:
        raise RuleRejected(f"The check of rule {rule.id} has {size} characters; shorten it to {CHECK_BUDGET}.")
    if rule.task == "merge_records":
        survival_of(rule)
    elif rule.check is not None and KEYWORD in rule.check:
        raise RuleRejected(f"Rule {rule.id} says which values survive: give it the task merge_records.")
    Check.of(rule)


def _vet_example(rule: Rule, example: Example) -> None:
    vet_text(example.label, f"A label of rule {rule.id}")
    try:
        size = len(json.dumps(example.case, ensure_ascii=False, allow_nan=False))
    except (ValueError, TypeError, RecursionError) as error:
        raise RuleRejected(f"An example of rule {rule.id} is not plain JSON.") from error
    if size > EXAMPLE_BUDGET:
        raise RuleRejected(f"An example of rule {rule.id} has {size} characters; shorten it to {EXAMPLE_BUDGET}.")
    if rule.task in _YES_NO_TASKS and key(example.label) not in ("yes", "no"):
        raise RuleRejected(f"Rule {rule.id} labels an example {example.label!r}; {rule.task} answers yes or no.")
