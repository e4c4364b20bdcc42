import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { program } from "./built.ts";

export interface StartedMcp {
  readonly client: Client;
  readonly pid: number;
  readonly ended: Promise<void>;
  said(): string;
}

/** `dataform mcp` in a process of its own, and a client of it. */
export async function startMcp(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<StartedMcp> {
  const child = new StdioClientTransport({
    command: process.execPath,
    args: [program, ...args],
    env: { ...env },
    stderr: "pipe",
  });
  let said = "";
  child.stderr!.on("data", (chunk: Buffer) => {
    said += chunk;
  });
  const client = new Client({ name: "test", version: "1" });
  const ended = new Promise<void>((resolve) => {
    client.onclose = resolve;
  });
  await client.connect(child);
  return { client, pid: child.pid!, ended, said: () => said };
}

/** What a tool answers. */
export async function answerOf(client: Client, name: string, args: Record<string, unknown>, signal?: AbortSignal) {
  const options = signal ? { signal } : {};
  const { content, isError } = await client.callTool({ name, arguments: args }, undefined, options);
  return { text: (content as { readonly text: string }[])[0]!.text, isError: isError === true };
}
