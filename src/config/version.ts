import { readFileSync } from "node:fs";

/** Of this program, as package.json has it, and of Node what it needs: `>=20.19`. */
export const {
  version: VERSION,
  engines: { node: NODE_NEEDED },
} = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as {
  readonly version: string;
  readonly engines: { readonly node: string };
};
