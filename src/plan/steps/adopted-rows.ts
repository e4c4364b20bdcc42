import type { ManifestEntry, PublicRelation, Storage, StorageShape } from "../../model/catalog.ts";
import type { Incremental } from "../../model/graph.ts";
import type { DeltaStep } from "../../model/plan.ts";
import { targetKey } from "../../model/target.ts";
import { lockRows, refuseRowsChanged } from "../../sql/adoption.ts";
import { relationId } from "../../sql/identifiers.ts";
import { statement } from "../../sql/statement.ts";
import { objectName, type StepContext } from "./build-step.ts";

// An incremental model whose first content is a relation of its name that the project did not make.

/** What a run that adds rows goes on from. */
export type Ground = ManifestEntry & {
  readonly storage: Storage;
  /** Of a first run: the relation whose rows the storage is made of. */
  readonly adopted?: PublicRelation;
};

const HAS_ROWS: ReadonlySet<PublicRelation["kind"]> = new Set([
  "table",
  "partitioned table",
  "materialized view",
  "foreign table",
]);

/** The relation that the model takes over with its rows; undefined where there is none. */
export function adoptedRelation(model: Incremental, { catalog, adopt }: StepContext): PublicRelation | undefined {
  const relation = catalog.relations[targetKey(model.target)];
  const hasRows = relation && (relation.unrecorded || (!relation.published && HAS_ROWS.has(relation.kind)));
  const isAdopted = (adopt || model.postgres.adopt) && hasRows;
  return isAdopted ? relation : undefined;
}

/** As if the release before had published its rows. */
export function adoptedGround(
  model: Incremental,
  context: StepContext,
  adopted: PublicRelation,
  made: StorageShape,
): Ground {
  const name = (suffix: string) => objectName(model, context, suffix);
  return {
    target: model.target,
    kind: "incremental",
    object: name("p"),
    storage: { table: name("b"), undo: name("c"), made },
    release: context.release - 1,
    fingerprint: "",
    columns: adopted.columns,
    columnDescriptions: {},
    adopted,
  };
}

/** The table that says what was there when the rows were copied. */
export function noteName(model: Incremental, context: StepContext): string {
  return objectName(model, context, "n");
}

/** What is looked at when the release is published. */
export function adoptionChecks(
  model: Incremental,
  context: StepContext,
  { kind }: PublicRelation,
): Required<Pick<DeltaStep, "note" | "locks" | "checks">> {
  const note = noteName(model, context);
  const [relation, key] = [relationId(model.target), targetKey(model.target)];
  // A foreign table or a materialized view cannot be locked.
  const isTable = kind === "table" || kind === "partitioned table";
  return {
    note,
    locks: isTable ? [statement("read", lockRows(relation, key))] : [],
    checks: [statement("read", refuseRowsChanged(note, relation, key))],
  };
}
