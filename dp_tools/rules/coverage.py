"""Rule coverage: how far active rules cover an attribute, and whether a verdict of the table applies beside them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from dp_tools.records import clean_name
from dp_tools.rules.injection import Injection
from dp_tools.rules.rule import ALL, Rule

RuleCoverage = Literal["none", "general", "checked", "stated"]
"""How active rules cover an attribute.

- none: no rule applies.
- general: a rule that only the model can apply holds for all attributes.
- checked: rules name the attribute, and code has applied their checks and examples.
- stated: a rule names the attribute that only the model can apply.
"""
UNSPECIFIC: tuple[RuleCoverage, ...] = ("none", "general")
"""Coverage by no rule that names the attribute."""


@dataclass(frozen=True, slots=True)
class TableVerdict:
    """The verdict of a table's data constraints on a cell (see `dp_tools.rules.discovery.data_constraints`).

    Args:
        id: id of the rule that the constraint would make; empty if it would make none.
        wrong: True if the cell violates a constraint, False if its value is usual.
        certainty: probability of the verdict, 0 to 1.
        reason: one sentence.
        keyed: whether other cells of the record determine this one.
    """

    id: str
    wrong: bool
    certainty: float
    reason: str
    keyed: bool = False

    def applies(self, rule_coverage: RuleCoverage) -> bool:
        """Whether the verdict applies, given how rules cover the attribute: rules take precedence.

        "The cell is right" applies only where no rule could say otherwise.
        """
        if not self.wrong:
            return rule_coverage == "none"
        return rule_coverage in UNSPECIFIC or (rule_coverage == "checked" and self.keyed)


def rule_coverage(injection: Injection, attribute: str | None) -> RuleCoverage:
    """How the rules of an injection cover an attribute, by their scope or by naming it in their statement.

    Where a question is about no single attribute, rules of the call and of its dataset are about it.
    """
    rules = [*injection.rules, *(entry.rule for entry in injection.overridden)]
    if attribute is None:
        own = any(_is_stated(rule) for rule in rules if rule.source == "call" or rule.dataset != ALL)
        return "stated" if own else "none"
    named = re.compile(rf"\b{re.escape(clean_name(attribute))}\b", re.IGNORECASE)
    about = [
        rule
        for rule in rules
        if (rule.source != "call" and rule.attribute != ALL)
        or ((rule.source == "call" or rule.dataset != ALL) and named.search(rule.statement))
    ]
    if any(map(_is_stated, about)):
        return "stated"
    if about:
        return "checked"
    return "general" if any(map(_is_stated, rules)) else "none"


def _is_stated(rule: Rule) -> bool:
    """Whether only the model can apply the rule."""
    return rule.check is None and not rule.examples
