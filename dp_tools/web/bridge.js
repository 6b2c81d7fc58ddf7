// The server as a panel inside a chat client reaches it: JSON-RPC over postMessage to the host (MCP Apps).

import { Failure, answerOf, contentOf } from "./mcp.js";

const VERSION = "2026-01-26";

export class HostBridge {
  /** `on` is given (name, parameters) of the host's notifications: tool-input, tool-result, host-context-changed. */
  constructor(on) {
    this.on = on;
    this.next = 1;
    this.waiting = new Map();
    window.addEventListener("message", (event) => { if (event.source === window.parent) this.take(event.data); });
  }

  /** The handshake; returns what the host says of itself. */
  async begin() {
    const found = await this.request("ui/initialize", { appInfo: { name: "dp-tools-workbench", version: "1" }, appCapabilities: {}, protocolVersion: VERSION });
    this.tell("ui/notifications/initialized", {});
    return found;
  }

  async call(name, args = {}) {
    return answerOf(await this.request("tools/call", { name, arguments: args }));
  }

  async read(uri) {
    return contentOf(await this.request("resources/read", { uri }));
  }

  tell(method, params) {
    window.parent.postMessage({ jsonrpc: "2.0", method, params }, "*");
  }

  request(method, params) {
    const id = this.next++;
    window.parent.postMessage({ jsonrpc: "2.0", id, method, params }, "*");
    return new Promise((resolve, reject) => this.waiting.set(id, { resolve, reject }));
  }

  take(message) {
    if (message?.jsonrpc !== "2.0") return;
    if (message.method === undefined) {
      const waiting = this.waiting.get(message.id);
      this.waiting.delete(message.id);
      if (message.error) waiting?.reject(new Failure(message.error.message));
      else waiting?.resolve(message.result);
    } else if (message.id !== undefined) {
      const known = ["ui/resource-teardown", "ping"].includes(message.method);
      const answer = known ? { result: {} } : { error: { code: -32601, message: `This panel has no method ${message.method}.` } };
      window.parent.postMessage({ jsonrpc: "2.0", id: message.id, ...answer }, "*");
    } else this.on(message.method.replace("ui/notifications/", ""), message.params ?? {});
  }
}
