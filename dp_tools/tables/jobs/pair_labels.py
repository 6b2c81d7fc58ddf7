"""The labels of a pair job, from its file and from its dataset, and what they taught, kept for the next one."""

from __future__ import annotations

import getpass
from collections.abc import Mapping
from dataclasses import dataclass, field

from dp_tools.errors import InvalidRequest
from dp_tools.rules.store.learned import Label, Learned
from dp_tools.tables.jobs.job_requests import DedupeRequest, MatchRequest
from dp_tools.tables.jobs.job_run import JobRun
from dp_tools.tables.match.labelled_judging import COUNTED, COUNTED_TAUGHT, METRIC, MODEL_TAUGHT, Lessons
from dp_tools.tables.match.labelled_pairs import Pair, PairLabels, known_pairs, read_pair_labels
from dp_tools.tables.match.matching import Matching
from dp_tools.tables.snapshot import Table


@dataclass(frozen=True)
class JobLabels:
    """What a job learns from.

    Args:
        labels: of pairs of its tables, those of its file before what is kept; None without any.
        new: those of its file.
        earlier: what labels of earlier files of the dataset taught.
    """

    labels: PairLabels | None = None
    new: PairLabels = field(default_factory=PairLabels)
    earlier: Lessons | None = None


def job_labels(run: JobRun, request: MatchRequest | DedupeRequest, left: Table, right: Table) -> JobLabels:
    """The labels of a job's file and those kept for its dataset; a label of the file replaces one that is kept.

    Raises:
        InvalidRequest: a label cannot be understood, or the job cannot use any.
        TableUnavailable: the file cannot be read.
    """
    labels = None
    if request.labelled is not None:
        if isinstance(request, DedupeRequest) and request.register_name is not None:
            raise InvalidRequest(
                "A register takes no file of labelled pairs: answer its reviews, or leave the register out."
            )
        with run.open(request.labelled) as file:
            labels = read_pair_labels(file, left, right)
    new = labels or PairLabels()
    if request.dataset is None:
        return JobLabels(labels, new)
    knowledge = run.decider().knowledge
    kept = knowledge.labels(request.dataset, "pairs")
    known = known_pairs([(one.case, bool(one.answer["match"])) for one in kept], left, right)
    newest = knowledge.learned(request.dataset, "pairs")
    if known or labels is not None:
        labels = new.over(known)
    return JobLabels(labels, new, None if newest is None else Lessons.of_json(newest.body))


def keep_labels(run: JobRun, given: JobLabels, matching: Matching, left: Table, right: Table) -> None:
    """Keep the labels of a job, and what they taught, with its dataset."""
    taught, dataset = matching.taught, run.request.dataset
    if dataset is None or taught is None:
        return
    knowledge, who = run.decider().knowledge, str(run.store.row(run.job)["caller"]) or getpass.getuser()
    if given.new.same:
        knowledge.add_labels(dataset, "pairs", _cases(given.new.same, left, right), who=who)
    if taught.lessons is None or not taught.here:
        return
    body = taught.lessons.to_json()
    newest = next(iter(knowledge.list_learned(dataset, "pairs")), None)
    if newest is not None and newest.body == body:
        return
    after = taught.trust.get(MODEL_TAUGHT, 0.0) if taught.used == MODEL_TAUGHT else taught.trust[COUNTED_TAUGHT]
    before = taught.trust[COUNTED]
    knowledge.keep_learned(Learned(dataset, "pairs", 0, len(taught.lessons), METRIC, before, after, body), who=who)


def _cases(same: Mapping[Pair, bool], left: Table, right: Table) -> list[Label]:
    """Labels with both records."""
    pairs = sorted(same)
    lefts, rights = dict(left.records(a for a, _ in pairs)), dict(right.records(b for _, b in pairs))
    return [Label({"left": lefts[a], "right": rights[b]}, {"match": same[a, b]}) for a, b in pairs]
