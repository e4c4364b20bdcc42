/** A channel did not take a message. What it says is for a person, and has no secret in it. */
export class NotTold extends Error {
  /** Milliseconds after which it may be tried again, where the channel said it. */
  readonly retryAfter: number | undefined;
  /** Of HTTP, and the beginning of what came with it, which is for whoever may see what was sent. */
  readonly status: number | undefined;
  readonly answer: string | undefined;

  constructor(
    message: string,
    { retryAfter, status, answer }: Partial<Pick<NotTold, "retryAfter" | "status" | "answer">> = {},
  ) {
    super(message);
    this.retryAfter = retryAfter;
    this.status = status;
    this.answer = answer;
  }
}

/** The longest that what is told of no channel may take. */
export const PATIENCE = "15s";

/** What an error is called: its text may hold what was sent. */
export function nameOf(error: unknown): string {
  const { name, code } = error as { name?: string; code?: string };
  return code ?? name ?? "an error";
}
