/** A text in which no day is broken at its hyphens. */
export function WholeDays({ text }: { readonly text: string }) {
  return text.split(/(\d{4}-\d\d-\d\d)/).map((part, at) => (at % 2 ? <span class="whole">{part}</span> : part));
}
