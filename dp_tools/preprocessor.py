"""Preprocessor: the public Python API, one method for each thing that is done with records or a table.

What is decided, and by whom, is `dp_tools.decision`'s; whole tables are worked through in `dp_tools.tables`. This is
the way in.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import cached_property, partial
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, TypeVar, cast, overload

from narwhals.typing import IntoSeries

from dp_tools.decision import Decider
from dp_tools.engine import open_engine
from dp_tools.engine.questions import Engine
from dp_tools.engine.workers.places import Places
from dp_tools.engine.workers.pool import WorkerPool
from dp_tools.errors import InvalidRequest
from dp_tools.explain.explanation import Explanations
from dp_tools.explain.perturbation import explain
from dp_tools.models.catalogue import ModelSpec, resolve
from dp_tools.models.user_adapters import UserAdapters, default_folder
from dp_tools.profiling import Facts
from dp_tools.profiling.kind import Kind
from dp_tools.progress import Progress, watched
from dp_tools.rules.store.knowledge_store import KnowledgeStore
from dp_tools.tables.clean.cell_verdicts import judged_cells
from dp_tools.tables.entities.register import Register, register_path
from dp_tools.tables.io.folders import open_folder
from dp_tools.tables.io.paths import Disk
from dp_tools.tables.jobs.job_requests import (
    AnyJobRequest,
    CleanRequest,
    DedupeRequest,
    DetectRequest,
    FillRequest,
    JobResult,
    MatchRequest,
)
from dp_tools.tables.jobs.undoing import restore
from dp_tools.tables.profile import profile_table
from dp_tools.tables.scripting.answers import CleanAnswer, CleanedFolder, DedupeAnswer, MatchAnswer, WrongCells
from dp_tools.tables.scripting.followed import FollowedJobs
from dp_tools.tables.scripting.given import (
    AnyTable,
    FileOrFrame,
    Records,
    attributes_in,
    column_texts,
    columns_in,
    frame_in,
    is_file,
    is_records,
    opened,
    pairs_in,
    records_in,
)
from dp_tools.tables.table_profile import TableProfile
from dp_tools.tasks import TASKS, VERBS
from dp_tools.tasks.annotate_columns import AnnotateColumnsAnswer
from dp_tools.tasks.detect_errors import DetectErrorsAnswer
from dp_tools.tasks.extract_values import ExtractValuesAnswer
from dp_tools.tasks.follow_instruction import FollowInstructionAnswer
from dp_tools.tasks.impute import ImputeAnswer
from dp_tools.tasks.match_entities import MatchEntitiesAnswer
from dp_tools.tasks.match_schemas import MatchSchemasAnswer
from dp_tools.tasks.request_errors import read_request
from dp_tools.tasks.task import Answer, Request

A = TypeVar("A", bound=Answer)


class Preprocessor:
    """Finds errors, fills gaps, matches records and more, with one model and one knowledge store.

    Safe to use from several threads.

    Args:
        model: a catalogue name ("nano"), "nano+PATH" with another adapter, the path of a GGUF,
            "hf:owner/repo/file.gguf", or what `resolve` made of one of these.
        knowledge: the SQLite file of the rules; the user's own by default; an open store is used as it is.
        engine: answers instead of the model named, for those who already hold one.
        threads: processor threads; the physical cores by default.
        cache: where answers are kept for the same questions; the user's cache folder by default, False for nowhere.
        fallback_model: a model that is asked again where the first one's confidence lies in `uncertainty_band`.
        adapters: the folder of user adapters, by default the user's; a call that names a dataset which has one
            is answered with it. False for none.
        uncertainty_band: confidences, lowest and highest, between which the first model counts as unsure.
        state: the folder where work on whole tables is kept, so that it can be resumed; by default the user's own.
        workers: answer in so many processes of this machine, or of the cluster, instead of this one; they start with
            the first question. Needs "dp-tools[ray]".
        cluster: the address of a Ray cluster to answer on ("auto", "HOST:PORT", "ray://HOST:PORT"); by default that in
            DP_TOOLS_CLUSTER, "" for none.
        threads_per_worker: by default the cores of this machine are shared out; on a cluster one.

    Raises:
        InvalidRequest: the workers would take more cores than there are.
        ModelUnavailable: the model does not exist (it is loaded at the first question).
        KnowledgeUnavailable: the knowledge store cannot be opened.
    """

    def __init__(
        self,
        model: str | ModelSpec = "nano",
        knowledge: str | Path | KnowledgeStore | None = None,
        *,
        engine: Engine | None = None,
        threads: int | None = None,
        cache: Path | Literal[False] | None = None,
        fallback_model: str | None = None,
        adapters: Path | Literal[False] | None = None,
        uncertainty_band: tuple[float, float] = (0.0, 0.8),
        state: Path | None = None,
        workers: int | None = None,
        cluster: str | None = None,
        threads_per_worker: int | None = None,
    ) -> None:
        # Models are looked up first: where one is missing, no store has been opened that would have to be closed.
        spec, other = resolve(model), None if fallback_model is None else resolve(fallback_model)
        self._state = state
        self.knowledge = knowledge if isinstance(knowledge, KnowledgeStore) else KnowledgeStore.open(knowledge)
        places = None if engine is not None else Places.of(workers, cluster, threads_per_worker)
        self.pool = pool = None if places is None else WorkerPool(places)
        """The workers that answer; None where this process does."""
        fallback = None
        if other is not None:
            asked_again = open_engine(other, threads=threads, cache=cache, pool=pool)
            fallback = Decider(other, self.knowledge, asked_again, adapters=UserAdapters(default_folder()))
        untuned = partial(
            open_engine, replace(spec, adapter=None), threads=threads, cache=cache, optimized=False, pool=pool
        )
        self.decider = Decider(
            spec,
            self.knowledge,
            engine if engine is not None else open_engine(spec, threads=threads, cache=cache, pool=pool),
            lent=engine is not None,
            untuned=untuned if engine is None and spec.adapter is not None else None,
            fallback=fallback,
            adapters=None if adapters is False else UserAdapters(adapters or default_folder()),
            uncertainty_band=uncertainty_band,
            pool=pool,
        )

    @overload
    def detect(
        self,
        table: AnyTable,
        attributes: Sequence[str] | None = None,
        *,
        context: Records = (),
        only: Literal["errors", "unsure", "all"] | None = None,
        show_record: bool | None = None,
        ask_all: bool = False,
        labelled: AnyTable | None = None,
        dataset: str | None = None,
        rules: Sequence[str] = (),
        progress: Progress | None = None,
        cancel: threading.Event | None = None,
    ) -> DetectErrorsAnswer: ...
    @overload
    def detect(
        self,
        table: FileOrFrame,
        attributes: Sequence[str] | None = None,
        *,
        ask_all: bool = False,
        labelled: AnyTable | None = None,
        dataset: str | None = None,
        rules: Sequence[str] = (),
        output: str | Path,
        overwrite: bool = False,
        progress: Progress | None = None,
        cancel: threading.Event | None = None,
    ) -> WrongCells: ...
    def detect(
        self,
        table: AnyTable,
        attributes: Sequence[str] | None = None,
        *,
        context: Records = (),
        only: Literal["errors", "unsure", "all"] | None = None,
        show_record: bool | None = None,
        ask_all: bool = False,
        labelled: AnyTable | None = None,
        dataset: str | None = None,
        rules: Sequence[str] = (),
        output: str | Path | None = None,
        overwrite: bool = False,
        progress: Progress | None = None,
        cancel: threading.Event | None = None,
    ) -> DetectErrorsAnswer | WrongCells:
        """Judge which cells of a table are wrong.

        Args:
            table: records as {attribute: value}, a data frame, or the path of a file; with `output`, also the folder of
                the parts of a table.
            attributes: judge only these.
            context: more records of the same table, which are not judged; with records only.
            only: return only the errors, or only what is unsure; by default all verdicts.
            show_record: whether the model reads the whole record, by default only of fewer than 12 records; with
                records only.
            ask_all: ask every question of a frame or a file, also where they are more than 2,000.
            labelled: some rows of a frame or a file as they should be, matched by their number in a column `row`, or by
                a key; what they teach decides what is wrong, and whether the model is asked.
            dataset: the name of the dataset, which selects the rules that apply.
            rules: more rules, for this call only, one sentence each.
            output: file to write the wrong cells to, or folder for those of each part. The work is then a job: the same
                call goes on with it where it stopped, and columns that look like keys are left out.
            overwrite: whether files that stand there may be replaced.
            progress: called with (done, of how many).
            cancel: set it to stop.

        Returns:
            One verdict per cell, record by record; with `output`, the wrong cells.

        Raises:
            InvalidRequest: the table or an option cannot be used as it is.
            TableUnavailable: the file cannot be read.
            ModelUnavailable: no question can be answered.
            Cancelled: `cancel` was set.
        """
        if output is not None:
            return self._wrong_cells(
                table,
                attributes,
                ask_all,
                labelled,
                self._scope(table, output, overwrite, False, dataset, rules),
                progress,
                cancel,
            )
        if is_records(table):
            if labelled is not None:
                raise InvalidRequest("Labelled rows teach of a whole table: give a frame or a file.")
            return self._answer(
                DetectErrorsAnswer,
                "detect_errors",
                progress,
                cancel,
                records=records_in(table),
                attributes=None if attributes is None else list(attributes),
                context=records_in(context),
                only=only,
                show_record=show_record,
                dataset=dataset,
                rules=list(rules),
            )
        if context or show_record is not None:
            raise InvalidRequest("The whole table is read: leave out context and show_record, or give records.")
        with ExitStack() as tables:
            return judged_cells(
                self.decider,
                tables.enter_context(opened(table, cancel=cancel)),
                attributes,
                only=only,
                ask_all=ask_all,
                labelled=None if labelled is None else tables.enter_context(opened(labelled, cancel=cancel)),
                dataset=dataset,
                rules=rules,
                progress=progress,
                cancel=cancel,
            )

    @overload
    def impute(
        self,
        table: Records,
        attribute: str,
        *,
        allowed: Sequence[str] | None = None,
        context: Records = (),
        dataset: str | None = None,
        rules: Sequence[str] = (),
        progress: Progress | None = None,
        cancel: threading.Event | None = None,
    ) -> ImputeAnswer: ...
    @overload
    def impute(
        self,
        table: FileOrFrame,
        attribute: str,
        *,
        allowed: Sequence[str] | None = None,
        dataset: str | None = None,
        rules: Sequence[str] = (),
        output: str | Path | None = None,
        overwrite: bool = False,
        escape_formulas: bool = False,
        resume: bool = True,
        with_current_model: bool = False,
        progress: Progress | None = None,
        cancel: threading.Event | None = None,
    ) -> CleanAnswer: ...
    def impute(
        self,
        table: AnyTable,
        attribute: str,
        *,
        allowed: Sequence[str] | None = None,
        context: Records = (),
        dataset: str | None = None,
        rules: Sequence[str] = (),
        output: str | Path | None = None,
        overwrite: bool = False,
        escape_formulas: bool = False,
        resume: bool = True,
        with_current_model: bool = False,
        progress: Progress | None = None,
        cancel: threading.Event | None = None,
    ) -> ImputeAnswer | CleanAnswer:
        """Infer the missing values of one attribute.

        Args:
            table: records as {attribute: value}, each of which gets a value; or a data frame or the path of a file,
                whose gaps are filled.
            attribute: the attribute to infer.
            allowed: the values to choose from.
            context: more records, with the attribute; a dozen help. With records only.
            dataset: the name of the dataset, which selects the rules that apply.
            rules: more rules, for this call only, one sentence each.
            output: the file to write; beside the table by default, nowhere for a frame.
            overwrite: whether files that stand there may be replaced.
            escape_formulas: put an apostrophe before what a spreadsheet would calculate, in CSV results.
            resume: go on with the same work where it stopped before its end.
            with_current_model: resume although the model or the rules changed since.
            progress: called with (done, of how many).
            cancel: set it to stop.

        Returns:
            For records, one value each, in order; for a frame or a file, the table with its gaps filled.

        Raises:
            InvalidRequest: the table or an option cannot be used as it is.
            TableUnavailable: a file cannot be read or written.
            ModelUnavailable: no question can be answered.
            Cancelled: `cancel` was set.
        """
        if is_records(table):
            return self._answer(
                ImputeAnswer,
                "impute",
                progress,
                cancel,
                records=records_in(table),
                attribute=attribute,
                allowed=None if allowed is None else list(allowed),
                context=records_in(context),
                dataset=dataset,
                rules=list(rules),
            )
        if context:
            raise InvalidRequest("The whole table is read: leave context out, or give records.")
        request = FillRequest(
            source=self._jobs.source(table),
            attribute=attribute,
            allowed=None if allowed is None else list(allowed),
            **self._scope(table, output, overwrite, escape_formulas, dataset, rules),
        )
        return self._changed(request, table, resume, with_current_model, progress, cancel)

    def clean(
        self,
        table: AnyTable,
        attributes: Sequence[str] | None = None,
        *,
        include: Sequence[str] = (),
        exclude: Sequence[str] = (),
        labelled: AnyTable | None = None,
        recall: float = 0.95,
        delta: float = 0.05,
        ask_all: bool = False,
        dataset: str | None = None,
        rules: Sequence[str] = (),
        output: str | Path | None = None,
        overwrite: bool = False,
        escape_formulas: bool = False,
        resume: bool = True,
        with_current_model: bool = False,
        progress: Progress | None = None,
        cancel: threading.Event | None = None,
    ) -> CleanAnswer:
        """Find the wrong cells of a table and repair those whose right value can be found.

        Args:
            table: the path of a file, or of the folder of its parts, a data frame, or records as {attribute: value}.
            attributes: look only at these.
            include: look at these although they seem to be keys.
            exclude: leave these out.
            labelled: file of some rows as they should be, matched by their number in a column `row`, or by a key; what
                they teach decides what is wrong and what belongs there, and whether the model is asked.
            recall: share of what the model would call wrong to find, where a table makes more than 2,000 questions;
                what is called wrong was asked in any case.
            delta: the probability that less is found.
            ask_all: ask every question, however many there are.
            dataset: the name of the dataset, which selects the rules that apply.
            rules: more rules, for this call only, one sentence each.
            output: the file to write; "beers.clean.csv" beside "beers.csv" by default, nowhere for a frame.
            overwrite: whether files that stand there may be replaced.
            escape_formulas: put an apostrophe before what a spreadsheet would calculate, in CSV results.
            resume: go on with the same work where it stopped before its end.
            with_current_model: resume although the model or the rules changed since.
            progress: called with (done, of how many).
            cancel: set it to stop.

        Returns:
            The table with its changes; what is unsure is not changed and waits for a person (`dp-tools reviews`).

        Raises:
            InvalidRequest: the table or an option cannot be used as it is.
            TableUnavailable: a file cannot be read or written.
            ModelUnavailable: no question can be answered.
            Cancelled: `cancel` was set.
        """
        request = CleanRequest(
            source=self._jobs.source(table),
            attributes=None if attributes is None else list(attributes),
            include=list(include),
            exclude=list(exclude),
            labelled=None if labelled is None else self._jobs.source(labelled),
            recall=recall,
            delta=delta,
            ask_all=ask_all,
            **self._scope(table, output, overwrite, escape_formulas, dataset, rules),
        )
        return self._changed(request, table, resume, with_current_model, progress, cancel)

    @overload
    def match(
        self,
        left: Sequence[tuple[Mapping[str, Any], Mapping[str, Any]]],
        *,
        only: Literal["matches", "unsure", "all"] | None = None,
        dataset: str | None = None,
        rules: Sequence[str] = (),
        progress: Progress | None = None,
        cancel: threading.Event | None = None,
    ) -> MatchEntitiesAnswer: ...
    @overload
    def match(
        self,
        left: AnyTable,
        right: AnyTable,
        *,
        attributes: Sequence[str] | None = None,
        include: Sequence[str] = (),
        exclude: Sequence[str] = (),
        one_to_one: bool = True,
        permutation_averaged: bool = False,
        kinds: Mapping[str, Kind] | None = None,
        recall: float = 0.95,
        precision: float = 0.95,
        delta: float = 0.05,
        ask_all: bool = False,
        labelled: AnyTable | None = None,
        dataset: str | None = None,
        rules: Sequence[str] = (),
        output: str | Path | None = None,
        overwrite: bool = False,
        escape_formulas: bool = False,
        resume: bool = True,
        with_current_model: bool = False,
        progress: Progress | None = None,
        cancel: threading.Event | None = None,
    ) -> MatchAnswer: ...
    def match(
        self,
        left: AnyTable | Sequence[tuple[Mapping[str, Any], Mapping[str, Any]]],
        right: AnyTable | None = None,
        *,
        only: Literal["matches", "unsure", "all"] | None = None,
        attributes: Sequence[str] | None = None,
        include: Sequence[str] = (),
        exclude: Sequence[str] = (),
        one_to_one: bool = True,
        permutation_averaged: bool = False,
        kinds: Mapping[str, Kind] | None = None,
        recall: float = 0.95,
        precision: float = 0.95,
        delta: float = 0.05,
        ask_all: bool = False,
        labelled: AnyTable | None = None,
        dataset: str | None = None,
        rules: Sequence[str] = (),
        output: str | Path | None = None,
        overwrite: bool = False,
        escape_formulas: bool = False,
        resume: bool = True,
        with_current_model: bool = False,
        progress: Progress | None = None,
        cancel: threading.Event | None = None,
    ) -> MatchEntitiesAnswer | MatchAnswer:
        """Find the records of two tables that are the same thing, or judge pairs of records.

        Args:
            left: a table: the path of a file or of the folder of its parts, a data frame, or records as
                {attribute: value}; or pairs of records, if there is no right table.
            right: the other table; its attributes may have other names.
            only: of pairs, return only the matches, or only what is unsure; by default all verdicts.
            attributes: compare only these.
            include: compare these although they seem to be keys.
            exclude: leave these out.
            one_to_one: whether a record has one counterpart at most.
            permutation_averaged: judge pairs by the mean over four orders: steadier, slower.
            kinds: what columns hold, by name ("Mobil": "telephone"), where detection fails.
            recall: share of the yes answers to find, held against asking about every pair, where that would take more
                than 2,000 questions.
            precision: share of the yes answers given that asking would give too.
            delta: the probability that either is missed.
            ask_all: ask about every pair, however many there are.
            labelled: a file of labelled pairs to learn from: left_row and right_row, or the values of a key column
                (left_id and right_id), and same, yes or no.
            dataset: the name of the dataset, which selects the rules that apply.
            rules: more rules, for this call only, one sentence each.
            output: the CSV file to write; beside the left table by default, nowhere for a frame.
            overwrite: whether files that stand there may be replaced.
            escape_formulas: put an apostrophe before what a spreadsheet would calculate, in CSV results.
            resume: go on with the same work where it stopped before its end.
            with_current_model: resume although the model or the rules changed since.
            progress: called with (done, of how many).
            cancel: set it to stop.

        Returns:
            Of two tables the pairs that are the same, with both records; of pairs one verdict each, in order.

        Raises:
            InvalidRequest: a table or an option cannot be used as it is.
            TableUnavailable: a file cannot be read or written.
            ModelUnavailable: no question can be answered.
            Cancelled: `cancel` was set.
        """
        if right is None:
            return self._answer(
                MatchEntitiesAnswer,
                "match_entities",
                progress,
                cancel,
                pairs=pairs_in(left),
                only=only,
                dataset=dataset,
                rules=list(rules),
            )
        left = cast(AnyTable, left)
        request = MatchRequest(
            left=self._jobs.source(left),
            right=self._jobs.source(right),
            attributes=None if attributes is None else list(attributes),
            include=list(include),
            exclude=list(exclude),
            one_to_one=one_to_one,
            permutation_averaged=permutation_averaged,
            kinds=[f"{kind}={name}" for name, kind in (kinds or {}).items()],
            recall=recall,
            precision=precision,
            delta=delta,
            ask_all=ask_all,
            labelled=None if labelled is None else self._jobs.source(labelled),
            **self._scope(left, output, overwrite, escape_formulas, dataset, rules),
        )
        return MatchAnswer(*self._carried_out(request, resume, with_current_model, progress, cancel))

    def dedupe(
        self,
        table: AnyTable,
        attributes: Sequence[str] | None = None,
        *,
        include: Sequence[str] = (),
        exclude: Sequence[str] = (),
        permutation_averaged: bool = False,
        kinds: Mapping[str, Kind] | None = None,
        register: str | Path | None = None,
        key: Sequence[str] = (),
        recall: float = 0.95,
        precision: float = 0.95,
        delta: float = 0.05,
        ask_all: bool = False,
        labelled: AnyTable | None = None,
        dataset: str | None = None,
        rules: Sequence[str] = (),
        output: str | Path | None = None,
        overwrite: bool = False,
        escape_formulas: bool = False,
        resume: bool = True,
        with_current_model: bool = False,
        progress: Progress | None = None,
        cancel: threading.Event | None = None,
    ) -> DedupeAnswer:
        """Find the groups of records of a table that are the same thing.

        Args:
            table: the path of a file or of the folder of its parts, a data frame, or records as {attribute: value}.
            attributes: compare only these.
            include: compare these although they seem to be keys.
            exclude: leave these out.
            permutation_averaged: judge pairs by the mean over four orders: steadier, slower.
            kinds: what columns hold, by name ("Mobil": "telephone"), where detection fails.
            register: the entity register, by name or by the path of its file, that the table is brought into: entities
                keep their ids from table to table, and what persons said of them holds.
            key: for a new register, the columns that name a record in its source; otherwise its content does.
            recall: share of the yes answers to find, held against asking about every pair, where that would take more
                than 2,000 questions.
            precision: share of the yes answers given that asking would give too.
            delta: the probability that either is missed.
            ask_all: ask about every pair, however many there are.
            labelled: a file of labelled pairs to learn from: left_row and right_row, or the values of a key column
                (left_id and right_id), and same, yes or no.
            dataset: the name of the dataset, which selects the rules that apply.
            rules: more rules, for this call only, one sentence each.
            output: the CSV file to write; beside the table by default, nowhere for a frame.
            overwrite: whether files that stand there may be replaced.
            escape_formulas: put an apostrophe before what a spreadsheet would calculate, in CSV results.
            resume: go on with the same work where it stopped before its end.
            with_current_model: resume although the model or the rules changed since.
            progress: called with (done, of how many).
            cancel: set it to stop.

        Returns:
            The records that stand in a group, group by group; with a register all records, each with its entity.

        Raises:
            InvalidRequest: the table or an option cannot be used as it is.
            TableUnavailable: a file cannot be read or written.
            ModelUnavailable: no question can be answered.
            Cancelled: `cancel` was set.
        """
        request = DedupeRequest(
            source=self._jobs.source(table),
            attributes=None if attributes is None else list(attributes),
            include=list(include),
            exclude=list(exclude),
            permutation_averaged=permutation_averaged,
            kinds=[f"{kind}={name}" for name, kind in (kinds or {}).items()],
            register_name=None if register is None else str(register),
            key=list(key),
            recall=recall,
            precision=precision,
            delta=delta,
            ask_all=ask_all,
            labelled=None if labelled is None else self._jobs.source(labelled),
            **self._scope(table, output, overwrite, escape_formulas, dataset, rules),
        )
        return DedupeAnswer(*self._carried_out(request, resume, with_current_model, progress, cancel))

    def register(self, name: str | Path, *, dataset: str | None = None) -> Register:
        """An entity register that `dedupe` filled.

        Args:
            name: its name, or the path of its file.
            dataset: the name of the dataset, which selects the rules of survival.

        Raises:
            InvalidRequest: there is no such register.
            TableUnavailable: it cannot be read.
        """
        return Register(register_path(str(name), self._jobs.folder), self.knowledge, dataset)

    def match_schemas(
        self,
        left: Sequence[Mapping[str, Any] | str] | FileOrFrame,
        right: Sequence[Mapping[str, Any] | str] | FileOrFrame,
        *,
        pairs: Sequence[tuple[int, int]] | None = None,
        only: Literal["matches", "unsure", "all"] | None = None,
        dataset: str | None = None,
        rules: Sequence[str] = (),
        progress: Progress | None = None,
        cancel: threading.Event | None = None,
    ) -> MatchSchemasAnswer:
        """Find the attributes of two tables that mean the same.

        Args:
            left: a data frame, the path of a file, or attributes: names, or mappings with name and, if known,
                description, table and samples.
            right: the same of the other table.
            pairs: judge only these (left, right) positions, from 0.
            only: return only the matches, or only what is unsure; by default all verdicts.
            dataset: the name of the dataset, which selects the rules that apply.
            rules: more rules, for this call only, one sentence each.
            progress: called with (done, of how many).
            cancel: set it to stop.

        Returns:
            A verdict per pair of attributes, and the best one-to-one assignment.

        Raises:
            InvalidRequest: an attribute or an option cannot be used as it is.
            TableUnavailable: a file cannot be read.
            ModelUnavailable: no question can be answered.
            Cancelled: `cancel` was set.
        """
        return self._answer(
            MatchSchemasAnswer,
            "match_schemas",
            progress,
            cancel,
            left=attributes_in(left, cancel),
            right=attributes_in(right, cancel),
            pairs=None if pairs is None else list(pairs),
            only=only,
            dataset=dataset,
            rules=list(rules),
        )

    def annotate(
        self,
        columns: Sequence[Mapping[str, Any]] | FileOrFrame,
        types: Sequence[str],
        *,
        dataset: str | None = None,
        rules: Sequence[str] = (),
        progress: Progress | None = None,
        cancel: threading.Event | None = None,
    ) -> AnnotateColumnsAnswer:
        """Say what each column holds, choosing among types.

        Args:
            columns: a data frame, the path of a file, or columns as mappings with values and, if known, name and table
                (some rows of it, as lists of cells).
            types: the types to choose from.
            dataset: the name of the dataset, which selects the rules that apply.
            rules: more rules, for this call only, one sentence each.
            progress: called with (done, of how many).
            cancel: set it to stop.

        Returns:
            One type per column, in order.

        Raises:
            InvalidRequest: a column or an option cannot be used as it is.
            TableUnavailable: the file cannot be read.
            ModelUnavailable: no question can be answered.
            Cancelled: `cancel` was set.
        """
        return self._answer(
            AnnotateColumnsAnswer,
            "annotate_columns",
            progress,
            cancel,
            columns=columns_in(columns, cancel),
            types=list(types),
            dataset=dataset,
            rules=list(rules),
        )

    def extract(
        self,
        texts: Sequence[str] | IntoSeries | AnyTable,
        attributes: Sequence[str | Mapping[str, Any]],
        *,
        columns: str | Sequence[str] | None = None,
        only: Literal["stated", "unsure", "all"] | None = None,
        dataset: str | None = None,
        rules: Sequence[str] = (),
        progress: Progress | None = None,
        cancel: threading.Event | None = None,
    ) -> ExtractValuesAnswer:
        """Read attribute values out of texts; a value is a stretch of the text, never reworded.

        Args:
            texts: the texts, a column of a data frame, or, with `columns`, a table: a data frame, the path of a file,
                or records.
            attributes: what to look for: names, or mappings with name and description.
            columns: the columns of the table that hold the text; several are joined.
            only: return only the values that are stated, or only what is unsure; by default everything.
            dataset: the name of the dataset, which selects the rules that apply.
            rules: more rules, for this call only, one sentence each.
            progress: called with (done, of how many).
            cancel: set it to stop.

        Returns:
            One value per text and attribute, text by text.

        Raises:
            InvalidRequest: a text or an option cannot be used as it is.
            TableUnavailable: the file cannot be read.
            ModelUnavailable: no question can be answered.
            Cancelled: `cancel` was set.
        """
        return self._answer(
            ExtractValuesAnswer,
            "extract_values",
            progress,
            cancel,
            texts=column_texts(texts, columns, cancel),
            attributes=[{"name": wanted} if isinstance(wanted, str) else wanted for wanted in attributes],
            only=only,
            dataset=dataset,
            rules=list(rules),
        )

    def ask(
        self,
        table: AnyTable,
        instruction: str,
        *,
        choices: Sequence[str] = (),
        shape: Literal["yes_no", "choice", "text"] | None = None,
        dataset: str | None = None,
        rules: Sequence[str] = (),
        progress: Progress | None = None,
        cancel: threading.Event | None = None,
    ) -> FollowInstructionAnswer:
        """Answer an instruction of your own about each record.

        Args:
            table: records as {attribute: value}, a data frame, or the path of a file.
            instruction: what to find out about each record.
            choices: the answers to choose from.
            shape: the shape of the answer; by default a choice if there are choices, else yes or no.
            dataset: the name of the dataset, which selects the rules that apply.
            rules: more rules, for this call only, one sentence each.
            progress: called with (done, of how many).
            cancel: set it to stop.

        Returns:
            One answer per record, in order.

        Raises:
            InvalidRequest: the table or an option cannot be used as it is.
            TableUnavailable: the file cannot be read.
            ModelUnavailable: no question can be answered.
            Cancelled: `cancel` was set.
        """
        return self._answer(
            FollowInstructionAnswer,
            "follow_instruction",
            progress,
            cancel,
            records=records_in(table, cancel),
            instruction=instruction,
            choices=list(choices),
            shape=shape or ("choice" if choices else "yes_no"),
            dataset=dataset,
            rules=list(rules),
        )

    def profile(
        self,
        table: AnyTable,
        columns: Sequence[str] | None = None,
        *,
        progress: Progress | None = None,
        cancel: threading.Event | None = None,
    ) -> TableProfile:
        """Describe a table: contents, formats, ranges and gaps of its columns, and which determine which.

        Args:
            table: the path of a file, a data frame, or records as {attribute: value}.
            columns: only these.
            progress: called with (done, of how many).
            cancel: set it to stop.

        Raises:
            InvalidRequest: the table or a column cannot be used as it is.
            TableUnavailable: the file cannot be read.
            Cancelled: `cancel` was set.
        """
        with opened(table, cancel=cancel) as found:
            shown = None if columns is None else list(columns)
            return profile_table(found, columns=shown, stage=watched(progress, cancel))

    def undo(
        self, cleaned: str | Path, output: str | Path, *, log: str | Path | None = None, overwrite: bool = False
    ) -> bool:
        """Restore the file, or the folder of parts, that a cleaned one was made from.

        Args:
            cleaned: the file or the folder that `clean` or `impute` wrote.
            output: the file or the folder to write.
            log: its change log, or the folder of them; what is beside it by default.
            overwrite: whether what stands there may be replaced.

        Returns:
            Whether the restored file equals the original bit for bit; otherwise it does value for value.

        Raises:
            TableUnavailable: the log belongs to another file, or a file cannot be read or written.
        """
        return restore(cleaned, output, log=log, overwrite=overwrite)

    def explain(
        self,
        method: str,
        request: Mapping[str, Any],
        items: Sequence[int] = (0,),
        *,
        permutation_averaged: bool = False,
        progress: Progress | None = None,
        cancel: threading.Event | None = None,
    ) -> Explanations:
        """Say why answers came out as they did.

        Args:
            method: the method that gave them, for example "detect".
            request: what it was asked for records, as the tool takes it: {"records": [...], ...}.
            items: positions in the answer, from 0.
            permutation_averaged: explain the mean over several orders: steadier, slower.
            progress: called with (done, of how many).
            cancel: set it to stop.

        Raises:
            InvalidRequest: there is no such method, the request cannot be answered, or its answer has no such item.
            ModelUnavailable: no question can be answered.
            Cancelled: `cancel` was set.
        """
        if method not in VERBS:
            raise InvalidRequest(f"Answers of {method!r} cannot be explained: choose from {', '.join(VERBS)}.")
        asked = read_request(TASKS[VERBS[method]], request)
        return explain(
            self.decider, asked, items, permutation_averaged=permutation_averaged, progress=progress, cancel=cancel
        )

    def run(
        self,
        request: Request,
        *,
        facts: Facts | None = None,
        progress: Progress | None = None,
        cancel: threading.Event | None = None,
    ) -> Answer:
        """Answer any task's request; every other way in is made from this one.

        Args:
            request: an instance of a task's request model.
            facts: facts of whole columns, where the caller has the table that the records are from.
            progress: called with (cases answered, cases in all).
            cancel: set it to stop.

        Raises:
            InvalidRequest: the request cannot be answered as it is.
            ModelUnavailable: no question can be answered.
            Cancelled: `cancel` was set.
        """
        return self.decider.answer(request, facts=facts, progress=progress, cancel=cancel)

    def close(self) -> None:
        """Stop what runs, free the model, end the workers and close the knowledge store."""
        if "_jobs" in self.__dict__:
            self._jobs.close()
        self.decider.close()
        if self.pool is not None:  # They may have computed without a model of theirs.
            self.pool.close()

    def __enter__(self) -> Preprocessor:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _answer(
        self, kind: type[A], task: str, progress: Progress | None, cancel: threading.Event | None, **fields: Any
    ) -> A:
        given = {name: value for name, value in fields.items() if value is not None}
        answer = self.run(read_request(TASKS[task], given), progress=progress, cancel=cancel)
        assert isinstance(answer, kind)
        return answer

    @cached_property
    def _jobs(self) -> FollowedJobs:
        return FollowedJobs(self.decider, self._state)

    def _carried_out(
        self,
        request: AnyJobRequest,
        resume: bool,
        with_current_model: bool,
        progress: Progress | None,
        cancel: threading.Event | None,
    ) -> tuple[str, JobResult, Path]:
        """The job, what came of it, and the file with its rows."""
        job, result, folder = self._jobs.carry_out(
            request, resume=resume, with_current_model=with_current_model, progress=progress, cancel=cancel
        )
        return job, result, folder / Path(result.files[0].path).name

    def _wrong_cells(
        self,
        table: AnyTable,
        attributes: Sequence[str] | None,
        ask_all: bool,
        labelled: AnyTable | None,
        scope: dict[str, Any],
        progress: Progress | None,
        cancel: threading.Event | None,
    ) -> WrongCells:
        request = DetectRequest(
            source=self._jobs.source(table),
            attributes=None if attributes is None else list(attributes),
            ask_all=ask_all,
            labelled=None if labelled is None else self._jobs.source(labelled),
            **scope,
        )
        job, result, made = self._carried_out(request, True, False, progress, cancel)
        is_folder = self._jobs.is_folder(request)
        return WrongCells(job, result, open_folder(result.files[0].path, Disk()) if is_folder else made)

    def _changed(
        self,
        request: CleanRequest | FillRequest,
        table: AnyTable,
        resume: bool,
        with_current_model: bool,
        progress: Progress | None,
        cancel: threading.Event | None,
    ) -> CleanAnswer:
        job, result, made = self._carried_out(request, resume, with_current_model, progress, cancel)
        if self._jobs.is_folder(request):
            return CleanedFolder(job, result, request.source)
        log = made.with_name(Path(result.files[1].path).name)
        return CleanAnswer(job, result, made, log, request.source, frame_in(table))

    def _scope(
        self,
        table: AnyTable,
        output: str | Path | None,
        overwrite: bool,
        escape_formulas: bool,
        dataset: str | None,
        rules: Sequence[str],
    ) -> dict[str, Any]:
        """What every job takes. What is made of a table in memory stays with the jobs, and may be made again."""
        return {
            "output": None if output is None else str(output),
            "overwrite": overwrite or (output is None and not is_file(table)),
            "escape_formulas": escape_formulas,
            "dataset": dataset,
            "rules": list(rules),
        }
