// The TypeScript SDK, version 2.
import { readFileSync } from "node:fs";
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";

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
