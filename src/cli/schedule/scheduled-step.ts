import { readDotEnv } from "../../config/environment.ts";
import { UserError, type UserErrorDetails } from "../../model/errors.ts";
import { LOCKED_EXIT_CODE } from "../../postgres/advisory-lock.ts";
import { keepStep } from "../../schedule/keep-step.ts";
import { type StepEnd, stepKeyOf } from "../../schedule/steps.ts";
import { after } from "../../wait/timers.ts";
import { openDatabase } from "../database.ts";
import type { Shell } from "../shell.ts";

type Cli = (argv: readonly string[], shell: Shell) => Promise<number>;

/** Characters of what it says that are kept, and of its document that are read. */
const MOST_SAID = 8_192;
const MOST_PRINTED = 64 * 1024 * 1024;
/** A command that hears no signal has so long, in milliseconds. */
const TO_END = 10_000;
const INTERRUPTED = 130;
/** Characters of an error that are kept. */
const LONGEST_ERROR = 2_000;

/**
 * A command as a step of a schedule: holds the step's lock, ends in time, and records what became of it.
 * @param argv the key of the step; how many milliseconds it may take, and may be out of sight; the command
 */
export async function scheduledStep(argv: readonly string[], shell: Shell, cli: Cli): Promise<number> {
  const [text = "", limit = "", lease = "", ...words] = argv;
  const key = stepKeyOf(text);
  if (!key || ![limit, lease].every((one) => /^\d{1,12}$/.test(one)))
    throw new UserError({ message: `${text} is no step of a schedule` });
  const env = { ...readDotEnv(shell.projectDir), ...shell.env };
  const flag = (name: string) => words.find((word) => word.startsWith(`--${name}=`))?.slice(name.length + 3);
  const settings = await openDatabase(
    { ...shell, env, projectDir: shell.projectDir },
    {
      ...optional("credentials", flag("credentials")),
      ...optional("roles", flag("roles") ?? env.DATAFORM_ROLES),
      ...optional("publisherUrl", env.DATAFORM_PUBLISHER_URL),
    },
  );
  let isGivenUp = false;
  const onGivenUp = () => {
    isGivenUp = true;
    interrupt();
  };
  const end = await keepStep({ settings, key, patience: Number(lease) / 2, onGivenUp }, () =>
    working(words, Number(limit), shell, cli),
  );
  if (isGivenUp) process.exit(LOCKED_EXIT_CODE);
  return end ? (end.exitCode ?? 1) : LOCKED_EXIT_CODE;
}

function optional<Name extends string>(name: Name, value: string | undefined): { readonly [Key in Name]?: string } {
  return (value === undefined ? {} : { [name]: value }) as { readonly [Key in Name]?: string };
}

/** As a signal from outside does: the command rolls back and ends. */
function interrupt(): void {
  process.kill(process.pid, "SIGTERM");
}

async function working(words: readonly string[], limit: number, shell: Shell, cli: Cli): Promise<StepEnd> {
  let isLate = false;
  let isInterrupted = false;
  let printed = "";
  let said = "";
  const failures: UserErrorDetails[] = [];
  // Whoever hears a signal keeps the process from being ended by it.
  const forget = shell.onInterrupt?.((_, endNow) => {
    isInterrupted = true;
    after(TO_END, endNow);
  });
  const stop = after(limit, () => {
    isLate = true;
    interrupt();
  });
  const own: Shell = Object.create(shell, {
    print: {
      value: (line: string) => {
        if (printed.length < MOST_PRINTED) printed = `${printed}${line}\n`;
      },
    },
    say: {
      value: (line: string) => {
        said = `${said}${line}\n`.slice(-MOST_SAID);
        shell.say(line);
      },
    },
    failed: { value: (found: readonly UserErrorDetails[]) => failures.push(...found) },
    progress: { value: undefined },
    exitCode: { value: 0, writable: true },
  });
  try {
    const exitCode = await cli(words, own);
    const status = isLate ? "timeout" : exitCode === 0 ? "success" : isInterrupted ? "cancelled" : "failure";
    return {
      status,
      exitCode: isLate && exitCode === 0 ? INTERRUPTED : exitCode,
      output: said,
      errors: failures.map(kept),
      ...madeBy(printed),
    };
  } finally {
    stop();
    forget?.();
  }
}

/** What it says and where. What was found may be rows of people; of a file or a network it is why. */
function kept({ message, location, code, hint, found, cause }: UserErrorDetails): UserErrorDetails {
  const known = Object.entries({ location, code, hint }).filter(([, value]) => value !== undefined);
  const { code: ofCause } = (cause ?? {}) as { readonly code?: unknown };
  const isOutside = [code, ofCause].some((one) => typeof one === "string" && /^E[A-Z]+$/.test(one));
  const whole = isOutside && found !== undefined && !message.includes(found) ? `${message}: ${found}` : message;
  return { message: whole.slice(0, LONGEST_ERROR), ...Object.fromEntries(known) };
}

/** What the document of a command says that it made. */
function madeBy(printed: string): Pick<StepEnd, "runIds" | "loadIds"> {
  let document: unknown;
  try {
    document = JSON.parse(printed);
  } catch {
    return {};
  }
  const all = [document].flat().filter((one): one is Document => typeof one === "object" && one !== null);
  const loads = all.flatMap(({ streams }) => (Array.isArray(streams) ? streams : []));
  const loadIds = loads.flatMap(({ loadId, files }) => [
    loadId,
    ...(files ?? []).map(({ loadId: one }: { readonly loadId?: unknown }) => one),
  ]);
  return {
    runIds: all.flatMap(({ runId }) => (typeof runId === "string" ? [runId] : [])),
    loadIds: [...new Set(loadIds.filter((one): one is string => typeof one === "string"))],
  };
}

/** As far as it is read: of `run`, or of `ingest`. */
interface Document {
  readonly runId?: unknown;
  readonly streams?: readonly {
    readonly loadId?: unknown;
    readonly files?: readonly { readonly loadId?: unknown }[];
  }[];
}
