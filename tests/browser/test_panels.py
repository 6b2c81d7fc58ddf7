"""The panels inside chat clients: a host does the handshake, hands on results and calls, and changes the theme.

The host is scripted here, and where `tests/conformance/run` has installed the extension's own package, it is also that
package's bridge, which refuses any message that the specification does not know.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal
from workbench_serving import Served, write_visits

pytest.importorskip("playwright", reason="playwright is not installed")

from mcp import Client
from playwright.sync_api import expect

from dp_tools.mcp_server.panels import PANEL
from dp_tools.mcp_server.server import create_server

if TYPE_CHECKING:
    from playwright.sync_api import Page, Route

HOST = """
window.heard = [];
window.frame = document.createElement("iframe");
frame.setAttribute("sandbox", "allow-scripts");
frame.width = 800; frame.height = 600; frame.title = "panel";
window.tell = (message) => frame.contentWindow.postMessage({ jsonrpc: "2.0", ...message }, "*");
window.addEventListener("message", async ({ data }) => {
  heard.push(data);
  if (data.id === undefined || data.method === undefined) return;
  const host = { protocolVersion: "2026-01-26", hostInfo: { name: "h", version: "1" }, hostCapabilities: {} };
  if (data.method === "ui/initialize") tell({ id: data.id, result: { ...host, hostContext: { theme: "dark" } } });
  else tell({ id: data.id, ...JSON.parse(await serve(JSON.stringify(data))) });
});
"""
POLICY = "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; img-src data:"


OFFICIAL = """<!doctype html><script type="importmap">IMPORTS</script><script type="module">
import { AppBridge, PostMessageTransport } from "@modelcontextprotocol/ext-apps/app-bridge";
window.heard = [];
window.addEventListener("message", ({ data }) => heard.push(data));
const served = async (method, params) => JSON.parse(await serve(JSON.stringify({ method, params }))).result;
window.frame = document.createElement("iframe");
frame.setAttribute("sandbox", "allow-scripts");
frame.width = 800; frame.height = 600; frame.title = "panel";
const able = { serverTools: {}, serverResources: {}, openLinks: {} };
const bridge = new AppBridge(null, { name: "h", version: "1" }, able, { hostContext: { theme: "dark" } });
bridge.oncalltool = (params) => served("tools/call", params);
bridge.onreadresource = (params) => served("resources/read", params);
window.tell = ({ method, params }) => ({
  "ui/notifications/tool-input": () => bridge.sendToolInput(params),
  "ui/notifications/tool-result": () => bridge.sendToolResult(params),
  "ui/notifications/host-context-changed": () => bridge.setHostContext(params),
})[method]();
window.begin = (text) => {
  document.body.append(frame);
  frame.srcdoc = text;
  bridge.connect(new PostMessageTransport(frame.contentWindow, frame.contentWindow));
};
</script><body></body>"""
ORIGIN = "http://host.test"
NODE_MODULES = Path(os.environ.get("VENV", Path(__file__).parents[2] / "build")) / "conformance" / "node_modules"
EXT_APPS = "@modelcontextprotocol/ext-apps"
IMPORTS = {
    f"{EXT_APPS}/app-bridge": f"{EXT_APPS}/dist/src/app-bridge.js",
    "@modelcontextprotocol/client": "@modelcontextprotocol/client/dist/index.mjs",
    "@modelcontextprotocol/client/_shims": "@modelcontextprotocol/client/dist/shimsBrowser.mjs",
    "@modelcontextprotocol/core": "@modelcontextprotocol/core/dist/index.mjs",
    "@modelcontextprotocol/core/internal": "@modelcontextprotocol/core/dist/internal.mjs",
    "eventsource": "eventsource/dist/index.js",
    "eventsource-parser": "eventsource-parser/dist/index.js",
    "eventsource-parser/stream": "eventsource-parser/dist/stream.js",
    "pkce-challenge": "pkce-challenge/dist/index.browser.js",
    "zod/v4": "zod/v4/index.js",
}


class Host:
    """A chat client with one panel: a frame in a sandbox, and the server behind it."""

    def __init__(self, page: Page, portal: BlockingPortal, client: Client) -> None:
        self.page, self.portal, self.client = page, portal, client
        document = self._do("resources/read", {"uri": PANEL})["result"]["contents"][0]
        assert document["mimeType"] == "text/html;profile=mcp-app"
        page.expose_function("serve", lambda message: json.dumps(self._serve(json.loads(message))))
        policy = f'<head><meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        self.begin(document["text"].replace("<head>", policy))
        page.wait_for_function("() => heard.some((one) => one.method === 'ui/notifications/initialized')")
        self.panel = page.frame_locator("iframe")

    def begin(self, text: str) -> None:
        """Show the panel."""
        self.page.goto("about:blank")
        self.page.evaluate(HOST)
        self.page.evaluate("(text) => { frame.srcdoc = text; document.body.append(frame); }", text)

    def show(self, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """Call a tool as the model does, and hand its result to the panel."""
        result: dict[str, Any] = self._do("tools/call", {"name": name, "arguments": arguments})["result"]
        for method, params in (("tool-input", {"arguments": arguments}), ("tool-result", result)):
            self.page.evaluate("(m) => tell(m)", {"method": f"ui/notifications/{method}", "params": params})
        return result

    def heard(self, method: str) -> list[Any]:
        """What the panel sent by a method."""
        found: list[Any] = self.page.evaluate("(m) => heard.filter((one) => one.method === m)", method)
        return found

    def _serve(self, message: dict[str, Any]) -> dict[str, Any]:
        return self._do(message["method"], message["params"])

    def _do(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        if method == "tools/call":
            result: Any = self.portal.call(self.client.call_tool, params["name"], params["arguments"])
        else:
            result = self.portal.call(self.client.read_resource, params["uri"])
        return {"result": result.model_dump(mode="json", by_alias=True, exclude_none=True)}


class OfficialHost(Host):
    """The same with the bridge that the extension's package has for hosts."""

    def begin(self, text: str) -> None:
        """Show the panel."""
        imports = {name: f"{ORIGIN}/{file}" for name, file in IMPORTS.items()}
        page = OFFICIAL.replace("IMPORTS", json.dumps({"imports": imports}))

        def fulfil(route: Route) -> None:
            name = route.request.url.removeprefix(f"{ORIGIN}/")
            if name:
                route.fulfill(path=NODE_MODULES / name, content_type="text/javascript")
            else:
                route.fulfill(body=page, content_type="text/html")

        self.page.route(f"{ORIGIN}/**", fulfil)
        self.page.goto(f"{ORIGIN}/")
        self.page.wait_for_function("() => window.begin !== undefined")
        self.page.evaluate("(text) => begin(text)", text)


