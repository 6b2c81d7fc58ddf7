"""Rules of survival: which of several records' values a merged record keeps, as the check of a `merge_records` rule.

The check's only keyword is `x-survival`, an object:

    {"x-survival": {"keep": "most frequent"}}
    {"x-survival": {"keep": "latest", "by": "updated_at"}}
    {"x-survival": {"keep": "preferred source", "by": "source", "order": ["crm", "shop"]}}

`keep` is "most frequent", "most complete" (of the record with the fewest gaps), "longest", "latest" or "preferred
source". `by` names the column of dates or of sources, `order` the sources, the best one first.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from dp_tools.errors import RuleRejected
from dp_tools.rules.rule import Rule

KEYWORD = "x-survival"
Keep = Literal["most frequent", "most complete", "longest", "latest", "preferred source"]


class Survival(BaseModel):
    """Which value of an attribute survives."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    keep: Keep
    by: str | None = None
    order: tuple[str, ...] = Field(default=(), strict=False)

    @model_validator(mode="after")
    def _is_whole(self) -> Survival:
        if (self.by is not None) != (self.keep in ("latest", "preferred source")):
            raise ValueError("by names a column for latest and preferred source, and only for these")
        if bool(self.order) != (self.keep == "preferred source"):
            raise ValueError("order lists the sources for preferred source, and only for it")
        return self


def survival_of(rule: Rule) -> Survival | None:
    """The rule of survival that a rule carries; None where it has no check.

    Raises:
        RuleRejected: the check is no rule of survival.
    """
    if rule.check is None:
        return None
    if rule.check.keys() != {KEYWORD}:
        raise RuleRejected(
            f'The check of rule {rule.id} is not a rule of survival: write {{"{KEYWORD}": {{"keep": "latest", "by": '
            '"COLUMN"}} or another one.'
        )
    try:
        return Survival.model_validate(rule.check[KEYWORD])
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or KEYWORD
        raise RuleRejected(f"The rule of survival {rule.id} is malformed at {where}: {first['msg']}.") from None
