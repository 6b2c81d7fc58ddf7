"""Entity matching: do two records describe the same entity?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Annotated, ClassVar

from pydantic import BaseModel, ConfigDict, Field

from dp_tools.errors import InvalidRequest
from dp_tools.profiling import Facts, PairFacts, rendered
from dp_tools.prompts.ask import YesNo
from dp_tools.prompts.prompt import Prompt
from dp_tools.records import Record
from dp_tools.tasks.task import Case, Outcome, RecordField, Task, record_block, require
from dp_tools.tasks.verdicts import OnlyMatches, Verdict, VerdictAnswer, VerdictRequest


class RecordPair(BaseModel):
    """A candidate pair; the attributes of the two sides may differ."""

    model_config = ConfigDict(extra="forbid")

    left: Annotated[RecordField, Field(description="{attribute: text or null}.")]
    right: Annotated[RecordField, Field(description="The other record.")]


class MatchEntitiesRequest(VerdictRequest):
    """Candidate pairs to judge."""

    pairs: Annotated[list[RecordPair], Field(description="The candidate pairs.")]
    only: OnlyMatches = None


class PairVerdict(Verdict):
    """The verdict on one pair."""

    pair: Annotated[int, Field(description="Position of the pair in the request, from 0.")]
    match: Annotated[bool | None, Field(description="True if both are the same entity; null without an answer.")]

    @property
    def verdict(self) -> bool | None:
        return self.match


class MatchEntitiesAnswer(VerdictAnswer[PairVerdict]):
    """One verdict per pair, in order."""

    items: ClassVar[str] = "pairs"
    found: ClassVar[str] = "matches"
    other: ClassVar[str] = "different"

    pairs: Annotated[list[PairVerdict], Field(description="The verdicts.")]


class MatchEntities(Task[MatchEntitiesRequest, MatchEntitiesAnswer]):
    """See the module."""

    name = "match_entities"
    title = "Match entities"
    description = (
        "Judges whether the two records of each pair are the same entity. Send pairs of the same tables at once: "
        "together they show which words are rare."
    )
    request = MatchEntitiesRequest
    answer = MatchEntitiesAnswer

    def cases(self, request: MatchEntitiesRequest, facts: Facts | None = None) -> list[Case]:
        require(request.pairs, "pairs")
        pair_facts = facts if isinstance(facts, PairFacts) else self.facts(request)
        cases = []
        for number, pair in enumerate(request.pairs, start=1):
            if not pair.left or not pair.right:
                raise InvalidRequest(f"A side of pair {number} has no attributes: give both as {{attribute: value}}.")
            left, truncated_left = record_block("a", pair.left)
            right, truncated_right = record_block("b", pair.right)
            found = pair_facts.about(pair.left, pair.right)
            prompt = Prompt(task=self.name, blocks=(left, right), evidence=rendered(found))
            truncated = tuple(dict.fromkeys((*truncated_left, *truncated_right)))
            subject = {"left": pair.left, "right": pair.right}
            cases.append(
                Case(
                    subject,
                    prompt,
                    YesNo(),
                    truncated=truncated,
                    evidence_score=pair_facts.evidence(pair.left, pair.right),
                    facts=found,
                    identity=pair_facts.judgement(pair.left, pair.right),
                )
            )
        return cases

    def facts(self, request: MatchEntitiesRequest) -> PairFacts:
        return PairFacts(records_of(request.pairs))

    def read(self, request: MatchEntitiesRequest, outcomes: Sequence[Outcome]) -> MatchEntitiesAnswer:  # noqa: ARG002
        return MatchEntitiesAnswer(
            pairs=[
                PairVerdict(pair=number, match=outcome.verdict, **outcome.item)
                for number, outcome in enumerate(outcomes)
            ]
        )


def records_of(pairs: Iterable[RecordPair]) -> Iterator[Record]:
    """The records of pairs, one after the other."""
    return (record for pair in pairs for record in (pair.left, pair.right))
