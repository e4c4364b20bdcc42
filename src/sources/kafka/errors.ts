import { UserError, type UserErrorDetails } from "../../model/errors.ts";

// What the driver and the brokers say, for people.

/** An error of the driver: it wraps others, and groups those of several tries. */
interface DriverError extends Error {
  readonly code?: string;
  readonly apiId?: string;
  readonly cause?: unknown;
  readonly errors?: readonly unknown[];
}

/** Outermost first. */
export function chainOf(error: unknown, depth = 8): readonly DriverError[] {
  if (error === null || typeof error !== "object" || depth === 0) return [];
  const { cause, errors = [] } = error as DriverError;
  return [error as DriverError, ...[cause, ...errors].flatMap((one) => chainOf(one, depth - 1))];
}

export function cannotRead(message: string, details: Partial<UserErrorDetails>): UserError {
  return new UserError({ message, exitCode: 1, ...details });
}

const HINTS: readonly (readonly [of: RegExp, hint: string])[] = [
  [
    /ECONNREFUSED/,
    "start the broker, or check host and port in kafka.brokers, and what it says of itself in advertised.listeners",
  ],
  [
    /ENOTFOUND|EAI_AGAIN/,
    "check the host in kafka.brokers, and what the broker says of itself in advertised.listeners",
  ],
  [
    /ETIMEDOUT|PLT_KFK_TIMEOUT|timed out/i,
    "the broker does not answer: check the address, the firewall, and whether it wants TLS (kafka.tls)",
  ],
  [/PLT_KFK_AUTHENTICATION|SASL/, "check kafka.sasl: mechanism, user and password"],
  [
    /certificate|self.signed|ERR_TLS|UNABLE_TO|altname/i,
    "check kafka.tls: ca, and the name that the certificate is of (serverName)",
  ],
  [
    /wrong version number|EPROTO|ECONNRESET|socket disconnected|Connection closed/i,
    "check whether the broker wants TLS (kafka.tls) and a login (kafka.sasl)",
  ],
  [/AUTHORIZATION_FAILED/, "the user may not do that: give them the right to read the topic and the group"],
];

/** What failed as an error for people; what is none of the driver's is given as it is. */
export function explained(error: unknown, doing: string): unknown {
  if (error instanceof UserError) return error;
  const chain = chainOf(error);
  const isOfDriver = chain.some(({ code }) => /^(?:PLT_KFK|E[A-Z]+|ERR_)/.test(code ?? ""));
  if (!isOfDriver) return error;
  const said = chain.flatMap(({ code, apiId, message }) => [code ?? "", apiId ?? "", message]).join(" ");
  // The innermost says what it was; the others, that something was.
  const inner = chain.filter(({ message }) => message).at(-1)!;
  const hint = HINTS.find(([of]) => of.test(said))?.[1];
  return new UserError({
    message: `${doing} failed`,
    found: inner.message,
    ...(hint ? { hint } : {}),
    exitCode: 1,
    cause: error,
  });
}

/** Numbers of Kafka's errors. */
export const OFFSET_OUT_OF_RANGE = 1;

/** Another broker leads the partition now, or none for a moment: it is asked again. */
const PASSING = new Set([3, 5, 6, 7, 9, 14, 15, 16, 56, 72, 74, 75, 76, 78, 95, 100, 103]);

export function passes(error: number): boolean {
  return PASSING.has(error);
}

const NAMES: ReadonlyMap<number, string> = new Map([
  [1, "OFFSET_OUT_OF_RANGE"],
  [2, "CORRUPT_MESSAGE"],
  [3, "UNKNOWN_TOPIC_OR_PARTITION"],
  [5, "LEADER_NOT_AVAILABLE"],
  [6, "NOT_LEADER_OR_FOLLOWER"],
  [29, "TOPIC_AUTHORIZATION_FAILED"],
  [100, "UNKNOWN_TOPIC_ID"],
]);

export function errorName(error: number): string {
  return NAMES.get(error) ?? `error ${error} of Kafka`;
}
