import { type Sql, sql } from "../sql/sql.ts";
import { BEGIN, type Client, type QueryResult } from "./client.ts";

/** A statement that is sent with others. */
export interface Sent {
  readonly statement: Sql;
  /** Of `$1` and on: a list is an array of texts. */
  readonly parameters?: readonly (string | readonly string[])[];
  /** By which the server keeps it, so that the session has it parsed once. Another name for another text. */
  readonly name?: string;
  /** What a `copy … from stdin` reads. */
  readonly chunks?: Iterable<Buffer>;
}

/**
 * Sends statements one behind the other, and waits for nothing in between: one way to the server and back for all. Those behind one that
 * fails are not done, and its error is thrown.
 */
function sendTogether(client: Client, statements: readonly Sent[]): Promise<readonly QueryResult[]> {
  return client.watched(
    () => new Promise((done, failed) => void client.driver.query(new Together(statements, done, failed))),
  );
}

/**
 * A transaction whose statements wait until an answer is needed, and go together then: its beginning with the first of them.
 */
export class LazyTransaction {
  readonly #client: Client;
  #waiting: Sent[] = [{ statement: BEGIN }];

  constructor(client: Client) {
    this.#client = client;
  }

  /** Leaves it for the next that is sent. */
  add(sent: Sent): void {
    this.#waiting.push(sent);
  }

  /** Sends what waits, and this behind it. Returns its answer. */
  async ask(sent: Sent): Promise<QueryResult> {
    this.add(sent);
    return (await this.send()).at(-1)!;
  }

  /** Sends what waits. Returns its answers; nothing waits any more. */
  async send(): Promise<readonly QueryResult[]> {
    const waiting = this.#waiting;
    this.#waiting = [];
    return waiting.length ? sendTogether(this.#client, waiting) : [];
  }
}

/** Runs `work` in a transaction. The first error is the one thrown, even if the rollback fails too. */
export async function inLazyTransaction<T>(
  client: Client,
  work: (transaction: LazyTransaction) => Promise<T>,
): Promise<T> {
  const transaction = new LazyTransaction(client);
  try {
    const result = await work(transaction);
    const { command } = await transaction.ask({ statement: sql`commit` });
    if (command !== "COMMIT") throw new Error(`the server answered a commit with ${command}`);
    return result;
  } catch (error) {
    await client.query(sql`rollback`).catch(() => {});
    throw error;
  }
}

/** What of the driver's connection is used, which its types leave out. */
interface Wire {
  readonly stream: { cork(): void; uncork(): void };
  /** Texts of what the session has parsed, by name. */
  readonly parsedStatements: Readonly<Record<string, string>>;
  parse(given: { readonly text: string; readonly name: string }): void;
  bind(given: { readonly statement: string; readonly values: readonly string[] }): void;
  describe(given: { readonly type: "P" }): void;
  execute(given: object): void;
  sendCopyFromChunk(chunk: Buffer): void;
  endCopyFrom(): void;
  sync(): void;
}

/** To the driver it is a query, which is given what the server answers: to one statement after the other. */
class Together {
  readonly #statements: readonly Sent[];
  readonly #done: (results: readonly QueryResult[]) => void;
  readonly #failed: (error: Error) => void;
  readonly #results: QueryResult[] = [];
  #columns: readonly string[] = [];
  #rows: Record<string, string | null>[] = [];

  constructor(
    statements: readonly Sent[],
    done: (results: readonly QueryResult[]) => void,
    failed: (error: Error) => void,
  ) {
    this.#statements = statements;
    this.#done = done;
    this.#failed = failed;
  }

  /** The driver notes under it that the text was parsed. */
  get name(): string | undefined {
    return this.#statements[this.#results.length]?.name;
  }

  get text(): string | undefined {
    return this.#statements[this.#results.length]?.statement.toString();
  }

  submit(connection: unknown): void {
    const wire = connection as Wire;
    wire.stream.cork();
    try {
      for (const sent of this.#statements) write(wire, sent);
    } finally {
      wire.sync();
      wire.stream.uncork();
    }
  }

  handleRowDescription({ fields }: { readonly fields: readonly { readonly name: string }[] }): void {
    this.#columns = fields.map(({ name }) => name);
  }

  handleDataRow({ fields }: { readonly fields: readonly (string | null)[] }): void {
    this.#rows.push(Object.fromEntries(this.#columns.map((name, at) => [name, fields[at]!])));
  }

  handleCommandComplete({ text }: { readonly text: string }): void {
    const [command = "", ...counts] = text.split(" ");
    const [rows, hasColumns] = [this.#rows, this.#columns.length > 0];
    this.#results.push({ rows, rowCount: Number(counts.at(-1) ?? 0), command, hasColumns });
    this.#columns = [];
    this.#rows = [];
  }

  handleReadyForQuery(): void {
    this.#done(this.#results);
  }

  handleError(error: Error): void {
    this.#failed(error);
  }

  /** What it reads is on its way. */
  handleCopyInResponse(): void {}
}

function write(wire: Wire, { statement, parameters = [], name = "", chunks }: Sent): void {
  const text = statement.toString();
  if (!name || wire.parsedStatements[name] !== text) wire.parse({ text, name });
  wire.bind({
    statement: name,
    values: parameters.map((value) => (typeof value === "string" ? value : listText(value))),
  });
  if (!chunks) wire.describe({ type: "P" });
  wire.execute({});
  if (!chunks) return;
  for (const chunk of chunks) wire.sendCopyFromChunk(chunk);
  wire.endCopyFrom();
}

/** As the server reads an array of texts. */
function listText(texts: readonly string[]): string {
  const quoted = texts.map((text) => `"${/["\\]/.test(text) ? text.replace(/["\\]/g, "\\$&") : text}"`);
  return `{${quoted.join()}}`;
}
