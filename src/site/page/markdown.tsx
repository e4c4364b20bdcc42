import MarkdownIt from "markdown-it";

/** HTML in it stays text; links lead to pages and into the site only, so that a description cannot run anything. */
const markdown = new MarkdownIt({ html: false, linkify: false });
markdown.validateLink = (url) => /^(?:https?:|mailto:|#)/i.test(url);
markdown.disable("image");

export function Markdown({ text }: { readonly text: string }) {
  return <div class="markdown" dangerouslySetInnerHTML={{ __html: markdown.render(text) }} />;
}
