#!/usr/bin/env node
import { setFlagsFromString } from "node:v8";
import { OPTIMIZE_LATER } from "../dist/model/optimizing.js";

for (const flag of OPTIMIZE_LATER) setFlagsFromString(flag);
await import("../dist/cli/main.js");
