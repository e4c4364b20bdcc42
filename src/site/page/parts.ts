import type { SiteCore } from "../../model/site.ts";

/** What the files of `data/` hand over: each a name and a value. */
type Part = readonly [name: string, value: unknown];

declare global {
  var dataformParts: Part[] | { push(part: Part): void } | undefined;
}

const arrived = new Map<string, unknown>();
const awaited = new Map<string, (value: unknown) => void>();

function take([name, value]: Part): void {
  arrived.set(name, value);
  awaited.get(name)?.(value);
  awaited.delete(name);
}

/** Takes what scripts before this one handed over, and from now on what each hands over. */
export function listen(): SiteCore | undefined {
  const before = globalThis.dataformParts;
  globalThis.dataformParts = { push: take };
  if (Array.isArray(before)) before.forEach(take);
  return arrived.get("core") as SiteCore | undefined;
}

const asked = new Map<string, Promise<unknown>>();

/** A part, loaded the first time that it is asked for: a script, because from disk nothing else can be read. */
export function load<T>(name: string): Promise<T> {
  const known = asked.get(name);
  if (known) return known as Promise<T>;
  const loading = new Promise<unknown>((resolve, reject) => {
    if (arrived.has(name)) return resolve(arrived.get(name));
    awaited.set(name, resolve);
    const script = document.createElement("script");
    script.src = `data/${name}.js`;
    script.onerror = () => {
      asked.delete(name);
      reject(new Error(`data/${name}.js cannot be read: it belongs beside this page`));
    };
    document.head.append(script);
  });
  asked.set(name, loading);
  return loading as Promise<T>;
}

/** A script of the page itself that not every page needs. */
export function loadScript(file: string): Promise<void> {
  const known = asked.get(file);
  if (known) return known as Promise<void>;
  const loading = new Promise<void>((resolve, reject) => {
    const script = document.createElement("script");
    script.src = file;
    script.onload = () => resolve();
    script.onerror = () => reject(new Error(`${file} cannot be read: it belongs beside this page`));
    document.head.append(script);
  });
  asked.set(file, loading);
  return loading;
}
