import type { Readable, Writable } from "node:stream";
import { importOptional } from "../../config/optional-package.ts";
import { formatUserError, UserError, userErrorsOf } from "../../model/errors.ts";
import { nearest } from "../../model/nearest.ts";
import { Turns } from "../turns.ts";
import { argumentsOf } from "./arguments.ts";
import { type Asked, type Tool, toolsOf } from "./tools.ts";

export interface McpOptions {
  readonly projectDir: string;
  readonly version: string;
  /** What a client is told of the project before it asks. */
  readonly instructions: string;
  readonly mostRows: number;
  /** What the tools ask, for one call: the signal says that its client does not want it any more. */
  readonly asked: (signal: AbortSignal) => Asked;
  readonly input: Readable;
  /** @default the process's own */
  readonly output: Writable | undefined;
  readonly signal: AbortSignal;
  /** Told of what is nobody's mistake. */
  readonly log: (line: string) => void;
}

/** Calls that are worked at: each has two sessions at most, and others wait. */
const AT_ONCE = 4;

const SDK = "@modelcontextprotocol/sdk";

/**
 * Answers a client of the Model Context Protocol, until its stream ends or the signal comes.
 * @throws UserError where the SDK is not installed
 */
export async function serveMcp(options: McpOptions): Promise<void> {
  const { projectDir, version, instructions, mostRows, input, output, signal, log } = options;
  const load = <T>(file: string) => importOptional<T>(`${SDK}/${file}`, projectDir, "`dataform mcp`");
  const { Server } = await load<typeof import("@modelcontextprotocol/sdk/server/index.js")>("server/index.js");
  const { StdioServerTransport } =
    await load<typeof import("@modelcontextprotocol/sdk/server/stdio.js")>("server/stdio.js");
  const { CallToolRequestSchema, ListToolsRequestSchema } =
    await load<typeof import("@modelcontextprotocol/sdk/types.js")>("types.js");
  const server = new Server({ name: "dataform", version }, { capabilities: { tools: {} }, instructions });
  server.onerror = ({ message }) => log(message);
  const tools = toolsOf(mostRows);
  server.setRequestHandler(ListToolsRequestSchema, () => ({ tools: tools.map(shownTool) }));
  const ended = new AbortController();
  const stopped = AbortSignal.any([signal, ended.signal]);
  const working = new Set<Promise<unknown>>();
  const turns = new Turns(AT_ONCE);
  server.setRequestHandler(CallToolRequestSchema, async ({ params }, { signal: unwanted }) => {
    const wanted = AbortSignal.any([stopped, unwanted]);
    const call = turns.take(() => answer(tools, params, { asked: options.asked(wanted), wanted, log }));
    working.add(call);
    try {
      return await call;
    } finally {
      working.delete(call);
    }
  });
  await server.connect(new StdioServerTransport(input, output));
  await untilEnd(input, signal);
  ended.abort();
  await Promise.allSettled(working);
  await server.close();
}

function shownTool({ name, title, description, inputSchema }: Tool) {
  const { type, properties, required, additionalProperties } = inputSchema;
  return {
    name,
    title,
    description,
    inputSchema: {
      type,
      properties: { ...properties },
      ...(required ? { required: [...required] } : {}),
      additionalProperties,
    },
    annotations: { title, readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false },
  };
}

/** A mistake is an answer, which says what to do: whoever asked may ask again. */
async function answer(
  tools: readonly Tool[],
  { name, arguments: sent }: { readonly name: string; readonly arguments?: unknown },
  { asked, wanted, log }: { readonly asked: Asked; readonly wanted: AbortSignal; readonly log: (line: string) => void },
) {
  try {
    const tool = tools.find((one) => one.name === name) ?? unknownTool(name, tools);
    return {
      content: [{ type: "text" as const, text: await tool.answer(argumentsOf(name, tool.inputSchema, sent), asked) }],
    };
  } catch (error) {
    const mistakes = userErrorsOf(error);
    if (!mistakes && !wanted.aborted) log((error as Error).stack ?? String(error));
    const text = mistakes?.map(formatUserError).join("\n") ?? `dataform has a defect: ${(error as Error).message}`;
    return { content: [{ type: "text" as const, text }], isError: true };
  }
}

function unknownTool(name: string, tools: readonly Tool[]): never {
  const names = tools.map((one) => one.name);
  const meant = nearest(name, names);
  throw new UserError({
    message: `there is no tool ${name}`,
    expected: names.join(", "),
    found: name,
    ...(meant === undefined ? {} : { hint: `did you mean ${meant}?` }),
  });
}

function untilEnd(input: Readable, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      input.off("end", end);
      input.off("close", end);
      signal.removeEventListener("abort", end);
      resolve();
    };
    if (signal.aborted || input.readableEnded || input.destroyed) return resolve();
    input.once("end", end);
    input.once("close", end);
    signal.addEventListener("abort", end, { once: true });
  });
}
