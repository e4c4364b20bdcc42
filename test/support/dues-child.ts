import { parentPort } from "node:worker_threads";
import { type AskedDues, hashOfDues } from "./dues-hash.ts";

/** Answers what it is asked, one after the other. */
parentPort!.on("message", (asked: AskedDues) => parentPort!.postMessage(hashOfDues(asked)));
