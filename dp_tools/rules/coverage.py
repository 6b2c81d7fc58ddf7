"""Whether rules in force are about the attribute that a question is about, and what has a say beside them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from dp_tools.records import clean_name
from dp_tools.rules.injection import Injection
from dp_tools.rules.rule import ALL, Rule

RuleCoverage = Literal["none", "general", "checked", "stated"]
"""What rules in force say of an attribute: nothing, something in words about every attribute, or something about this
very one."""
UNSPECIFIC: tuple[RuleCoverage, ...] = ("none", "general")
"""Where nothing is said of this very attribute."""


@dataclass(frozen=True, slots=True)
class TableVerdict:
    """What a table says of a cell by what it mostly keeps (see `dp_tools.rules.discovery.data_constraints`).

    Args:
        id: of the rule that it would make; empty for what makes none.
        wrong: whether the cell breaks what the table keeps, or is as usual.
        certainty: how probably that is so, 0 to 1.
        reason: one sentence.
        keyed: whether other cells of the record say what this one should hold.
    """

    id: str
    wrong: bool
    certainty: float
    reason: str
    keyed: bool = False

    def applies(self, rule_coverage: RuleCoverage) -> bool:
        """Whether it has a say, given what rules in force say of the attribute, which comes first.

        That a cell is right it says only where no rule at all may say otherwise.
        """
        if not self.wrong:
            return rule_coverage == "none"
        return rule_coverage in UNSPECIFIC or (rule_coverage == "checked" and self.keyed)


def rule_coverage(injection: Injection, attribute: str) -> RuleCoverage:
    """What rules in force say of this very attribute, by their scope or in their words.

    "in words": something that only the model can weigh. "by checks": something that has been settled for each cell
    before the model or the table is heard. "at large": nothing, but a rule in words holds for it as for all others.
    """
    rules = [*injection.rules, *(entry.rule for entry in injection.overridden)]
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
    """Whether only a model can weigh it."""
    return rule.check is None and not rule.examples
