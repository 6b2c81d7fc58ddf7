"""Judges candidate pairs: by counted evidence where that decides, otherwise by what answers questions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dp_tools.decision import EVEN, by_counting, is_left_to_counting
from dp_tools.engine.parts import InParts
from dp_tools.explain.averaging import ORDERS_OF_A_PAIR
from dp_tools.profiling import PairFacts
from dp_tools.profiling.facts import Similarity
from dp_tools.profiling.identity import IdentityJudge
from dp_tools.profiling.identity.many import Evidence, Judgements, judge_list
from dp_tools.profiling.idf import HashedText
from dp_tools.profiling.marks import contradict
from dp_tools.profiling.pair_features import PairFeatures
from dp_tools.profiling.pair_prior import prior_log_odds
from dp_tools.progress import Progress
from dp_tools.rules.injection import Injection
from dp_tools.rules.scope import key
from dp_tools.tables.asking import Asked, Work, chunks
from dp_tools.tables.cascade import cascade
from dp_tools.tables.cascade.promise import Promise
from dp_tools.tables.match import things
from dp_tools.tables.match.blocking import Candidates
from dp_tools.tables.match.framed_pairs import PART, FramedPairs, featured, judged, numbered, words_in
from dp_tools.tables.match.identity import Identity
from dp_tools.tables.match.neighbourhoods import in_neighbourhoods
from dp_tools.tables.match.pairing import LEAST_LIKELY
from dp_tools.tables.match.rivals import rival_features
from dp_tools.tables.match.scores import PairScores
from dp_tools.tables.match.things import Things
from dp_tools.tables.snapshot import Table
from dp_tools.tasks.match_entities import MatchEntitiesAnswer, MatchEntitiesRequest
from dp_tools.tasks.request_errors import make_request
from dp_tools.tasks.task import Answer, Outcome, probability_of_yes

_AT_ONCE = 20_000
"""Pairs whose records are held at once."""
WORTH_LEARNING = 2_000
"""Questions above which the model is asked only where it matters."""
NEAR = 0.3
"""Difference in probability below which a rival is near."""
_FACTS = 2
"""Similarities that the reason of a learned score names."""
_CODES = {1.0: "same model number", -1.0: "other model number"}
_FRAMED = 4 * PART
"""Pairs whose records are read at once in columns."""
Row = dict[str, str | None]
"""A record as it stands in a table."""


@dataclass(frozen=True)
class Judging:
    """What judges the candidate pairs of two tables, or of one with itself.

    Pairs are named by their positions among the candidates.

    Args:
        work: what asks.
        tables: both, or one twice.
        candidates: the pairs.
        shown: the columns of each table that are compared.
        dataset, rules: which rules apply.
        permutation_averaged: whether each pair is judged in several orders.
        identity: what tells people, companies or addresses apart, where the records are such.
        promise: what the matches keep to where not every pair is asked; None asks about every pair.
        one_to_one: whether a record has one counterpart at most, so that near rivals are asked about in any case, and
            answers about things are weighed beside them.
        worth_asking: of pairs that counting judged, which of those it leaves open are asked about; None asks about all.
        compared_in: where pairs are compared in parts; None for the workers, if there are any.
        things: what records say of the things that they are, where they are no people, companies or addresses.
    """

    work: Work
    tables: tuple[Table, Table]
    candidates: Candidates
    shown: Sequence[Sequence[str]]
    dataset: str | None
    rules: Sequence[str]
    permutation_averaged: bool
    identity: Identity | None
    promise: Promise | None = None
    one_to_one: bool = False
    worth_asking: Callable[[NDArray[np.int64], Judgements], NDArray[np.bool_]] | None = None
    compared_in: InParts | None = None
    things: Things | None = None

    def scores(self) -> PairScores:
        """A score for each candidate: by counting where that decides, otherwise from what answers questions."""
        scores = PairScores.unknown(len(self.candidates))
        rest = self.count(scores, np.arange(len(scores)))
        if len(rest):
            self.score(rest, scores)
        if self.one_to_one and self.things is not None and is_left_to_counting(self._injection):
            self._weigh(scores, self.things)
        return scores

    def _weigh(self, scores: PairScores, known: Things) -> None:
        """Weigh what the model said of things beside rivals, amounts and numbers (see `things.beside_rivals`)."""
        answered = scores.decided_by("model") | scores.decided_by("learned")
        if not answered.any():
            return
        before = scores.match
        self.work.stage("weighing rivals")
        after = things.beside_rivals(before, answered, self.candidates, known.common(self.candidates))
        # What no pair is taken with needs no further look.
        likely = np.flatnonzero(answered & (after >= LEAST_LIKELY))
        pairs = (pair for batch in _batches(likely) for pair in self.records(batch))
        other = likely[np.array([contradict(*self._compared(*pair)) for pair in pairs], bool)]
        outdone = np.flatnonzero(answered & (before >= EVEN) & (after < EVEN))
        standing_out = np.flatnonzero(answered & (before < EVEN) & (after >= EVEN))
        after[other] = things.once_contradicted(after[other])
        places = np.flatnonzero(answered)
        scores.weigh(places, after[places])
        scores.give_reason(outdone, things.OUTDONE)
        scores.give_reason(standing_out, things.STANDS_OUT)
        scores.give_reason(other, things.CONTRADICTED)

    def reasons(self, scores: PairScores, places: NDArray[np.int64]) -> list[str | None]:
        """Why some pairs have their scores; what counting says is put in words only here."""
        found = scores.reasons(places)
        missing = [number for number in np.flatnonzero(scores.decided_by("table")[places]) if found[number] is None]
        for number, outcome in zip(missing, self._outcomes(places[missing]), strict=True):
            found[number] = None if outcome is None else outcome.reason
        learned = np.flatnonzero((scores.decided_by("learned") | scores.decided_by("labels"))[places])
        for number, reason in zip(learned, self._learned_reasons(scores, places[learned]), strict=True):
            found[number] = reason
        return found

    def count(self, scores: PairScores, places: NDArray[np.int64]) -> NDArray[np.int64]:
        """Note the pairs that counted evidence decides (see `dp_tools.decision.by_counting`), and return the others;
        those that an example decides are among them."""
        if (self.identity is None and self.things is None) or not is_left_to_counting(self._injection):
            return places
        ruled = self.ruled(places)
        counted = places[ruled == ""]
        if self.things is not None:
            same = counted[self.things.share_a_gtin(self.candidates.at(counted))]
            scores.decide(same, "table", np.full(len(same), things.CERTAIN), np.ones(len(same), bool))
            scores.give_reason(same, things.SAME_GTIN)
            return np.setdiff1d(places, same)
        found = self._counted[0].at(counted)
        open_ = ~found.decides
        if self.worth_asking is not None:
            open_ &= self.worth_asking(counted, found)
        probability = found.probability
        scores.decide(counted[~open_], "table", probability[~open_], probability[~open_] >= EVEN)
        return np.union1d(counted[open_], places[ruled != ""])

    def counted_odds(self) -> NDArray[np.float64] | None:
        """Log-odds of all candidates by counted evidence; None where records are no people, companies or addresses."""
        if self.identity is None:
            return None
        return self._counted[0].score

    @cached_property
    def _counted(self) -> tuple[Judgements, IdentityJudge]:
        """What counted evidence says of all candidates, and a judge that says the same of single pairs."""
        assert self.identity is not None
        look = self.work.stage("comparing by kind")
        places = in_neighbourhoods(self.candidates, shared=self.tables[0] is self.tables[1])
        return judge_list(self.identity.judge, partial(self._evidence, places, look), self.records)

    def _evidence(self, places: NDArray[np.int64], look: Progress, judge: IdentityJudge) -> Evidence:
        """What columns say of all candidates, compared in an order of their positions, as a judge weighs them."""
        evidence = Evidence.none(len(places))
        done = 0
        for found in self._in_parts(judged, judge, self._framed(places)):
            size = len(found.weight)
            evidence.add(places[done : done + size], found)
            done += size
            look(done, len(places))
        return evidence

    @cached_property
    def _judge(self) -> IdentityJudge | None:
        """Judges single pairs."""
        return None if self.identity is None else self._counted[1]

    def _outcomes(self, places: NDArray[np.int64]) -> Iterator[Outcome | None]:
        """What counted evidence decides of each of these pairs, with its reason."""
        for batch in _batches(places):
            assert self._judge is not None
            for left, right in self.records(batch):
                yield by_counting(self._judge.judge(left, right), self._injection)

    def _learned_reasons(self, scores: PairScores, places: NDArray[np.int64]) -> Iterator[str]:
        """Which answers or labels taught the scores of these pairs, and the facts that name each pair best."""
        for batch in _batches(places):
            for alike, (left, right) in zip(scores.alike[batch].tolist(), self.records(batch), strict=True):
                facts = self._facts.about(*self._compared(left, right))
                told = [fact.render() for fact in facts if isinstance(fact, Similarity)][:_FACTS]
                codes = _CODES.get(self._facts.codes(*self._compared(left, right)))
                told += [codes] if codes else []
                like = f"Like {alike:,} answers of the model on this table"
                taught = f"Learned from {scores.taught:,} labelled pairs" if scores.taught else like
                yield taught + (f": {', '.join(told)}." if told else ".")

    def score(self, rest: NDArray[np.int64], scores: PairScores) -> None:
        """Score the pairs that counting does not decide: each is asked about, or, where that is many questions, as many
        as the promise takes."""
        if self.promise is None or self._orders * len(rest) <= WORTH_LEARNING:
            self.ask(rest, scores)
            return
        ruled = self.ruled(rest)
        # What persons decided is the strongest label there is, so that examples are learned from; checks are not: what
        # code decides says nothing about the model.
        checked = ruled == "check"
        self.ask(rest[checked], scores)
        rest, ruled = rest[~checked], ruled[~checked]
        if len(rest):
            self._learn(rest, np.flatnonzero(ruled == "example"), self.promise, scores)

    def ruled(self, places: NDArray[np.int64]) -> NDArray[np.str_]:
        """What decides each of these pairs without the model: check, example or "" for neither."""
        injection = self._injection
        found = np.full(len(places), "", "U7")
        if not any(rule.check is not None or rule.examples for rule in injection.rules):
            return found
        look = self.work.stage("checking rules")
        done = 0
        for batch in _batches(places):
            look(done, len(places))
            for left, right in self.records(batch):
                ours, theirs = self._compared(left, right)
                decision = injection.decide({"left": ours, "right": theirs})
                found[done] = "" if decision is None else decision.decided_by
                done += 1
        return found

    def _learn(
        self, places: NDArray[np.int64], examples: NDArray[np.int64], promise: Promise, scores: PairScores
    ) -> None:
        """Score pairs by a cascade: the model is asked about some, and what its answers teach scores the others.

        Args:
            places: the pairs.
            examples: which of them, by their positions among these, an example decides.
            promise: what the yes answers keep to.
            scores: where to note what comes of them.
        """
        features, prior = self.features(places)
        announced = 0

        def ask(items: NDArray[np.int64]) -> cascade.Answers:
            self.ask(places[items], scores, announced=True)
            return cascade.Answers(scores.match[places[items]], scores.same[places[items]])

        def expect(questions: int) -> None:
            nonlocal announced
            self.work.expect(self._orders * (questions - announced))
            announced = questions

        found = cascade.answer(
            features.values,
            prior,
            ask,
            promise,
            first=examples,
            expect=expect,
            look=self.work.check,
        )
        open_ = ~found.asked
        scores.decide(places[open_], "learned", found.probability[open_], found.yes[open_])
        scores.alike[places] = found.alike
        near = near_rivals(self.candidates, scores) if self.one_to_one else np.empty(0, np.int64)
        expect(found.audit.asked + len(near))
        self.ask(near, scores, announced=True)
        audit = found.audit
        scores.audit = replace(audit, size=audit.size - len(examples), asked=audit.asked + len(near) - len(examples))

    def features(self, places: NDArray[np.int64]) -> tuple[PairFeatures, NDArray[np.float32]]:
        """What counting says of some pairs and how they stand among their rivals, one line each; and log-odds that
        they match by what holds in many tables, which is the last column too."""
        # Rivals are all candidates of the same records, those that are decided already as well.
        around = self._around(places)
        wanted = np.isin(around, places, assume_unique=True)
        words = np.empty(len(around), np.float32)
        names: list[str] = []
        counted: list[NDArray[np.float32]] = []
        prior: list[NDArray[np.float32]] = []
        look = self.work.stage("comparing pairs")
        done = 0
        for found in self._in_parts(featured, self._facts, self._framed(around)):
            part = slice(done, done + len(found.values))
            done = part.stop
            look(done, len(around))
            names = list(found.names)
            words[part] = np.nan_to_num(found.column("words of all"))
            counted.append(found.values[wanted[part]])
            prior.append(prior_log_odds(PairFeatures(found.names, counted[-1])).astype(np.float32))
        candidates = self.candidates.at(around)
        rivals = []
        for by, one in (("grams", candidates), ("words", replace(candidates, similarity=words))):
            standing = rival_features(one, shared=self.tables[0] is self.tables[1])
            rivals.append(standing.values[wanted])
            names += [f"{name} by {by}" for name in standing.names]
        odds = np.concatenate(prior)
        values = np.concatenate([np.concatenate(counted), *rivals, odds[:, None]], axis=1)
        return PairFeatures((*names, "prior"), values), odds

    def _around(self, places: NDArray[np.int64]) -> NDArray[np.int64]:
        """The candidates that have a record in common with some pairs."""
        left, right = self.candidates.left, self.candidates.right
        ours, theirs = left[places], right[places]
        if self.tables[0] is self.tables[1]:
            ours = theirs = np.r_[ours, theirs]
        return np.flatnonzero(np.isin(left, ours) | np.isin(right, theirs))

    @property
    def examples(self) -> list[tuple[Mapping[str, Any], bool]]:
        """The labelled pairs {left, right} of the rules that hold here, with whether they are the same."""
        injection = self._injection
        rules = [*injection.rules, *(entry.rule for entry in injection.overridden)]
        examples = (example for rule in rules for example in rule.examples)
        return [
            (example.case, key(example.label) == "yes")
            for example in examples
            if all(isinstance(example.case.get(side), Mapping) for side in ("left", "right"))
        ]

    @property
    def _orders(self) -> int:
        """Questions that a pair makes."""
        return ORDERS_OF_A_PAIR if self.permutation_averaged else 1

    def ask(
        self, places: NDArray[np.int64], scores: PairScores, *, announced: bool = False, without_examples: bool = False
    ) -> None:
        """Score these pairs by an example, a check or the model.

        Args:
            places: the pairs.
            scores: where to note what comes of them.
            announced: whether the work expects these questions already.
            without_examples: whether the model answers for pairs that an example decides, too.
        """
        facts = self._facts
        if not announced:
            self.work.expect(self._orders * len(places))
        for batch in _batches(places):
            pairs = list(self.records(batch))
            parts = list(chunks(zip(batch.tolist(), pairs, strict=True)))
            questions = (
                Asked(
                    make_request(
                        MatchEntitiesRequest,
                        pairs=[
                            dict(zip(("left", "right"), self._compared(left, right), strict=True))
                            for _, (left, right) in part
                        ],
                        dataset=self.dataset,
                        rules=list(self.rules),
                    ),
                    self._orders * len(part),
                    facts,
                    without_examples,
                )
                for part in parts
            )
            answers = _answers(self.work, questions, self.permutation_averaged)
            for part, (answer, sensitive) in zip(parts, answers, strict=True):
                assert isinstance(answer, MatchEntitiesAnswer)
                for (place, _), verdict in zip(part, answer.pairs, strict=True):
                    match = probability_of_yes(verdict.match, verdict.confidence)
                    reason = verdict.reason or verdict.failure
                    scores.note(place, verdict.decided_by, match, bool(verdict.match), reason)
                scores.order_sensitive[[part[number][0] for number in sensitive]] = True

    @property
    def _in_parts(self) -> InParts:
        return self.compared_in or self.work.in_parts

    @cached_property
    def _injection(self) -> Injection:
        """The rules that hold for these pairs."""
        return self.work.decider.knowledge.inject(
            task="match_entities", dataset=self.dataset, attribute=None, extra=list(self.rules)
        )

    @cached_property
    def _facts(self) -> PairFacts:
        """What is known of the words of both tables."""
        look = self.work.stage("weighing words")
        sides = [table.only(names) for table, names in zip(self.tables, self.shown, strict=True)]
        total = sum(side.count for side in sides)

        def words() -> Iterator[HashedText]:
            done = 0
            for part in self._in_parts(words_in, None, (frame for side in sides for frame in side.frames())):
                yield from part
                done += len(part)
                look(done, total)

        return PairFacts.of_words(words(), self._judge)

    def _compared(self, left: Row, right: Row) -> tuple[Row, Row]:
        """What is compared of two records."""
        return {name: left[name] for name in self.shown[0]}, {name: right[name] for name in self.shown[1]}

    def _framed(self, places: NDArray[np.int64]) -> Iterator[FramedPairs]:
        """These pairs in order, some thousand at a time, with the compared columns of their records."""
        compared = [table.only(names) for table, names in zip(self.tables, self.shown, strict=True)]
        shared = self.tables[0] is self.tables[1]
        for batch in _batches(places, _FRAMED):
            ours, theirs = self.candidates.left[batch], self.candidates.right[batch]
            lefts, rights, pairs = numbered(np.column_stack([ours, theirs]), shared=shared)
            left = compared[0].frame(lefts)
            yield from FramedPairs(left, left if shared else compared[1].frame(rights), pairs).parts()

    def records(self, places: NDArray[np.int64]) -> Iterator[tuple[Row, Row]]:
        """Both records of each of these pairs."""
        left, right = self.candidates.left[places].tolist(), self.candidates.right[places].tolist()
        lefts, rights = dict(self.tables[0].records(left)), dict(self.tables[1].records(right))
        return ((lefts[a], rights[b]) for a, b in zip(left, right, strict=True))


def near_rivals(found: Candidates, scores: PairScores) -> NDArray[np.int64]:
    """The learned pairs for which another candidate of one of their records is about as likely: which of the two is
    taken where a record has one counterpart at most should not be a guess."""
    standing = rival_features(replace(found, similarity=np.nan_to_num(scores.match).astype(np.float32)), shared=False)
    near = np.zeros(len(found), bool)
    for side in ("left", "right"):
        margin = standing.column(f"margin {side}")
        near |= (np.abs(margin) < NEAR) & (scores.match - margin >= LEAST_LIKELY)
    return np.flatnonzero(near & (scores.match >= LEAST_LIKELY) & scores.decided_by("learned"))


def _batches(places: NDArray[np.int64], size: int = _AT_ONCE) -> Iterator[NDArray[np.int64]]:
    """Parts of which the records can be held at once."""
    return (places[start : start + size] for start in range(0, len(places), size))


def _answers(
    work: Work, questions: Iterable[Asked], permutation_averaged: bool
) -> Iterator[tuple[Answer, tuple[int, ...]]]:
    """Each answer with the positions of its order-sensitive pairs."""
    if permutation_averaged:
        yield from ((found.answer, found.order_sensitive) for found in work.permutation_averaged_answers(questions))
    else:
        yield from ((answer, ()) for answer in work.answers(questions))
