import type { Message } from "../../model/notifying.ts";
import { type Line, linesOf, subjectOf } from "../message.ts";

/** Characters of a text of a block, and blocks of a message, as Slack takes them. */
const MOST_CHARACTERS = 3_000;

/** As Slack's incoming webhooks take it: `text` is what notifications show. */
export function slackBody(message: Message): object {
  const { lines, more } = linesOf(message);
  const section = (text: string) => ({
    type: "section",
    text: { type: "mrkdwn", text: text.slice(0, MOST_CHARACTERS) },
  });
  const head = subjectOf(message);
  return {
    text: escaped(head),
    blocks: [
      section(`*${escaped(head)}*`),
      ...lines.map((line) => section(lineOf(line))),
      ...(more ? [section(`and ${more} more`)] : []),
    ],
  };
}

function lineOf({ isOver, subject, text, link }: Line): string {
  const name =
    link === undefined
      ? `*${escaped(subject)}*`
      : `<${link.replaceAll(/[<>|]/g, encodeURIComponent)}|${escaped(subject)}>`;
  return `${isOver ? ":large_green_circle:" : ":red_circle:"} ${name} ${escaped(text)}`;
}

/** What would begin a link or a mention is shown as it is. */
function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
