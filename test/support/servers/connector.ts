import { expect } from "vitest";
import { type FilesDeclaration, Secret } from "../../../src/model/declarations.ts";
import { UserError } from "../../../src/model/errors.ts";
import type { SourceFile } from "../../../src/sources/source.ts";

export const PASSWORD = "s3cret-p4ssword";

export const secret = (value: string) => new Secret("PLACE_SECRET", value);

export function filesConnector(at: string, changes: Partial<FilesDeclaration> = {}): FilesDeclaration {
  return {
    kind: "files",
    at,
    projectDir: import.meta.dirname,
    retry: { attempts: 4, maxDelaySeconds: 30 },
    timeoutSeconds: 10,
    ...changes,
  };
}

/** In place of the waits between tries. */
export const impatient = { sleep: async () => {} };

export async function contentOf(file: SourceFile): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of await file.open()) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** The UserError that the work ends with, which never holds a secret. */
export async function failure(work: Promise<unknown>, ...secrets: readonly string[]): Promise<UserError> {
  const error = await work.then(
    () => expect.fail("nothing was thrown"),
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(UserError);
  const { message, cause, stack } = error as UserError & { cause?: Error };
  const said = JSON.stringify([{ ...(error as UserError) }, message, stack, cause?.message, cause?.stack]);
  for (const one of [PASSWORD, ...secrets]) expect(said).not.toContain(one);
  return error as UserError;
}
