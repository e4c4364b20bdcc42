import { relative, sep } from "node:path";
import type { Readable, Writable } from "node:stream";
import { fileURLToPath } from "node:url";
import type {
  CompletionItem,
  Connection,
  InitializeParams,
  InitializeResult,
  TextDocumentPositionParams,
  TextEdit,
  WorkspaceEdit,
} from "vscode-languageserver";
import { importOptional } from "../../config/optional-package.ts";
import { VERSION } from "../../config/version.ts";
import { formatUserError, userErrorsOf } from "../../model/errors.ts";
import { databaseFailure } from "../../postgres/sqlstate.ts";
import { pause } from "../../wait/pause.ts";
import { diagnosticsOf, type Told } from "./diagnostics.ts";
import { type At, completionAt, definitionAt, hoverAt, referencesAt, uriOf } from "./features.ts";
import type { EditedProject } from "./project.ts";
import { type Renamed, renameableAt, renamed, textsAfter } from "./rename.ts";

export interface ServerOptions {
  readonly projectDir: string;
  readonly project: EditedProject;
  readonly input: Readable;
  readonly output: Writable;
  readonly signal: AbortSignal;
  /** Told of what is nobody's mistake. */
  readonly log: (line: string) => void;
}

/** Milliseconds without a key until the project is compiled, and then until PostgreSQL is asked. */
const COMPILED_AFTER = 150;
const CHECKED_AFTER = 300;

/**
 * Speaks the Language Server Protocol over two streams, until the client says that it ends, or is gone.
 * @throws UserError where the package is not installed
 */
export async function serveEditor(options: ServerOptions): Promise<void> {
  const { projectDir, input, output, signal } = options;
  const load = <T>(name: string) => importOptional<T>(name, projectDir, "`dataform lsp`");
  const { createConnection, ResponseError, LSPErrorCodes } =
    await load<typeof import("vscode-languageserver")>("vscode-languageserver");
  const node = await load<typeof import("vscode-languageserver/node")>("vscode-languageserver/node");
  const ended = new AbortController();
  const end = () => ended.abort();
  const watchDog = { shutdownReceived: false, initialize: () => {}, exit: end };
  const connection = createConnection(
    (logger) =>
      node.createProtocolConnection(new node.StreamMessageReader(input), new node.StreamMessageWriter(output), logger),
    watchDog,
  );
  for (const event of ["end", "close"]) input.once(event, end);
  signal.addEventListener("abort", end, { once: true });
  if (signal.aborted || input.destroyed) end();
  const refused = (message: string) => new ResponseError(LSPErrorCodes.RequestFailed, message);
  const editor = new Editor(connection, options, refused);
  connection.listen();
  await new Promise<void>((resolve) => {
    if (ended.signal.aborted) resolve();
    else ended.signal.addEventListener("abort", () => resolve(), { once: true });
  });
  await editor.end();
  connection.dispose();
  // A client that has said that it ends may keep its stream open.
  input.destroy();
}

