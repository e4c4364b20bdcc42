import type { UserErrorDetails } from "../model/errors.ts";

type Annotated = Pick<UserErrorDetails, "message" | "location" | "hint">;

/** `::error …` lines that GitHub Actions shows beside the file; none elsewhere. */
export function githubAnnotations(
  env: Readonly<Record<string, string | undefined>>,
  errors: readonly Annotated[],
): string[] {
  if (env.GITHUB_ACTIONS !== "true") return [];
  return errors.map(({ message, location, hint }) => {
    const properties = Object.entries({ file: location?.file, line: location?.line, col: location?.column })
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => `${name}=${escapeProperty(String(value))}`);
    return `::error ${properties.join(",")}::${escapeData(hint ? `${message} (${hint})` : message)}`;
  });
}

function escapeData(text: string): string {
  return text.replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
}

function escapeProperty(text: string): string {
  return escapeData(text).replaceAll(":", "%3A").replaceAll(",", "%2C");
}
