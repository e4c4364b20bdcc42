import { randomUUID } from "node:crypto";
import { mkdirSync, readdirSync, rmSync, statSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type HeldFile, takeLockFile } from "../../wait/lock-file.ts";
import type { Kept } from "../arriving.ts";
import { linesIn } from "./lines.ts";

/** A file of it ends behind so many bytes, so that what has landed can go. */
const LARGEST_FILE = 16 * 1024 * 1024;
/** Bytes that are read at once, and events. */
const PIECE = 4 * 1024 * 1024;
const MOST_EVENTS = 5_000;

const LOCK = "lock";
const FILE = /^(\d{16})\.events$/;
const UUID = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/;

/** A file of a spool: what it is called says how many bytes were in those before. */
interface SpoolFile {
  readonly path: string;
  readonly start: number;
  /** Bytes that are kept. */
  size: number;
}

/** What a collector kept on its disk, in files that are written to the end, and read from the beginning. One process has it. */
export class SpoolFolder {
  /** A UUID. */
  readonly id: string;
  readonly #folder: string;
  readonly #lock: HeldFile;
  readonly #files: SpoolFile[];
  /** Of the newest file; undefined before the first, and behind one that failed. */
  #writing: FileHandle | undefined;

  private constructor(folder: string, id: string, lock: HeldFile) {
    this.#folder = folder;
    this.#lock = lock;
    this.id = id;
    this.#files = filesOf(folder);
  }

  static make(parent: string): SpoolFolder {
    const id = randomUUID();
    const folder = join(parent, id);
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    return new SpoolFolder(folder, id, takeLockFile(join(folder, LOCK))!);
  }

  /** Those that collectors left, and nobody has; the oldest first. */
  static takeLeft(parent: string): readonly SpoolFolder[] {
    const found = readdirSync(parent).filter((name) => UUID.test(name));
    const aged = found.map((id) => ({ id, at: statSync(join(parent, id), { throwIfNoEntry: false })?.mtimeMs ?? 0 }));
    return aged
      .sort((a, b) => a.at - b.at)
      .flatMap(({ id }) => {
        const lock = lockOf(join(parent, id));
        return lock ? new SpoolFolder(join(parent, id), id, lock) : [];
      });
  }

  /** Behind the last byte that is kept. */
  get end(): number {
    const last = this.#files.at(-1);
    return last ? last.start + last.size : 0;
  }

  /** Bytes on the disk. */
  get bytes(): number {
    return this.#files.reduce((sum, { size }) => sum + size, 0);
  }

  /**
   * Keeps lines: they are on the disk once it has resolved.
   * @throws where they are not; what was kept before is
   */
  async append(lines: Buffer): Promise<void> {
    const file = await this.#file();
    try {
      await writeAll(this.#writing!, lines, file.size);
      await this.#writing!.datasync();
      file.size += lines.length;
    } catch (error) {
      // What a disk says after it failed once says nothing: the next lines go to another file.
      await this.#endFile(file.size);
      throw error;
    }
  }

  async #file(): Promise<SpoolFile> {
    const last = this.#files.at(-1);
    if (this.#writing && last && last.size < LARGEST_FILE) return last;
    await this.#endFile();
    const start = this.end;
    const path = join(this.#folder, `${String(start).padStart(16, "0")}.events`);
    // Behind a file of which nothing was kept stands one that is called the same.
    this.#writing = await open(path, "w", 0o600);
    await syncFolder(this.#folder);
    const file = { path, start, size: 0 };
    if (last?.path === path) this.#files.pop();
    this.#files.push(file);
    return file;
  }

  /** @param size of what is kept of it, where more was written */
  async #endFile(size?: number): Promise<void> {
    const writing = this.#writing;
    this.#writing = undefined;
    if (size !== undefined) await writing?.truncate(size).catch(() => {});
    await writing?.close().catch(() => {});
  }

  /** What stands from a byte on, and where that ends. @param most events */
  async read(from: number, most: number): Promise<{ readonly kept: readonly Kept[]; readonly next: number }> {
    const file = this.#files.find(({ start, size }) => from < start + size);
    if (!file) return { kept: [], next: this.end };
    const at = Math.max(from - file.start, 0);
    for (let piece = PIECE; ; piece *= 4) {
      const bytes = await readPiece(file, at, piece);
      const { kept, length } = linesIn(bytes, Math.min(most, MOST_EVENTS));
      if (length) return { kept, next: file.start + at + length };
      // The end of a file that a crash has cut: nobody was told that it is kept.
      if (at + bytes.length >= file.size) return { kept: [], next: file.start + file.size };
    }
  }

  /** Removes the files of what has landed. */
  forget(before: number): void {
    while (this.#files.length) {
      const [{ path, start, size }] = this.#files as [SpoolFile];
      const isWritten = this.#files.length === 1 && this.#writing;
      if (isWritten || start + size > before) return;
      rmSync(path, { force: true });
      this.#files.shift();
    }
  }

  /** Nobody needs it any more. */
  async remove(): Promise<void> {
    await this.#endFile();
    this.#lock.release();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** Leaves it to whoever comes next. */
  async leave(): Promise<void> {
    await this.#endFile();
    this.#lock.release();
  }
}

function filesOf(folder: string): SpoolFile[] {
  const starts = readdirSync(folder)
    .flatMap((name) => FILE.exec(name)?.[1] ?? [])
    .sort();
  return starts.map((digits, at) => {
    const path = join(folder, `${digits}.events`);
    const [start, next] = [Number(digits), Number(starts[at + 1] ?? Number.POSITIVE_INFINITY)];
    // What could not be cut off behind a write that failed is none of it.
    return { path, start, size: Math.min(statSync(path).size, next - start) };
  });
}

function lockOf(folder: string): HeldFile | undefined {
  try {
    return takeLockFile(join(folder, LOCK));
  } catch {
    return undefined;
  }
}

async function writeAll(file: FileHandle, bytes: Buffer, position: number): Promise<void> {
  for (let at = 0; at < bytes.length; ) {
    const { bytesWritten } = await file.write(bytes, at, bytes.length - at, position + at);
    at += bytesWritten;
  }
}

async function readPiece({ path, size }: SpoolFile, at: number, piece: number): Promise<Buffer> {
  const file = await open(path, "r");
  try {
    const bytes = Buffer.allocUnsafe(Math.min(piece, size - at));
    const { bytesRead } = await file.read(bytes, 0, bytes.length, at);
    return bytes.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

/** A file is there after a crash once its folder is on the disk. */
async function syncFolder(folder: string): Promise<void> {
  for (const path of [folder, dirname(folder)]) {
    const handle = await open(path, "r");
    await handle.sync().finally(() => handle.close());
  }
}
