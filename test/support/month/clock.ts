import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** libfaketime: what it is loaded into lives in another time, which goes on as fast as ours. */
const library = ["/usr/lib", "/usr/lib64"]
  .filter(existsSync)
  .flatMap((folder) => [folder, ...readdirSync(folder).map((name) => join(folder, name))])
  .map((folder) => join(folder, "faketime/libfaketimeMT.so.1"))
  .find(existsSync);

export const hasFakeClock = library !== undefined;

export interface Clock {
  /** What a process needs to live by it. */
  readonly env: Readonly<Record<string, string>>;
  /** From now on it is this moment, also for who runs already. */
  set(moment: Date): void;
  now(): Date;
}

/** A clock that stands in a file of this folder, which everybody who lives by it may read. */
export function simulatedClock(folder: string): Clock {
  const file = join(folder, "clock");
  let ahead = 0;
  return {
    env: {
      LD_PRELOAD: library!,
      FAKETIME_TIMESTAMP_FILE: file,
      FAKETIME_NO_CACHE: "1",
      FAKETIME_DONT_FAKE_MONOTONIC: "1",
      NO_FAKE_STAT: "1",
    },
    set: (moment) => {
      ahead = Math.round((moment.getTime() - Date.now()) / 1000);
      writeFileSync(file, ahead < 0 ? `${ahead}` : `+${ahead}`, { mode: 0o644 });
    },
    now: () => new Date(Date.now() + ahead * 1000),
  };
}
