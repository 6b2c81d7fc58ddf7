"""The same questions to an OpenAI-compatible endpoint (vLLM, llama-server, Ollama), when the user names one.

Probabilities come from the `logprobs` of the answer, so a server that gives none cannot answer. A value that breaks
its constraint is no answer either: nothing is bent until it fits.
"""

from __future__ import annotations

import hashlib
import math
import os
import random
import threading
import time
from collections import deque
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from typing import Any

import httpx2

from dp_tools.engine.questions import GeneratedValue, Labels, LabelScores, Question, Result, Segment, Unanswered, Value
from dp_tools.errors import Cancelled, DpToolsError, ModelUnavailable
from dp_tools.models.catalogue import ModelSpec
from dp_tools.progress import Progress

_AT_ONCE = 8
_TRIES = 4
_FIRST_PAUSE = 0.5
_LONGEST_PAUSE = 20.0
_RUNNERS_UP = 20
"""Alternatives per token that are asked for: the most that the interface allows."""
_LABEL_TOKENS = 24
_LOOK = 0.05
_KEY = "DP_TOOLS_API_KEY"


class _Failed(DpToolsError):
    """A question that got no usable reply."""


class _Unreachable(_Failed):
    """No reply at all: the endpoint's own fault, the same for every question."""


class _Addresses:
    """The addresses of one model, which take turns; one that failed is left out until a while has passed."""

    def __init__(self, addresses: Sequence[str]) -> None:
        self._addresses = deque(addresses)
        self._out: dict[str, float] = {}
        self._guard = threading.Lock()

    def next(self) -> str:
        """Whose turn it is; where all have failed, that of the one that failed first."""
        with self._guard:
            self._addresses.rotate(-1)
            now = time.monotonic()
            return min(self._addresses, key=lambda address: max(self._out.get(address, now), now))

    def leave_out(self, address: str, seconds: float) -> None:
        """Do not ask there for so long, where there are others."""
        with self._guard:
            self._out[address] = time.monotonic() + seconds

    def __len__(self) -> int:
        return len(self._addresses)


