import type { IncomingMessage, ServerResponse } from "node:http";
import type { FastifyRequest } from "fastify";
import type { Room } from "../../collect/room.ts";
import { Problem } from "../api/problem.ts";

/** Bytes that a request takes besides its body. */
const AROUND = 4_000;

/** Room that a request takes until it is answered, or given up by whoever sent it. */
export class Held {
  static readonly #of = new WeakMap<IncomingMessage, Held>();
  readonly #room: Room;
  #bytes = 0;
  #isOver = false;

  private constructor(room: Room) {
    this.#room = room;
  }

  static begin(request: IncomingMessage, response: ServerResponse, room: Room): void {
    const held = new Held(room);
    held.take(AROUND);
    Held.#of.set(request, held);
    response.once("close", () => {
      held.#isOver = true;
      room.give(held.#bytes);
    });
  }

  static of({ raw }: FastifyRequest): Held {
    return Held.#of.get(raw)!;
  }

  get isTooMuch(): boolean {
    return this.#room.isFull;
  }

  take(bytes: number): void {
    if (this.#isOver) return;
    this.#bytes += bytes;
    this.#room.take(bytes);
  }
}

/**
 * Reads a body into the room that there is: of many who send slowly as of one who sends much.
 * @throws Problem where it is too large, or there is no room
 */
export async function readBody(request: FastifyRequest, body: IncomingMessage, most: number): Promise<Buffer> {
  if (Number(request.headers["content-length"]) > most) throw tooLarge(most);
  const held = Held.of(request);
  const chunks: Buffer[] = [];
  let length = 0;
  // Who sends too much is told so: a stream that is left would be destroyed, with its connection.
  for await (const chunk of body.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > most) throw tooLarge(most);
    if (held.isTooMuch) throw new Problem("too-busy", { headers: { "retry-after": "1" } });
    held.take(chunk.length);
    chunks.push(chunk);
  }
  return chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks);
}

function tooLarge(most: number): Problem {
  return new Problem("too-large", { detail: `it is larger than ${most} bytes` });
}
