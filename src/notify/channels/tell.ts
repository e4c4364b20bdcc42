import type { ChannelSettings, Message } from "../../model/notifying.ts";
import type { Secret } from "../../model/secret.ts";
import { runCommand } from "./command.ts";
import { post } from "./post.ts";
import { slackBody } from "./slack.ts";

export interface Surroundings {
  readonly projectDir: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Tells by a channel. @throws NotTold where it was not taken */
export async function tell(channel: ChannelSettings, message: Message, surroundings: Surroundings): Promise<void> {
  const { webhook, slack, email, command } = channel;
  if (webhook) {
    const headers = Object.fromEntries(
      Object.entries(webhook.headers ?? {}).map(([name, value]) => [name, plain(value)]),
    );
    const { timeout } = webhook;
    return post({
      url: plain(webhook.url),
      headers: { "idempotency-key": message.id, ...headers },
      body: message,
      timeout,
    });
  }
  if (slack) return post({ url: plain(slack.url), body: slackBody(message), timeout: slack.timeout });
  if (command) return runCommand(command, message, surroundings);
  const { mail } = await import("./email.ts");
  return mail(email!, message);
}

function plain(value: string | Secret): string {
  return typeof value === "string" ? value : value.reveal();
}
