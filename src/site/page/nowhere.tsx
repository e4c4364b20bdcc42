export function Nowhere({ what }: { readonly what: string }) {
  return (
    <div class="page">
      <h1>Not here</h1>
      <p class="lead">
        This site has no {what.replace(/^an? /, "")}. It may have been renamed since the link was made.
      </p>
      <p>
        <a href="#/">All there is</a>, or press <kbd>/</kbd> to search.
      </p>
    </div>
  );
}