INSTALLED = pytest.mark.skipif(
    not (NODE_MODULES / EXT_APPS).is_dir(), reason=f"{EXT_APPS} is not installed: tests/conformance/run installs it."
)


@pytest.fixture(params=[pytest.param(Host, id="scripted"), pytest.param(OfficialHost, id="official", marks=INSTALLED)])
def host(request: pytest.FixtureRequest, served: Served, page: Page) -> Iterator[Host]:
    write_visits(served.folder)
    # Playwright holds this thread's event loop, so the client has one of its own.
    server = create_server(served.context, trust_agents=True)
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(Client(server)) as client:
        yield request.param(page, portal, client)


def test_a_profile_is_shown_in_the_host_s_theme_and_says_how_high_it_is(host: Host) -> None:
    host.show("profile_table", {"table": {"path": "visits.csv"}})
    expect(host.panel.get_by_role("heading", name="visits.csv")).to_be_visible()
    assert host.panel.locator("html").get_attribute("data-theme") == "dark"
    change = {"method": "ui/notifications/host-context-changed", "params": {"theme": "light"}}
    host.page.evaluate("(m) => tell(m)", change)
    expect(host.panel.locator("html[data-theme=light]")).to_be_visible()
    sizes = host.heard("ui/notifications/size-changed")
    assert sizes
    assert sizes[-1]["params"]["height"] > 200


def test_a_job_is_followed_and_its_cases_are_answered_through_the_host(served: Served, host: Host) -> None:
    started = host.show("clean_table", {"table": {"path": "visits.csv"}})["structuredContent"]
    served.context.jobs.wait(started["id"])
    host.show("get_job", {"job": started["id"]})
    expect(host.panel.get_by_text("4 were repaired")).to_be_visible()
    host.show("next_reviews", {})
    host.panel.get_by_role("button", name="Yes, wrong").click()
    expect(host.panel.get_by_text("1 case answered here, 1 open.")).to_be_visible()
    host.page.wait_for_function("() => heard.some((one) => one.params?.name === 'answer_review')")


def test_an_explanation_and_a_rule_are_shown(host: Host) -> None:
    request = {"records": [{"beer": "Ale", "ounces": "12"}], "attributes": ["ounces"]}
    host.show("explain_answer", {"task": "detect_errors", "request": request})
    expect(host.panel.get_by_role("heading", name="Answer:")).to_be_visible()
    host.show("add_rule", {"statement": "Ounces are <i>numbers</i>.", "rule_id": "ounces"})
    expect(host.panel.get_by_role("heading", name="Ounces are <i>numbers</i>.")).to_be_visible()
    host.panel.get_by_role("button", name="Retire").click()
    host.panel.get_by_role("button", name="Retire it").click()
    expect(host.panel.get_by_text("retired at the workbench")).to_be_visible()


def test_a_failure_is_a_sentence(host: Host) -> None:
    host.show("get_job", {"job": "none"})
    expect(host.panel.get_by_text("There is no job 'none'")).to_be_visible()
