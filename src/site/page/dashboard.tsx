import { useProject } from "./context.ts";
import { Nowhere } from "./nowhere.tsx";
import type { Route } from "./route.ts";

export function DashboardPage({ name }: { readonly route: Route; readonly name: string }) {
  const dashboard = useProject().core.dashboards.find((one) => one.name === name);
  if (!dashboard) return <Nowhere what={`a dashboard “${name}”`} />;
  return (
    <div class="page wide">
      <h1>{dashboard.title}</h1>
    </div>
  );
}
