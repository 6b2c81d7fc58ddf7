"""Whether rules in force are about the attribute that a question is about, and what has a say beside them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from dp_tools.prompts.serializer import clean_name
from dp_tools.rules.injection import Injection
from dp_tools.rules.rule import ALL

Ruled = Literal["not", "by checks", "in words"]


@dataclass(frozen=True, slots=True)
class Broken:
    """What a table mostly keeps and a cell breaks (see `dp_tools.rules.regularities`).

    Args:
        id: of the rule that it would make.
        certainty: how probably the cell is wrong, 0 to 1.
        reason: one sentence.
        keyed: whether other cells of the record say what this one should hold.
    """

    id: str
    certainty: float
    reason: str
    keyed: bool

    def speaks(self, ruled: Ruled) -> bool:
        """Whether it has a say, given what rules in force say of the attribute, which comes first."""
        return ruled == "not" or (ruled == "by checks" and self.keyed)


def ruled(injection: Injection, attribute: str) -> Ruled:
    """What rules in force say of this very attribute, by their scope or in their words.

    "in words": something that only the model can weigh. "by checks": something that has been settled for each cell
    before the model or the table is heard.
    """
    named = re.compile(rf"\b{re.escape(clean_name(attribute))}\b", re.IGNORECASE)
    about = [
        rule
        for rule in (*injection.rules, *(lost.rule for lost in injection.lost))
        if (rule.source != "call" and rule.attribute != ALL)
        or ((rule.source == "call" or rule.dataset != ALL) and named.search(rule.statement))
    ]
    if any(rule.check is None and not rule.examples for rule in about):
        return "in words"
    return "by checks" if about else "not"
