"""The remote engine: against llama-cpp-python's own server, and against one that misbehaves."""

from __future__ import annotations

import contextlib
import json
import math
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx2
import pytest
from waiting import until

from dp_tools.engine import open_engine
from dp_tools.engine.questions import GeneratedValue, Labels, LabelScores, Question, Segment, Unanswered, Value
from dp_tools.engine.remote import RemoteEngine
from dp_tools.errors import Cancelled, ModelUnavailable
from dp_tools.models.catalogue import resolve

YES_NO = Labels(("Yes", "No"))


def ask(text: str, answer: Labels | Value = YES_NO) -> Question:
    return Question((Segment("You answer in one word.", control=True), Segment(text)), answer)


@pytest.fixture(scope="module")
def served(tiny_model: Path) -> Iterator[str]:
    """The tiny model behind a real server."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "llama_cpp.server", "--host", "127.0.0.1", "--port", str(port)]
    command += ["--model", str(tiny_model), "--logits_all", "true", "--n_ctx", "512"]
    process = subprocess.Popen(
        command,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "OMP_WAIT_POLICY": "PASSIVE"},
    )
    address = f"http://127.0.0.1:{port}/v1"

    def is_up() -> bool:
        assert process.poll() is None, "the server did not start"
        try:
            return httpx2.get(f"{address}/models").is_success
        except httpx2.HTTPError:
            return False

    try:
        until(is_up)
        yield address
    finally:
        process.terminate()
        process.wait()


def reply_of(address: str, text: str, most: int) -> list[dict[str, Any]]:
    """The words of a server's reply, each with its logarithmic probability and those of twenty others."""
    messages = [{"role": "system", "content": "You answer in one word."}, {"role": "user", "content": text}]
    asked = {"messages": messages, "temperature": 0, "max_tokens": most, "logprobs": True, "top_logprobs": 20}
    words: list[dict[str, Any]] = httpx2.post(f"{address}/chat/completions", json=asked).json()["choices"][0][
        "logprobs"
    ]["content"]
    return words


def test_a_real_server_scores_labels_and_writes_values(served: str):
    engine = open_engine(f"{served}#tiny", cache=False)
    choose, name = "Which one is it?", "Name the capital of France."
    first, second = reply_of(served, choose, 1)[0]["top_logprobs"][:2]
    written = reply_of(served, name, 6)
    scores, value, closed = engine.answer(
        [
            ask(choose, Labels((first["token"].strip(), second["token"].strip()))),
            ask(name, Value("", max_tokens=6)),
            ask("Answer with the word: zebra", Value("", allowed=("a word it will never say",), max_tokens=4)),
        ]
    )
    assert isinstance(scores, LabelScores)
    assert sum(scores.probabilities) == pytest.approx(1)
    # What the server says of the other is known; the first may go on in more ways than it names.
    share = math.exp(first["logprob"]) / (math.exp(first["logprob"]) + math.exp(second["logprob"]))
    assert 0 < scores.probabilities[0] <= share + 0.01
    assert scores.model == "remote:tiny"
    assert isinstance(value, GeneratedValue)
    assert value.text == "".join(word["token"] for word in written).strip()
    assert value.probability == pytest.approx(math.exp(sum(word["logprob"] for word in written)), rel=0.01)
    assert isinstance(closed, Unanswered)
    assert "does not permit" in closed.reason
    engine.close()


Reply = Callable[[dict[str, Any], int], tuple[int, Any]]