class RemoteEngine:
    """A model behind an endpoint, or behind several that answer alike.

    Args:
        spec: its addresses and name.
        timeout: seconds to wait for one reply.
        pause: seconds before the first new try; doubles each time.
    """

    def __init__(self, spec: ModelSpec, *, timeout: float = 60.0, pause: float = _FIRST_PAUSE) -> None:
        self.spec = spec
        addresses, _, self._model = spec.source.partition("#")
        self._addresses = _Addresses(addresses.split(","))
        self._pause = pause
        at_once = _AT_ONCE * len(self._addresses)
        key = os.environ.get(_KEY)
        self._client = httpx2.Client(
            timeout=httpx2.Timeout(timeout, connect=min(timeout, 10.0)),
            headers={"Authorization": f"Bearer {key}"} if key else {},
            limits=httpx2.Limits(max_connections=at_once),
        )
        self._pool = ThreadPoolExecutor(at_once, thread_name_prefix="dp-tools-remote")
        self._closed = False

    @property
    def name(self) -> str:
        """The model's name behind "remote:"."""
        return self.spec.name

    @property
    def fingerprint(self) -> str:
        """Of the address and the model's name: what stands behind them cannot be seen from here."""
        return hashlib.sha256(f"{self.spec.prompt_template}\n{self.spec.source}".encode()).hexdigest()

    def answer(
        self,
        questions: Sequence[Question],
        *,
        progress: Progress | None = None,
        cancel: threading.Event | None = None,
    ) -> list[Result]:
        """One result per question, in order; see `Engine.answer`."""
        if self._closed:
            raise ModelUnavailable(f"The engine of {self.name} has been closed: open a new one.")
        over = threading.Event()
        asked = {question: self._pool.submit(self._ask, question, over) for question in dict.fromkeys(questions)}
        counts = dict.fromkeys(asked, 0)
        for question in questions:
            counts[question] += 1
        left = {future: question for question, future in asked.items()}
        done = 0
        try:
            while left:
                finished, _ = wait(left, timeout=_LOOK, return_when=FIRST_COMPLETED)
                done += sum(counts[left.pop(future)] for future in finished)
                for future in finished:
                    future.result()
                if cancel is not None and cancel.is_set():
                    raise Cancelled("The work was stopped.")
                if progress:
                    progress(done, len(questions))
        except BaseException:
            over.set()
            for future in left:
                future.cancel()
            raise
        return _results([asked[question].result() for question in questions])

    def count_tokens(self, segments: Sequence[Segment]) -> int:
        """Tokens these segments take, estimated at three bytes each: the endpoint's tokenizer is not known here."""
        return math.ceil(sum(len(segment.text.encode()) for segment in segments) / 3)

    def close(self) -> None:
        """Close the connections."""
        self._closed = True
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._client.close()

    # --- one question

    def _ask(self, question: Question, over: threading.Event) -> Result | _Unreachable:
        try:
            words = self._reply(question, over)
            if isinstance(question.answer, Labels):
                return LabelScores(_label_scores(question.answer.texts, words), self.name)
            return _value(question.answer, words, self.name)
        except _Unreachable as error:
            over.set()  # the others need not find out one by one
            return error
        except _Failed as error:
            return Unanswered(str(error))

    def _reply(self, question: Question, over: threading.Event) -> list[_Word]:
        """The words of the reply, each with what else could have stood there."""
        answer = question.answer
        body = {
            "model": self._model,
            "messages": _messages(question.segments),
            "temperature": 0,
            "max_tokens": answer.max_tokens if isinstance(answer, Value) else _LABEL_TOKENS,
            "logprobs": True,
            "top_logprobs": _RUNNERS_UP,
        }
        address, reply = self._post(body, over)
        try:
            content = (reply["choices"][0].get("logprobs") or {}).get("content")
            text = reply["choices"][0]["message"]["content"]
        except (KeyError, IndexError, TypeError, AttributeError):
            raise _Failed(f"{address} replied with something other than a chat completion.") from None
        if not content:
            why = "gave an empty reply" if not text else "gives no logprobs, which confidence is read from"
            raise _Failed(f"{address} {why}: use a model and a server that do (vLLM, llama-server).")
        try:
            return [_Word.of(entry) for entry in content]
        except (KeyError, TypeError, ValueError):
            raise _Failed(f"{address} replied with logprobs that cannot be read.") from None

    def _post(self, body: dict[str, Any], over: threading.Event) -> tuple[str, Any]:
        """The address that replied, and its reply."""
        pause, tries = self._pause, _TRIES * len(self._addresses)
        for attempt in range(1, tries + 1):
            if over.is_set():
                raise _Failed("The work was stopped, or the endpoint is out of reach.")
            wait_s: float | None = None
            address = self._addresses.next()
            try:
                reply = self._client.post(f"{address}/chat/completions", json=body)
                if reply.status_code == 429 or reply.status_code >= 500:
                    problem = f"{address} is busy or failing (HTTP {reply.status_code})"
                    wait_s = _asked_pause(reply.headers.get("retry-after"))
                elif reply.status_code >= 400:
                    raise self._refused(address, reply)
                else:
                    return address, reply.json()
            except httpx2.TimeoutException:
                problem = f"{address} did not reply in time"
            except (httpx2.TransportError, RuntimeError) as error:  # RuntimeError: the client was closed
                problem = f"{address} cannot be reached ({error})"
            except ValueError:
                raise _Failed(f"{address} replied with something other than JSON.") from None
            wait_s = min(wait_s if wait_s is not None else pause * random.uniform(0.8, 1.2), _LONGEST_PAUSE)
            self._addresses.leave_out(address, wait_s)
            # The others are asked at once.
            if attempt < tries and attempt % len(self._addresses) == 0:
                over.wait(wait_s)
                pause *= 2
        raise _Unreachable(f"{problem}: check the address and the server, or name a local model.")

    def _refused(self, address: str, reply: httpx2.Response) -> _Failed:
        detail = reply.text.strip().replace("\n", " ")[:200]
        if reply.status_code in (401, 403):
            return _Unreachable(f"{address} wants a key: put it into the environment variable {_KEY}.")
        if reply.status_code == 404:
            return _Unreachable(f"{address} knows no model {self._model}, or has no chat completions: {detail}")
        return _Failed(f"{address} refused the question (HTTP {reply.status_code}): {detail}")


