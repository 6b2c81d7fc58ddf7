// A client of the server that this page comes from: MCP over streamable HTTP, one request at a time, without a session.

const VERSION = "2026-07-28";
const META = "io.modelcontextprotocol/";

/** What a person can mend, in one sentence of the server's. */
export class Failure extends Error {
  constructor(message, status = 0) {
    super(message);
    this.status = status;
  }
}

export class HttpServer {
  constructor(url) {
    this.url = url;
    this.next = 1;
  }

  /** Calls a tool; returns its structured content. `onprogress` is given (done, total). */
  async call(name, args = {}, { onprogress, signal } = {}) {
    const result = await this.request("tools/call", { name, arguments: args }, name, { onprogress, signal });
    return answerOf(result);
  }

  /** Reads a resource; returns its text, or its bytes. */
  async read(uri, { signal } = {}) {
    return contentOf(await this.request("resources/read", { uri }, uri, { signal }));
  }

  async request(method, params, name, { onprogress, signal } = {}) {
    const id = this.next++;
    const meta = {
      [`${META}protocolVersion`]: VERSION,
      [`${META}clientInfo`]: { name: "dp-tools-workbench", version: "1" },
      [`${META}clientCapabilities`]: {},
      ...(onprogress ? { progressToken: id } : {}),
    };
    let response;
    try {
      response = await fetch(this.url, {
        method: "POST",
        signal,
        headers: {
          Accept: "application/json, text/event-stream",
          "Content-Type": "application/json",
          "MCP-Protocol-Version": VERSION,
          "Mcp-Method": method,
          "Mcp-Name": headerValue(name),
        },
        body: JSON.stringify({ jsonrpc: "2.0", id, method, params: { ...params, _meta: meta } }),
      });
    } catch (error) {
      if (error.name === "AbortError") throw error;
      throw new Failure("The server does not answer: start it again, then reload this page.");
    }
    if (response.status === 401) throw new Failure("You are not signed in any more.", 401);
    if (response.status === 403) {
      const { error_description: why } = await response.json().catch(() => ({}));
      throw new Failure(why ? `Your token does not allow this. ${why}.` : "The server refuses this.", 403);
    }
    const kind = response.headers.get("Content-Type") ?? "";
    const message = kind.startsWith("text/event-stream")
      ? await lastOf(response, id, onprogress)
      : await response.json().catch(() => ({ error: { message: `The server answered with ${response.status}.` } }));
    if (message.error) throw new Failure(message.error.message ?? String(message.error));
    return message.result;
  }
}

/** The structured content of a tool's result. */
export function answerOf(result) {
  if (result.isError) throw new Failure(result.content?.[0]?.text ?? "The tool failed.");
  return result.structuredContent;
}

/** The text or the bytes of a resource. */
export function contentOf(result) {
  const [content] = result.contents;
  if (content.blob === undefined) return content.text;
  return Uint8Array.from(atob(content.blob), (character) => character.charCodeAt(0));
}

function headerValue(text) {
  if (/^[\x20-\x7e]*$/.test(text) && text.trim() === text) return text;
  return `=?base64?${btoa(String.fromCharCode(...new TextEncoder().encode(text)))}?=`;
}

async function lastOf(response, id, onprogress) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) throw new Failure("The connection ended before the answer came: try again.");
    rest += value.replaceAll("\r\n", "\n");
    const events = rest.split("\n\n");
    rest = events.pop();
    for (const event of events) {
      const data = event.split("\n").filter((line) => line.startsWith("data:")).map((line) => line.slice(5).trim());
      if (!data.length || !data.join("")) continue;
      const message = JSON.parse(data.join("\n"));
      if (message.id === id) {
        reader.cancel();
        return message;
      }
      if (message.method === "notifications/progress") onprogress?.(message.params.progress, message.params.total ?? 0);
    }
  }
}
