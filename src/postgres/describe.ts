import type { Sql } from "../sql/sql.ts";
import type { Client } from "./client.ts";

export interface Field {
  readonly name: string;
  readonly oid: number;
  readonly modifier: number;
}

/** What the driver's connection is given to do. */
interface Wire {
  parse(query: { readonly text: string }): void;
  describe(what: { readonly type: "S"; readonly name: string }): void;
  sync(): void;
}

interface Description {
  readonly fields: readonly { readonly name: string; readonly dataTypeID: number; readonly dataTypeModifier: number }[];
}

/**
 * The columns of a statement, which is read and neither planned nor run: no function in it is called.
 * @throws the server's error for a statement that it cannot read
 */
export function describeStatement(client: Client, statement: Sql): Promise<readonly Field[]> {
  const answer = () =>
    new Promise<readonly Field[]>((resolve, reject) => {
      let fields: readonly Field[] = [];
      let failed = false;
      const ignored = () => {};
      const query = {
        submit(wire: Wire) {
          wire.parse({ text: statement.toString() });
          wire.describe({ type: "S", name: "" });
          wire.sync();
        },
        handleRowDescription(description: Description) {
          fields = description.fields.map(({ name, dataTypeID, dataTypeModifier }) => ({
            name,
            oid: dataTypeID,
            modifier: dataTypeModifier,
          }));
        },
        handleError(error: Error) {
          failed = true;
          reject(error);
        },
        handleReadyForQuery() {
          if (!failed) resolve(fields);
        },
        handleDataRow: ignored,
        handlePortalSuspended: ignored,
        handleCommandComplete: ignored,
        handleEmptyQuery: ignored,
      };
      client.driver.query(query as never);
    });
  return client.watched(answer);
}
