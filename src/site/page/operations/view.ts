import type { OperationsData } from "../../../model/operations.ts";
import type { Route } from "../route.ts";

export interface ViewProps {
  readonly data: OperationsData;
  readonly route: Route;
}
