import { appendFile, mkdir, rename, stat, truncate } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import type { LineageSettings } from "../model/notifying.ts";
import { post } from "../notify/channels/post.ts";
import { NotTold } from "../notify/channels/told.ts";
import type { RunEvent } from "./events.ts";

export interface Receiver {
  readonly to: LineageSettings;
  readonly projectDir: string;
  /** Where events are kept that it will never take. */
  readonly refusedFile: string;
}

/** An event that its receiver will never take, and what it answered. */
export interface Refused {
  readonly answer: string;
  readonly event: RunEvent;
}

/**
 * Answers about the event itself: sent again they would be the same. 401, 403 and 404 are about the address and the token, which
 * somebody puts right; 408, 429 and 5xx pass by themselves.
 */
const OF_THE_EVENT = new Set([400, 409, 413, 415, 422]);

/** Bytes of refused events that are kept, and as many of those before. */
const MOST_KEPT = 8_000_000;

/** Sends events in their order. Returns those that will never be taken. @throws NotTold where they are to be sent again */
export async function send({ to, projectDir }: Receiver, events: readonly RunEvent[]): Promise<readonly Refused[]> {
  if (to.file !== undefined) {
    await appendLines(resolve(projectDir, to.file), events);
    return [];
  }
  const url = typeof to.url === "string" ? to.url : to.url!.reveal();
  const headers: Record<string, string> = to.token ? { authorization: `Bearer ${to.token.reveal()}` } : {};
  const refused: Refused[] = [];
  for (const event of events) {
    try {
      await post({ url, headers, body: event });
    } catch (error) {
      if (!(error instanceof NotTold) || !OF_THE_EVENT.has(error.status ?? 0)) throw error;
      refused.push({ answer: [error.message, error.answer].filter(Boolean).join(": "), event });
    }
  }
  return refused;
}

/** Puts them where a person finds them, with the answer. */
export async function setAside({ refusedFile }: Receiver, refused: readonly Refused[]): Promise<void> {
  if (!refused.length) return;
  await mkdir(dirname(refusedFile), { recursive: true });
  if ((await sizeOf(refusedFile)) > MOST_KEPT) await rename(refusedFile, `${refusedFile}.before`);
  await appendLines(refusedFile, refused);
}

/** All of them or none: a disk that is full leaves no half of a line. */
async function appendLines(path: string, values: readonly object[]): Promise<void> {
  const before = await sizeOf(path);
  try {
    await appendFile(path, values.map((value) => `${JSON.stringify(value)}\n`).join(""));
  } catch (error) {
    await truncate(path, before).catch(() => {});
    throw error;
  }
}

async function sizeOf(path: string): Promise<number> {
  return (await stat(path).catch(() => undefined))?.size ?? 0;
}
