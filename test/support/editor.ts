import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { expect, onTestFinished, vi } from "vitest";
import { createMessageConnection, StreamMessageReader, StreamMessageWriter } from "vscode-jsonrpc/node";
import type { CompletionItem, Diagnostic, Hover, Location, WorkspaceEdit } from "vscode-languageserver";
import { program } from "./built.ts";

/** An editor with a project open, which talks to `dataform lsp` as editors do. */
export async function editor(dir: string, env: Readonly<Record<string, string>> = {}) {
  const child = spawn(process.execPath, [program, "lsp", "--stdio", "--project-dir", dir], {
    env: { PATH: process.env.PATH!, HOME: process.env.HOME!, NO_COLOR: "1", ...env },
    stdio: ["pipe", "pipe", "pipe"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  let said = "";
  child.stderr.on("data", (bytes) => {
    said += bytes;
  });
  const exit = once(child, "exit").then(([code]) => code as number);
  const connection = createMessageConnection(
    new StreamMessageReader(child.stdout),
    new StreamMessageWriter(child.stdin),
  );
  const uri = (file: string) => pathToFileURL(join(dir, file)).href;
  const shown = new Map<string, readonly Diagnostic[]>();
  connection.onNotification(
    "textDocument/publishDiagnostics",
    (one: { uri: string; diagnostics: Diagnostic[] }) => void shown.set(one.uri, one.diagnostics),
  );
  connection.listen();
  const workspaceEdit = { documentChanges: true, resourceOperations: ["rename"] };
  const begun = await connection.sendRequest<{ capabilities: object }>("initialize", {
    processId: process.pid,
    rootUri: pathToFileURL(dir).href,
    capabilities: { workspace: { workspaceEdit } },
  });
  await connection.sendNotification("initialized", {});
  let version = 0;
  /** Where a text is in a file, and behind it. */
  const at = (file: string, text: string, within: string) => {
    const offset = text.indexOf(within) + within.length;
    const lines = text.slice(0, offset).split("\n");
    return { textDocument: { uri: uri(file) }, position: { line: lines.length - 1, character: lines.at(-1)!.length } };
  };
  const ask = <T>(method: string, params: object) => connection.sendRequest<T>(`textDocument/${method}`, params);
  return {
    capabilities: begun.capabilities,
    uri,
    said: () => said,
    open: (file: string, text: string) =>
      connection.sendNotification("textDocument/didOpen", {
        textDocument: { uri: uri(file), languageId: "sqlx", version: ++version, text },
      }),
    type: (file: string, text: string) =>
      connection.sendNotification("textDocument/didChange", {
        textDocument: { uri: uri(file), version: ++version },
        contentChanges: [{ text }],
      }),
    /** Says that files of the project are others, as its watcher does. */
    changed: () => connection.sendNotification("workspace/didChangeWatchedFiles", { changes: [] }),
    /** Waits until these messages stand at a file, as `line:column message`, each as far as it is given. */
    shows: (file: string, messages: readonly string[]) =>
      vi.waitFor(
        () => {
          const found = (shown.get(uri(file)) ?? []).map(
            ({ range: { start }, message }) => `${start.line + 1}:${start.character + 1} ${message}`,
          );
          expect(found, said).toEqual(messages.map((one) => expect.stringContaining(one)));
        },
        { timeout: 20_000 },
      ),
    diagnostics: (file: string) => shown.get(uri(file)) ?? [],
    hover: (...where: Parameters<typeof at>) =>
      ask<Hover | null>("hover", at(...where)).then((found) => (found?.contents as { value: string })?.value ?? null),
    definition: (...where: Parameters<typeof at>) => ask<Location | null>("definition", at(...where)),
    references: (...where: Parameters<typeof at>) =>
      ask<Location[]>("references", { ...at(...where), context: { includeDeclaration: false } }),
    complete: (...where: Parameters<typeof at>) =>
      ask<CompletionItem[]>("completion", at(...where)).then((items) =>
        items.map(({ label, detail }) => [label, detail]),
      ),
    prepareRename: (...where: Parameters<typeof at>) =>
      ask<{ placeholder: string } | null>("prepareRename", at(...where)),
    rename: (newName: string, ...where: Parameters<typeof at>) =>
      ask<WorkspaceEdit>("rename", { ...at(...where), newName }),
    /** Ends it as an editor does; its exit code. */
    end: async () => {
      await connection.sendRequest("shutdown");
      await connection.sendNotification("exit");
      return exit;
    },
    /** As an editor that is gone. */
    leave: () => {
      child.stdin.end();
      return exit;
    },
  };
}
