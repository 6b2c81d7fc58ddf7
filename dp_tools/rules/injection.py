"""What the injector gives to a task for one scope: rules to read, checks that decide, and overridden rules.

Precedence, most binding first: an exact labelled example, a check, a rule for this dataset and attribute, for this
dataset, for this domain, a general rule, what the model believes. Ties go by priority, then to the older rule.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from dp_tools.rules.rule import ALL, Example, Rule

Subject = Mapping[str, Any]
"""The case a check or an example is about, by task:
detect_errors {record, attribute, value}; impute {record, attribute}; match_entities {left, right};
match_schemas {left, right}, each {name, description}; annotate_columns {name, values}; extract_values
{text, attribute}; follow_instruction {record, instruction}."""


@dataclass(frozen=True, slots=True)
class Overridden:
    """A rule that holds in this scope and was not used, and why."""

    rule: Rule
    reason: str


@dataclass(frozen=True, slots=True)
class Decision:
    """A case settled without the model. `label` is yes, no, or the value; `reason` the sentence to show."""

    label: str
    rule: Rule
    decided_by: Literal["example", "check"]
    reason: str
    overridden: tuple[Overridden, ...] = ()
    """Less binding examples and checks that would have decided this case otherwise."""


class Injection(Protocol):
    """The knowledge that holds for one (task, dataset, attribute)."""

    @property
    def dataset(self) -> str | None:
        """The dataset it was made for, as the caller named it."""

    @property
    def rules(self) -> tuple[Rule, ...]:
        """Rules whose statements the model reads: general first, most binding last, next to the question."""

    @property
    def overridden(self) -> tuple[Overridden, ...]:
        """Rules that hold here and were not used: overridden, or outside the token budget."""

    def decide(self, subject: Subject) -> Decision | None:
        """The verdict of an exact example or a check on this case, or None when the model is to be asked."""

    def allowed(self) -> tuple[str, ...] | None:
        """The closed set of values of the attribute, where a check says there is one."""

    def without(self, rule_id: str) -> Injection:
        """The same injection as if this rule did not exist (the interpreter's question)."""

    def examples(self) -> tuple[Example, ...]:
        """The labelled cases that decide here, the most binding first."""

    def without_examples(self) -> Injection:
        """The same injection as if no case were labelled: what would the model say of those that are?"""


def statements(rules: Iterable[Rule]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What the model reads of them: before the data those for all attributes, beside it those for one."""
    wide: list[str] = []
    near: list[str] = []
    for rule in rules:
        (wide if rule.attribute == ALL else near).append(rule.statement)
    return tuple(wide), tuple(near)
