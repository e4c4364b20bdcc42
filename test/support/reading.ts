import type { IncomingMessage } from "node:http";
import { text } from "node:stream/consumers";
import { expect } from "vitest";
import type { RestDeclaration, RestStream, StreamDeclaration } from "../../src/model/declarations.ts";
import { UserError } from "../../src/model/errors.ts";
import type { SourceRecord } from "../../src/sources/json/document.ts";
import { type RestOptions, readPages } from "../../src/sources/rest/rest.ts";
import { restConnector, stream, TOKEN } from "./ingest-declaration.ts";

export interface Reading {
  readonly rest?: Partial<RestDeclaration>;
  readonly stream?: Partial<RestStream & Pick<StreamDeclaration, "cursor">>;
  readonly since?: string | null;
  readonly options?: RestOptions;
}

/** All records of a stream; waits take no time. */
export async function readAll(url: string, reading: Reading = {}): Promise<SourceRecord[]> {
  const records: SourceRecord[] = [];
  const { rest, stream: changes, since = null, options } = reading;
  const impatient = { sleep: async () => {}, ...options };
  for await (const page of readPages(restConnector(url, rest), stream(changes), since, impatient)) {
    records.push(...page.records);
  }
  return records;
}

/** The values of all records. */
export async function valuesOf(records: Promise<readonly SourceRecord[]>): Promise<unknown[]> {
  return (await records).map(({ value }) => value);
}

/** The UserError something fails with, which shows none of the secrets. */
export async function failure(promise: Promise<unknown>, secrets: readonly string[] = [TOKEN]): Promise<UserError> {
  const error = await promise.then(
    () => expect.fail("nothing was thrown"),
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(UserError);
  const shown = JSON.stringify({ ...(error as UserError), message: (error as UserError).message });
  for (const secret of secrets) expect(shown).not.toContain(secret);
  return error as UserError;
}

/** A clock that only sleeping moves. */
export interface TestClock {
  readonly slept: number[];
  readonly now: () => number;
  readonly sleep: (seconds: number) => Promise<void>;
}

export function testClock(start = "2026-01-31T12:00:00Z"): TestClock {
  const slept: number[] = [];
  let ms = Date.parse(start);
  const sleep = async (seconds: number) => {
    slept.push(seconds);
    ms += seconds * 1000;
  };
  return { slept, now: () => ms, sleep };
}

export function bodyOf(request: IncomingMessage): Promise<string> {
  return text(request);
}