/** What a client has open, and what it is told of it. */
class Editor {
  readonly #connection: Connection;
  readonly #options: ServerOptions;
  readonly #refused: (message: string) => Error;
  /** Texts that are open, by their path in the project. */
  readonly #open = new Map<string, string>();
  /** Files that were changed since PostgreSQL was asked. */
  #changed = new Set<string>();
  #work: { readonly stop: AbortController; readonly done: Promise<void> } | undefined;
  #compiled: readonly Told[] = [];
  #checked: readonly Told[] = [];
  #shown = new Set<string>();
  #renamesFiles = false;
  /** Once the project was compiled for the first time. */
  #tellReady!: () => void;
  readonly #ready = new Promise<void>((resolve) => {
    this.#tellReady = resolve;
  });

  constructor(connection: Connection, options: ServerOptions, refused: (message: string) => Error) {
    this.#connection = connection;
    this.#options = options;
    this.#refused = refused;
    connection.onInitialize((params) => this.#begin(params));
    connection.onInitialized(() => this.#again());
    connection.onDidOpenTextDocument(({ textDocument: { uri, text } }) => this.#write(uri, text));
    connection.onDidChangeTextDocument(({ textDocument: { uri }, contentChanges }) =>
      this.#write(uri, contentChanges.at(-1)!.text),
    );
    connection.onDidCloseTextDocument(({ textDocument: { uri } }) => this.#write(uri, undefined));
    connection.onDidChangeWatchedFiles(() => this.#again());
    connection.onDidSaveTextDocument(({ textDocument: { uri } }) =>
      this.#write(uri, this.#open.get(this.#fileOf(uri) ?? "")),
    );
    const { project, projectDir } = options;
    connection.onDefinition((asked) => this.#at(asked, (at) => definitionAt(at, project, projectDir)));
    connection.onReferences((asked) => this.#at(asked, (at) => referencesAt(at, project, this.#among())));
    connection.onHover((asked) => this.#at(asked, (at) => hoverAt(at, project)));
    connection.onCompletion((asked) => this.#at<Promise<CompletionItem[]>>(asked, (at) => completionAt(at, project)));
    connection.onPrepareRename((asked) => this.#at(asked, (at) => renameableAt(at, project)));
    connection.onRenameRequest((asked) => this.#at(asked, (at) => this.#rename(at, asked.newName)));
  }

  #begin({ capabilities }: InitializeParams): InitializeResult {
    const edits = capabilities.workspace?.workspaceEdit;
    this.#renamesFiles = edits?.documentChanges === true && edits.resourceOperations?.includes("rename") === true;
    return {
      serverInfo: { name: "dataform", version: VERSION },
      capabilities: {
        // Whole texts: the compiler reads whole files.
        textDocumentSync: { openClose: true, change: 1, save: true },
        definitionProvider: true,
        referencesProvider: true,
        hoverProvider: true,
        completionProvider: { triggerCharacters: ['"', "'", "."] },
        renameProvider: { prepareProvider: true },
      },
    };
  }

  /** The path of a file of the project; undefined of others. */
  #fileOf(uri: string): string | undefined {
    if (!uri.startsWith("file:")) return undefined;
    const path = relative(this.#options.projectDir, fileURLToPath(uri));
    return path === "" || path.startsWith("..") ? undefined : path.split(sep).join("/");
  }

  #write(uri: string, text: string | undefined): void {
    const file = this.#fileOf(uri);
    if (file === undefined) return;
    if (text === undefined) this.#open.delete(file);
    else this.#open.set(file, text);
    this.#changed.add(file);
    this.#again();
  }

  /** Compiles once nothing more is typed; what goes on is of an older text. */
  #again(): void {
    const before = this.#work;
    before?.stop.abort();
    const stop = new AbortController();
    const done = Promise.resolve(before?.done)
      .then(() => this.#judge(stop.signal))
      .catch((error: unknown) => {
        if (!stop.signal.aborted) this.#options.log((error as Error).stack ?? String(error));
      });
    this.#work = { stop, done };
  }

  async #judge(signal: AbortSignal): Promise<void> {
    const { project, log } = this.#options;
    await pause(COMPILED_AFTER, signal);
    this.#compiled = await project.compile(this.#open, signal);
    this.#tellReady();
    const isRight = this.#compiled.every(({ isWarning }) => isWarning);
    if (!isRight) this.#checked = [];
    await this.#show();
    if (!isRight) return;
    await pause(CHECKED_AFTER, signal);
    try {
      this.#checked = await project.check(new Set([...this.#changed, ...this.#open.keys()]), signal);
      this.#changed = new Set();
      await this.#show();
    } catch (error) {
      signal.throwIfAborted();
      // The database is not there, or not as it should be: the code is judged all the same.
      const failure = userErrorsOf(error)?.[0] ?? databaseFailure(error);
      if (!failure) throw error;
      log(`PostgreSQL was not asked: ${formatUserError(failure)}`);
    }
  }

  async #show(): Promise<void> {
    const { project, projectDir } = this.#options;
    const told = [...this.#compiled, ...this.#checked];
    const found = diagnosticsOf(told, project.settingsFile, (file) => project.read(file));
    const files = new Set([...this.#shown, ...found.keys()]);
    this.#shown = new Set(found.keys());
    for (const file of files)
      await this.#connection.sendDiagnostics({
        uri: uriOf(projectDir, file),
        diagnostics: [...(found.get(file) ?? [])],
      });
  }

  /** What is asked before the project was compiled waits for that. */
  async #at<T>(
    { textDocument: { uri }, position }: TextDocumentPositionParams,
    answer: (at: At) => T,
  ): Promise<Awaited<T> | null> {
    const file = this.#fileOf(uri);
    if (file === undefined) return null;
    await this.#ready;
    return await answer({ file, text: this.#open.get(file) ?? this.#options.project.read(file), position });
  }

  #among() {
    return { projectDir: this.#options.projectDir, files: this.#options.project.files };
  }

  async #rename(at: At, name: string): Promise<WorkspaceEdit> {
    const { project } = this.#options;
    // Of what stands in the editor now.
    await this.#work?.done;
    try {
      const made = renamed(at, name, project, this.#among());
      await project.refuseMistakes(
        textsAfter(made, (file) => project.read(file)),
        this.#open,
      );
      return this.#editOf(made);
    } catch (error) {
      const [mistake] = userErrorsOf(error) ?? [];
      if (!mistake) throw error;
      throw this.#refused(formatUserError(mistake));
    }
  }

  #editOf({ edits, file }: Renamed): WorkspaceEdit {
    const { projectDir } = this.#options;
    const uri = (path: string) => uriOf(projectDir, path);
    const texts = [...edits].map(([path, all]): [string, TextEdit[]] => [uri(path), [...all]]);
    if (!file && !this.#renamesFiles) return { changes: Object.fromEntries(texts) };
    return {
      documentChanges: [
        ...texts.map(([one, all]) => ({ textDocument: { uri: one, version: null }, edits: all })),
        ...(file ? [{ kind: "rename" as const, oldUri: uri(file.from), newUri: uri(file.to) }] : []),
      ],
    };
  }

  async end(): Promise<void> {
    this.#work?.stop.abort();
    await this.#work?.done;
  }
}
