import { type TSchema, Type } from "typebox";
import { anyText, closed, duration, text as filledText, mapOf, oneOf } from "./words.ts";

/** A setting that says nothing here: told, and ignored. */
const ignored = (meaning: string) =>
  Type.Optional(
    Type.Unknown({ deprecated: true, description: `has no meaning here and is ignored: it is ${meaning}` }),
  );
/** A setting that Dataform's core would refuse: it is given the others. */
const withheld = <Schema extends TSchema>(setting: Schema): Schema => Object.assign(setting, { "x-withheld": true });

const text = (description: string) => Type.Optional(anyText(description));

const count = (least: number, description: string) => Type.Optional(Type.Integer({ minimum: least, description }));
const time = (description: string) => Type.Optional(duration(description));

export const retentionBlock = closed(
  {
    releases: count(1, "releases that are kept at least to go back to, the current one included; 2"),
    releasesFor: time("how long a release is kept at least; 1h"),
    runs: count(
      1,
      "runs that are remembered at most, with their steps: of each line of schedules.yaml, and of those besides; 1000",
    ),
    runsFor: time("how long a run is remembered at most; 90d"),
    failingRows: count(
      0,
      "rows of a failed assertion that are fetched, shown and kept with the run; 100. 0 where they must be seen nowhere",
    ),
    failingRowsFor: time("how long they are kept at most; 7d"),
  },
  "what is kept of the past",
);

const project = withheld(
  Type.Optional(
    filledText(
      "the project's name, recorded with the environments it publishes; the name in package.json where it is not set",
    ),
  ),
);

/** A text, or where the environment has it. */
const variable = Type.Unsafe<string | { readonly env: string; readonly default?: string }>({
  type: ["string", "object"],
  properties: {
    env: filledText("the environment variable that has the text: in the environment or in .env"),
    default: anyText("the text where that variable is not set"),
  },
  required: ["env"],
  additionalProperties: false,
  description: 'in quotes: "3", not 3; or { env: NAME, default: "3" }',
});

const shared = {
  vars: Type.Optional(
    mapOf(variable, "texts for ${dataform.projectConfig.vars.name}; --vars name=value overrides them"),
  ),
  builtinAssertionNamePrefix: text("what the names of assertions begin with that a model's config makes"),
  disableAssertions: Type.Optional(Type.Boolean({ description: "whether all assertions are left out" })),
  retention: withheld(Type.Optional(retentionBlock)),
  includeTestsInCompiledGraph: ignored("of Dataform's own graph"),
  defaultLocation: ignored("of BigQuery"),
  defaultNotebookRuntimeOptions: ignored("of BigQuery"),
  defaultIcebergConfig: ignored("of BigQuery"),
  defaultReservation: ignored("of BigQuery"),
  preserveGovernanceControls: ignored("of BigQuery"),
};

/** `dataform.json` */
export const dataformJson = closed(
  {
    project,
    warehouse: Type.Optional(oneOf(["postgres"], "what the SQL of the project is written for")),
    defaultSchema: text("schema of models that name none; dataform where it is not set"),
    assertionSchema: text("schema in the names of assertions; defaultSchema where it is not set"),
    schemaSuffix: text("what every schema ends with, behind a _"),
    tablePrefix: text("what every name begins with, before a _"),
    ...shared,
    defaultDatabase: text("what ${database()} gives; the database itself is the one that is connected to"),
    databaseSuffix: ignored("of BigQuery"),
    concurrentQueryLimit: withheld(count(1, "how many models are built at once, as run --concurrency; 4")),
    idempotentActionRetries: withheld(
      count(0, "how often a run does again what PostgreSQL refuses, as run --action-retry-limit; 0"),
    ),
    useRunCache: withheld(ignored("of Dataform 2")),
    gcloudProjectId: withheld(ignored("of Dataform 2")),
  },
  "the settings of a project",
);

/** `workflow_settings.yaml` */
export const workflowSettings = closed(
  {
    project,
    warehouse: withheld(Type.Optional(oneOf(["postgres"], "what the SQL of the project is written for"))),
    defaultDataset: text("schema of models that name none; dataform where it is not set"),
    defaultAssertionDataset: text("schema in the names of assertions; defaultDataset where it is not set"),
    lineage: withheld(ignored("of Google's catalogue; notifications.yaml sends OpenLineage")),
    datasetSuffix: text("what every schema ends with, behind a _"),
    namePrefix: text("what every name begins with, before a _"),
    ...shared,
    dataformCoreVersion: withheld(ignored("of Dataform: the version in package.json compiles")),
    defaultProject: ignored("of BigQuery"),
    projectSuffix: ignored("of BigQuery"),
    extension: ignored("of Dataform"),
  },
  "the settings of a project, by the names of Dataform 3",
);
