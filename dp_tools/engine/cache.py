"""A cache of answers in SQLite: the same question to the same model is computed once."""

from __future__ import annotations

import hashlib
import json
import logging
import math
import os
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, TypeVar

import platformdirs

from dp_tools.engine.ahead import Guess, ask_ahead, chunks_ahead
from dp_tools.engine.questions import (
    Engine,
    GeneratedValue,
    Labels,
    LabelScores,
    Question,
    Result,
    Segment,
    Unanswered,
    Value,
)
from dp_tools.models.digest import identity
from dp_tools.progress import Progress

_log = logging.getLogger(__name__)

MAX_ANSWERS = 200_000
"""Answers kept; when there are more, the tenth that was used longest ago goes."""

_SCHEMA = "CREATE TABLE IF NOT EXISTS answers (key BLOB PRIMARY KEY, result BLOB NOT NULL, used REAL NOT NULL)"
_ROWS = 500
_NOT_NOW = frozenset(
    (
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_PROTOCOL,
    )
)
"""SQLite's codes for what may be over the next time; every other one means that the file is not what it should be."""
_DIGEST = 16
_SLACK = 1e-3
"""How far probabilities may be from a sum of 1: what rounding makes of them."""

T = TypeVar("T")


def default_cache() -> Path:
    """Where answers are kept unless said otherwise: the user's cache folder, or DP_TOOLS_CACHE."""
    chosen = os.environ.get("DP_TOOLS_CACHE")
    return (Path(chosen) if chosen else Path(platformdirs.user_cache_dir("dp-tools"))) / "answers.db"


