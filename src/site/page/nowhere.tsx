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

/** The page of an address is there, and something that the address names on it is not. */
export function Gone({ what }: { readonly what: string }) {
  return (
    <p class="gone" role="status">
      There is no {what} here. It may have been renamed since the link was made, or the address is not whole.
    </p>
  );
}
