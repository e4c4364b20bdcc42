// For a thread that runs a program which cannot wait in JavaScript's way: compiled ones read and write and are blocked
// meanwhile. Plain CommonJS, as the thread's own file.
"use strict";
const { receiveMessageOnPort } = require("node:worker_threads");

/**
 * Blocks this thread until its port has a message. Whoever posts adds one to `arrived` after each, and notifies; ends with the
 * thread, which whoever started it can end.
 * @param {import("node:worker_threads").MessagePort} port
 * @param {Int32Array} arrived shared
 */
function nextMessage(port, arrived) {
  for (;;) {
    const seen = Atomics.load(arrived, 0);
    const received = receiveMessageOnPort(port);
    if (received) return received.message;
    Atomics.wait(arrived, 0, seen);
  }
}

module.exports = { nextMessage };