class AnswerCache:
    """A file of answers by key. What goes wrong with it costs time, never an answer: a damaged file is begun anew, and
    an answer that is not as it was put there, byte for byte and under the same key, is not found."""

    def __init__(self, path: Path, *, most: int = MAX_ANSWERS) -> None:
        self.path = path
        self._most = most
        self._guard = threading.Lock()

    def get(self, keys: Sequence[bytes]) -> dict[bytes, str]:
        """The answers that are there."""

        def read(database: sqlite3.Connection) -> dict[bytes, str]:
            found: dict[bytes, str] = {}
            for start in range(0, len(keys), _ROWS):
                some = keys[start : start + _ROWS]
                marks = ",".join("?" * len(some))
                for key, sealed in database.execute(f"SELECT key, result FROM answers WHERE key IN ({marks})", some):
                    if (result := _unsealed(key, sealed)) is not None:
                        found[key] = result
                database.execute(f"UPDATE answers SET used = ? WHERE key IN ({marks})", (time.time(), *some))
            return found

        return self._do(read, {})

    def put(self, answers: dict[bytes, str]) -> None:
        """Keep answers."""

        def write(database: sqlite3.Connection) -> None:
            now = time.time()
            rows = ((key, _sealed(key, result), now) for key, result in answers.items())
            database.executemany("INSERT OR REPLACE INTO answers VALUES (?, ?, ?)", rows)
            surplus = _count(database) - self._most
            if surplus > 0:
                oldest = "SELECT key FROM answers ORDER BY used, rowid LIMIT ?"
                database.execute(f"DELETE FROM answers WHERE key IN ({oldest})", (surplus + self._most // 10,))

        self._do(write, None)

    def clear(self) -> int:
        """Forget all answers; returns how many there were."""

        def empty(database: sqlite3.Connection) -> int:
            count = _count(database)
            database.execute("DELETE FROM answers")
            return count

        return self._do(empty, 0)

    def _do(self, work: Callable[[sqlite3.Connection], T], otherwise: T) -> T:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self._guard, closing(sqlite3.connect(self.path, timeout=5.0)) as database, database:
                database.text_factory = bytes  # a damaged text may be no UTF-8, which is for its seal to find
                database.execute("PRAGMA journal_mode=WAL")
                database.execute("PRAGMA synchronous=NORMAL")
                database.execute(_SCHEMA)
                return work(database)
        except sqlite3.Error as error:
            if getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF in _NOT_NOW:
                _log.warning("The answer cache %s is not used now: %s.", self.path, error)
            else:
                self._begin_anew(str(error))
        except UnicodeDecodeError:  # SQLite's message quotes the damaged bytes
            self._begin_anew("its tables cannot be read")
        except OSError as error:
            _log.warning("The answer cache %s is not used: %s.", self.path, error.strerror)
        return otherwise

    def _begin_anew(self, why: str) -> None:
        _log.warning("The answer cache %s is damaged (%s) and is begun anew.", self.path, why)
        for suffix in ("", "-wal", "-shm"):
            self.path.with_name(self.path.name + suffix).unlink(missing_ok=True)


def _sealed(key: bytes, result: str) -> bytes:
    """A result as it is stored: behind a digest of itself and its key."""
    text = result.encode()
    return hashlib.sha256(key + text).digest()[:_DIGEST] + text


def _unsealed(key: bytes, sealed: object) -> str | None:
    """The result that was stored under a key; None when a single bit of it, or of the key, is not as it was."""
    if not isinstance(sealed, bytes):
        return None
    result = sealed[_DIGEST:].decode(errors="replace")
    return result if _sealed(key, result) == sealed else None


def _count(database: sqlite3.Connection) -> int:
    (count,) = database.execute("SELECT count(*) FROM answers").fetchone()
    return int(count)


class CachedEngine:
    """An engine that looks into an answer cache first."""

    def __init__(self, engine: Engine, cache: AnswerCache) -> None:
        self.engine = engine
        self.cache = cache
        self._coming: Counter[bytes] = Counter()
        self._guard = threading.Lock()

    @property
    def name(self) -> str:
        """The model behind the cache."""
        return self.engine.name

    @property
    def fingerprint(self) -> str:
        """That of the engine behind the cache."""
        return self.engine.fingerprint

    def answer(
        self,
        questions: Sequence[Question],
        *,
        progress: Progress | None = None,
        cancel: threading.Event | None = None,
    ) -> list[Result]:
        """One result per question, in order; see `Engine.answer`."""
        keys, results = self._looked_up(questions)
        open_places = [place for place, result in enumerate(results) if result is None]
        done = len(questions) - len(open_places)
        if open_places:
            report = (lambda answered, _of: progress(done + answered, len(questions))) if progress else None
            given = self.engine.answer([questions[place] for place in open_places], progress=report, cancel=cancel)
            fresh: dict[bytes, str] = {}
            for place, result in zip(open_places, given, strict=True):
                results[place] = result
                if not isinstance(result, Unanswered):
                    fresh[keys[place]] = _frozen(result)
            self.cache.put(fresh)
        elif progress:
            progress(done, len(questions))
        return [result for result in results if result is not None]

    @property
    def chunks_ahead(self) -> int:
        """As far as the engine behind the cache can use them."""
        return chunks_ahead(self.engine)

    def ask_ahead(self, questions: Sequence[Question]) -> Guess:
        """Have the engine begin with what is neither kept nor about to be; see `AsksAhead`."""
        keys, results = self._looked_up(questions)
        with self._guard:
            places = [place for place, result in enumerate(results) if result is None and not self._coming[keys[place]]]
            begun = [keys[place] for place in places]
            self._coming.update(begun)
        return _Coming(self, begun, ask_ahead(self.engine, [questions[place] for place in places]))

    def forget(self, keys: Sequence[bytes]) -> None:
        """Answers to these questions are no longer about to be kept."""
        with self._guard:
            self._coming.subtract(keys)
            self._coming += Counter()

    def kept(self, questions: Sequence[Question]) -> frozenset[int]:
        """The places of the questions whose answers are kept."""
        _, results = self._looked_up(questions)
        return frozenset(place for place, result in enumerate(results) if result is not None)

    def _looked_up(self, questions: Sequence[Question]) -> tuple[list[bytes], list[Result | None]]:
        """The key of each question, and its answer where one is kept."""
        fingerprint = self.fingerprint
        keys = [question_key(fingerprint, question) for question in questions]
        known = self.cache.get(list(dict.fromkeys(keys)))
        pairs = zip(keys, questions, strict=True)
        return keys, [_thawed(known[key], question, self.name) if key in known else None for key, question in pairs]

    def count_tokens(self, segments: Sequence[Segment]) -> int:
        """Tokens these segments take in this model."""
        return self.engine.count_tokens(segments)

    def close(self) -> None:
        """Free the model behind the cache."""
        self.engine.close()


class _Coming:
    """Questions that the engine behind a cache was asked ahead."""

    def __init__(self, cached: CachedEngine, keys: Sequence[bytes], guess: Guess) -> None:
        self._cached, self._keys, self._guess = cached, keys, guess

    def drop(self) -> None:
        """See `Guess`."""
        self._cached.forget(self._keys)
        self._guess.drop()


def question_key(fingerprint: str, question: Question) -> bytes:
    """A digest of a model, its adapter, a prompt (rules and all) and the way its answer is read."""
    answer = question.answer
    how = (
        ["labels", answer.texts, answer.end]
        if isinstance(answer, Labels)
        else [
            "value",
            answer.end,
            answer.allowed,
            answer.copy_from,
            answer.or_else,
            answer.max_tokens,
            answer.alternatives,
        ]
    )
    adapter = [identity(question.adapter)] if question.adapter else []
    asked = [fingerprint, *adapter, [(segment.text, segment.control) for segment in question.segments], how]
    return hashlib.sha256(json.dumps(asked).encode()).digest()


def _frozen(result: LabelScores | GeneratedValue) -> str:
    if isinstance(result, LabelScores):
        return json.dumps({"probabilities": result.probabilities})
    kept = {"text": result.text, "probability": result.probability, "alternatives": result.alternatives}
    return json.dumps(kept)


def _thawed(text: str, question: Question, model: str) -> Result | None:
    """The result that was kept; None when the text is no answer to this question."""
    try:
        kept = json.loads(text)
        if isinstance(question.answer, Labels):
            return _scores(kept["probabilities"], question.answer, question.answered_by(model))
        return _value(kept, question.answer, question.answered_by(model))
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


def _scores(probabilities: Any, labels: Labels, model: str) -> LabelScores | None:
    scores = LabelScores(tuple(_probability(share) for share in probabilities), model)
    whole = len(scores.probabilities) == len(labels.texts) and abs(sum(scores.probabilities) - 1) <= _SLACK
    return scores if whole else None


def _value(kept: Any, asked: Value, model: str) -> GeneratedValue | None:
    alternatives = tuple((_text(other), _probability(share)) for other, share in kept["alternatives"])
    value = GeneratedValue(_text(kept["text"]), _probability(kept["probability"]), alternatives, model)
    texts = [value.text, *(other for other, _ in alternatives)]
    permitted = asked.allowed is None or {*asked.allowed, *asked.or_else}.issuperset(texts)
    return value if permitted and len(alternatives) <= asked.alternatives else None


def _probability(given: Any) -> float:
    """A probability.

    Raises:
        ValueError: it is none.
    """
    if isinstance(given, bool) or not isinstance(given, int | float) or not math.isfinite(given):
        raise ValueError("no number")
    if not -_SLACK <= given <= 1 + _SLACK:
        raise ValueError("no probability")
    return given


def _text(given: Any) -> str:
    if not isinstance(given, str):
        raise ValueError("no text")
    return given
