/** What we use of the SFTP session of ssh2. */
export interface SftpSession {
  open(path: string, flags: "r", done: (error: Error | undefined, handle: Buffer) => void): void;
  // As ssh2 has it.
  read(
    handle: Buffer,
    into: Buffer,
    offset: number,
    length: number,
    position: number,
    done: (error: Error | undefined, bytesRead: number) => void,
  ): void;
  close(handle: Buffer, done: () => void): void;
}

/** What every server grants to one request. */
const REQUEST_BYTES = 32 * 1024;
/** Requests under way: one at a time would wait for the network between any two. */
const REQUESTS_AHEAD = 32;

interface Request {
  readonly position: number;
  readonly length: number;
  readonly bytes: Promise<Buffer>;
}

/** The bytes of a remote file from `start` to `end`, and the next one, if there is one against expectation. */
export async function* readAhead(
  session: SftpSession,
  path: string,
  start: number,
  end: number,
): AsyncGenerator<Uint8Array> {
  const handle = await new Promise<Buffer>((resolve, reject) =>
    session.open(path, "r", (error, opened) => (error ? reject(error) : resolve(opened))),
  );
  const requests: Request[] = [];
  let next = start;
  try {
    for (;;) {
      for (; requests.length < REQUESTS_AHEAD && next < end; next += REQUEST_BYTES) {
        requests.push(ask(session, handle, next, Math.min(REQUEST_BYTES, end - next)));
      }
      const request = requests.shift();
      if (!request) break;
      const bytes = await request.bytes;
      // Shorter than the server was listed: whoever counts will notice.
      if (bytes.length === 0) return;
      yield bytes;
      const rest = request.length - bytes.length;
      if (rest > 0) requests.unshift(ask(session, handle, request.position + bytes.length, rest));
    }
    const beyond = await ask(session, handle, end, 1).bytes;
    if (beyond.length > 0) yield beyond;
  } finally {
    session.close(handle, () => {});
  }
}

function ask(session: SftpSession, handle: Buffer, position: number, length: number): Request {
  const into = Buffer.allocUnsafe(length);
  const bytes = new Promise<Buffer>((resolve, reject) =>
    session.read(handle, into, 0, length, position, (error, count) =>
      error ? reject(error) : resolve(into.subarray(0, count)),
    ),
  );
  // When an earlier one fails, nobody waits for this one.
  bytes.catch(() => {});
  return { position, length, bytes };
}