class _Word:
    """A token of a reply: its text, its probability, and those of what else could have stood there."""

    def __init__(self, text: str, probability: float, others: dict[str, float]) -> None:
        self.text = text
        self.probability = probability
        self.others = others

    @classmethod
    def of(cls, entry: dict[str, Any]) -> _Word:
        """From an entry of `logprobs.content`."""
        top = {str(other["token"]): math.exp(float(other["logprob"])) for other in entry.get("top_logprobs") or ()}
        own = str(entry["token"])
        return cls(own, math.exp(float(entry["logprob"])), {text: p for text, p in top.items() if text != own})


def _label_scores(labels: tuple[str, ...], words: list[_Word]) -> tuple[float, ...]:
    """Shares of the labels: every branch off the reply gives its probability to the labels it may become.

    Raises:
        _Failed: the reply leads to none of the labels.
    """
    scores = dict.fromkeys(labels, 0.0)

    def give(text: str, mass: float, *, ended: bool) -> None:
        text = text.strip().lower()
        if not text:
            return
        fitting = [label for label in labels if label.lower() == text] if ended else []
        fitting = fitting or [label for label in labels if label.lower().startswith(text)]
        fitting = fitting or [label for label in labels if text.startswith(label.lower())]
        for label in fitting:
            scores[label] += mass / len(fitting)

    written, mass = "", 1.0
    for word in words:
        for other, probability in word.others.items():
            give(written + other, mass * probability, ended=False)
        written += word.text
        mass *= word.probability
    give(written.strip().rstrip("."), mass, ended=True)
    total = sum(scores.values())
    if not total:
        raise _Failed(f'The endpoint\'s model answered "{written.strip()[:80]}", which is none of the choices.')
    return tuple(scores[label] / total for label in labels)


def _value(value: Value, words: list[_Word], model: str) -> GeneratedValue:
    """The value as it was written, where its constraint holds."""
    line = _first_line(words)
    text = "".join(word.text for word in line).strip()
    if value.end:
        text = text.partition(value.end)[0].strip()
    if not _permitted(value, text):
        raise _Failed(f'The endpoint\'s model answered "{text[:80]}", which the question does not permit.')
    return GeneratedValue(text, math.prod(word.probability for word in line), (), model)


def _first_line(words: list[_Word]) -> list[_Word]:
    """The words up to the first line break behind a text; a line break ends a value."""
    line: list[_Word] = []
    for word in words:
        if line and "\n" in word.text:
            break
        if line or word.text.strip():
            line.append(word)
    return line


def _permitted(value: Value, text: str) -> bool:
    if not text:
        return False
    if text in value.or_else:
        return True
    if value.allowed is not None:
        return text in value.allowed
    return value.copy_from is None or text in value.copy_from


def _messages(segments: Sequence[Segment]) -> list[dict[str, str]]:
    """Control text as the system's message, everything else as the user's."""
    system = "".join(segment.text for segment in segments if segment.control)
    user = "".join(segment.text for segment in segments if not segment.control)
    return [{"role": role, "content": text} for role, text in (("system", system), ("user", user)) if text]


def _asked_pause(header: str | None) -> float | None:
    try:
        return max(float(header), 0.0) if header else None
    except ValueError:  # a date
        return None


def _results(outcomes: list[Result | _Unreachable]) -> list[Result]:
    """What was answered is kept when the endpoint goes away in between."""
    lost = next((outcome for outcome in outcomes if isinstance(outcome, _Unreachable)), None)
    if lost is not None and all(isinstance(outcome, _Unreachable | Unanswered) for outcome in outcomes):
        raise ModelUnavailable(str(lost))
    return [Unanswered(str(outcome)) if isinstance(outcome, _Unreachable) else outcome for outcome in outcomes]
