/** The public API: what a thin script imports from "dataform-postgres". */
export { type CompileOptions, compile } from "./compile/compile.ts";
export { parseConnectionUrl, resolveConnection } from "./config/connection.ts";
export type * from "./model/catalog.ts";
export { type ConnectionSettings, connectionUrl } from "./model/connection.ts";
export { formatUserError, type SourceLocation, UserError, type UserErrorDetails, UserErrors } from "./model/errors.ts";
export type * from "./model/graph.ts";
export type * from "./model/plan.ts";
export type * from "./model/report.ts";
export { type Target, targetKey } from "./model/target.ts";
export { type PlanOptions, plan } from "./plan/plan.ts";
export { readCatalog } from "./postgres/catalog.ts";
export { type Client, connect, withClient, withTransaction } from "./postgres/client.ts";
export type { RunEvents } from "./run/context.ts";
export { publicTargets, type RunOptions, run } from "./run/run.ts";
export { runUnitTests, type UnitTestReport } from "./run/unit-tests.ts";
