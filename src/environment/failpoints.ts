/**
 * Failpoints: every point of a run at which the program could die. Tests kill the process, its sessions and its sockets at each;
 * a point that no run reaches fails them.
 */
export const FAILPOINTS = [
  "locked",
  "fence taken",
  "run recorded",
  "schemas made",
  "before a build",
  "new rows built",
  "after a build",
  "before the audits",
  "during the audits",
  "after the audits",
  "release waits",
  "horizon passed",
  "publish begun",
  "deltas applied",
  "publish sent",
  "published",
  "before collecting",
  "object dropped",
  "collected",
  "before the report",
  "report written",
] as const;

export type Failpoint = (typeof FAILPOINTS)[number];

/** Called at each point; what it throws fails the run there. */
export type ReachFailpoint = (point: Failpoint) => Promise<void>;
