import type { Socket } from "node:net";
import { PassThrough, type Readable } from "node:stream";
import type pg from "pg";
import type { ConnectionSettings } from "../../model/connection-settings.ts";
import { UserError } from "../../model/errors.ts";
import { id } from "../../sql/identifiers.ts";
import { sql } from "../../sql/sql.ts";
import { open } from "../open.ts";

/** Keeps the log of changes that happen meanwhile; goes with the connection. */
const slot = (name: string) => sql`CREATE_REPLICATION_SLOT ${id(name)} TEMPORARY PHYSICAL (RESERVE_WAL)`;
const BACKUP = sql`BASE_BACKUP (LABEL 'dataform', CHECKPOINT 'fast', WAL true, MANIFEST 'no')`;

/**
 * Does the work with the running cluster as a tar archive, log included: as of the moment when it was read to its end. What
 * pg_basebackup does, which the embedded PostgreSQL does not bring.
 */
export async function withBaseBackup<T>(
  settings: ConnectionSettings,
  work: (archive: Readable) => Promise<T>,
): Promise<T> {
  const { driver } = await open(settings, { applicationName: "dataform-backup", replication: true });
  try {
    await driver.query(String(slot(`dataform_backup_${process.pid}`)));
    return await work(driver.query(new BaseBackup()).archive);
  } finally {
    await driver.end();
  }
}

interface Wire {
  readonly stream: Socket;
  query(text: string): void;
}

/** Messages of the replication protocol: https://www.postgresql.org/docs/current/protocol-replication.html */
class BaseBackup implements pg.Submittable {
  readonly archive = new PassThrough({ highWaterMark: 1 << 20 });
  private archives = 0;

  submit(connection: pg.Connection): void {
    const { stream, query } = connection as unknown as Wire;
    this.archive.on("drain", () => stream.resume());
    this.archive.once("close", () => stream.resume());
    query.call(connection, String(BACKUP));
  }

  handleCopyData({ chunk }: { readonly chunk: Buffer }, { stream }: Wire): void {
    const kind = String.fromCharCode(chunk[0]!);
    // The driver's buffer is its own again after this.
    if (kind === "d" && !this.archive.write(Buffer.from(chunk.subarray(1)))) stream.pause();
    // A second archive is a tablespace somewhere else on the disk.
    if (kind === "n" && ++this.archives > 1) this.archive.destroy(tablespaces());
  }

  handleReadyForQuery(): void {
    this.archive.end();
  }

  handleError(error: Error): void {
    this.archive.destroy(error);
  }

  handleRowDescription(): void {}
  handleDataRow(): void {}
  handleCommandComplete(): void {}
}

function tablespaces(): UserError {
  return new UserError({
    message: "the embedded database has tablespaces outside of its folder, which a backup would lack",
    hint: "`dataform db sql 'select spcname, pg_tablespace_location(oid) from pg_tablespace'` shows them; move what they hold back",
  });
}
