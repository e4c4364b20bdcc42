import { counted } from "../../model/counted.ts";
import type { LoadEvent, StreamLoad } from "../../model/load-report.ts";
import { paint } from "../paint.ts";
import { clock } from "../progress.ts";
import type { Shell } from "../shell.ts";

/** A line now and then, not one per page. */
const PAGES_PER_LINE = 50;
/** Milliseconds between two looks at a file's progress: often on a terminal, rarely in a log. */
const ON_TERMINAL = 200;
const IN_LOG = 10_000;

/** Tells how a load goes on: one line rewritten on a terminal, plain lines elsewhere. */
export function loadProgress(shell: Shell, source: string): (event: LoadEvent) => void {
  const bar = new FileProgress(shell, source);
  let records = 0;
  let inFile = false;
  const say = (event: LoadEvent, text: string) => {
    bar.clear();
    shell.say(`${clock()}  ${source}.${event.stream}: ${text}`);
  };
  return (event) => {
    if (event.kind === "started") {
      records = 0;
      const from = event.since === null ? "from the beginning" : `since ${event.since}`;
      inFile = event.file !== undefined;
      say(event, `reading ${event.file ?? from} into ${event.table}`);
    } else if (event.kind === "page") {
      records += event.records;
      if (!inFile && event.page % PAGES_PER_LINE === 0)
        say(event, `${counted(records, "record")}, ${counted(event.page, "page")}`);
    } else if (event.kind === "bytes") bar.show(event);
    else if (event.kind === "waiting") {
      if (event.seconds === null) say(event, `waiting: ${event.reason}`);
      else if (event.seconds >= 1) say(event, `${event.reason}, again in ${Math.round(event.seconds)} s`);
    } else if (event.kind === "finished") say(event, outcome(shell, event.load));
  };
}

type BytesEvent = Extract<LoadEvent, { kind: "bytes" }>;

/** Bytes of the file that is being read: rate, and the time left where its size is known. */
class FileProgress {
  readonly #shell: Shell;
  readonly #source: string;
  #file = "";
  #began = 0;
  #shown = 0;
  #onScreen = false;

  constructor(shell: Shell, source: string) {
    this.#shell = shell;
    this.#source = source;
  }

  show({ stream, file, bytes, of }: BytesEvent): void {
    const now = performance.now();
    if (file !== this.#file || bytes < 1) {
      this.#file = file;
      this.#began = now;
      this.#shown = now;
    }
    if (now - this.#shown < (this.#shell.progress ? ON_TERMINAL : IN_LOG)) return;
    this.#shown = now;
    const seconds = (now - this.#began) / 1000;
    const rate = bytes / 1e6 / seconds;
    const share = of ? `, ${Math.floor((100 * bytes) / of)} %, ${timeLeft(((of - bytes) / bytes) * seconds)} left` : "";
    const text = `${clock()}  ${this.#source}.${stream}: ${file} ${megabytes(bytes)}, ${rate.toFixed(1)} MB/s${share}`;
    if (this.#shell.progress) {
      this.#shell.progress(text);
      this.#onScreen = true;
    } else this.#shell.say(text);
  }

  clear(): void {
    if (this.#onScreen) this.#shell.progress?.("");
    this.#onScreen = false;
  }
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

function timeLeft(seconds: number): string {
  const whole = Math.ceil(seconds);
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`;
}

function outcome(shell: Shell, load: StreamLoad): string {
  if (load.status === "failed" && !load.files) return paint(shell, "red", "FAIL");
  const { rows, rejected, skipped, seconds, files } = load;
  const parts = [counted(rows, "row")];
  if (rejected > 0) parts.push(paint(shell, "yellow", `${rejected.toLocaleString("en")} rejected`));
  if (skipped > 0) parts.push(`${counted(skipped, files ? "file" : "record")} known already`);
  const failed = files?.filter(({ status }) => status === "failed").length ?? 0;
  if (failed) parts.push(paint(shell, "red", `${counted(failed, "file")} failed`));
  const mark = load.status === "failed" ? paint(shell, "red", "FAIL") : paint(shell, "green", "ok");
  return `${mark}  ${parts.join(", ")} in ${seconds.toFixed(2)} s`;
}
