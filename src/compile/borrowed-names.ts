import { ownValue } from "../model/own-value.ts";

// What people write in JavaScript from the habit of dbt, of SQLMesh, or of older Dataform, and what is said here instead.

const VARS = "${dataform.projectConfig.vars.name}";

const NAMES: Readonly<Record<string, string>> = {
  source:
    'a source is declared (config { type: "declaration" }, or in ingest/*.yaml) and read by ${ref("schema", "name")}',
  is_incremental: "write ${when(incremental(), `where …`)}",
  isIncremental: "write ${when(incremental(), `where …`)}",
  this_model: "write ${self()}",
  target: "the schema is that of the config; --schema-suffix and --environment tell runs apart",
  env_var: `the environment is not read; a variable of the project is: --vars name=value, and ${VARS}`,
  process: `the environment is not read; a variable of the project is: --vars name=value, and ${VARS}`,
  vars: `write ${VARS}`,
  variables: `write ${VARS}`,
  projectConfig: `write ${VARS}`,
  config: `the config is a block at the top of the file; a variable of the project is ${VARS}`,
  dbt_utils: "functions of a project stand in includes/; docs/functions.md has those that come along",
  adapter: "what is in the database is not asked while the project is compiled: write SQL, or operations",
  run_query: "what is in the database is not asked while the project is compiled: write SQL, or operations",
  statement: "what is in the database is not asked while the project is compiled: write SQL, or operations",
  publish: "publish() is of .js files in definitions/; a .sqlx file is one model",
};

/**
 * What to write instead of what is not there.
 * @param isScript where there is JavaScript already, and a placeholder would be none
 */
export function adviceFor(message: string, isScript: boolean): string | undefined {
  const advice = adviceInSql(message);
  return isScript ? advice?.replace(VARS, VARS.slice(2, -1)) : advice;
}

function adviceInSql(message: string): string | undefined {
  const missing = /^([\w$]+) is not defined$/.exec(message)?.[1];
  if (missing !== undefined) return ownValue(NAMES, missing);
  if (/^Unexpected token 'var'$/.test(message)) return `write ${VARS}`;
  if (/^Unexpected token 'this'$|^self is not a function$/.test(message)) return "write ${self()}";
  if (/^(?:publish|operate|assert|declare|test)\(\.\.\.\).* is not a function$/.test(message))
    return 'what a config says stands in the second argument: publish("name", { type: "table", … }).query(ctx => `…`)';
  return undefined;
}
