import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { expect, onTestFinished, test, vi } from "vitest";
import { UserError } from "../../src/model/errors.ts";
import { cancelOnAbort } from "../../src/postgres/cancel.ts";
import { open } from "../../src/postgres/open.ts";
import { onceStarted } from "../../src/postgres/starting.ts";
import { pause } from "../../src/wait/pause.ts";
import { within } from "../../src/wait/timers.ts";
import { until } from "../../src/wait/until.ts";

/** A wait for the n-th look. */
const atLook = (n: number) => {
  let looks = 0;
  return async () => (++looks >= n ? looks : undefined);
};
const never = async () => undefined;
const wait = { every: 1, deadline: 60_000, describe: () => "for somebody" };

test("what is there at the first look is taken, with no time left and after the signal", async () => {
  const told: string[] = [];
  const tell = (what: string) => told.push(what);
  const signal = AbortSignal.abort();
  expect(await until({ ...wait, look: atLook(1), deadline: 0, signal, tell, toldAfter: 0 })).toBe(1);
  expect(told).toEqual([]);
});

test("a wait is told once, with who is waited for at that time, and gives what it found", async () => {
  const told: string[] = [];
  let holder = 1;
  const describe = async () => `for process ${holder++}`;
  const tell = (what: string) => told.push(what);
  expect(await until({ ...wait, look: atLook(5), describe, tell, toldAfter: 0 })).toBe(5);
  expect(told).toEqual(["for process 1"]);
});

test("a wait whose time is up ends without anything found", async () => {
  expect(await until({ ...wait, look: never, deadline: 0 })).toBeUndefined();
  expect(await until({ ...wait, look: never, deadline: 5 })).toBeUndefined();
});

test("the signal ends a wait and a pause at once, with its reason", async () => {
  const stop = new AbortController();
  const waiting = until({
    ...wait,
    every: 60_000,
    look: never,
    signal: stop.signal,
    tell: () => stop.abort("enough"),
    toldAfter: 0,
  });
  await expect(waiting).rejects.toBe("enough");
  await expect(pause(60_000, stop.signal)).rejects.toBe("enough");
});

test("work that takes too long is answered for, and its end is nobody's", async () => {
  expect(await within(1, new Promise(() => {}), () => "late")).toBe("late");
  expect(await within(60_000, Promise.resolve("done"), () => "late")).toBe("done");
  await expect(within(1, new Promise(() => {}), () => Promise.reject(new Error("late")))).rejects.toThrow("late");
});

test("a cancel that is under way has arrived before what comes next begins", async () => {
  const interrupt = new AbortController();
  let arrive = () => {};
  const arrival = new Promise<void>((resolve) => (arrive = resolve));
  const seen: string[] = [];
  const stop = cancelOnAbort(interrupt.signal, () => arrival.then(() => void seen.push("cancel")));
  interrupt.abort();
  const stopped = stop().then(() => seen.push("next"));
  arrive();
  await stopped;
  expect(seen).toEqual(["cancel", "next"]);
});

test("a statement that is left after a signal is cancelled first, and a server out of reach keeps nobody", async () => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const seen: string[] = [];
  let arrive = () => {};
  const arrival = new Promise<void>((resolve) => (arrive = resolve));
  const leave = (cancel: () => Promise<void>) =>
    cancelOnAbort(AbortSignal.abort(), cancel, { hangUp: () => seen.push("hung up") });
  const inReach = leave(() => arrival.then(() => void seen.push("cancelled")));
  await vi.runAllTimersAsync();
  const stopped = inReach().then(() => seen.push("next"));
  arrive();
  await stopped;
  expect(seen).toEqual(["hung up", "cancelled", "next"]);
  const outOfReach = leave(() => new Promise(() => {}));
  await vi.runAllTimersAsync();
  const left = outOfReach();
  await vi.runAllTimersAsync();
  await expect(left).resolves.toBeUndefined();
});

test("a server that starts is waited for with its own words, until it lets in, refuses otherwise or the time is up", async () => {
  const starting = new UserError({
    message: "no connection",
    found: "the database system is starting up",
    code: "57P03",
  });
  const told: string[] = [];
  const onWait = (what: string) => told.push(what);
  /** Opens a connection to a server that says each of these first. */
  const open = (...refusals: UserError[]) => {
    return async () => {
      const refusal = refusals.shift();
      if (refusal) throw refusal;
      return "open";
    };
  };
  const times = { every: 1, toldAfter: 0 };
  expect(await onceStarted(open(starting, starting, starting), { onWait, times })).toBe("open");
  expect(told).toEqual(["for PostgreSQL: the database system is starting up"]);
  const wrong = new UserError({ message: "wrong password", code: "28P01" });
  await expect(onceStarted(open(starting, wrong, starting), { onWait, times })).rejects.toBe(wrong);
  await expect(onceStarted(open(starting, starting), { onWait, times: { deadline: 0 } })).rejects.toBe(starting);
  await expect(onceStarted(open(starting), { times })).rejects.toBe(starting);
  const signal = AbortSignal.abort("enough");
  await expect(onceStarted(open(starting), { onWait, signal })).rejects.toBe("enough");
});

test.each(["disable", "prefer", "require"] as const)(
  "a server that takes a connection and never says a word is told of, and left when the signal comes (sslmode=%s)",
  async (mode) => {
    const silent = createServer().listen(0, "127.0.0.1");
    onTestFinished(() => void silent.close());
    await once(silent, "listening");
    const { port } = silent.address() as AddressInfo;
    const controller = new AbortController();
    const { signal } = controller;
    const reached = once(silent, "connection").then(([socket]) => once(socket, "data"));
    const opened = new Promise((resolve, reject) => {
      const settings = { host: "127.0.0.1", port, user: "u", database: "d", source: "--url", ssl: { mode } };
      const connecting = () => open({ ...settings, connectTimeout: 0 }, { applicationName: "waits", signal });
      const told = new Promise<string>((onWait) => {
        onceStarted(connecting, { onWait, signal, times: { toldAfter: 0 } }).then(resolve, reject);
      });
      Promise.all([told, reached]).then(([what]) => controller.abort(what));
    });
    await expect(opened).rejects.toBe("for PostgreSQL, which has not answered yet");
  },
);