class Faulty:
    """A server that replies as a test wants; `reply` gets the request and how many came before."""

    def __init__(self, reply: Reply) -> None:
        seen: list[dict[str, Any]] = []
        self.seen = seen
        self.headers: list[Any] = []
        headers = self.headers

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                headers.append(dict(self.headers))
                seen.append(body)
                status, answer = reply(body, len(seen) - 1)
                data = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("content-length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def handle(self) -> None:
                with contextlib.suppress(ConnectionError):  # a client that gave up
                    super().handle()

            def log_message(self, *_args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.address = f"http://127.0.0.1:{self._server.server_port}/v1"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    def engine(self, **settings: float) -> RemoteEngine:
        return RemoteEngine(resolve(f"{self.address}#model"), pause=0.01, **settings)

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def faulty() -> Iterator[Callable[[Reply], Faulty]]:
    opened: list[Faulty] = []

    def open_one(reply: Reply) -> Faulty:
        opened.append(Faulty(reply))
        return opened[-1]

    yield open_one
    for server in opened:
        server.close()


def completion(*words: tuple[str, float] | tuple[str, float, dict[str, float]]) -> dict[str, Any]:
    """A chat completion of words with probabilities, and of what else could have stood there."""
    content = []
    for text, probability, *others in words:
        top = {text: probability, **(others[0] if others else {})}
        content.append(
            {
                "token": text,
                "logprob": log(probability),
                "top_logprobs": [{"token": other, "logprob": log(p)} for other, p in top.items()],
            }
        )
    text = "".join(word[0] for word in words)
    return {"choices": [{"message": {"content": text}, "logprobs": {"content": content}}]}


def log(probability: float) -> float:
    return math.log(probability)


def test_labels_get_the_probability_of_every_branch_that_leads_to_them(faulty: Callable[[Reply], Faulty]):
    server = faulty(
        lambda _body, _before: (200, completion(("New", 0.7, {"Paris": 0.3}), (" York", 0.5, {" Delhi": 0.5})))
    )
    (scores,) = server.engine().answer([ask("?", Labels(("Paris", "New Delhi", "New York")))])
    assert isinstance(scores, LabelScores)
    assert scores.probabilities == pytest.approx((0.3, 0.35, 0.35))


def test_the_system_message_is_the_format_and_the_users_is_the_data(faulty: Callable[[Reply], Faulty]):
    server = faulty(lambda _body, _before: (200, completion(("Yes", 1.0))))
    server.engine().answer([ask("data")])
    roles = [(message["role"], message["content"]) for message in server.seen[0]["messages"]]
    assert roles == [("system", "You answer in one word."), ("user", "data")]
    assert server.seen[0]["model"] == "model"


def test_a_busy_server_is_asked_again(faulty: Callable[[Reply], Faulty]):
    server = faulty(
        lambda _body, before: (503, b"busy") if before < 2 else (200, completion(("Yes", 0.9, {"No": 0.1})))
    )
    (scores,) = server.engine().answer([ask("?")])
    assert isinstance(scores, LabelScores)
    assert scores.probabilities == pytest.approx((0.9, 0.1))
    assert len(server.seen) == 3


def test_identical_questions_are_sent_once_and_answers_keep_their_order(faulty: Callable[[Reply], Faulty]):
    def reply(body: dict[str, Any], _before: int) -> tuple[int, Any]:
        return 200, completion((body["messages"][-1]["content"], 0.5))

    server = faulty(reply)
    words = ["b", "a", "b", "c"]
    results = server.engine().answer([ask(word, Value("")) for word in words])
    assert [result.text for result in results if isinstance(result, GeneratedValue)] == words
    assert len(server.seen) == 3


def test_questions_are_sent_side_by_side(faulty: Callable[[Reply], Faulty]):
    together = threading.Barrier(4, timeout=20)

    def reply(_body: dict[str, Any], _before: int) -> tuple[int, Any]:
        together.wait()
        return 200, completion(("Yes", 1.0))

    results = faulty(reply).engine().answer([ask(str(number)) for number in range(4)])
    assert all(isinstance(result, LabelScores) for result in results)


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (b"<html>not json</html>", "other than JSON"),
        ({"nonsense": True}, "other than a chat completion"),
        ([1, 2], "other than a chat completion"),
        ({"choices": []}, "other than a chat completion"),
        ({"choices": [{"message": {"content": "Yes"}}]}, "no logprobs"),
        ({"choices": [{"message": {"content": ""}, "logprobs": None}]}, "empty reply"),
        ({"choices": [{"message": {"content": "Yes"}, "logprobs": {"content": [{"token": "Yes"}]}}]}, "cannot be read"),
        (completion(("Perhaps", 1.0)), "none of the choices"),
    ],
)
def test_nonsense_is_no_answer(faulty: Callable[[Reply], Faulty], answer: Any, says: str):
    (result,) = faulty(lambda _body, _before: (200, answer)).engine().answer([ask("?")])
    assert isinstance(result, Unanswered)
    assert says in result.reason


def test_a_value_that_breaks_its_constraint_is_no_answer(faulty: Callable[[Reply], Faulty]):
    server = faulty(lambda _body, _before: (200, completion(("invented", 1.0))))
    (result,) = server.engine().answer([ask("?", Value("", copy_from="the text", or_else=("n/a",)))])
    assert isinstance(result, Unanswered)


