"""Preprocessor: the public Python API, one method a task.

What is decided, and by whom, is `dp_tools.decision`'s; this is the way in.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, TypeVar

from dp_tools.decision import Decider
from dp_tools.engine import open_engine
from dp_tools.engine.questions import Engine
from dp_tools.models.catalogue import ModelSpec, resolve
from dp_tools.models.user_adapters import OwnAdapters, default_folder
from dp_tools.profiling import Facts
from dp_tools.progress import Progress
from dp_tools.rules.store.knowledge_store import KnowledgeStore
from dp_tools.tasks import TASKS
from dp_tools.tasks.annotate_columns import AnnotateColumnsAnswer
from dp_tools.tasks.detect_errors import DetectErrorsAnswer
from dp_tools.tasks.extract_values import ExtractValuesAnswer
from dp_tools.tasks.follow_instruction import FollowInstructionAnswer
from dp_tools.tasks.impute import ImputeAnswer
from dp_tools.tasks.match_entities import MatchEntitiesAnswer
from dp_tools.tasks.match_schemas import MatchSchemasAnswer
from dp_tools.tasks.request_errors import read_request
from dp_tools.tasks.task import Answer, Request

Fields = Mapping[str, str | None]
A = TypeVar("A", bound=Answer)


class Preprocessor:
    """Answers the seven tasks with one model and one knowledge store. Safe to use from several threads.

    Args:
        model: a catalogue name ("nano"), "nano+PATH" with another adapter, the path of a GGUF,
            "hf:owner/repo/file.gguf", or what `resolve` made of one of these.
        knowledge: the SQLite file of the rules; the user's own by default; an open store is used as it is.
        engine: answers instead of the model named, for those who already hold one.
        threads: processor threads; the physical cores by default.
        cache: where answers are kept for the same questions; the user's cache folder by default, False for nowhere.
        second: a model that is asked again where the first one's confidence lies in `band`.
        adapters: the folder of adapters of one's own, by default the user's; a call that names a dataset which has one
            is answered with it. False for none.
        band: confidences, lowest and highest, between which the first model counts as unsure.

    Raises:
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
        second: str | None = None,
        adapters: Path | Literal[False] | None = None,
        band: tuple[float, float] = (0.0, 0.8),
    ) -> None:
        self.knowledge = knowledge if isinstance(knowledge, KnowledgeStore) else KnowledgeStore.open(knowledge)
        fallback = None
        if second is not None:
            other = open_engine(second, threads=threads, cache=cache)
            fallback = Decider(resolve(second), self.knowledge, other, adapters=OwnAdapters(default_folder()))
        self.decider = Decider(
            resolve(model),
            self.knowledge,
            engine if engine is not None else open_engine(model, threads=threads, cache=cache),
            lent=engine is not None,
            fallback=fallback,
            adapters=None if adapters is False else OwnAdapters(adapters or default_folder()),
            uncertainty_band=band,
        )

    def detect_errors(
        self, records: Sequence[Fields], attributes: Sequence[str] | None = None, **options: Any
    ) -> DetectErrorsAnswer:
        """Verdict per cell. Options: the fields of `DetectErrorsRequest`, and progress, cancel."""
        return self._run(DetectErrorsAnswer, "detect_errors", options, records=records, attributes=attributes)

    def impute(
        self, records: Sequence[Fields], attribute: str, allowed: Sequence[str] | None = None, **options: Any
    ) -> ImputeAnswer:
        """Value per record. Options: the fields of `ImputeRequest`, and progress, cancel."""
        return self._run(ImputeAnswer, "impute", options, records=records, attribute=attribute, allowed=allowed)

    def match_entities(self, pairs: Sequence[tuple[Fields, Fields]], **options: Any) -> MatchEntitiesAnswer:
        """Verdict per pair (left, right). Options: the fields of `MatchEntitiesRequest`, and progress, cancel."""
        return self._run(
            MatchEntitiesAnswer,
            "match_entities",
            options,
            pairs=[{"left": left, "right": right} for left, right in pairs],
        )

    def match_schemas(
        self, left: Sequence[Mapping[str, Any]], right: Sequence[Mapping[str, Any]], **options: Any
    ) -> MatchSchemasAnswer:
        """Scored pairs and a one-to-one assignment. Options: the fields of `MatchSchemasRequest`, progress, cancel."""
        return self._run(MatchSchemasAnswer, "match_schemas", options, left=left, right=right)

    def annotate_columns(
        self, columns: Sequence[Mapping[str, Any]], types: Sequence[str], **options: Any
    ) -> AnnotateColumnsAnswer:
        """Type per column. Options: the fields of `AnnotateColumnsRequest`, and progress, cancel."""
        return self._run(AnnotateColumnsAnswer, "annotate_columns", options, columns=columns, types=types)

    def extract_values(
        self, texts: Sequence[str], attributes: Sequence[Mapping[str, Any] | str], **options: Any
    ) -> ExtractValuesAnswer:
        """Value per text and attribute. Options: the fields of `ExtractValuesRequest`, and progress, cancel."""
        wanted = [{"name": attribute} if isinstance(attribute, str) else attribute for attribute in attributes]
        return self._run(ExtractValuesAnswer, "extract_values", options, texts=texts, attributes=wanted)

    def follow_instruction(
        self, records: Sequence[Fields], instruction: str, **options: Any
    ) -> FollowInstructionAnswer:
        """Answer per record. Options: the fields of `FollowInstructionRequest`, and progress, cancel."""
        return self._run(
            FollowInstructionAnswer, "follow_instruction", options, records=records, instruction=instruction
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
        """Free the model and close the knowledge store."""
        self.decider.close()

    def __enter__(self) -> Preprocessor:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _run(self, kind: type[A], task: str, options: dict[str, Any], **fields: Any) -> A:
        run = {name: options.pop(name) for name in ("facts", "progress", "cancel") if name in options}
        given = {name: value for name, value in {**fields, **options}.items() if value is not None}
        answer = self.run(read_request(TASKS[task], given), **run)
        assert isinstance(answer, kind)
        return answer
