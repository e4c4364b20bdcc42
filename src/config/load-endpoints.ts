import type { Static } from "typebox";
import type { serveSchema } from "../schemas/serve.ts";
import { SERVE } from "./project-folders.ts";
import { type DeclaredFile, type DeclaredFiles, readYamlFolder } from "./yaml-folder.ts";

type WrittenApi = Static<typeof serveSchema>;
export type WrittenEndpoint = WrittenApi["endpoints"][number];
export type WrittenParameter = NonNullable<WrittenEndpoint["parameters"]>[string];
export type ApiFile = DeclaredFile<WrittenApi>;
export type ApiFiles = DeclaredFiles<WrittenApi>;

/** What says how the server itself is: no declaration of endpoints. */
export const SERVER_FILE = "server.yaml";

/** Reads every `serve/*.yaml`. What is wrong with one does not keep the others from being read. */
export function readApis(projectDir: string): ApiFiles {
  return readYamlFolder(projectDir, { folder: SERVE, schema: "serve", what: "API", except: [SERVER_FILE] });
}
