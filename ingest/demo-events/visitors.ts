// Visitors of a shop: the requests that their pages send, as browsers and bots send them. The same for the same seed.
import { between, type Random, randomFor } from "../demo-api/random.ts";

export interface VisitorsOptions {
  readonly seed: number;
  /** When the first of them comes, in milliseconds since 1970. */
  readonly from: number;
  /** How many come in a minute, on average. */
  readonly visitorsPerMinute: number;
}

/** What one page sends at one moment. */
export interface SentRequest {
  /** Milliseconds since 1970, by a clock that is right. */
  readonly at: number;
  readonly sent_at: string;
  readonly events: readonly SentEvent[];
}

interface SentEvent {
  readonly id: string;
  readonly type: "page_viewed" | "signed_up" | "purchased";
  readonly time: string;
  readonly data: Readonly<Record<string, string | number | boolean>>;
}

/** How often what happens in the world happens here. */
export const WORLD = {
  /** Visitors that are programs: they read a page a second. */
  bots: 0.05,
  /** Whose clock is off by minutes, hours or a day. */
  skewed: 0.03,
  /** Requests whose answer gets lost, so that they are sent again. */
  retried: 0.04,
  /** Requests that were kept for minutes, on a way without a network. */
  late: 0.02,
  /** Requests with an event twice in them. */
  doubled: 0.01,
  /** Pages that say something wrong. */
  wrong: 0.005,
} as const;

const PAGES = ["/", "/shoes", "/shoes/trail", "/shoes/road", "/bags", "/bags/day", "/about", "/sale"];
const REFERRERS = ["https://search.example/", "https://news.example/", ""];
const PLANS = ["free", "plus"];

/** The requests of all visitors, in the order in which they are sent. Without an end. */
export function* requestsOf(options: VisitorsOptions): Generator<SentRequest> {
  const random = randomFor(options.seed, "visitors");
  const waiting: SentRequest[] = [];
  let arrival = options.from;
  for (let number = 0; ; number++) {
    // The next one comes after a time of which nobody knows more than how long it is on average.
    arrival += (-Math.log(1 - random()) * 60_000) / options.visitorsPerMinute;
    while (waiting[0] && waiting[0].at <= arrival) yield waiting.shift()!;
    waiting.push(...requestsOfVisitor(options.seed, number, arrival));
    waiting.sort((a, b) => a.at - b.at);
  }
}

/** What one visitor's pages send, with what is sent again. */
function requestsOfVisitor(seed: number, number: number, arrival: number): SentRequest[] {
  const random = randomFor(seed, `visitor ${number}`);
  const isBot = random() < WORLD.bots;
  const clock = random() < WORLD.skewed ? pick(random, [-86_400_000, -3_600_000, 600_000, 7_200_000]) : 0;
  const visitor = new Visitor(random, `v${number}`, isBot, clock);
  const pages = isBot ? 20 : 1 + Math.floor(between(random, 0, 6));
  const sent: SentRequest[] = [];
  let at = arrival;
  for (let page = 0; page < pages; page++) {
    const request = visitor.page(at, page);
    const isLate = random() < WORLD.late;
    const first = isLate ? visitor.sent(request, at + between(random, 60_000, 1_200_000)) : request;
    sent.push(first);
    if (random() < WORLD.retried) sent.push(visitor.sent(request, first.at + between(random, 500, 8_000)));
    at += isBot ? 1_000 : between(random, 2_000, 90_000);
  }
  return sent;
}

class Visitor {
  readonly #random: Random;
  readonly #id: string;
  readonly #isBot: boolean;
  /** By how much their clock is off, in milliseconds. */
  readonly #clock: number;
  #hasAccount = false;

  constructor(random: Random, id: string, isBot: boolean, clock: number) {
    this.#random = random;
    this.#id = id;
    this.#isBot = isBot;
    this.#clock = clock;
  }

  page(at: number, number: number): SentRequest {
    const random = this.#random;
    const events = [this.#viewed(at, number)];
    if (!this.#isBot && number > 0 && !this.#hasAccount && random() < 0.1) {
      this.#hasAccount = true;
      events.push(this.#event("signed_up", at + 20, { user_id: `u-${this.#id}`, plan: pick(random, PLANS) }));
    }
    if (!this.#isBot && number > 1 && random() < 0.12) {
      const order = {
        order_id: `o-${this.#id}-${number}`,
        amount: Math.round(between(random, 500, 20_000)) / 100,
        currency: "EUR",
      };
      events.push(this.#event("purchased", at + 40, order));
    }
    if (random() < WORLD.doubled) events.push(events[0]!);
    return this.sent({ at, sent_at: "", events }, at);
  }

  /** The same events, sent at another moment. */
  sent({ events }: SentRequest, at: number): SentRequest {
    return { at, sent_at: this.#clocked(at), events };
  }

  #viewed(at: number, number: number): SentEvent {
    const random = this.#random;
    // A page whose script forgot what it is called.
    const url = random() < WORLD.wrong ? undefined : pick(random, PAGES);
    const referrer = number === 0 ? pick(random, REFERRERS) : "";
    return this.#event("page_viewed", at, {
      ...(url === undefined ? {} : { url }),
      ...(referrer === "" ? {} : { referrer }),
      ...(this.#isBot ? { is_bot: true } : {}),
    } as SentEvent["data"]);
  }

  #event(type: SentEvent["type"], at: number, data: SentEvent["data"]): SentEvent {
    return { id: uuid(this.#random), type, time: this.#clocked(at), data: { visitor_id: this.#id, ...data } };
  }

  #clocked(at: number): string {
    return new Date(Math.round(at + this.#clock)).toISOString();
  }
}

function pick<T>(random: Random, from: readonly T[]): T {
  return from[Math.floor(random() * from.length)]!;
}

/** Of version 4, out of numbers that come again with the seed. */
function uuid(random: Random): string {
  const hex = Array.from({ length: 32 }, () => Math.floor(random() * 16).toString(16));
  hex[12] = "4";
  hex[16] = "89ab"[Math.floor(random() * 4)]!;
  const text = hex.join("");
  return [text.slice(0, 8), text.slice(8, 12), text.slice(12, 16), text.slice(16, 20), text.slice(20)].join("-");
}
