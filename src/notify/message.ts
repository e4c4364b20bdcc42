import { counted } from "../model/counted.ts";
import type { Message, Told } from "../model/notifying.ts";
import { DEFAULT_ENVIRONMENT } from "../model/release.ts";

/** Events that are told one by one. */
const MOST_LINES = 30;

/** In one line: what a mail is about, and what stands where nothing else can. */
export function subjectOf({ project, environment, events }: Message): string {
  const opened = events.filter(({ event }) => event === "opened");
  const closed = events.filter(({ event }) => event === "closed");
  const where = environment === DEFAULT_ENVIRONMENT ? project : `${project} (${environment})`;
  const [first] = opened.length ? opened : closed;
  if (events.length === 1)
    return `${where}: ${first!.subject} ${opened.length ? WORDS[first!.kind] : "is right again"}`;
  const parts = [
    ...(opened.length ? [`${counted(opened.length, "thing")} wrong`] : []),
    ...(closed.length ? [`${closed.length} right again`] : []),
  ];
  return `${where}: ${parts.join(", ")}`;
}

const WORDS: Readonly<Record<Told["kind"], string>> = {
  failure: "failed",
  guard: "loses more than it may",
  held: "is kept out of the release",
  freshness: "is too old",
  schema: "has other fields",
};

export interface Line {
  readonly isOver: boolean;
  readonly subject: string;
  /** What is wrong, or that it is over. */
  readonly text: string;
  /** Where the site shows it. */
  readonly link?: string;
}

export function linesOf({ events, site }: Message): { readonly lines: readonly Line[]; readonly more: number } {
  const lines = events.slice(0, MOST_LINES).map((one): Line => {
    const isOver = one.event === "closed";
    const since = one.since.slice(0, 16).replace("T", " ");
    return {
      isOver,
      subject: one.subject,
      text: isOver ? `is right again; it ${WORDS[one.kind]} since ${since} UTC` : `${WORDS[one.kind]}: ${one.text}`,
      ...(site === null ? {} : { link: `${site}/${one.link}` }),
    };
  });
  return { lines, more: events.length - lines.length };
}

/** As a mail has it. */
export function plainText(message: Message): string {
  const { lines, more } = linesOf(message);
  const all = lines.map(({ isOver, subject, text, link }) =>
    [`${isOver ? "right again" : "wrong"}: ${subject} ${text}`, ...(link ? [`  ${link}`] : [])].join("\n"),
  );
  return [...all, ...(more ? [`and ${more} more`] : [])].join("\n\n");
}
