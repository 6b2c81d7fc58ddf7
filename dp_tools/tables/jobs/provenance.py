"""What the answers of a job come from: model, adapters of the user's own, calibration and rules, each by digest."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, TypeAdapter

from dp_tools.decision import Decider
from dp_tools.rules.rule import ALL, Rule
from dp_tools.rules.scope import key
from dp_tools.rules.store.knowledge_store import KnowledgeStore
from dp_tools.tables.jobs.job_requests import AnyJobRequest, CallRequest, DedupeRequest, MatchRequest

_EVERY = 1_000_000
_NAMED = 5
"""Rules that are named; of more the number is told."""


class Provenance(BaseModel):
    """Where answers come from. What it was is compared with what it is before a job goes on."""

    model_config = ConfigDict(frozen=True)

    model: str
    """The model's name."""
    weights: str
    """Digest of the weights and the shipped adapter, and of those of the fallback model."""
    adapters: str
    """Digest of the user's own adapters for the dataset."""
    calibration: str
    knowledge: str
    """The file of the rules."""
    rules: dict[str, str]
    """Digests of the rules, active and retired, that may hold for the dataset, by id."""

    @classmethod
    def of(cls, decider: Decider, request: AnyJobRequest) -> Provenance:
        """What answers a job now.

        Raises:
            ModelUnavailable, KnowledgeUnavailable: it cannot be opened.
        """
        tasks = _tasks_of(request)
        knowledge = decider.knowledge
        return cls(
            model=decider.engine.name,
            weights=decider.weights_digest(),
            adapters=_digest(*(decider.adapter_digest(task, request.dataset) for task in tasks)),
            calibration=_digest(*(decider.calibration_digest(task, request.dataset) for task in tasks)),
            knowledge="memory" if knowledge.path is None else str(knowledge.path.resolve()),
            rules={
                rule.id: _digest(rule.model_dump_json()) for rule in _rules_about(knowledge, tasks, request.dataset)
            },
        )

    def changes(self, now: Provenance) -> list[str]:
        """What is another thing now, each as a few words."""
        found = []
        if self.weights != now.weights:
            same = self.model == now.model
            found.append(
                f"other weights of the model {now.model}" if same else f"the model {now.model}, not {self.model}"
            )
        if self.adapters != now.adapters:
            found.append("another adapter of your own")
        if self.calibration != now.calibration:
            found.append("another calibration")
        if self.knowledge != now.knowledge:
            found.append(f"the rules in {now.knowledge}, not {self.knowledge}")
        if changed := sorted(i for i in self.rules.keys() | now.rules.keys() if self.rules.get(i) != now.rules.get(i)):
            some = ", ".join(changed[:_NAMED]) + (", …" if len(changed) > _NAMED else "")
            found.append(f"{len(changed)} changed rule{'s' if len(changed) > 1 else ''} ({some})")
        return found

    def keeps_answers(self, now: Provenance) -> bool:
        """Whether answers stay good that no changed rule touches."""
        return (self.weights, self.adapters, self.calibration) == (now.weights, now.adapters, now.calibration)


@dataclass(frozen=True, slots=True)
class ChangedProvenance:
    """A stopped job that would go on with other things than it began with.

    Args:
        job: its handle.
        before, now: what gave its answers, and what would give them.
        kept: batches of answers that it has kept.
    """

    job: str
    before: Provenance
    now: Provenance
    kept: int

    @property
    def sentence(self) -> str:
        """What is another thing now, and what would be asked again."""
        changes = " and ".join(self.before.changes(self.now))
        which = "those that these rules touch" if self.before.keeps_answers(self.now) else "all"
        return (
            f"The job {self.job} would go on with {changes}: of the {self.kept} batches of answers that it kept, "
            f"{which} would be asked again."
        )


PROVENANCES: TypeAdapter[list[Provenance]] = TypeAdapter(list[Provenance])
"""Reads and writes what a job keeps: what it began with, and what it went on with each time."""


def _tasks_of(request: AnyJobRequest) -> tuple[str, ...]:
    """The tasks that a job asks about."""
    if isinstance(request, CallRequest):
        return (request.task,)
    return ("match_entities",) if isinstance(request, MatchRequest | DedupeRequest) else ("detect_errors", "impute")


def _rules_about(knowledge: KnowledgeStore, tasks: tuple[str, ...], dataset: str | None) -> list[Rule]:
    """The rules that may have a say about a dataset, whatever the attribute."""
    name = key(dataset or ALL)
    domains = {key(domain) for known in knowledge.datasets() if key(known.name) == name for domain in known.domains}
    return [
        rule
        for rule in knowledge.list(limit=_EVERY)
        if rule.status != "proposed"
        and rule.task in (*tasks, ALL)
        and key(rule.dataset) in (name, ALL)
        and key(rule.domain) in (*domains, name, ALL)
    ]


def _digest(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode("utf-8", "surrogatepass")).hexdigest()