def test_a_value_is_the_first_line(faulty: Callable[[Reply], Faulty]):
    server = faulty(
        lambda _body, _before: (200, completion(("\n", 1.0), ("one", 0.5), (" two", 0.5), ("\n", 1.0), ("x", 0.1)))
    )
    (result,) = server.engine().answer([ask("?", Value(""))])
    assert result == GeneratedValue("one two", pytest.approx(0.25), (), "remote:model")


def test_a_question_the_server_refuses_leaves_the_others_answered(faulty: Callable[[Reply], Faulty]):
    def reply(body: dict[str, Any], _before: int) -> tuple[int, Any]:
        return (400, b"too long") if body["messages"][-1]["content"] == "bad" else (200, completion(("Yes", 1.0)))

    results = faulty(reply).engine().answer([ask("good"), ask("bad")])
    assert isinstance(results[0], LabelScores)
    assert isinstance(results[1], Unanswered)
    assert "too long" in results[1].reason


@pytest.mark.parametrize(
    ("status", "says"), [(401, "DP_TOOLS_API_KEY"), (404, "knows no model"), (500, "busy or failing")]
)
def test_an_endpoint_that_cannot_answer_at_all_is_named(faulty: Callable[[Reply], Faulty], status: int, says: str):
    engine = faulty(lambda _body, _before: (status, b"no")).engine()
    with pytest.raises(ModelUnavailable, match=says):
        engine.answer([ask("one"), ask("two")])


def test_an_endpoint_that_is_not_there_is_named():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{free.getsockname()[1]}/v1"
    engine = RemoteEngine(resolve(f"{address}#model"), pause=0.01)
    with pytest.raises(ModelUnavailable, match="cannot be reached"):
        engine.answer([ask("?")])


def test_several_addresses_share_the_questions_and_one_that_fails_is_left_out(faulty: Callable[[Reply], Faulty]):
    def reply(_body: dict[str, Any], _before: int) -> tuple[int, Any]:
        return 200, completion(("Yes", 1.0))

    first, second, broken = faulty(reply), faulty(reply), faulty(lambda _body, _before: (500, b"broken"))
    addresses = ",".join(server.address for server in (first, broken, second))
    results = RemoteEngine(resolve(f"{addresses}#model"), pause=30.0).answer([ask(str(number)) for number in range(60)])
    assert all(isinstance(result, LabelScores) for result in results)
    assert len(first.seen) + len(second.seen) == 60
    assert min(len(first.seen), len(second.seen)) > 10
    assert len(broken.seen) <= 24  # those that were on their way before it was known


def test_every_address_is_written_in_full():
    with pytest.raises(ModelUnavailable, match='"b:8000/v1" is no address'):
        resolve("http://a:8000/v1, b:8000/v1#model")


def test_a_server_that_never_replies_times_out(faulty: Callable[[Reply], Faulty]):
    hold = threading.Event()

    def reply(_body: dict[str, Any], _before: int) -> tuple[int, Any]:
        hold.wait(20)
        return 200, {}

    engine = faulty(reply).engine(timeout=0.1)
    with pytest.raises(ModelUnavailable, match="in time"):
        engine.answer([ask("?")])
    hold.set()


def test_a_call_can_be_cancelled_while_the_server_thinks(faulty: Callable[[Reply], Faulty]):
    hold, cancel = threading.Event(), threading.Event()

    def reply(_body: dict[str, Any], _before: int) -> tuple[int, Any]:
        cancel.set()
        hold.wait(20)
        return 200, completion(("Yes", 1.0))

    engine = faulty(reply).engine()
    with pytest.raises(Cancelled):
        engine.answer([ask(str(number)) for number in range(20)], cancel=cancel)
    hold.set()


def test_the_key_is_sent_only_when_there_is_one(faulty: Callable[[Reply], Faulty], monkeypatch: pytest.MonkeyPatch):
    server = faulty(lambda _body, _before: (200, completion(("Yes", 1.0))))
    server.engine().answer([ask("?")])
    monkeypatch.setenv("DP_TOOLS_API_KEY", "secret")
    server.engine().answer([ask("?")])
    assert [headers.get("authorization", headers.get("Authorization")) for headers in server.headers] == [
        None,
        "Bearer secret",
    ]


def test_an_address_without_a_model_says_what_is_missing():
    with pytest.raises(ModelUnavailable, match="names no model"):
        resolve("http://127.0.0.1:1/v1")
