#!/usr/bin/env node
import { setFlagsFromString } from "node:v8";
import { hearUnattended } from "../dist/cli/unattended.js";
import { OPTIMIZE_LATER } from "../dist/model/optimizing.js";

const atWork = hearUnattended(process.argv.slice(2));
for (const flag of OPTIMIZE_LATER) setFlagsFromString(flag);
await import("../dist/cli/main.js");
atWork();
