import { Type } from "typebox";
import { anyText, closed, mapOf, oneOf } from "./words.ts";

/** A setting that says nothing here: told, and ignored. */
const ignored = (meaning: string) =>
  Type.Optional(
    Type.Unknown({ deprecated: true, description: `has no meaning here and is ignored: it is ${meaning}` }),
  );
const text = (description: string) => Type.Optional(anyText(description));

const shared = {
  vars: Type.Optional(
    mapOf(
      anyText('in quotes: "3", not 3'),
      "texts for ${dataform.projectConfig.vars.name}; --vars name=value overrides them",
    ),
  ),
  builtinAssertionNamePrefix: text("what the names of assertions begin with that a model's config makes"),
  disableAssertions: Type.Optional(Type.Boolean({ description: "whether all assertions are left out" })),
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
    warehouse: Type.Optional(oneOf(["postgres"], "what the SQL of the project is written for")),
    defaultSchema: text("schema of models that name none; dataform where it is not set"),
    assertionSchema: text("schema in the names of assertions; defaultSchema where it is not set"),
    schemaSuffix: text("what every schema ends with, behind a _"),
    tablePrefix: text("what every name begins with, before a _"),
    ...shared,
    defaultDatabase: ignored("of BigQuery"),
    databaseSuffix: ignored("of BigQuery"),
    concurrentQueryLimit: ignored("of Dataform 2: run --concurrency says how many models are built at once"),
    idempotentActionRetries: ignored("of Dataform 2"),
    useRunCache: ignored("of Dataform 2"),
    gcloudProjectId: ignored("of Dataform 2"),
  },
  "the settings of a project",
);

/** `workflow_settings.yaml` */
export const workflowSettings = closed(
  {
    defaultDataset: text("schema of models that name none; dataform where it is not set"),
    defaultAssertionDataset: text("schema in the names of assertions; defaultDataset where it is not set"),
    datasetSuffix: text("what every schema ends with, behind a _"),
    namePrefix: text("what every name begins with, before a _"),
    ...shared,
    dataformCoreVersion: ignored("of Dataform: the version in package.json compiles"),
    defaultProject: ignored("of BigQuery"),
    projectSuffix: ignored("of BigQuery"),
    extension: ignored("of Dataform"),
  },
  "the settings of a project, by the names of Dataform 3",
);
