// A client by the TypeScript SDK: connects as the plan says, calls what it names, prints the results as JSON.
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";

const plan = JSON.parse(process.argv[2]);
const transport = plan.url
  ? new StreamableHTTPClientTransport(new URL(plan.url), {
      requestInit: { headers: plan.token ? { Authorization: `Bearer ${plan.token}` } : {} },
    })
  : new StdioClientTransport({ command: plan.command[0], args: plan.command.slice(1), env: process.env });
const client = new Client({ name: "foreign", version: "1.0.0" });
const results = {};
try {
  await client.connect(transport);
  results.tools = (await client.listTools()).tools.map((one) => one.name);
  results.templates = (await client.listResourceTemplates()).resourceTemplates.map((one) => one.uriTemplate);
  results.prompts = (await client.listPrompts()).prompts.map((one) => one.name);
  results.calls = [];
  for (const { name, arguments: sent } of plan.calls) {
    results.calls.push(await client.callTool({ name, arguments: sent }));
  }
} catch (error) {
  results.error = String(error);
}
await client.close();
console.log(JSON.stringify(results));
