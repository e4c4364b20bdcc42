// The page of `dataform serve` on which endpoints are read and tried: Swagger UI, as its package for Fastify has it, without the
// parts that it does not need.
import { copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const from = join(root, "node_modules/@fastify/swagger-ui");
const out = join(root, process.argv[2] ?? "dist/swagger");

mkdirSync(out, { recursive: true });
for (const name of ["swagger-ui-bundle.js", "swagger-ui.css", "favicon-32x32.png"])
  copyFileSync(join(from, "static", name), join(out, name));
copyFileSync(join(from, "LICENSE"), join(out, "LICENSE.txt"));

writeFileSync(
  join(out, "index.html"),
  `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Endpoints</title>
<link rel="icon" href="favicon-32x32.png">
<link rel="stylesheet" href="swagger-ui.css">
</head>
<body>
<div id="endpoints"></div>
<script src="swagger-ui-bundle.js"></script>
<script src="start.js"></script>
</body>
</html>
`,
);
writeFileSync(
  join(out, "start.js"),
  `SwaggerUIBundle({
  url: "../openapi.json",
  dom_id: "#endpoints",
  deepLinking: true,
  docExpansion: "list",
  defaultModelsExpandDepth: -1,
  displayRequestDuration: true,
  tryItOutEnabled: true,
  validatorUrl: null,
});
`,
);
