import { useState } from "preact/hooks";

/** Hands the address of the page out, with all that is chosen on it. */
export function CopyLink() {
  const [told, tell] = useState<"copied" | "by hand">();
  const copy = async () => {
    const done = await navigator.clipboard?.writeText(location.href).then(
      () => true,
      () => false,
    );
    tell(done ? "copied" : "by hand");
  };
  return (
    <span class="copy" onFocusOut={() => tell(undefined)}>
      <button type="button" title="Copy the link to this page, with what is chosen on it" onClick={() => void copy()}>
        <LinkIcon /> <span class="copy-word">{told === "copied" ? "Copied" : "Copy link"}</span>
      </button>
      <span role="status" class={told ? "copy-told" : "unseen"}>
        {told === "copied" ? <>The link is copied. {reach()}</> : told ? "The link stands in the address bar." : ""}
      </span>
    </span>
  );
}

/** Who can follow the link: an address of this machine leads nobody else here. */
function reach() {
  if (location.protocol === "file:")
    return "It is a file of this machine: put the folder where others can open it, and hand on the link from there.";
  if (/^(?:127\.|localhost$|\[?::1)/.test(location.hostname))
    return (
      <>
        It leads here on this machine only: <code>dataform site build</code> writes the same pages as a folder to hand
        on.
      </>
    );
  return "";
}

function LinkIcon() {
  return (
    <svg viewBox="0 0 20 20" width="16" height="16" aria-hidden="true">
      <path
        d="M8.5 11.5a3 3 0 0 0 4.3 0l3-3a3 3 0 0 0-4.3-4.3l-1.2 1.2M11.5 8.5a3 3 0 0 0-4.3 0l-3 3a3 3 0 0 0 4.3 4.3l1.2-1.2"
        fill="none"
        stroke="currentColor"
        stroke-width="1.6"
        stroke-linecap="round"
      />
    </svg>
  );
}
