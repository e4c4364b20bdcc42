// What Node says from 21 on. Without it the driver makes a Response to learn where it runs: 20 ms, in which Node loads fetch.
// It asks while it is loaded: this stands in a file of its own, imported before it.
(globalThis as { navigator?: object }).navigator ??= { userAgent: `Node.js/${process.versions.node.split(".")[0]}` };
