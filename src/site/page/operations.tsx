import type { Route } from "./route.ts";

export function OperationsPage(_: { readonly route: Route; readonly tab: string | undefined }) {
  return (
    <div class="page wide">
      <h1>Operations</h1>
    </div>
  );
}
