import { render } from "preact";
import { App } from "./app.tsx";
import { ProvideProject, projectOf } from "./context.ts";
import { listen } from "./parts.ts";
import { applyTheme } from "./theme.ts";

applyTheme();
const core = listen();
const page = document.getElementById("page")!;
if (core) {
  render(
    <ProvideProject value={projectOf(core)}>
      <App />
    </ProvideProject>,
    page,
  );
} else page.textContent = "data/core.js cannot be read: it belongs beside this page";
