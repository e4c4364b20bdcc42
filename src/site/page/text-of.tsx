import type { ComponentChildren } from "preact";
import type { SiteTexts } from "../../model/site.ts";
import { usePart } from "./context.ts";
import { Awaited } from "./pieces.tsx";

interface TextOfProps {
  readonly part: string;
  readonly name: string;
  readonly show: (text: string) => ComponentChildren;
}

/** A text that is kept beside those of others, loaded when it is looked at. */
export function TextOf({ part, name, show }: TextOfProps) {
  const texts = usePart<SiteTexts>(part);
  if (!texts) return null;
  return <Awaited part={texts}>{(value) => show(value.find(([one]) => one === name)?.[1] ?? "")}</Awaited>;
}
