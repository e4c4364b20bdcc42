import type { Asked, ExploreCatalogue, Explored } from "../../../model/explore.ts";

/** What the server says of a question that it does not answer. */
export interface Refused {
  readonly status: number;
  readonly detail: string;
  readonly snippet?: string;
  readonly expected?: string;
  readonly found?: string;
  readonly hint?: string;
  /** In the select, from 1. */
  readonly line?: number;
  readonly column?: number;
}

export class NotAnswered extends Error {
  readonly refused: Refused;

  constructor(refused: Refused) {
    super(refused.detail);
    this.refused = refused;
  }
}

export const askCatalogue = (signal: AbortSignal): Promise<ExploreCatalogue> => ask("catalogue", { signal });

export const askAnswer = (asked: Asked, signal: AbortSignal): Promise<Explored> =>
  ask("answer", {
    signal,
    method: "POST",
    body: JSON.stringify(asked),
    headers: { "content-type": "application/json" },
  });

async function ask<T>(path: string, init: RequestInit): Promise<T> {
  const key = keptKey();
  const response = await fetch(`explore/${path}`, {
    ...init,
    credentials: "omit",
    headers: { ...init.headers, ...(key ? { authorization: `Bearer ${key}` } : {}) },
  }).catch((error: Error) => {
    if (error.name === "AbortError") throw error;
    throw new NotAnswered({ status: 0, detail: "The server does not answer: it may have ended." });
  });
  const body = (await response.json().catch(() => ({}))) as Record<string, unknown>;
  if (response.ok) return body as T;
  const detail = (body.detail ?? body.title ?? `The server answers ${response.status}.`) as string;
  throw new NotAnswered({ ...body, status: response.status, detail });
}

const KEY = "dataform-explore-key";

/** Of this tab, until it is closed: nothing sends it by itself. */
export function keptKey(): string {
  try {
    return sessionStorage.getItem(KEY) ?? "";
  } catch {
    return "";
  }
}

export function keepKey(key: string): void {
  try {
    if (key) sessionStorage.setItem(KEY, key);
    else sessionStorage.removeItem(KEY);
  } catch {
    // A browser that keeps nothing asks again.
  }
}
