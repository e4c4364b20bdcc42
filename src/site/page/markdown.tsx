import MarkdownIt from "markdown-it";

/** HTML in it stays text; links lead to pages and into the site only, so that a description cannot run anything. */
const markdown = new MarkdownIt({ html: false, linkify: false });
markdown.validateLink = (url) => /^(?:https?:|mailto:|#)/i.test(url);
markdown.disable("image");

export function Markdown({ text }: { readonly text: string }) {
  return <div class="markdown" dangerouslySetInnerHTML={{ __html: markdown.render(text) }} />;
}

/** One paragraph among others of a table. */
export function Inline({ text }: { readonly text: string }) {
  if (!MARKED.test(text)) return <>{text}</>;
  return <span class="inline" dangerouslySetInnerHTML={{ __html: markdown.renderInline(text) }} />;
}

const MARKED = /[`*_[\\&<]/;

/** Where no mark can stand, as in what is a link itself: `code` and **words** as words. */
export const unmarked = (text: string): string => text.replace(/`([^`]+)`|\*\*([^*]+)\*\*/g, "$1$2");
