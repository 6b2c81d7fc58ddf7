// The TypeScript SDK, version 1.
import { readFileSync } from "node:fs";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";

const [task, ...target] = process.argv.slice(2);
const client = new Client({ name: "interop", version: "1" });
await client.connect(
  target.length === 1
    ? new StreamableHTTPClientTransport(new URL(target[0]))
    : new StdioClientTransport({ command: target[0], args: target.slice(1), env: process.env }),
);
const answers = { tools: (await client.listTools()).tools.map((tool) => tool.name).sort() };
for (const [name, args] of Object.entries(JSON.parse(readFileSync(task)))) {
  answers[name] = (await client.callTool({ name, arguments: args })).structuredContent;
}
console.log(JSON.stringify(answers));
await client.close();
