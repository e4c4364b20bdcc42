import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { keep, kept } from "./keep.ts";

/** A part of the list of pages that its reader may fold away. It stays as it was left, where the browser keeps something. */
export function Fold({ name, head, title, children }: FoldProps) {
  const [isOpen, setOpen] = useState(kept(name) !== "folded");
  const toggle = () => {
    keep(name, isOpen ? "folded" : "open");
    setOpen(!isOpen);
  };
  return (
    <section class="fold">
      <header>
        <h2>{head}</h2>
        <button
          type="button"
          aria-expanded={isOpen}
          aria-label={`${isOpen ? "Fold" : "Unfold"} ${title}`}
          title={isOpen ? "Fold" : "Unfold"}
          onClick={toggle}
        >
          <svg viewBox="0 0 12 12" width="12" height="12" aria-hidden="true">
            <path d="m3 4.5 3 3 3-3" fill="none" stroke="currentColor" stroke-width="1.5" stroke-linecap="round" />
          </svg>
        </button>
      </header>
      {isOpen && children}
    </section>
  );
}

interface FoldProps {
  /** By which it is kept. */
  readonly name: string;
  readonly head: ComponentChildren;
  readonly title: string;
  readonly children: ComponentChildren;
}
