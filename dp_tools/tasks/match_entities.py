"""Entity matching: do two records describe the same thing?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from dp_tools.errors import InvalidRequest
from dp_tools.evidence import Facts, PairFacts
from dp_tools.prompts.ask import YesNo
from dp_tools.prompts.prompt import Prompt
from dp_tools.prompts.serializer import Record
from dp_tools.tasks.task import Answer, Case, Item, Outcome, RecordField, Request, Task, record_block, require


class RecordPair(BaseModel):
    """A candidate pair; the attributes of the two sides may differ."""

    model_config = ConfigDict(extra="forbid")

    left: Annotated[RecordField, Field(description="A record of the first table.")]
    right: Annotated[RecordField, Field(description="A record of the second table.")]


class MatchEntitiesRequest(Request):
    """Candidate pairs to judge."""

    pairs: Annotated[list[RecordPair], Field(description="The candidate pairs.")]


class PairVerdict(Item):
    """The verdict on one pair."""

    match: Annotated[bool | None, Field(description="True if both are the same entity; null without an answer.")]


class MatchEntitiesAnswer(Answer):
    """One verdict per pair, in order."""

    pairs: Annotated[list[PairVerdict], Field(description="The verdicts.")]


class MatchEntities(Task[MatchEntitiesRequest, MatchEntitiesAnswer]):
    """See the module."""

    name = "match_entities"
    title = "Match entities"
    description = (
        "Judges pairs of records: is it the same product, publication, person or place on both sides? The two sides "
        "may have different attributes. Give pairs of the same tables in one call: together they show which words are "
        "rare. Returns a verdict and a calibrated confidence per pair. To match whole files, use the table tools, "
        "which first find the candidate pairs."
    )
    request = MatchEntitiesRequest
    answer = MatchEntitiesAnswer

    def cases(self, request: MatchEntitiesRequest, facts: Facts | None = None) -> list[Case]:
        require(request.pairs, "pairs")
        words = facts if isinstance(facts, PairFacts) else self.facts(request)
        cases = []
        for number, pair in enumerate(request.pairs, start=1):
            if not pair.left or not pair.right:
                raise InvalidRequest(f"A side of pair {number} has no attributes: give both as {{attribute: value}}.")
            left, cut_left = record_block("a", pair.left)
            right, cut_right = record_block("b", pair.right)
            prompt = Prompt(task=self.name, blocks=(left, right), evidence=words.about(pair.left, pair.right))
            cut = tuple(dict.fromkeys((*cut_left, *cut_right)))
            subject = {"left": pair.left, "right": pair.right}
            codes = words.codes(pair.left, pair.right)
            cases.append(Case(subject, prompt, YesNo(), cut=cut, testimony=codes))
        return cases

    def facts(self, request: MatchEntitiesRequest) -> PairFacts:
        return PairFacts(records_of(request.pairs))

    def read(self, request: MatchEntitiesRequest, outcomes: Sequence[Outcome]) -> MatchEntitiesAnswer:  # noqa: ARG002
        return MatchEntitiesAnswer(pairs=[PairVerdict(match=outcome.verdict, **outcome.item) for outcome in outcomes])


def records_of(pairs: Iterable[RecordPair]) -> Iterator[Record]:
    """The records of pairs, one after the other."""
    return (record for pair in pairs for record in (pair.left, pair.right))
