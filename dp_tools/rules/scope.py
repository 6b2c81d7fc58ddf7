"""The scope of a rule: comparison of names of datasets, domains and attributes, and precedence."""

from __future__ import annotations

import re
from collections.abc import Collection
from enum import IntEnum
from functools import lru_cache
from typing import Literal, get_args

from dp_tools.rules.rule import ALL, Rule

TaskName = Literal[
    "detect_errors",
    "impute",
    "match_entities",
    "match_schemas",
    "annotate_columns",
    "extract_values",
    "follow_instruction",
]
TASKS: tuple[str, ...] = get_args(TaskName)
"""The tasks that a model answers."""
RuleTask = Literal[TaskName, "merge_records"]
RULE_TASKS: tuple[str, ...] = get_args(RuleTask)
"""The tasks a rule may name, besides `all`: those of the model, and what code alone does (see `rules.survival`)."""

_GAPS = re.compile(r"[\s_\-]+")


class Rank(IntEnum):
    """How much a rule binds, by the narrowest thing it names; lower binds more."""

    ATTRIBUTE = 0
    """This dataset and this attribute."""
    DATASET = 1
    DOMAIN = 2
    GENERAL = 3


@lru_cache(maxsize=65_536)
def key(name: str) -> str:
    """A name as it compares: "Amazon-Google" is "amazon_google", and "ZipCode" is "zip code"."""
    return _GAPS.sub("", name).casefold()


def rank(rule: Rule) -> Rank:
    """The rule's place in the precedence."""
    if key(rule.dataset) != ALL:
        return Rank.DATASET if key(rule.attribute) == ALL else Rank.ATTRIBUTE
    return Rank.GENERAL if key(rule.domain) == ALL else Rank.DOMAIN


def holds(rule: Rule, task: str, dataset: str | None, domains: Collection[str], attribute: str | None) -> bool:
    """Whether the rule's scope takes in a task on a dataset and attribute; `domains` are keys."""
    return (
        rule.task in (task, ALL)
        and key(rule.dataset) in (key(dataset or ALL), ALL)
        and key(rule.domain) in (*domains, ALL)
        and key(rule.attribute) in (key(attribute or ALL), ALL)
    )


def suggested_id(statement: str, *, task: str = ALL, dataset: str = ALL, domain: str = ALL) -> str:
    """A rule's id for whoever gives none: the narrowest of its scope and the first words of what it says."""
    place = next((name for name in (dataset, domain, task) if name != ALL), "general")
    words = re.findall(r"[a-z0-9]+", f"{place} {' '.join(statement.split()[:6])}".lower())
    return "-".join(words)[:90] or "rule"
