"""The workbench without a browser: who is let in, what its cookie may do, and what its resources return."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from anyio import to_thread
from http_serving import connected
from register_arrivals import arrive
from serving import answer, refusal
from workbench_serving import WRONG, Served, workbench_server, write_visits

from dp_tools.engine.questions import Engine
from dp_tools.mcp_server.auth import ListedTokens
from dp_tools.mcp_server.http import Tokens
from dp_tools.mcp_server.workbench import shipped_files
from dp_tools.tables.entities.register import register_path

RUNNER, WRITER, APPROVER = "runs" * 4, "writ" * 4, "appr" * 4
SCOPES = {RUNNER: "dp:read dp:run", WRITER: "dp:read dp:rules", APPROVER: "dp:read dp:rules dp:approve"}
TOKENS = Tokens(ListedTokens([f"{token[:4]} {token} {scopes}" for token, scopes in SCOPES.items()]))
VERSION = "2026-07-28"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def served(engine: Engine, tmp_path: Path) -> Iterator[Served]:
    with workbench_server(engine, tmp_path) as started:
        yield started


@pytest.fixture
def guarded(engine: Engine, tmp_path: Path) -> Iterator[Served]:
    with workbench_server(engine, tmp_path, TOKENS) as started:
        yield started


def sign_in(served: Served, token: str | None = None, **headers: str) -> httpx2.Response:
    given = token or served.address().rpartition("ticket=")[2]
    sent = {"Origin": served.base, **headers}
    return httpx2.post(f"{served.base}/workbench/session", headers=sent, content=json.dumps({"token": given}))


def call(served: Served, name: str, arguments: dict[str, Any], cookie: str = "", origin: str = "") -> httpx2.Response:
    meta = {
        "io.modelcontextprotocol/protocolVersion": VERSION,
        "io.modelcontextprotocol/clientCapabilities": {},
    }
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call"}
    headers = {
        "Accept": "application/json, text/event-stream",
        "Content-Type": "application/json",
        "MCP-Protocol-Version": VERSION,
        "Mcp-Method": "tools/call",
        "Mcp-Name": name,
        "Origin": origin or served.base,
        "Cookie": cookie,
    }
    params = {"name": name, "arguments": arguments, "_meta": meta}
    return httpx2.post(f"{served.base}/mcp", headers=headers, content=json.dumps({**body, "params": params}))


def cookie_of(response: httpx2.Response) -> str:
    return response.headers["Set-Cookie"].partition(";")[0]


RULE = {"statement": "Ounces are a number.", "dataset": "beers", "attribute": "ounces"}


def test_the_page_loads_nothing_from_elsewhere_and_lets_no_text_become_markup(served: Served) -> None:
    page = httpx2.get(f"{served.base}/workbench/")
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'; script-src 'self'; style-src 'self'" in policy
    assert "require-trusted-types-for 'script'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    text = page.text + "".join(content.decode() for content in shipped_files().values())
    assert "<script>" not in text
    assert "innerHTML" not in text
    assert [word for word in text.split() if "https://" in word] == []


def test_the_front_end_is_small() -> None:
    assert sum(map(len, shipped_files().values())) <= 200_000


def test_an_address_signs_in_once_and_its_cookie_is_out_of_reach_of_scripts_and_other_sites(served: Served) -> None:
    address = served.address()
    ticket = address.rpartition("ticket=")[2]
    first, second = sign_in(served, ticket), sign_in(served, ticket)
    assert (first.status_code, second.status_code) == (200, 401)
    assert "HttpOnly" in first.headers["Set-Cookie"]
    assert "SameSite=strict" in first.headers["Set-Cookie"]
    assert "#" in address.partition("ticket")[0]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "http://127.0.0.1:1"}, 403),
        ({"Host": "evil.example"}, 421),
    ],
    ids=["another site", "another port of this machine", "another name of this machine"],
)
def test_nobody_signs_in_from_elsewhere(served: Served, headers: dict[str, str], status: int) -> None:
    assert sign_in(served, **headers).status_code == status


@pytest.mark.parametrize("path", ["", "main.js", "session"])
def test_the_page_is_not_served_under_another_name(served: Served, path: str) -> None:
    assert httpx2.get(f"{served.base}/workbench/{path}", headers={"Host": "evil.example"}).status_code == 421


def test_a_get_changes_nothing(served: Served) -> None:
    cookie = cookie_of(sign_in(served))
    for path in ("/workbench/", "/workbench/session", "/workbench/session?token=x", "/mcp"):
        httpx2.get(served.base + path, headers={"Cookie": cookie, "Origin": served.base, "Accept": "application/json"})
    who = httpx2.get(f"{served.base}/workbench/session", headers={"Cookie": cookie}).json()
    assert who["name"] == "person at the workbench"


def test_a_person_at_the_workbench_may_approve_and_nobody_else_on_this_machine(served: Served) -> None:
    cookie = cookie_of(sign_in(served))
    added = call(served, "add_rule", RULE, cookie).json()["result"]["structuredContent"]
    assert added["acts"] is True
    others = [call(served, "add_rule", {**RULE, "dataset": "one"})]
    others.append(call(served, "add_rule", {**RULE, "dataset": "two"}, cookie, origin="http://127.0.0.1:1"))
    assert [one.json()["result"]["structuredContent"]["acts"] for one in others] == [False, False]
    (entry, *_) = served.context.knowledge.history(added["rule"]["id"])
    assert entry.who == "person at the workbench"


def test_signing_out_ends_the_session(served: Served) -> None:
    cookie = cookie_of(sign_in(served))
    httpx2.delete(f"{served.base}/workbench/session", headers={"Cookie": cookie, "Origin": served.base})
    added = call(served, "add_rule", RULE, cookie).json()["result"]["structuredContent"]
    assert added["acts"] is False


def test_whoever_may_not_approve_by_token_may_not_approve_by_click(guarded: Served) -> None:
    assert sign_in(guarded, "wrong" * 4).status_code == 401
    assert call(guarded, "search_rules", {}).status_code == 401
    runner, boss = cookie_of(sign_in(guarded, RUNNER)), cookie_of(sign_in(guarded, APPROVER))
    assert call(guarded, "search_rules", {}, runner).status_code == 200
    assert call(guarded, "add_rule", RULE, runner).status_code == 403
    assert call(guarded, "search_rules", {}, runner, origin="http://127.0.0.1:1").status_code == 401
    assert call(guarded, "add_rule", RULE, boss).json()["result"]["structuredContent"]["acts"] is True
    merge = {"register_name": "customers", "action": "merge", "entities": [1, 2]}
    assert call(guarded, "change_entities", merge, runner).status_code == 403
    writer = cookie_of(sign_in(guarded, WRITER))
    refused = call(guarded, "change_entities", merge, writer).json()["result"]["content"][0]["text"]
    assert refused.startswith("Only a person may change entities")


@pytest.mark.anyio
async def test_resources_show_rows_of_tables_and_whole_files_of_jobs(served: Served) -> None:
    name = 'a "b" <i>ü.csv'
    text = "beer,ounces\n" + "".join(f"Beer {n},12.0\n" for n in range(1, 1001))
    (served.folder / name).write_text(text, encoding="utf-8")
    async with connected(served.base) as client:

        async def read(uri: str) -> Any:
            (content,) = (await client.read_resource(uri)).contents
            return content

        listed = json.loads((await read("tables://files")).text)
        assert listed == [{"name": name, "bytes": len(text)}]
        path = "a%20%22b%22%20%3Ci%3E%C3%BC.csv"
        some = json.loads((await read(f"tables://{path}/rows/999-1003")).text)
        assert some == {
            "columns": ["beer", "ounces"],
            "count": 1000,
            "rows": [[n, f"Beer {n}", "12.0"] for n in (999, 1000)],
        }
        picked = json.loads((await read(f"tables://{path}/rows/7%2C3")).text)
        assert [row[0] for row in picked["rows"]] == [3, 7]
        job = (await answer(client, "clean_table", {"table": {"path": name}, "what": "detect"}))["id"]
        done = (await answer(client, "get_job", {"job": job, "wait": 60}))["jobs"][0]
        asked = json.loads((await read(f"jobs://{job}/request")).text)
        assert (asked["tool"], asked["tables"], asked["arguments"]["what"]) == ("clean_table", [name], "detect")
        again = await answer(client, asked["tool"], {**asked["arguments"], "overwrite": True})
        assert again["kind"] == "detect"
        file = Path(done["result"]["files"][0]["path"])
        quoted = file.name.replace('"', "%22").replace(" ", "%20").replace("<", "%3C").replace(">", "%3E")
        whole = base64.b64decode((await read(f"jobs://{job}/files/{quoted.replace('ü', '%C3%BC')}/0")).blob)
        assert whole == file.read_bytes()
        cells = json.loads((await read(f"jobs://{job}/cells/0")).text)
        assert len(cells["cells"]) == done["result"]["figures"]["wrong"]


@pytest.mark.anyio
async def test_resources_show_which_registers_there_are_what_waits_in_them_and_their_groups(served: Served) -> None:
    async with connected(served.base) as client:

        async def read(uri: str) -> Any:
            return json.loads((await client.read_resource(uri)).contents[0].text)  # type: ignore[union-attr]

        assert await read("entities://registers") == []
        path = register_path("customers", served.context.jobs.store.folder, paths=False)
        pre = served.context.preprocessor
        truth = {frozenset(pair): 0.9 for pair in ("ab", "ac", "bc")} | {frozenset("ab"): 0.3}
        await to_thread.run_sync(lambda: [arrive(pre, path, names, truth, names) for names in ("ab", "c")])
        assert await read("entities://registers") == ["customers"]
        (question,) = (told := await read("entities://customers/waiting/0"))["questions"]
        assert (question["entity"], question["other"], told["open"]) == (1, 2, 1)
        (group,) = (found := await read("entities://customers/groups/0"))["groups"]
        assert (group["entity"], group["records"], found["more"]) == (1, 2, None)
        assert await read("entities://customers/groups/1") == {"groups": [], "more": None}


@pytest.mark.anyio
async def test_cases_of_one_kind_are_read_part_by_part_and_answered_together(served: Served) -> None:
    store = served.context.jobs.store
    store.add("clean-1", "clean", json.dumps({"kind": "clean", "source": {"path": "visits.csv"}}))
    store.update("clean-1", status="done")
    case = {"task": "detect_errors", "dataset": None, "question": "?", "proposal": "x", "confidence": 0.7, "row": 1}
    subjects = [("town", json.dumps({"record": {"town": str(n)}, "attribute": "town", "value": str(n)})) for n in "abc"]
    zips = [("zip", json.dumps({"record": {"zip": "1"}, "attribute": "zip", "value": "1"}))]
    store.add_reviews("clean-1", [{**case, "attribute": name, "subject": text} for name, text in [*subjects, *zips]])
    async with connected(served.base) as client:
        uri = "reviews://kinds/clean-1/detect_errors/1?attribute=town"
        found = json.loads((await client.read_resource(uri)).contents[0].text)  # type: ignore[union-attr]
        assert [one["id"] for one in found] == [2, 3]
        mixed = {"review": 1, "answer": "yes", "also": [4]}
        assert "not of one kind" in await refusal(client, "answer_review", mixed)
        kept = await answer(client, "answer_review", {**mixed, "also": [3, 3]})
        assert [example["label"] for example in kept["rule"]["examples"]] == ["yes", "yes"]
        left = json.loads((await client.read_resource("reviews://open/0")).contents[0].text)  # type: ignore[union-attr]
        assert sorted(one["id"] for one in left["reviews"]) == [2, 4]


@pytest.mark.anyio
@pytest.mark.parametrize(
    "uri",
    [
        "entities://none/waiting/0",
        "tables://none.csv/rows/1-2",
        "tables://a.csv/rows/1-9999",
        "tables://a.csv/rows/x",
        "jobs://none/files/a/0",
    ],
)
async def test_what_cannot_be_read_is_refused_in_one_sentence(served: Served, uri: str) -> None:
    (served.folder / "a.csv").write_text("a,b\n1,2\n")
    async with connected(served.base) as client:
        with pytest.raises(Exception, match=r"[a-z].*\.$"):
            await client.read_resource(uri)


@pytest.mark.anyio
async def test_changes_of_a_job_are_undone_one_by_one_by_column_and_all(served: Served) -> None:
    original = write_visits(served.folder)
    async with connected(served.base) as client:
        job = (await answer(client, "clean_table", {"table": {"path": "visits.csv"}}))["id"]
        done = (await answer(client, "get_job", {"job": job, "wait": 60}))["jobs"][0]
        cleaned = Path(done["result"]["files"][0]["path"])
        everything = cleaned.read_text()
        uri = f"jobs://{job}/cells/0"
        cells = json.loads((await client.read_resource(uri)).contents[0].text)["cells"]  # type: ignore[union-attr]
        changed = [cell for cell in cells if cell[6] == "changed"]
        assert len(changed) == len(WRONG)
        row, attribute, old, new, *_ = changed[0]
        given = {"job": job, "attribute": attribute, "row": row}
        assert await answer(client, "undo_changes", given) == {"undone": 1, "left": len(changed) - 1}
        before, after = everything.splitlines(), cleaned.read_text().splitlines()
        assert [number for number, pair in enumerate(zip(before, after, strict=True)) if pair[0] != pair[1]] == [row]
        assert after[row] == before[row].replace(new, old)
        assert "no such change" in await refusal(client, "undo_changes", given)
        assert (await answer(client, "undo_changes", {"job": job}))["left"] == 0
        assert cleaned.read_text() == original
        cleaned.write_text(original + "Salem,97301,1\n")
        assert "changed since" in await refusal(client, "undo_changes", {"job": job})
